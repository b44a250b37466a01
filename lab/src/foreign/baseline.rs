//! Findings of an earlier run, which `--baseline` reads from its `results.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// Findings that are known and not red: tests by signature.
#[derive(Debug, Clone, Default)]
pub(super) struct Baseline(BTreeMap<String, BTreeSet<String>>);

/// The part of a run's results that counts here.
#[derive(Deserialize)]
struct Earlier {
    findings: Vec<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    signature: String,
    tests: BTreeSet<String>,
}

impl Baseline {
    /// Reads the results of a run.
    pub(super) fn read(path: &Path) -> Result<Baseline> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the baseline {}", path.display()))?;
        let earlier: Earlier = serde_json::from_str(&text)
            .with_context(|| format!("{} is no results.json of `cgolab run`", path.display()))?;
        let findings = earlier.findings.into_iter();
        Ok(Baseline(
            findings.map(|it| (it.signature, it.tests)).collect(),
        ))
    }

    /// Reports whether it has a finding of this signature, with all of these tests.
    pub(super) fn has(&self, signature: &str, tests: &[String]) -> bool {
        let known = self.0.get(signature);
        known.is_some_and(|known| tests.iter().all(|it| known.contains(it)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::foreign::module::Module;
    use crate::foreign::outcome::{Folded, Outcome};

    /// A baseline of these findings.
    pub(in crate::foreign) fn of(findings: &[Folded]) -> Baseline {
        let tests = |it: &Folded| it.tests.iter().cloned().collect();
        let signed = findings.iter().map(|it| (it.signature.clone(), tests(it)));
        Baseline(signed.collect())
    }

    #[test]
    fn results_of_a_run_are_a_baseline_and_other_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        fs::write(
            &path,
            serde_json::to_string(&Outcome::new(&Module::default())).unwrap(),
        )
        .unwrap();
        assert!(Baseline::read(&path).unwrap().0.is_empty());
        fs::write(&path, "{}").unwrap();
        assert!(format!("{:#}", Baseline::read(&path).unwrap_err()).contains("no results.json"));
    }
}
