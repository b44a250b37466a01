//! Detectors under which scenarios are replayed. Each ends the process at its first report, in the middle of the
//! step that it is about, and is proven before: it must see a planted mistake.
//!
//! | detector | through | sees |
//! |---|---|---|
//! | none | all | nothing but what the judge sees |
//! | race | go | accesses of Go memory that nothing orders |
//! | cgocheck2 | go | Go pointers stored into memory of C |
//! | asan | go | bad accesses of the native heap and of Go memory, in the library, too |
//! | valgrind | rust, c | bad accesses and undefined values, without another build |

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use courier_scenario::through::Through;
use serde::Deserialize;

use crate::golang::{build_library, run};

/// Exit code of a process that valgrind has ended.
pub(crate) const REPORTED: i32 = 99;

/// A detector, by the name of the build that has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Detector {
    /// None.
    #[default]
    Plain,
    /// Go's race detector.
    Race,
    /// Go's checks of each stored pointer.
    Cgocheck2,
    /// AddressSanitizer, in Go and in the library.
    Asan,
    /// Valgrind's memcheck.
    Valgrind,
}

/// The part of a build in `cgolab.toml` that Go's link needs.
#[derive(Deserialize)]
struct Description {
    native: BTreeMap<String, Native>,
}

#[derive(Deserialize)]
struct Native {
    run: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    link: Vec<String>,
}

impl Detector {
    /// The name, as it is typed.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.expect("none is hidden").get_name().to_owned()
    }

    /// `true` if it sees what happens through this interface.
    pub fn sees(self, through: Through) -> bool {
        let go = through == Through::Go;
        match self {
            Detector::Plain => true,
            Detector::Race | Detector::Cgocheck2 | Detector::Asan => go,
            Detector::Valgrind => !go,
        }
    }

    /// Builds the library, and adds to a `go build` what makes Go's programs link it under the detector.
    fn prepare(self, workspace: &Path, go: &mut Command) -> Result<()> {
        match self {
            Detector::Race => drop(go.arg("-race")),
            Detector::Cgocheck2 => drop(go.env("GOEXPERIMENT", "cgocheck2")),
            Detector::Asan => return asan(workspace, go),
            Detector::Plain | Detector::Valgrind => {}
        }
        build_library(workspace)
    }

    /// Builds what drives the Go binding, and returns its path. The detector has seen a planted mistake in it.
    ///
    /// # Errors
    /// Go is missing, something does not build, or the detector is blind.
    pub fn build(self, workspace: &Path) -> Result<PathBuf> {
        let program = folder(workspace)?.join(format!("scenario-{}", self.name()));
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(&program);
        self.prepare(workspace, &mut go)?;
        run(go
            .arg("./internal/scenario/driver")
            .current_dir(workspace.join("go-harness")))?;
        self.see(&program)?;
        Ok(program)
    }

    /// Checks that valgrind, if it is that, sees a planted mistake.
    ///
    /// # Errors
    /// It is missing or blind, or there is no C compiler.
    pub fn prove_valgrind(self, workspace: &Path) -> Result<()> {
        if self != Detector::Valgrind {
            return Ok(());
        }
        let source = folder(workspace)?.join("planted.c");
        fs::write(&source, include_str!("planted.c"))?;
        let program = source.with_extension("");
        run(Command::new("cc")
            .args(["-g", "-o"])
            .args([&program, &source]))?;
        self.see(&program)
    }

    /// The command that runs a program under the detector, without its arguments.
    pub(crate) fn command(self, program: &Path) -> Command {
        match self {
            Detector::Valgrind => {
                let mut valgrind = Command::new("valgrind");
                valgrind.args(["--quiet", "--exit-on-first-error=yes"]);
                valgrind.arg(format!("--error-exitcode={REPORTED}"));
                valgrind.arg(program);
                valgrind
            }
            Detector::Race => with(program, "GORACE", "halt_on_error=1"),
            Detector::Asan => with(program, "ASAN_OPTIONS", "abort_on_error=1:detect_leaks=0"),
            Detector::Plain | Detector::Cgocheck2 => Command::new(program),
        }
    }

    /// Checks that it sees the mistake that a program makes when it is asked to.
    ///
    /// # Errors
    /// It does not, or cannot be started.
    fn see(self, program: &Path) -> Result<()> {
        let says = match self {
            Detector::Plain => return Ok(()),
            Detector::Race => "WARNING: DATA RACE",
            Detector::Cgocheck2 => "Go pointer stored into non-Go memory",
            Detector::Asan => "AddressSanitizer: heap-use-after-free",
            Detector::Valgrind => "Invalid read of size 1",
        };
        let mut command = self.command(program);
        let output = command.args(["planted", &self.name()]).output();
        let output = output.with_context(|| {
            let program = command.get_program().display();
            format!("cannot start {program}: is it installed?")
        })?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && errors.contains(says),
            "{} does not see the mistake that is planted for it, so that a replay would say nothing: {}",
            self.name(),
            errors.lines().next().unwrap_or("it prints nothing")
        );
        Ok(())
    }
}

