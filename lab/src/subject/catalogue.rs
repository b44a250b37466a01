//! The contract catalogue. Contracts of any binding are part of the command (`lab/contracts`); those of a
//! subject are in its own folders, which also say which engines check the general ones.
//!
//! One file for each family. A contract names the engines that can see it broken: *claimed*
//! (a run without a passing check of that engine is red) or *planned* (counted, not demanded).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use super::file::SubjectFile;
use crate::host::toml::{line_of, message};

/// The layers that a contract can bind.
pub(crate) const LAYERS: [&str; 3] = ["native", "abi", "go"];

/// The contracts that hold for any binding.
static GENERAL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/contracts");

/// One numbered promise.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contract {
    pub(crate) id: String,
    /// The promise, in one sentence.
    pub(crate) sentence: String,
    /// The layers that must keep it: `native`, `abi`, `go`.
    pub(crate) layer: Vec<String>,
    /// The origin of the promise: rules, specifications, public bugs.
    pub(crate) source: Vec<String>,
    /// Engines that must have a passing check of it whenever they run.
    pub(crate) claimed: Vec<String>,
    /// Engines that could see it broken, and do not check it yet.
    pub(crate) planned: Vec<String>,
    /// The reason why it is exempt, or anything else that a reader must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// The subject's file that names it, for errors.
    #[serde(skip)]
    file: String,
}

impl Contract {
    /// `REQ` of `REQ-04`.
    pub(crate) fn family(&self) -> &str {
        self.id.split('-').next().unwrap_or_default()
    }

    pub(crate) fn claims(&self, engine: &str) -> bool {
        self.claimed.iter().any(|name| name == engine)
    }
}

/// A family of contracts: one file.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    /// Three capitals, such as `REQ`.
    pub(crate) name: String,
    /// The subject of the family in a few words.
    pub(crate) title: String,
    pub(crate) contracts: Vec<Contract>,
}

/// All contracts, by family, each in the order of its file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    pub(crate) families: Vec<Family>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    #[serde(default)]
    contract: Vec<Contract>,
    #[serde(default)]
    claim: Vec<Claim>,
}

/// The engines of a subject that check a contract of any binding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    id: String,
    claimed: Vec<String>,
    planned: Vec<String>,
    #[serde(default)]
    note: Option<String>,
}

/// A file with contracts of any binding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GeneralFile {
    title: String,
    contract: Vec<General>,
}

/// A contract of any binding. Which engines check it is for each subject to say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct General {
    id: String,
    sentence: String,
    layer: Vec<String>,
    source: Vec<String>,
}

/// A file of a catalogue, in the form that is kept beside results.
#[derive(Serialize)]
struct Kept<'a> {
    title: &'a str,
    contract: &'a [Contract],
}

/// The coverage of a contract by an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// A check of this engine with this id passed in the last run.
    Exercised,
    /// The catalogue says that a check exists.
    Claimed,
    /// No check exists yet.
    Planned,
}

impl Catalogue {
    /// The contracts of any binding, without engines that check them.
    fn general() -> Result<Catalogue> {
        let mut families = Vec::new();
        for file in GENERAL.files() {
            let name = file.path().display().to_string();
            let text = file.contents_utf8().unwrap_or_default();
            let parsed: GeneralFile = toml::from_str(text)
                .with_context(|| format!("contracts of any binding, {name}"))?;
            let contracts = parsed.contract.into_iter().map(|it| Contract {
                id: it.id,
                sentence: it.sentence,
                layer: it.layer,
                source: it.source,
                claimed: Vec::new(),
                planned: Vec::new(),
                note: None,
                file: String::new(),
            });
            families.push(Family {
                name: name.trim_end_matches(".toml").to_ascii_uppercase(),
                title: parsed.title,
                contracts: contracts.collect(),
            });
        }
        Ok(Catalogue { families })
    }

