//! Cells that are finished, in `target/lab/faults.jsonl`: a run that was killed goes on where it was.
//!
//! A cell is found by its key alone, which is made of everything that it can depend on. One whose key is
//! no longer asked for is forgotten when the next run begins.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::cell::{Control, Verdict};
use super::file::Fault;
use super::plan::Planned;
use super::scratch;
use crate::engine::{Engine, Engines};
use crate::host::lock::lock;
use crate::host::machine::ours;
use crate::host::machine::output_of;
use crate::host::workspace::Workspace;

/// Sources that every build depends on.
const COMMON: [&str; 5] = [
    "cgolab.toml",
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "rust-toolchain.toml",
];

/// The part of the lab that plants, asks, reads and judges.
const LAB: [&str; 10] = [
    "lab/canaries",
    "lab/contracts",
    "lab/src/engine",
    "lab/src/faults/cell.rs",
    "lab/src/host/child.rs",
    "lab/src/host/tools",
    "lab/src/read",
    "lab/src/record",
    "lab/src/subject",
    "note/src",
];

/// Subject of a cell: a fault, or a contract without one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Asked {
    Fault(String),
    Control(String),
}

/// Content of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Came {
    Of(Verdict),
    Without(Control),
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cell {
    key: String,
    engine: String,
    asked: Asked,
    came: Came,
    pub(super) seconds: f64,
}

impl Cell {
    pub(super) fn of_fault(key: String, engine: &str, fault: &Fault, verdict: Verdict) -> Cell {
        Cell {
            key,
            engine: engine.to_owned(),
            asked: Asked::Fault(fault.id.clone()),
            came: Came::Of(verdict),
            seconds: 0.0,
        }
    }

    pub(super) fn of_control(key: String, engine: &str, contract: &str, control: Control) -> Cell {
        Cell {
            key,
            engine: engine.to_owned(),
            asked: Asked::Control(contract.to_owned()),
            came: Came::Without(control),
            seconds: 0.0,
        }
    }

    pub(super) fn verdict(&self) -> Option<&Verdict> {
        match &self.came {
            Came::Of(verdict) => Some(verdict),
            Came::Without(_) => None,
        }
    }

    pub(super) fn control(&self) -> Option<&Control> {
        match &self.came {
            Came::Without(control) => Some(control),
            Came::Of(_) => None,
        }
    }
}

/// The keys of this checkout, as it is.
#[derive(PartialEq)]
pub(super) struct Keys {
    engines: BTreeMap<String, String>,
}

impl Keys {
    pub(super) fn of(workspace: &Workspace, engines: &Engines) -> Result<Keys> {
        let mut common = Digest::default();
        let rust = output_of(workspace.root(), "rustc", &["--version"]);
        let go = output_of(workspace.root(), "go", &["version"]);
        common.add(&(rust, go));
        // Where the sources of this program are not, it stands for itself.
        if !workspace.path(LAB[0]).exists() {
            common.add(&read(&env::current_exe()?)?);
        }
        for variable in engines.variables() {
            common.add(&env::var_os(variable));
        }
        for path in COMMON.iter().chain(&LAB) {
            common.add_files(workspace.root(), path)?;
        }
        let mut keys = BTreeMap::new();
        for engine in engines.iter() {
            let mut digest = common.clone();
            for path in &engine.build().sources {
                digest.add_files(workspace.root(), path)?;
            }
            keys.insert(engine.name().to_owned(), digest.text());
        }
        Ok(Keys { engines: keys })
    }

    /// The key of a fault and an engine.
    pub(super) fn fault(&self, engine: &dyn Engine, fault: &Fault) -> String {
        let mut digest = self.engine(engine);
        digest.add(&("fault", &fault.patch, &fault.contract, fault.contracts()));
        digest.text()
    }

    /// The key of the control of a contract.
    pub(super) fn control(&self, engine: &dyn Engine, contract: &str) -> String {
        let mut digest = self.engine(engine);
        digest.add(&("control", contract));
        digest.text()
    }

