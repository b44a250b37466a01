//! Drives the Go binding, in a process of its own.
//!
//! The program is `go-harness/internal/scenario/driver`: it reads a line of setup and one step a line, and answers
//! each with a line of JSON. It may die in the middle of a step, or never answer: both end the step.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use courier_scenario::driver::go;
use courier_scenario::explore::{Driver, Stopped};
use courier_scenario::fixture::Fixture;
use courier_scenario::model::Model;
use courier_scenario::op::Step;
use courier_scenario::outcome::Observation;
use courier_scenario::replay::Replay;
use courier_scenario::state::State;
use courier_scenario::through::{Interface, Through};
use wait_timeout::ChildExt as _;

use crate::lines::lines_of;

/// Time after which a step counts as hung, as for the lanes of the other drivers.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The most that is kept of what the program prints on standard error, in bytes.
const KEPT: usize = 64 << 10;

/// Words in the first line of a detector's report, and those with which Go's last words begin.
const REPORTS: [&str; 2] = ["Sanitizer: ", "WARNING: DATA RACE"];
const LAST_WORDS: [&str; 2] = ["fatal error: ", "panic: "];

/// The lines that are shown of it.
const SHOWN: usize = 24;

/// The binding, on lanes that are goroutines, each locked to its thread. For one scenario.
#[derive(Debug)]
pub struct GoDriver {
    process: Child,
    steps: Option<ChildStdin>,
    answers: Receiver<String>,
    errors: Option<JoinHandle<Vec<u8>>>,
    patience: Duration,
    _fixture: Fixture,
}

/// Builds the library that programs in C and Go link.
///
/// # Errors
/// It does not build.
pub fn build_library(workspace: &Path) -> Result<()> {
    run(Command::new("cargo")
        .args(["build", "--release", "-q", "-p", "courier-ffi"])
        .current_dir(workspace))
}

/// Runs a command, which must succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let status = command
        .status()
        .with_context(|| format!("cannot start {name}: is it on PATH?"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}

impl GoDriver {
    /// Starts the program. A step counts as hung when it has not ended after `patience`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut program: Command, patience: Duration) -> Result<GoDriver> {
        let fixture = Fixture::new()?;
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {:?}", program.get_program()))?;
        let steps = child.stdin.take();
        let answers = lines_of(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut part) {
                text.extend_from_slice(&part[..length]);
                if text.len() > KEPT {
                    // Of a flood the middle goes.
                    text.drain(KEPT / 2..text.len() - KEPT / 2);
                }
            }
            text
        });
        let mut driver = GoDriver {
            process: child,
            steps,
            answers,
            errors: Some(errors),
            patience,
            _fixture: fixture,
        };
        let root = driver._fixture.root();
        let Some(root) = root.to_str() else {
            bail!("the temporary directory {root:?} is not UTF-8");
        };
        driver.send(&go::setup(root));
        Ok(driver)
    }

    /// A program that has gone takes nothing, which is seen when its answer does not come.
    fn send(&mut self, line: &str) {
        if let Some(steps) = &mut self.steps {
            let _ = writeln!(steps, "{line}");
        }
    }

    fn answer(&mut self) -> Result<String, Stopped> {
        match self.answers.recv_timeout(self.patience) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.process.kill();
                Err(Stopped {
                    contract: None,
                    text: format!(
                        "the call through Go has not returned after {:?}",
                        self.patience
                    ),
                    hung: true,
                })
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }

    fn died(&mut self) -> Stopped {
        self.steps = None;
        let how = match self.process.wait_timeout(self.patience) {
            Ok(Some(status)) => status.to_string(),
            Ok(None) => "it has closed its output and hangs".to_owned(),
            Err(error) => error.to_string(),
        };
        // Its errors end with it.
        let _ = self.process.kill();
        let errors = self.errors.take().map(JoinHandle::join);
        let errors = errors.and_then(Result::ok).unwrap_or_default();
        Stopped {
            contract: None,
            text: format!(
                "the process with the Go binding ended ({how}): {}",
                report(&String::from_utf8_lossy(&errors))
            ),
            hung: true,
        }
    }
}

/// The report in what a program printed before it died, or the last lines.
fn report(errors: &str) -> String {
    let lines: Vec<&str> = errors.trim().lines().collect();
    let begins = |line: &&str| {
        REPORTS.iter().any(|words| line.contains(words))
            || LAST_WORDS.iter().any(|words| line.starts_with(words))
    };
    let first = lines.iter().position(begins);
    let first = first.unwrap_or(lines.len().saturating_sub(SHOWN));
    let end = lines.len().min(first + SHOWN);
    lines[first..end].join("\n")
}

impl Drop for GoDriver {
    fn drop(&mut self) {
        // Nothing is to be kept of it, whatever it is doing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Driver for GoDriver {
    type Model = Model;

    fn model(&self) -> Model {
        Model::new(Interface::Go)
    }

    fn apply(&mut self, step: Step) -> Result<Observation, Stopped> {
        self.send(&go::line(&step));
        go::answer(&self.answer()?)
    }

    /// The state is the library's own, in the other process.
    fn state(&self) -> Option<State> {
        None
    }

    fn replay(&self) -> &'static str {
        Replay::COMMAND
    }

    fn scenario(&self, steps: &[Step]) -> String {
        Through::Go.scenario(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_shown_from_its_beginning() {
        let before = "a line\n".repeat(100);
        let after = "goroutine 1\n".repeat(100);
        let shown = report(&format!("{before}==7==ERROR: AddressSanitizer: x\n{after}"));
        assert!(shown.starts_with("==7==ERROR: AddressSanitizer: x\ngoroutine 1"));
        assert_eq!(shown.lines().count(), SHOWN);
        assert_eq!(
            report(&format!("{before}the last\n")).lines().last(),
            Some("the last")
        );
        assert_eq!(report(""), "");
    }
}
