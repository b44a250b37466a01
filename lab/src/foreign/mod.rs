//! `cgolab run` in any Go module: runs the module's own tests under every engine that applies.
//!
//! ```text
//!  module ──► engines ──► trial ──► findings ──► outcome ──► views
//!  packages   a table:    builds    reads the    folds,      terminal, Markdown,
//!  with C     flags and   and runs  detector's   judges      HTML, JUnit, SARIF
//!             canaries    tests     reports
//! ```
//!
//! Plain tests run first and are repeated. Tests that fail or flake there are left out of the other engines, so
//! that none is blamed for them. An engine counts after it has seen its canaries, which are built with the same
//! flags. Nothing is written into the module but `.cgolab/`, which git ignores.
//!
//! Start reading in [`run`]; the engines are in [`mod@engines`].

mod baseline;
mod debugged;
mod description;
mod engines;
mod findings;
pub(crate) mod fuzz;
mod known;
mod module;
mod outcome;
mod report;
pub(crate) mod storm;
mod toolchain;
mod trial;
mod valgrind;
pub(crate) mod vet;
mod views;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use self::baseline::Baseline;
use self::engines::ENGINES;
use self::module::Module;
use self::outcome::{EngineOutcome, Outcome, State};
use self::trial::Trial;
use self::views::terminal;
use crate::engine::canaries;
use crate::host::child;
use crate::host::lock::lock;
use crate::host::out;
use crate::host::progress::Progress;
use crate::host::workspace::{DESCRIPTION, Workspace};

/// The folder of results in a module.
pub(crate) const FOLDER: &str = ".cgolab";

/// The options of the command line.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// The module, or a folder in it.
    pub(crate) dir: PathBuf,
    /// Engines to run; those of the default order if there are none.
    pub(crate) only: Vec<String>,
    /// Packages as patterns of `go list`; all that use C if there are none.
    pub(crate) packages: Vec<String>,
    /// No test program is begun after this time, but those of plain.
    pub(crate) time: Option<Duration>,
    /// The time limit of a test program, in place of that of the module's file.
    pub(crate) timeout: Option<Duration>,
    /// Findings of an earlier run that are not red.
    pub(crate) baseline: Option<PathBuf>,
    /// Warnings are red, too.
    pub(crate) strict: bool,
}

/// The names of the engines of modules, and what each does.
pub(crate) fn engines() -> impl Iterator<Item = (&'static str, &'static str)> {
    ENGINES.iter().map(|engine| (engine.id, engine.what))
}

/// Runs the engines, and returns `true` if nothing is red.
///
/// # Errors
/// Nothing was judged: no Go, no module, no package with C, an unknown engine, another run in the same
/// folder. Earlier results are intact.
pub(crate) fn run(wish: &Wish) -> Result<bool> {
    let engines = engines::select(&wish.only)?;
    let baseline = wish.baseline.as_deref().map(Baseline::read).transpose()?;
    let started = Instant::now();
    let deadline = wish.time.and_then(|limit| started.checked_add(limit));
    let progress = Progress::new();
    progress.step("looking at the module");
    let mut module = Module::find(&wish.dir, &wish.packages)?;
    let timeout = wish.timeout.or(module.description.timeout);
    module.description.timeout = timeout;
    let accepted = module.description.accept.iter();
    for engine in accepted.filter_map(|accept| accept.engine.as_ref()) {
        engines::ensure_known(engine).with_context(|| format!("{DESCRIPTION}: accept.engine"))?;
    }
    let folder = Folder::open(&module.root)?;
    let workspace = Workspace::at(&module.root);
    for line in module.summary() {
        progress.line(&out::wrapped(&line, ""));
    }
    progress.line(&out::wrapped(&engines::cost(&engines, &module), ""));
    let mut outcome = Outcome::new(&module);
    for engine in engines {
        // Without the plain run nothing could be judged.
        let deadline = deadline.filter(|_| !engine.is_plain());
        let over = deadline.is_some_and(|it| Instant::now() >= it);
        let ran = match (child::interrupted(), over) {
            (true, _) => EngineOutcome::left_out(engine, State::NotRun("interrupted".to_owned())),
            (_, true) => {
                EngineOutcome::left_out(engine, State::NotRun("no time was left".to_owned()))
            }
            _ => Trial {
                engine,
                module: &module,
                workspace: &workspace,
                folder: &folder.path,
                progress: &progress,
                plain: outcome.engines.iter().find(|it| it.is_plain()),
                limit: None,
                deadline,
            }
            .run()?,
        };
        progress.line(&terminal::engine_row(&ran));
        outcome.engines.push(ran);
    }
    outcome.seconds = started.elapsed().as_secs_f64();
    outcome.interrupted = child::interrupted();
    outcome.fold(baseline.as_ref(), wish.strict);
    outcome.accept(&module.description);
    let place = folder.publish(&outcome, "")?;
    progress.finish();
    out::print(terminal::report(&outcome, &place))?;
    Ok(outcome.is_green())
}