    /// The keys of everything that these cells can ask for.
    pub(super) fn wanted(&self, cells: &[Planned<'_>]) -> BTreeSet<String> {
        let mut wanted = BTreeSet::new();
        for cell in cells {
            wanted.insert(self.fault(cell.engine, cell.fault));
            for contract in cell.fault.contracts() {
                wanted.insert(self.control(cell.engine, &contract));
            }
        }
        wanted
    }

    fn engine(&self, engine: &dyn Engine) -> Digest {
        let mut digest = Digest::default();
        digest.add(&(engine.name(), self.engines.get(engine.name())));
        digest
    }
}

/// Two hashes of 64 bits. No adversary makes our files.
#[derive(Clone)]
struct Digest([DefaultHasher; 2]);

impl Default for Digest {
    fn default() -> Digest {
        let mut digest = Digest([DefaultHasher::new(), DefaultHasher::new()]);
        digest.0[1].write_u8(1);
        digest
    }
}

impl Digest {
    fn add(&mut self, what: &impl Hash) {
        for hasher in &mut self.0 {
            what.hash(hasher);
        }
    }

    /// A file, or all files of a folder, by their path and text. None where there is none.
    fn add_files(&mut self, root: &Path, path: &str) -> Result<()> {
        let at = root.join(path);
        if at.is_dir() {
            for file in scratch::files(&at)? {
                self.add(&(path, &file));
                self.add(&read(&at.join(file))?);
            }
        } else if at.is_file() {
            self.add(&path);
            self.add(&read(&at)?);
        }
        Ok(())
    }

    fn text(&self) -> String {
        let [one, two] = &self.0;
        format!("{:016x}{:016x}", one.finish(), two.finish())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The file, open for one run at a time.
pub(super) struct Store {
    cells: BTreeMap<String, Cell>,
    file: File,
    _lock: File,
}

impl Store {
    /// Opens it for a run, without the cells whose keys are not `wanted`.
    pub(super) fn open(workspace: &Workspace, wanted: &BTreeSet<String>) -> Result<Store> {
        let lab = workspace.lab();
        fs::create_dir_all(&lab)
            .with_context(|| format!("cannot create {}; is it writable?", lab.display()))?;
        // Two runs in one copy would plant one's faults under the other's checks.
        let lock = lock(&lab.join("faults.lock"), || {
            bail!(
                "another `{}` is at work in this checkout; wait for its end",
                ours("faults")
            )
        })?;
        let mut cells = load(workspace);
        cells.retain(|key, _| wanted.contains(key));
        let path = path(workspace);
        let fresh = path.with_extension("new");
        let mut text = String::new();
        for cell in cells.values() {
            text.push_str(&line(cell)?);
        }
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        let file = File::options()
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Store {
            cells,
            file,
            _lock: lock,
        })
    }

    pub(super) fn get(&self, key: &str) -> Option<&Cell> {
        self.cells.get(key)
    }

    /// Takes a finished cell: for this run, and if it `lasts` for later ones.
    pub(super) fn add(&mut self, cell: Cell, lasts: bool) -> Result<()> {
        if lasts {
            self.file
                .write_all(line(&cell)?.as_bytes())
                .context("cannot write target/lab/faults.jsonl")?;
        }
        self.cells.insert(cell.key.clone(), cell);
        Ok(())
    }
}

/// The finished cells, by their keys. A line that was cut in the middle is none.
pub(super) fn load(workspace: &Workspace) -> BTreeMap<String, Cell> {
    let text = fs::read_to_string(path(workspace)).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str::<Cell>(line).ok())
        .map(|cell| (cell.key.clone(), cell))
        .collect()
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.lab().join("faults.jsonl")
}

fn line(cell: &Cell) -> Result<String> {
    Ok(serde_json::to_string(cell)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::file::SubjectFile;

    /// A path that is gone is the same in every key: answers of another reader would be trusted.
    #[test]
    fn every_source_of_a_key_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let file = SubjectFile::load(&root).unwrap();
        let engines = Engines::of(&file);
        let sources: Vec<&str> = engines
            .iter()
            .flat_map(|engine| &engine.build().sources)
            .map(String::as_str)
            .collect();
        assert!(!sources.is_empty());
        let gone: Vec<_> = COMMON
            .iter()
            .chain(&LAB)
            .chain(&sources)
            .filter(|path| !root.join(path).exists())
            .collect();
        assert!(gone.is_empty(), "{gone:?}");
    }
}
