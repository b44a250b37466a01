//! One fault: `faults/ID/fault.toml` says what it breaks, `faults/ID/fault.patch` breaks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, ensure};
use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};
use serde::Deserialize;
use toml::Spanned;

use crate::host::toml::{line_of, message};
use crate::subject::catalogue::Catalogue;

/// Places of a mistake, in the order in which faults are planted.
pub(crate) const LAYERS: [&str; 5] = ["native", "abi", "go", "header", "build"];

/// The two files of a fault.
pub(super) const ABOUT: &str = "fault.toml";
pub(super) const PATCH: &str = "fault.patch";

/// A planted bug that some engine must see.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// The name of its folder.
    pub(crate) id: String,
    /// The contract that it breaks: a check of this one must turn red.
    pub(crate) contract: String,
    /// Place of the mistake: one of [`LAYERS`].
    pub(crate) layer: &'static str,
    /// The engines that must see it.
    pub(crate) engines: Vec<String>,
    /// Other contracts whose checks are run too, because they see it.
    pub(crate) also: Vec<String>,
    /// A watchdog has to end it, which takes a minute.
    pub(crate) hangs: bool,
    pub(crate) patch: String,
}

/// Text of `fault.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    contract: Spanned<String>,
    layer: Spanned<String>,
    engines: Spanned<Vec<Spanned<String>>>,
    /// The consequence for a user, in one sentence.
    why: Spanned<String>,
    #[serde(default)]
    also: Vec<Spanned<String>>,
    #[serde(default)]
    hangs: bool,
}

impl Fault {
    /// The contracts whose checks are run.
    pub(crate) fn contracts(&self) -> BTreeSet<String> {
        self.also.iter().chain([&self.contract]).cloned().collect()
    }

    /// The files that it changes, by their path from the root of the checkout, as they are then.
    ///
    /// An error means that the code is not what it was when the fault was written.
    pub(crate) fn apply(&self, root: &Path) -> Result<BTreeMap<String, String>> {
        let mut changed = BTreeMap::new();
        for file in PatchSet::parse(&self.patch, ParseOptions::gitdiff()) {
            let file = file.map_err(|error| anyhow!("{PATCH} is no patch of git: {error}"))?;
            let path = changed_path(&file.operation().strip_prefix(1))?;
            let text = fs::read_to_string(root.join(&path))
                .with_context(|| format!("cannot read {path}"))?;
            let patch = file
                .patch()
                .as_text()
                .with_context(|| format!("{PATCH} is not text"))?;
            let text = diffy::apply(&text, patch).map_err(|error| anyhow!("{path}: {error}"))?;
            changed.insert(path, text);
        }
        ensure!(!changed.is_empty(), "{PATCH} changes nothing");
        Ok(changed)
    }

    /// The files that it names, by their path from the root of the checkout.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        PatchSet::parse(&self.patch, ParseOptions::gitdiff())
            .map(|file| {
                let file = file.map_err(|error| anyhow!("{PATCH} is no patch of git: {error}"))?;
                changed_path(&file.operation().strip_prefix(1))
            })
            .collect()
    }
}

fn changed_path(operation: &FileOperation<'_, str>) -> Result<String> {
    match operation {
        FileOperation::Modify { modified, .. } => Ok(modified.to_string()),
        _ => Err(anyhow!("{PATCH} does more than change files")),
    }
}

/// Loads all faults, in the order of their names. `engines` are the names that a fault may give.
pub(crate) fn load(dir: &Path, catalogue: &Catalogue, engines: &[&str]) -> Result<Vec<Fault>> {
    let entries = fs::read_dir(dir).context(
        "cannot read the folder faults/: make one with a folder for each bug, with fault.toml and fault.patch",
    )?;
    let mut faults = Vec::new();
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let id = entry.file_name().to_string_lossy().into_owned();
        faults.push(read(&entry.path(), id, catalogue, engines)?);
    }
    ensure!(!faults.is_empty(), "{} holds no fault", dir.display());
    faults.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(faults)
}