/// The folder of what is built.
fn folder(workspace: &Path) -> Result<PathBuf> {
    let folder = workspace.join("target/lab/replay");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn with(program: &Path, variable: &str, value: &str) -> Command {
    let mut command = Command::new(program);
    command.env(variable, value);
    command
}

/// Builds the library as `cgolab.toml` says for asan, and has Go link it.
fn asan(workspace: &Path, go: &mut Command) -> Result<()> {
    let path = workspace.join("cgolab.toml");
    let text = fs::read_to_string(&path).context("cannot read cgolab.toml")?;
    let mut described: Description = toml::from_str(&text).context("cgolab.toml")?;
    let Some(native) = described.native.remove("asan") else {
        bail!("cgolab.toml has no [native.asan]");
    };
    let root = workspace.canonicalize()?.display().to_string();
    let output = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output();
    let output = output.context("cannot start rustc")?;
    ensure!(
        output.status.success(),
        "rustc names no host: {}",
        output.status
    );
    let triple = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let filled = |word: &String| word.replace("{root}", &root).replace("{triple}", &triple);
    let words: Vec<String> = native.run.iter().map(filled).collect();
    let (program, arguments) = words.split_first().context("native.asan.run is empty")?;
    let mut library = Command::new(program);
    library.args(arguments).arg("-q").current_dir(workspace);
    run(library.envs(native.env.iter().map(|(key, value)| (key, filled(value)))))?;
    let link = native.link.iter().map(|word| match word.strip_prefix('@') {
        Some(file) => fs::read_to_string(workspace.join(file)).map(|text| text.trim().to_owned()),
        None => Ok(filled(word)),
    });
    let link: Vec<String> = link
        .collect::<Result<_, _>>()
        .context("cgolab.toml: native.asan.link")?;
    go.args(["-asan", "-tags", &native.tags.join(",")]);
    go.env("CGO_LDFLAGS", link.join(" "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detector_that_sees_nothing_says_nothing() {
        let program = Path::new("true");
        for detector in [Detector::Race, Detector::Cgocheck2, Detector::Asan] {
            let blind = detector.see(program).unwrap_err().to_string();
            let says = format!(
                "{} does not see the mistake that is planted",
                detector.name()
            );
            assert!(blind.starts_with(&says), "{blind}");
        }
        assert!(Detector::Plain.see(program).is_ok());
        let absent = Detector::Race.see(Path::new("/nowhere")).unwrap_err();
        assert!(absent.to_string().contains("is it installed?"), "{absent}");
    }

    #[test]
    fn a_report_counts_only_if_it_ends_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("says");
        for (code, sees) in [(0, false), (66, true)] {
            let text = format!("#!/bin/sh\necho 'WARNING: DATA RACE' >&2\nexit {code}\n");
            fs::write(&program, text).unwrap();
            run(Command::new("chmod").arg("+x").arg(&program)).unwrap();
            assert_eq!(Detector::Race.see(&program).is_ok(), sees, "{code}");
        }
    }
}
