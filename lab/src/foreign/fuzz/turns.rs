//! Go's own fuzzer, and both in turn with one corpus: each finds what the other does not.
//!
//! libFuzzer passes gates in C, which Go's does not see; Go's changes inputs in other ways.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use super::super::module::go;
use super::super::outcome::{EngineOutcome, State, Trouble};
use super::program::{Form, Program};
use super::session::{GRACE, Session, files_of, name};
use crate::engine::fuzz::feedback::Feedback;
use crate::engine::way::experiment;
use crate::host::child::{self, End, interrupted};
use crate::host::out::one_line;
use crate::read::gofuzz;

/// A choice of fuzzers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fuzzers {
    /// libFuzzer, which sees Go and C.
    #[default]
    Libfuzzer,
    /// `go test -fuzz`, which sees Go.
    Go,
    /// Both in turn, with one corpus.
    Both,
}

/// Turns of a session with both.
const TURNS: u32 = 4;
/// The least time of a turn. Go's fuzzer needs some to start.
const SHORTEST: Duration = Duration::from_secs(5);

impl Session<'_> {
    /// Fuzzes with these fuzzers for so long, until something is found; libFuzzer in this round of turns.
    pub(super) fn fuzz_with(
        &self,
        fuzzers: Fuzzers,
        program: &Program<'_>,
        round: &[Feedback],
        time: Duration,
        engine: &mut EngineOutcome,
    ) -> Result<()> {
        match fuzzers {
            Fuzzers::Libfuzzer => self.fuzz(program, round, time, engine).map(|_| ()),
            Fuzzers::Go => self.fuzz_by_go(program, time, engine),
            Fuzzers::Both => {
                let share = (time / TURNS).max(SHORTEST);
                let mut left = time;
                for turn in 0..TURNS {
                    let quiet = engine.findings.is_empty() && engine.trouble.is_empty();
                    if !quiet || interrupted() || left.is_zero() {
                        break;
                    }
                    let share = share.min(left);
                    left -= share;
                    match turn % 2 {
                        0 => _ = self.fuzz(program, round, share, engine)?,
                        _ => self.fuzz_by_go(program, share, engine)?,
                    }
                }
                Ok(())
            }
        }
    }

    /// Runs `go test -fuzz` on the corpus, and takes what it has added.
    fn fuzz_by_go(
        &self,
        program: &Program<'_>,
        time: Duration,
        engine: &mut EngineOutcome,
    ) -> Result<()> {
        let cache = self.cache_of_go()?;
        program.convert(&self.corpus(), Form::Go, &cache)?;
        let before = inputs(&self.testdata());
        self.progress
            .step(format!("go test -fuzz {} for {time:.0?}", self.test));
        let time_option = format!("-fuzztime={}s", time.as_secs().max(1));
        let pattern = format!("-fuzz=^{}$", self.test);
        let options = ["-run=^$", &pattern, &time_option, "-fuzzminimizetime=10s"];
        let sanitizer = self.how.sanitizer;
        let options: Vec<&str> = options
            .into_iter()
            .chain(sanitizer.of_gos_fuzzer())
            .collect();
        let mut task = self.go_test("go", &options).limit(time + GRACE);
        if self.how.cgocheck2 {
            let (key, value) = experiment("cgocheck2", true);
            task = task.env(&key, value);
        }
        let finished = task.run(self.progress, child::quiet)?;
        let text = finished.log_text();
        let executions = gofuzz::executions(&text).unwrap_or(0);
        let ran = usize::try_from(executions).unwrap_or(usize::MAX);
        engine.executions = engine.executions.saturating_add(ran);
        if finished.end == End::Interrupted {
            engine.state = State::Stopped;
            return Ok(());
        }
        program.convert(&cache, Form::Bytes, &self.corpus())?;
        self.progress.line(&format!(
            "go test -fuzz{}: {ran} executions; {} inputs in the corpus",
            sanitizer.missing_in_gos_fuzzer(),
            files_of(&self.corpus())?.len()
        ));
        let new: Vec<PathBuf> = inputs(&self.testdata())
            .difference(&before)
            .cloned()
            .collect();
        let package = &self.package.path;
        if new.is_empty() && !finished.success() && !gofuzz::time_was_over(&text) {
            let said = text.lines().find(|line| line.contains("FAIL"));
            let why = one_line(said.unwrap_or("it says nothing"), 200);
            let why = format!("go test -fuzz failed and left no input: {why}");
            engine.trouble.push(Trouble::words(package, &why));
        }
        for input in new {
            let mut alone = EngineOutcome {
                findings: Vec::new(),
                ..engine.clone()
            };
            self.replay(program, std::slice::from_ref(&input), &mut alone)?;
            if alone.findings.is_empty() && alone.state == State::On {
                let why = format!(
                    "{} failed under go test -fuzz and passes alone",
                    name(&input)
                );
                engine.trouble.push(Trouble::words(package, &why));
            }
            engine.findings.extend(alone.findings);
        }
        Ok(())
    }

    /// The folder in which Go keeps inputs of the test.
    fn cache_of_go(&self) -> Result<PathBuf> {
        let package = self.package;
        let cache = go(&package.dir, &["env", "GOCACHE"])?;
        let of_package = Path::new(cache.trim()).join("fuzz").join(&package.path);
        Ok(of_package.join(&self.test))
    }
}

/// Inputs in a folder that need not be there.
fn inputs(folder: &Path) -> BTreeSet<PathBuf> {
    files_of(folder).unwrap_or_default()
}