/// Writes a `cgolab.toml` for the module that was found, with all lines commented out. Returns `true` if it
/// wrote one.
///
/// # Errors
/// There is one already, or no module with C.
pub(crate) fn init(dir: &Path) -> Result<bool> {
    let module = Module::find(dir, &[])?;
    let path = module.root.join(DESCRIPTION);
    ensure!(
        !path.exists(),
        "{} exists; it is left as it is",
        path.display()
    );
    let packages: Vec<String> = module
        .packages
        .iter()
        .map(|it| it.relative(&module))
        .collect();
    let tags: BTreeSet<String> = module
        .packages
        .iter()
        .flat_map(|it| it.tags.clone())
        .collect();
    let tags: Vec<String> = tags.into_iter().collect();
    fs::write(&path, description::template(&packages, &tags))
        .with_context(|| format!("cannot write {}", path.display()))?;
    for line in module.summary() {
        out::line(out::wrapped(&line, ""))?;
    }
    out::line(format_args!("wrote {}", path.display()))?;
    Ok(true)
}

/// Checks for each engine that it works on this machine: builds its canaries, and checks that it sees them.
pub(crate) fn doctor() -> Result<bool> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let package = canaries::detectors(folder.path())?;
    // The module of the canaries: proving an engine is all that is done with it.
    let module = Module::find(&package, &[])?;
    let workspace = Workspace::at(&module.root);
    let progress = Progress::new();
    out::line(format_args!(
        "{}, {}",
        module.go,
        if module.compilers.gcc { "gcc" } else { "clang" }
    ))?;
    let mut able = true;
    for engine in &ENGINES {
        let trial = Trial {
            engine,
            module: &module,
            workspace: &workspace,
            folder: folder.path(),
            progress: &progress,
            plain: None,
            limit: None,
            deadline: None,
        };
        let proven = trial.proven()?;
        able &= proven.state == State::On || engine.on_request;
        let says = match &proven.state {
            State::On => format!("works: {}", proven.what),
            _ => proven.shown(),
        };
        progress.line(&terminal::row(&format!("{:<10}", engine.id), &says));
        if child::interrupted() {
            return Ok(false);
        }
    }
    progress.finish();
    let triage = match which::which("gdb") {
        Ok(path) => format!("sees native threads with {}", path.display()),
        Err(_) => "sees no native threads: gdb is not installed".to_owned(),
    };
    out::line(terminal::row("triage    ", &triage))?;
    out::line(terminal::row("fuzz      ", &fuzz::doctor(folder.path())?))?;
    Ok(able)
}

/// The folder of results, held by one run at a time.
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    fn open(root: &Path) -> Result<Folder> {
        let path = root.join(FOLDER);
        fs::create_dir_all(&path).with_context(|| {
            format!(
                "cannot write results into {}; copy the module to a folder that can be written",
                path.display()
            )
        })?;
        fs::write(path.join(".gitignore"), "*\n")
            .with_context(|| format!("cannot write into {}", path.display()))?;
        let lock = lock(&path.join("lock"), || {
            bail!("another run is at work in {}; wait for it", path.display())
        })?;
        Ok(Folder { path, _lock: lock })
    }

    /// Writes the views in place of those of the run before, below a folder of the command, and returns their place
    /// in the form that people type. A run that was stopped knows too little to take that place.
    fn publish(&self, outcome: &Outcome, below: &str) -> Result<String> {
        let fresh = tempfile::tempdir_in(&self.path).context("cannot write the report")?;
        let root = self.path.parent().unwrap_or(&self.path);
        views::write(fresh.path(), outcome, root)?;
        let name = match outcome.interrupted {
            true => "stopped",
            false => "latest",
        };
        let place = self.path.join(below).join(name);
        if place.exists() {
            fs::remove_dir_all(&place)
                .with_context(|| format!("cannot remove {}", place.display()))?;
        }
        fs::rename(fresh.keep(), &place)
            .with_context(|| format!("cannot write {}", place.display()))?;
        Ok(Path::new(FOLDER)
            .join(below)
            .join(name)
            .display()
            .to_string())
    }
}
