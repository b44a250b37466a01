//! Measures fuzzers: the seconds until each finds a planted mistake, and inputs a second.
//!
//! | case | counters |
//! |---|---|
//! | `go-test-fuzz` | in Go; Go's own fuzzer with one worker |
//! | `c-only` | in C: libFuzzer as it is used for C, since none of the Go that runs has counters |
//! | `two-sided` | in C and in Go: what `cgolab fuzz` builds |
//!
//! All three run the same fuzz test of `bench/planted/` on one processor at a time, from the same inputs. A search that
//! finds nothing within the limit counts as one that would never have. What ends a search must be the planted mistake.
//!
//! The row `Parts` runs courier's own target as it is, and with each of its parts switched off.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::figures::{MISSED, Measured, SEARCH};
use super::rows::{Row, Source};
use super::{Bench, in_turn};
use cgolab::engine::fuzz::{Fuzzer, GROW_SLOWLY, Sanitizer, seeds};
use cgolab::host::child::{Finished, Task, quiet};
use cgolab::host::taskset;
use cgolab::host::tools::Need;
use cgolab::read::{gofuzz, libfuzzer};
use cgolab::subject::file::SubjectFile;

pub(super) const NEEDS: [Need; 4] = [Need::C, Need::Cxx, Need::Go, Need::Fuzz];

/// Searches of each kind for each mistake.
pub(super) const TRIALS: usize = 10;

const GO: &str = "go-test-fuzz";
const C_ONLY: &str = "c-only";

/// A package that package testing links, and that no test calls.
const NO_GO: &str = "text/tabwriter";

/// A copy of `bench/planted/`, in which programs leave their findings.
struct Planted<'a> {
    bench: &'a Bench<'a>,
    module: PathBuf,
}

pub(super) fn measure(bench: &Bench<'_>, rows: &[&'static Row]) -> Result<Measured> {
    let folder = tempfile::tempdir().context("cannot create a folder for temporary files")?;
    let planted = Planted {
        bench,
        module: folder.path().join("planted"),
    };
    planted.copy()?;
    planted.gates_open()?;
    let mut measured = Measured::default();
    for row in rows {
        match row.source {
            Source::Planted { test, instrument } => {
                planted.measure(row, test, instrument, &mut measured)?;
            }
            Source::Parts => parts(bench, row, &mut measured)?,
            _ => bail!("{} is no row of fuzzers", row.benchmark),
        }
    }
    Ok(measured)
}

