//! Findings of an earlier run, which `--baseline` reads from its `results.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// Signatures that are known and not red.
#[derive(Debug, Clone, Default)]
pub(super) struct Baseline(BTreeSet<String>);

/// The part of a run's results that counts here.
#[derive(Deserialize)]
struct Earlier {
    findings: Vec<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    signature: String,
}

impl Baseline {
    /// Reads the results of a run.
    pub(super) fn read(path: &Path) -> Result<Baseline> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the baseline {}", path.display()))?;
        let earlier: Earlier = serde_json::from_str(&text)
            .with_context(|| format!("{} is no results.json of `cgolab run`", path.display()))?;
        Ok(Baseline::of(
            earlier.findings.into_iter().map(|it| it.signature),
        ))
    }

    /// A baseline of these signatures.
    pub(super) fn of(signatures: impl IntoIterator<Item = String>) -> Baseline {
        Baseline(signatures.into_iter().collect())
    }

    /// Reports whether a finding is in it.
    pub(super) fn has(&self, signature: &str) -> bool {
        self.0.contains(signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::module::Module;
    use crate::foreign::outcome::Outcome;

    #[test]
    fn results_of_a_run_are_a_baseline_and_other_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        fs::write(
            &path,
            serde_json::to_string(&Outcome::new(&Module::default())).unwrap(),
        )
        .unwrap();
        assert!(!Baseline::read(&path).unwrap().has("x"));
        let one = Baseline::of(["x".to_owned()]);
        assert!(one.has("x") && !one.has("y"));
        fs::write(&path, "{}").unwrap();
        assert!(format!("{:#}", Baseline::read(&path).unwrap_err()).contains("no results.json"));
    }
}