    /// Loads every `*.toml` in `dir`, which holds contracts only.
    ///
    /// The error names the file and, where there is one, the contract.
    pub(crate) fn load(dir: &Path) -> Result<Catalogue> {
        let mut catalogue = Catalogue::default();
        catalogue.add(dir)?;
        Ok(catalogue)
    }

    /// Writes the catalogue into a folder, which [`Catalogue::load`] reads.
    pub(crate) fn keep(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        for family in &self.families {
            let path = dir.join(format!("{}.toml", family.name.to_ascii_lowercase()));
            let text = toml::to_string(&Kept {
                title: &family.title,
                contract: &family.contracts,
            })?;
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Adds the contracts and claims of a folder.
    fn add(&mut self, dir: &Path) -> Result<()> {
        let entries = fs::read_dir(dir)
            .with_context(|| format!("cannot read the catalogue folder {}", dir.display()))?;
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|ext| ext == "toml") {
                files.push(path);
            }
        }
        files.sort();
        ensure!(
            !files.is_empty(),
            "the catalogue folder {} holds no .toml file",
            dir.display()
        );
        for path in files {
            let named = |path: &Path| path.file_name().unwrap_or_default().to_owned();
            let file = Path::new(&named(dir)).join(named(&path));
            let file = file.display().to_string();
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
            let (family, claims) = parse(&file, &text)?;
            self.merge(&file, family, claims)?;
        }
        Ok(())
    }

    /// Adds the contracts and claims of a file.
    fn merge(&mut self, file: &str, family: Family, claims: Vec<Claim>) -> Result<()> {
        for contract in &family.contracts {
            ensure!(
                !self.contains(&contract.id),
                "{file}: {}: there is a contract of this id; claim that, or take another id",
                contract.id
            );
        }
        match self.families.iter_mut().find(|it| it.name == family.name) {
            Some(known) => known.contracts.extend(family.contracts),
            None => self.families.push(family),
        }
        self.families
            .sort_by(|one, other| one.name.cmp(&other.name));
        for family in &mut self.families {
            // As numbers: 100 comes after 99.
            family
                .contracts
                .sort_by_key(|it| (it.id.len(), it.id.clone()));
        }
        for claim in claims {
            let mut contracts = self.families.iter_mut().flat_map(|it| &mut it.contracts);
            let contract = contracts
                .find(|contract| contract.id == claim.id)
                .with_context(|| {
                    format!(
                        "{file}: {}: there is no contract of this id to claim; mend the id",
                        claim.id
                    )
                })?;
            contract.claimed = claim.claimed;
            contract.planned = claim.planned;
            contract.note = claim.note;
            file.clone_into(&mut contract.file);
            check_named(contract).with_context(|| format!("{file}: {}", contract.id))?;
        }
        Ok(())
    }

    /// The contracts of a subject: those of any binding, and those in its folders.
    pub(crate) fn of(root: &Path, file: &SubjectFile) -> Result<Catalogue> {
        let general = Catalogue::general()?;
        let mut catalogue = general.clone();
        for folder in &file.contracts {
            catalogue.add(&root.join(folder))?;
        }
        // Those of any binding may be nobody's here.
        for contract in catalogue.contracts() {
            if !general.contains(&contract.id) {
                has_engine(contract)
                    .with_context(|| format!("{}: {}", contract.file, contract.id))?;
            }
        }
        Ok(catalogue)
    }

    /// Checks that contracts name no engine but these.
    pub(crate) fn check_engines(&self, known: &[&str]) -> Result<()> {
        for contract in self.contracts() {
            for engine in contract.claimed.iter().chain(&contract.planned) {
                ensure!(
                    known.contains(&engine.as_str()),
                    "{}: {}: unknown engine `{engine}`; known: {}",
                    contract.file,
                    contract.id,
                    known.join(", ")
                );
            }
        }
        Ok(())
    }

    pub(crate) fn contracts(&self) -> impl Iterator<Item = &Contract> {
        self.families.iter().flat_map(|family| &family.contracts)
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.contracts().any(|contract| contract.id == id)
    }