fn read(dir: &Path, id: String, catalogue: &Catalogue, engines: &[&str]) -> Result<Fault> {
    let text = |name: &str| {
        fs::read_to_string(dir.join(name))
            .with_context(|| format!("cannot read faults/{id}/{name}"))
    };
    let source = text(ABOUT)?;
    let wrong = |at: Option<Range<usize>>, key: &str, what: &str| {
        let line = line_of(&source, at);
        let key = if key.is_empty() {
            String::new()
        } else {
            format!("{key}: ")
        };
        anyhow!("faults/{id}/{ABOUT}:{line}: {key}{what}")
    };
    let about: About =
        toml::from_str(&source).map_err(|error| wrong(error.span(), "", &message(&error)))?;
    let keyed = about.also.iter().map(|contract| ("also", contract));
    for (key, contract) in keyed.chain([("contract", &about.contract)]) {
        if !catalogue.contains(contract.get_ref()) {
            let what = format!("{} is not in the catalogue", contract.get_ref());
            return Err(wrong(Some(contract.span()), key, &what));
        }
    }
    let layer = LAYERS.iter().find(|layer| *layer == about.layer.get_ref());
    let layer = layer.ok_or_else(|| {
        let what = format!(
            "`{}` is no layer; use {}",
            about.layer.get_ref(),
            LAYERS.join(", ")
        );
        wrong(Some(about.layer.span()), "layer", &what)
    })?;
    if about.engines.get_ref().is_empty() {
        let what = "name an engine that must see it";
        return Err(wrong(Some(about.engines.span()), "engines", what));
    }
    for engine in about.engines.get_ref() {
        if !engines.contains(&engine.get_ref().as_str()) {
            let what = format!(
                "`{}` is no engine; use {}",
                engine.get_ref(),
                engines.join(", ")
            );
            return Err(wrong(Some(engine.span()), "engines", &what));
        }
    }
    if about.why.get_ref().trim().is_empty() {
        let what = "say in a sentence what happens to a user";
        return Err(wrong(Some(about.why.span()), "why", what));
    }
    let strings = |list: Vec<Spanned<String>>| list.into_iter().map(Spanned::into_inner).collect();
    Ok(Fault {
        contract: about.contract.into_inner(),
        layer,
        engines: strings(about.engines.into_inner()),
        also: strings(about.also),
        hangs: about.hangs,
        patch: text(PATCH)?,
        id,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::Subject;
    use crate::host::workspace::Workspace;

    const PATCH_TEXT: &str = "diff --git a/src/lib.rs b/src/lib.rs\n--- a/src/lib.rs\n\
                              +++ b/src/lib.rs\n@@ -1,3 +1,2 @@\n one\n-two\n three\n";

    pub(in crate::faults) fn fault(id: &str, layer: &'static str, engines: &[&str]) -> Fault {
        Fault {
            id: id.to_owned(),
            contract: "REQ-04".to_owned(),
            layer,
            engines: engines.iter().map(|name| (*name).to_owned()).collect(),
            also: Vec::new(),
            hangs: false,
            patch: PATCH_TEXT.to_owned(),
        }
    }

    #[test]
    fn a_fault_changes_what_it_names_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("src/lib.rs");
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(&file, "zero\none\ntwo\nthree\n").unwrap();
        let mut fault = fault("x", "native", &["loom"]);
        let changed = fault.apply(dir.path()).unwrap();
        assert_eq!(changed["src/lib.rs"], "zero\none\nthree\n");
        assert_eq!(fault.files().unwrap(), ["src/lib.rs"]);
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 4);
        fs::write(&file, "one\n2\nthree\n").unwrap();
        let error = format!("{:#}", fault.apply(dir.path()).unwrap_err());
        assert!(error.starts_with("src/lib.rs: "), "{error}");
        fault.patch.clear();
        assert!(fault.apply(dir.path()).is_err());
    }

    #[test]
    fn a_bad_file_is_refused_with_line_and_key() {
        let dir = tempfile::tempdir().unwrap();
        let contracts = dir.path().join("contracts");
        fs::create_dir(&contracts).unwrap();
        let contract = "title = \"x\"\n[[contract]]\nid = \"REQ-04\"\nsentence = \"x\"\n\
                        layer = [\"native\"]\nsource = []\nclaimed = [\"loom\"]\nplanned = []\n";
        fs::write(contracts.join("req.toml"), contract).unwrap();
        let catalogue = Catalogue::load(&contracts).unwrap();
        let folder = dir.path().join("faults/bad");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(PATCH), PATCH_TEXT).unwrap();
        let good = "contract = \"REQ-04\"\nlayer = \"go\"\nengines = [\n  \"loom\",\n]\n\
                    why = \"x\"\nalso = []\n";
        let loaded = |text: &str| {
            fs::write(folder.join(ABOUT), text).unwrap();
            let loaded = load(&dir.path().join("faults"), &catalogue, &["loom", "go"]);
            loaded.map_err(|error| format!("{error:#}"))
        };
        assert_eq!(loaded(good).unwrap()[0].layer, "go");
        for (from, to, says) in [
            (
                "REQ-04",
                "REQ-99",
                ":1: contract: REQ-99 is not in the catalogue",
            ),
            (
                "\"go\"",
                "\"gone\"",
                ":2: layer: `gone` is no layer; use native, abi, go, header, build",
            ),
            (
                "\"loom\"",
                "\"lom\"",
                ":4: engines: `lom` is no engine; use loom, go",
            ),
            (
                "\n  \"loom\",\n",
                "",
                ":3: engines: name an engine that must see it",
            ),
            (
                "\"x\"",
                "\" \"",
                ":6: why: say in a sentence what happens to a user",
            ),
            (
                "[]",
                "[\"REQ-98\"]",
                ":7: also: REQ-98 is not in the catalogue",
            ),
            ("also", "alos", ":7: unknown field `alos`"),
            ("why = \"x\"\n", "", ":1: missing field `why`"),
            ("layer = ", "layer ", ":2: "),
        ] {
            let error = loaded(&good.replacen(from, to, 1)).unwrap_err();
            assert!(
                error.starts_with(&format!("faults/bad/fault.toml{says}")),
                "{error}"
            );
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    /// A fault that does not apply checks nothing: whoever changes the code changes its faults.
    #[test]
    fn every_fault_of_this_project_applies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let workspace = Workspace::at(&root);
        let subject = Subject::load(&workspace).unwrap();
        let names = subject.engines.names();
        let stale: Vec<String> = load(&workspace.path("faults"), &subject.catalogue, &names)
            .unwrap()
            .iter()
            .filter_map(|fault| {
                let error = fault.apply(&root).err()?;
                Some(format!(
                    "faults/{}: {error:#}; try `cargo lab faults refresh {}`",
                    fault.id, fault.id
                ))
            })
            .collect();
        assert!(stale.is_empty(), "{}", stale.join("\n"));
    }
}
