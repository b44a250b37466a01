//! One fault: `faults/ID/fault.toml` says what it breaks, `faults/ID/fault.patch` breaks it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, ensure};
use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};
use serde::Deserialize;

use crate::catalogue::{Catalogue, LAYERS};
use crate::engine;
use crate::profile::Profile;

/// A planted bug that some engine must see.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// The name of its folder.
    pub(crate) id: String,
    pub(crate) about: About,
    patch: String,
}

/// What the file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// The contract that it breaks: a test with this id must turn red.
    pub(crate) contract: String,
    /// Who breaks it.
    layer: String,
    /// The engines that must see it.
    pub(crate) engines: Vec<String>,
    /// What happens to a user, in one sentence.
    #[expect(dead_code, reason = "for the reader of the file, who must be told")]
    why: String,
    /// Other contracts whose tests are run too, because they see it.
    #[serde(default)]
    also: Vec<String>,
}

impl Fault {
    /// Whether a test with these contracts in its name is run.
    pub(crate) fn concerns(&self, contracts: &[String]) -> bool {
        contracts
            .iter()
            .any(|id| *id == self.about.contract || self.about.also.contains(id))
    }

    /// The files that it changes, by their path from the root of the checkout, as they are then.
    ///
    /// An error means that the code is not what it was when the fault was written.
    pub(crate) fn apply(&self, root: &Path) -> Result<BTreeMap<String, String>> {
        let mut changed = BTreeMap::new();
        for file in PatchSet::parse(&self.patch, ParseOptions::gitdiff()) {
            let file = file.map_err(|error| anyhow!("fault.patch is no patch of git: {error}"))?;
            let operation = file.operation().strip_prefix(1);
            let FileOperation::Modify { modified, .. } = operation else {
                return Err(anyhow!("fault.patch does more than change files"));
            };
            let text = fs::read_to_string(root.join(modified.as_ref()))
                .with_context(|| format!("cannot read {modified}"))?;
            let patch = file.patch().as_text().context("fault.patch is not text")?;
            let text =
                diffy::apply(&text, patch).map_err(|error| anyhow!("{modified}: {error}"))?;
            changed.insert(modified.into_owned(), text);
        }
        ensure!(!changed.is_empty(), "fault.patch changes nothing");
        Ok(changed)
    }
}

/// Loads all faults, in the order of their names.
pub(crate) fn load(dir: &Path, catalogue: &Catalogue) -> Result<Vec<Fault>> {
    let entries =
        fs::read_dir(dir).with_context(|| format!("cannot read the folder {}", dir.display()))?;
    let mut faults = Vec::new();
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let id = entry.file_name().to_string_lossy().into_owned();
        faults.push(read(&entry.path(), &id, catalogue).with_context(|| format!("faults/{id}"))?);
    }
    ensure!(!faults.is_empty(), "{} holds no fault", dir.display());
    faults.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(faults)
}

fn read(dir: &Path, id: &str, catalogue: &Catalogue) -> Result<Fault> {
    let text = |name: &str| {
        fs::read_to_string(dir.join(name)).with_context(|| format!("cannot read {name}"))
    };
    let about: About = toml::from_str(&text("fault.toml")?)
        .map_err(|error| anyhow!("fault.toml: {}", error.message().trim().replace('\n', " ")))?;
    for contract in about.also.iter().chain([&about.contract]) {
        ensure!(
            catalogue.contains(contract),
            "{contract} is not in the catalogue"
        );
    }
    ensure!(
        LAYERS.contains(&about.layer.as_str()),
        "unknown layer `{}`; use {}",
        about.layer,
        LAYERS.join(", ")
    );
    ensure!(!about.engines.is_empty(), "name an engine that must see it");
    for engine in engine::select(&about.engines)? {
        ensure!(
            engine.named_tests(Profile::Quick).is_some(),
            "engine {} cannot be asked about faults so far; use loom or shuttle",
            engine.name()
        );
    }
    Ok(Fault {
        id: id.to_owned(),
        about,
        patch: text("fault.patch")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    const PATCH: &str = "diff --git a/src/lib.rs b/src/lib.rs\n--- a/src/lib.rs\n+++ b/src/lib.rs\n\
                         @@ -1,3 +1,2 @@\n one\n-two\n three\n";

    fn fault(patch: &str) -> Fault {
        let about =
            "contract = \"REQ-04\"\nlayer = \"native\"\nengines = [\"loom\"]\nwhy = \"x\"\n";
        Fault {
            id: "x".to_owned(),
            about: toml::from_str(about).unwrap(),
            patch: patch.to_owned(),
        }
    }

    #[test]
    fn a_fault_changes_what_it_names_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("src/lib.rs");
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(&file, "zero\none\ntwo\nthree\n").unwrap();
        let changed = fault(PATCH).apply(dir.path()).unwrap();
        assert_eq!(changed["src/lib.rs"], "zero\none\nthree\n");
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 4);
        fs::write(&file, "one\n2\nthree\n").unwrap();
        let error = format!("{:#}", fault(PATCH).apply(dir.path()).unwrap_err());
        assert!(error.starts_with("src/lib.rs: "), "{error}");
        assert!(fault("").apply(dir.path()).is_err());
    }

    #[test]
    fn the_tests_of_the_contracts_that_it_names_are_run() {
        let mut fault = fault("");
        fault.about.also.push("EVT-02".to_owned());
        let concerns = |id: &str| fault.concerns(&["REQ-07".to_owned(), id.to_owned()]);
        assert!(concerns("REQ-04") && concerns("EVT-02"));
        assert!(!concerns("REQ-05"));
    }

    /// A fault that does not apply checks nothing: whoever changes the code changes its faults.
    #[test]
    fn every_fault_of_this_project_applies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let workspace = Workspace::at(&root);
        let catalogue = Catalogue::load(&workspace.path("contracts")).unwrap();
        let stale: Vec<String> = load(&workspace.path("faults"), &catalogue)
            .unwrap()
            .iter()
            .filter_map(|fault| {
                let error = fault.apply(&root).err()?;
                Some(format!("faults/{}: {error:#}", fault.id))
            })
            .collect();
        assert!(stale.is_empty(), "{}", stale.join("\n"));
    }
}