    /// The ids that a test name carries; see [`crate::subject::ids`].
    pub(crate) fn contracts_in_name(&self, name: &str) -> Vec<String> {
        let families: Vec<String> = self.families.iter().map(|f| f.name.clone()).collect();
        crate::subject::ids::contracts_in_name(name, &families)
    }

    /// The ids of contracts that `engine` claims.
    pub(crate) fn claimed_by(&self, engine: &str) -> Vec<&str> {
        self.contracts()
            .filter(|contract| contract.claims(engine))
            .map(|contract| contract.id.as_str())
            .collect()
    }

    /// The coverage of `contract` by each engine. `exercised(engine)` is true if the last run had a
    /// passing check.
    pub(crate) fn states(
        contract: &Contract,
        engines: &[&str],
        exercised: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, State> {
        let mut states = BTreeMap::new();
        for engine in engines {
            let state = if exercised(engine) {
                State::Exercised
            } else if contract.claims(engine) {
                State::Claimed
            } else if contract.planned.iter().any(|name| name == *engine) {
                State::Planned
            } else {
                continue;
            };
            states.insert((*engine).to_owned(), state);
        }
        states
    }
}

fn parse(file: &str, text: &str) -> Result<(Family, Vec<Claim>)> {
    let mut parsed: File = toml::from_str(text).map_err(|error| {
        let line = line_of(text, error.span());
        let id = id_near(text, line).map_or(String::new(), |id| format!(" ({id})"));
        let message = message(&error);
        anyhow::anyhow!("{file}:{line}{id}: {message}; correct this line of the catalogue")
    })?;
    let name = file
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".toml"))
        .unwrap_or_default()
        .to_ascii_uppercase();
    ensure!(
        name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_uppercase()),
        "{file}: a family has a name of three letters; rename the file"
    );
    ensure!(
        !parsed.title.trim().is_empty(),
        "{file}: empty title; say what the family is about"
    );
    let mut seen: Vec<&str> = Vec::new();
    for contract in &parsed.contract {
        check(&name, contract)
            .and_then(|()| {
                ensure!(
                    !seen.contains(&contract.id.as_str()),
                    "the id is used twice; give the newer contract the next free number"
                );
                Ok(())
            })
            .with_context(|| format!("{file}: {}", contract.id))?;
        seen.push(&contract.id);
    }
    for contract in &mut parsed.contract {
        file.clone_into(&mut contract.file);
    }
    let family = Family {
        name,
        title: parsed.title,
        contracts: parsed.contract,
    };
    Ok((family, parsed.claim))
}

fn check(family: &str, contract: &Contract) -> Result<()> {
    let number = contract
        .id
        .strip_prefix(family)
        .and_then(|rest| rest.strip_prefix('-'));
    match number {
        Some(digits)
            if (2..=3).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit()) => {}
        _ => bail!("wrong id for this file; it takes ids such as {family}-01"),
    }
    ensure!(
        !contract.sentence.trim().is_empty(),
        "empty sentence; write the promise down"
    );
    ensure!(
        !contract.layer.is_empty(),
        "no layer; name at least one of {}",
        LAYERS.join(", ")
    );
    for layer in &contract.layer {
        ensure!(
            LAYERS.contains(&layer.as_str()),
            "unknown layer `{layer}`; use {}",
            LAYERS.join(", ")
        );
    }
    check_named(contract)
}

/// Checks the engines that a contract names.
fn check_named(contract: &Contract) -> Result<()> {
    let mut named: Vec<&str> = Vec::new();
    for engine in contract.claimed.iter().chain(&contract.planned) {
        ensure!(
            !named.contains(&engine.as_str()),
            "engine `{engine}` is named twice; it is either claimed or planned"
        );
        named.push(engine);
    }
    Ok(())
}