impl Planted<'_> {
    fn copy(&self) -> Result<()> {
        let from = self.bench.workspace.path("bench/planted");
        fs::create_dir(&self.module)
            .with_context(|| format!("cannot create {}", self.module.display()))?;
        let entries = fs::read_dir(&from)
            .with_context(|| format!("cannot read {}; is this a checkout?", from.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), self.module.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Runs the module's tests. A gate that no input opens would be one that nobody finds.
    fn gates_open(&self) -> Result<()> {
        let go = self.bench.tools.go()?;
        let tests = go.task(self.bench.workspace, &self.log("planted"));
        let tests = tests.args(["test", "-count=1", "."]).dir(&self.module);
        self.bench
            .succeeded(tests.run(self.bench.progress, quiet)?)?;
        Ok(())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.bench.folder.join(format!("{name}.log"))
    }

    /// Measures the cases of a row, which take turns.
    fn measure(
        &self,
        row: &Row,
        test: &str,
        instrument: Option<&str>,
        measured: &mut Measured,
    ) -> Result<()> {
        let cases: Vec<&str> = row.cases.iter().map(|case| case.name).collect();
        for case in &cases {
            self.bench.progress.step(format!("building {test}, {case}"));
            let log = self.log(&format!("{test}-{case}-build"));
            let build = self.build(test, case, instrument, &log)?;
            self.bench
                .succeeded(build.dir(&self.module).run(self.bench.progress, quiet)?)?;
        }
        for trial in 0..TRIALS {
            let step = format!("{test}, trial {} of {TRIALS}", trial + 1);
            self.bench.progress.step(step);
            for case in in_turn(&cases, trial) {
                let finished = self.run(test, case, trial)?;
                let figure = match row.unit {
                    SEARCH => seconds(&finished)?,
                    _ => inputs(self.bench.succeeded(finished)?, case)?,
                };
                measured.add(row.benchmark, case, row.unit, figure);
            }
        }
        Ok(())
    }

    /// Builds the program of a case.
    fn build(&self, test: &str, case: &str, instrument: Option<&str>, log: &Path) -> Result<Task> {
        let bench = self.bench;
        if case == GO {
            return Ok(bench
                .tools
                .go()?
                .task(bench.workspace, log)
                .args(["test", "-c", "-fuzz", test, "-o", case, "."]));
        }
        let instrument = match case {
            C_ONLY => Some(NO_GO),
            _ => instrument,
        };
        let task = Task::new(bench.workspace, env::current_exe()?, log).args([
            "fuzz",
            ".",
            "--run",
            test,
            "--build-only",
            "-o",
            case,
        ]);
        Ok(match instrument {
            Some(packages) => task.args(["--instrument", packages]),
            None => task,
        })
    }

    /// Runs the program of a case until it finds something or its time is over, with new inputs in a folder that nobody
    /// reads again.
    fn run(&self, test: &str, case: &str, trial: usize) -> Result<Finished> {
        let (bench, found) = (self.bench, tempfile::tempdir()?);
        let seconds = bench.seconds.ceil();
        let [taskset, words @ ..] = taskset::one_processor()?;
        let log = self.log(&format!("{test}-{case}-{trial}"));
        let task = Task::new(bench.workspace, taskset, &log)
            .dir(&self.module)
            .args(words)
            .args([self.module.join(case)]);
        let task = match case {
            GO => task
                .args(["-test.run=^$", "-test.parallel=1"])
                .args([
                    format!("-test.fuzz=^{test}$"),
                    format!("-test.fuzztime={seconds}s"),
                ])
                .args([format!("-test.fuzzcachedir={}", found.path().display())]),
            _ => task
                .args([
                    format!("-seed={}", trial + 1),
                    format!("-max_total_time={seconds}"),
                ])
                .args([format!("-artifact_prefix={}/", found.path().display())])
                .args(["-print_final_stats=1"])
                .args([found.path()]),
        };
        let finished = task
            .limit(Duration::from_secs_f64(bench.seconds + 600.0))
            .run(bench.progress, quiet)?;
        // Go's fuzzer writes what it finds there, and begins with it.
        let kept = self.module.join("testdata");
        if kept.exists() {
            fs::remove_dir_all(&kept)
                .with_context(|| format!("cannot remove {}", kept.display()))?;
        }
        Ok(finished)
    }
}

/// The target whose parts are switched off.
const TARGET: &str = "request_lifecycle";

/// The variable that names the part.
const WITHOUT: &str = "CGOLAB_FUZZ_WITHOUT";

/// What a case of the row of parts has: counters in all crates, and a part that is switched off, by its name.
fn left_out(case: &str) -> Result<(bool, &str)> {
    Ok(match case {
        "now" => (false, ""),
        "all-counters" => (true, ""),
        _ => match case.strip_prefix("without-") {
            Some(part) => (false, part),
            None => bail!("{case} is no case of parts"),
        },
    })
}

/// Runs the target from its seeds for the same time in each case.
fn parts(bench: &Bench<'_>, row: &Row, measured: &mut Measured) -> Result<()> {
    let subject = SubjectFile::load(bench.workspace.root())?;
    let fuzzer = |all_counters: bool| -> Result<Fuzzer<'_>> {
        let rustc_wrapper = subject.rustc_wrapper(TARGET);
        Ok(Fuzzer {
            workspace: bench.workspace,
            tool: bench.tools.fuzz()?,
            sanitizer: Sanitizer::None,
            rustc_wrapper: rustc_wrapper.filter(|_| !all_counters),
        })
    };
    for all_counters in [false, true] {
        bench.progress.step("building the fuzz targets");
        let log = bench.folder.join(format!("targets-{all_counters}.log"));
        let build = fuzzer(all_counters)?.build(&log);
        bench.succeeded(build.run(bench.progress, quiet)?)?;
    }
    let cases: Vec<&str> = row.cases.iter().map(|case| case.name).collect();
    for trial in 0..TRIALS {
        let step = format!("{TARGET}, trial {} of {TRIALS}", trial + 1);
        bench.progress.step(step);
        for case in in_turn(&cases, trial) {
            let (all_counters, without) = left_out(case)?;
            let found = tempfile::tempdir()?;
            let log = bench.folder.join(format!("{TARGET}-{case}-{trial}.log"));
            let program = fuzzer(all_counters)?.binary(TARGET)?;
            let finished = Task::new(bench.workspace, program, &log)
                .env(WITHOUT, without)
                .args([found.path(), seeds(TARGET).as_path()])
                .args([format!("-seed={}", trial + 1)])
                .args([format!("-max_total_time={}", bench.seconds.ceil())])
                .args(["-print_final_stats=1", GROW_SLOWLY])
                .limit(Duration::from_secs_f64(bench.seconds + 600.0))
                .run(bench.progress, quiet)?;
            let finished = bench.succeeded(finished)?;
            let is_off = format!("without {without}\n");
            ensure!(
                without.is_empty() || finished.log_text().contains(&is_off),
                "{} does not say that it runs without {without}",
                finished.command
            );
            measured.add(row.benchmark, case, row.unit, inputs(finished, case)?);
        }
    }
    Ok(())
}

/// The seconds of a search, or that it found nothing.
fn seconds(finished: &Finished) -> Result<f64> {
    if finished.success() {
        return Ok(MISSED);
    }
    let text = finished.log_text();
    ensure!(
        text.lines().any(|line| line.trim().ends_with(": planted")),
        "{} did not end by what is planted ({}): {}",
        finished.command,
        finished.how(),
        libfuzzer::failure(&text)
    );
    Ok(finished.seconds)
}

/// Inputs a second.
fn inputs(finished: Finished, case: &str) -> Result<f64> {
    let text = finished.log_text();
    let executions = match case {
        GO => gofuzz::executions(&text),
        _ => libfuzzer::executions(&text),
    };
    let executions = executions
        .with_context(|| format!("{} does not say how many inputs ran", finished.command))?;
    Ok(executions as f64 / finished.seconds)
}
