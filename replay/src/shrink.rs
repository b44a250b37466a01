//! Shrinks a scenario that breaks a contract, while it breaks the same one through the same driver.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use courier_scenario::Op;
use courier_scenario::explore::shrink;
use courier_scenario::explore::text::Scenario;
use courier_scenario::through::Through;

use crate::detector::Detector;
use crate::golang::run;
use crate::trace::{End, PATIENCE, Trace};

/// Folders whose content makes the library and its binding.
const LIBRARY: [&str; 3] = ["runtime", "ffi", "go-harness/courier"];

/// A build of this program, with the library and the program for Go beside it.
#[derive(Clone, Debug)]
pub struct Build {
    program: PathBuf,
    go: Option<PathBuf>,
    detector: Detector,
}

/// Of so many runs, so many must fail. One of one, where nothing is left to chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Often {
    /// The runs that must fail.
    pub times: u64,
    /// The runs.
    pub of: u64,
}

/// The smallest scenario, and the words that go with it.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario.
    pub scenario: Scenario<Op>,
    through: Through,
    signature: String,
    before: usize,
    asked: usize,
    clean: Clean,
}

/// What a build of the committed library does with the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clean {
    /// It holds there, as each step of the way to it did.
    Holds,
    /// The scenario from which it was shrunk breaks there, too.
    BreaksToo,
    /// The library is as committed.
    Same,
}

impl Build {
    /// A program that tells of a scenario as this one does, without Go.
    pub fn of(program: PathBuf) -> Build {
        Build {
            program,
            go: None,
            detector: Detector::Plain,
        }
    }

    /// The program that runs, and the program for Go if there is need of it, under a detector that was proven.
    ///
    /// # Errors
    /// Something does not build, or the detector is blind.
    pub fn ours(workspace: &Path, through: &[Through], detector: Detector) -> Result<Build> {
        detector.prove_valgrind(workspace)?;
        Ok(Build {
            program: std::env::current_exe()?,
            go: go(workspace, through, detector)?,
            detector,
        })
    }

    /// A build of the library as it is committed, in `target/lab/clean`; none if that is what we have.
    ///
    /// # Errors
    /// Git is missing, or something does not build.
    pub fn committed(
        workspace: &Path,
        through: &[Through],
        detector: Detector,
    ) -> Result<Option<Build>> {
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C").arg(workspace).args(arguments);
            git
        };
        let status = git(&["diff", "--quiet", "HEAD", "--"])
            .args(LIBRARY)
            .status()
            .context("cannot start git")?;
        match status.code() {
            Some(0) => return Ok(None),
            Some(1) => {}
            _ => bail!("`git diff` says nothing of the checkout: {status}"),
        }
        let folder = workspace.join("target/lab/clean");
        fs::create_dir_all(&folder)?;
        let archive = folder.join("committed.tar");
        run(git(&["archive", "--output"]).arg(&archive).arg("HEAD"))?;
        // What is built there stays; a file that has gone since is not missed.
        let mut tar = Command::new("tar");
        run(tar.arg("-xf").arg(&archive).arg("-C").arg(&folder))?;
        run(Command::new("cargo")
            .args([
                "build",
                "-q",
                "-p",
                "courier-replay",
                "--target-dir",
                "target",
            ])
            .current_dir(&folder))?;
        Ok(Some(Build {
            program: folder.join("target/debug/courier-replay"),
            go: go(&folder, through, detector)?,
            detector,
        }))
    }

    /// Runs a scenario in a child.
    ///
    /// # Errors
    /// The child cannot be started, or refuses the scenario.
    pub fn trace(&self, through: Through, scenario: &Scenario<Op>, runs: u64) -> Result<Trace> {
        let mut child = self.detector.command(&self.program);
        child.arg("one").args(through.to_string().split(' '));
        child.args(["--runs", &runs.to_string()]);
        if let Some(program) = &self.go {
            child.arg("--go").arg(program);
        }
        Trace::of(child, through, scenario, PATIENCE)
    }
}

fn go(workspace: &Path, through: &[Through], detector: Detector) -> Result<Option<PathBuf>> {
    let wanted = through.contains(&Through::Go);
    wanted.then(|| detector.build(workspace)).transpose()
}

/// Shrinks a scenario through the first of the drivers that it breaks.
///
/// # Errors
/// It breaks nothing, or a driver cannot run.
pub fn smallest(
    scenario: Scenario<Op>,
    through: &[Through],
    build: &Build,
    committed: Option<&Build>,
    runs: u64,
    often: Often,
) -> Result<Shrunk> {
    for through in through {
        let end = build.trace(*through, &scenario, runs)?.end;
        let Some(signature) = end.signature().map(str::to_owned) else {
            continue;
        };
        let clean = match committed {
            None => Clean::Same,
            Some(clean) if clean.trace(*through, &scenario, runs)?.end == End::Held => Clean::Holds,
            Some(_) => Clean::BreaksToo,
        };
        let before = scenario.steps.len() + scenario.together.len();
        let mut asked = 0;
        let mut breaks = |candidate: &Scenario<Op>| {
            asked += 1;
            // A driver that refuses a candidate has nothing to say of it.
            let same = |build: &Build| {
                let trace = build.trace(*through, candidate, runs).ok()?;
                trace.end.signature().map(str::to_owned)
            };
            let failed = (0..often.of).filter(|_| same(build).as_deref() == Some(&*signature));
            let fails = failed.take(often.times as usize).count() as u64 == often.times;
            let holds = |clean: &Build| same(clean).is_none();
            fails && (clean != Clean::Holds || committed.is_none_or(holds))
        };
        if !breaks(&scenario) {
            bail!(
                "the scenario breaks {signature} {through}, but not {} times of {}: give more --tries",
                often.times,
                often.of
            );
        }
        let scenario = shrink(scenario, breaks);
        return Ok(Shrunk {
            scenario,
            through: *through,
            signature,
            before,
            asked,
            clean,
        });
    }
    let names: Vec<_> = through.iter().map(ToString::to_string).collect();
    bail!(
        "the scenario holds {}: there is nothing to shrink",
        names.join(" and ")
    )
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shrunk {
            scenario,
            through,
            signature,
            before,
            asked,
            clean,
        } = self;
        let now = scenario.steps.len() + scenario.together.len();
        writeln!(
            f,
            "# {signature} {through}: {now} of {before} steps, after {asked} tries."
        )?;
        writeln!(
            f,
            "# {}",
            match clean {
                Clean::Holds => "The library as it is committed does what it should.",
                Clean::BreaksToo => "The library as it is committed breaks a contract there, too.",
                Clean::Same => "The library is as committed: there is none to compare with.",
            }
        )?;
        write!(f, "{scenario}")
    }
}