/// Checks that a contract names an engine, or gives the reason why no engine can see it broken.
fn has_engine(contract: &Contract) -> Result<()> {
    ensure!(
        !contract.claimed.is_empty() || !contract.planned.is_empty() || contract.note.is_some(),
        "no engine; plan one, or say in `note` why none can see it"
    );
    Ok(())
}

/// The id of the contract whose table contains `line` (from 1), if it has one.
fn id_near(text: &str, line: usize) -> Option<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let line = line.min(lines.len());
    let header = |text: &&str| matches!(text.trim(), "[[contract]]" | "[[claim]]");
    // The error may point at the header itself (a missing key) or below it.
    let start = lines[..line].iter().rposition(header)?;
    lines[start + 1..]
        .iter()
        .take_while(|text| !header(text))
        .find_map(|text| text.trim().strip_prefix("id = "))
        .map(|id| id.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
title = "Resource requests"

[[contract]]
id = "REQ-03"
sentence = "Completion is one-shot."
layer = ["go"]
source = ["S9"]
claimed = ["race"]
planned = ["go"]

[[contract]]
id = "REQ-04"
sentence = "The C side also refuses a second completion."
layer = ["native"]
source = []
claimed = []
planned = ["loom"]
note = "later"
"#;

    fn error(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        format!("{:#}", parse("contracts/req.toml", &text).err().unwrap())
    }

    #[test]
    fn a_good_file_loads() {
        let (family, _) = parse("contracts/req.toml", GOOD).unwrap();
        assert_eq!(family.name, "REQ");
        assert_eq!(family.contracts.len(), 2);
        assert_eq!(family.contracts[0].family(), "REQ");
        assert!(family.contracts[0].claims("race"));
        assert!(!family.contracts[0].claims("go"));
        assert_eq!(family.contracts[1].note.as_deref(), Some("later"));
    }

    #[test]
    fn each_mistake_names_file_and_contract() {
        for (from, to, expected) in [
            ("REQ-04", "REQ-03", "used twice"),
            ("REQ-04", "EVT-04", "wrong id for this file"),
            ("REQ-04", "REQ-4", "wrong id for this file"),
            (
                "planned = [\"go\"]",
                "planned = [\"race\"]",
                "`race` is named twice",
            ),
            ("\"native\"", "\"rust\"", "unknown layer `rust`"),
            ("[\"native\"]", "[]", "no layer"),
            ("Completion is one-shot.", " ", "empty sentence"),
        ] {
            let message = error(from, to);
            assert!(
                message.starts_with("contracts/req.toml: REQ-")
                    || message.starts_with("contracts/req.toml: EVT-"),
                "{message}"
            );
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn engines_that_there_are_not_are_named() {
        let (family, _) = parse("own/req.toml", GOOD).unwrap();
        let catalogue = Catalogue {
            families: vec![family],
        };
        let known = ["go", "loom", "race"];
        assert!(catalogue.check_engines(&known).is_ok());
        assert_eq!(
            catalogue
                .check_engines(&known[..1])
                .unwrap_err()
                .to_string(),
            "own/req.toml: REQ-03: unknown engine `race`; known: go"
        );
    }

    #[test]
    fn mistakes_of_form_name_the_line() {
        let unknown = error("note = ", "nota = ");
        assert!(
            unknown.starts_with("contracts/req.toml:19 (REQ-04): unknown field `nota`"),
            "{unknown}"
        );
        let missing = error("claimed = [\"race\"]\n", "");
        assert!(missing.contains("(REQ-03)"), "{missing}");
        assert!(missing.contains("missing field `claimed`"), "{missing}");
        let broken = error("[\"S9\"]", "[\"S9\"");
        assert!(broken.starts_with("contracts/req.toml:"), "{broken}");
        assert!(!broken.contains('\n'), "{broken}");
    }

    #[test]
    fn a_file_is_named_after_its_family() {
        let message = parse("contracts/requests.toml", GOOD).err().unwrap();
        assert!(message.to_string().contains("three letters"), "{message}");
    }

    #[test]
    fn an_engine_needs_a_reason_to_be_absent() {
        let (family, _) = parse("contracts/req.toml", GOOD).unwrap();
        let mut contract = family.contracts[1].clone();
        contract.planned.clear();
        assert!(has_engine(&contract).is_ok());
        contract.note = None;
        let error = has_engine(&contract).unwrap_err().to_string();
        assert!(error.contains("`note`"), "{error}");
    }

    #[test]
    fn states_prefer_what_ran() {
        let (family, _) = parse("contracts/req.toml", GOOD).unwrap();
        let states = Catalogue::states(
            &family.contracts[0],
            &["go", "loom", "proptest", "race"],
            |engine| engine == "proptest",
        );
        assert_eq!(
            states.into_iter().collect::<Vec<_>>(),
            [
                ("go".to_owned(), State::Planned),
                ("proptest".to_owned(), State::Exercised),
                ("race".to_owned(), State::Claimed),
            ]
        );
    }

    #[test]
    fn contracts_of_any_binding_are_complete_and_checked_by_nobody() {
        let general = Catalogue::of(Path::new("."), &SubjectFile::default()).unwrap();
        assert!(general.contracts().count() >= 92);
        assert!(general.contains("HDL-01") && !general.contains("HDL-0"));
        for contract in general.contracts() {
            let planned = Contract {
                planned: vec!["go".to_owned()],
                ..contract.clone()
            };
            check(contract.family(), &planned).unwrap();
            assert!(contract.claimed.is_empty(), "{}", contract.id);
            assert_ne!(contract.source, contract.layer, "{}", contract.id);
        }
    }

    #[test]
    fn own_contracts_and_claims_are_added_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("own");
        fs::create_dir(&folder).unwrap();
        let file = SubjectFile {
            contracts: vec!["own".to_owned()],
            ..SubjectFile::default()
        };
        let load = |text: &str| {
            fs::write(folder.join("val.toml"), format!("title = \"x\"\n{text}")).unwrap();
            Catalogue::of(dir.path(), &file).map_err(|error| format!("{error:#}"))
        };
        let claim =
            |id: &str| format!("[[claim]]\nid = \"{id}\"\nclaimed = [\"go\"]\nplanned = []\n");
        let own = |id: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\nsentence = \"x\"\nlayer = [\"go\"]\nsource = []\n\
                 claimed = []\nplanned = [\"go\"]\n"
            )
        };
        let catalogue = load(&(own("VAL-99") + &claim("VAL-04"))).unwrap();
        assert!(catalogue.claimed_by("go").contains(&"VAL-04"));
        let hundredth = load(&(own("VAL-100") + &own("VAL-99"))).unwrap();
        let last = hundredth.contracts().last().map(|it| it.id.as_str());
        assert_eq!(last, Some("VAL-100"), "as a number");
        let kept = dir.path().join("kept");
        catalogue.keep(&kept).unwrap();
        let again = Catalogue::load(&kept).unwrap();
        let ids = |it: &Catalogue| it.contracts().map(|it| it.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&again), ids(&catalogue));
        assert_eq!(again.claimed_by("go"), catalogue.claimed_by("go"));
        assert_eq!(
            load(&claim("VAL-98")).unwrap_err(),
            "own/val.toml: VAL-98: there is no contract of this id to claim; mend the id"
        );
        let twice = load(&own("VAL-04")).unwrap_err();
        assert!(twice.contains("there is a contract of this id"), "{twice}");
    }

    #[test]
    fn the_catalogue_of_this_project_loads() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        if !root.join("contracts").is_dir() {
            return; // A published crate comes without it.
        }
        let file = SubjectFile::load(&root).unwrap();
        let catalogue = Catalogue::of(&root, &file).unwrap();
        assert_eq!(catalogue.contracts().count(), 148);
        assert!(catalogue.contains("REQ-04"));
        assert_eq!(catalogue.contracts_in_name("req_04_x"), ["REQ-04"]);
    }
}
