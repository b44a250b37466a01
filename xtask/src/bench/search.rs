//! Measures fuzzers: the seconds until each finds a planted mistake, and inputs a second.
//!
//! | case | counters |
//! |---|---|
//! | `go-test-fuzz` | in Go; Go's own fuzzer with one worker |
//! | `c-only` | in C: libFuzzer as it is used for C, since none of the Go that runs has counters |
//! | `linked` | in C and in all of Go: a target of C that calls an archive of Go, without package testing |
//! | `two-sided` | in C and in Go: what `cgolab fuzz --sanitizer none` builds, and in a search its turns of feedback |
//! | `two-sided-address` | the same with AddressSanitizer, for inputs a second |
//!
//! All run the same gates of `bench/planted/` on one processor at a time, from the same inputs, and without a sanitizer
//! where the name does not say one: Go's own fuzzer has none. A search that finds nothing within the limit counts as
//! one that would never have. What ends a search must be the planted mistake.
//!
//! The row `Parts` runs courier's own target as it is, and with each of its parts switched off.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cgolab_note::tool::clang_on_path;
use tempfile::TempDir;

use super::figures::{MISSED, Measured, SEARCH};
use super::rows::{Row, Source};
use super::{Bench, in_turn, table};
use cgolab::engine::fuzz::feedback::{Feedback, TWO_SIDED as ROUND, turn};
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
const LINKED: &str = "linked";
const TWO_SIDED: &str = "two-sided";
const WITH_ADDRESS: &str = "two-sided-address";

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
        // Told at once: a failure in a later row loses the table.
        let ended = table::row(&row.judge(&measured));
        bench.progress.line(ended.trim_end());
    }
    Ok(measured)
}

impl Planted<'_> {
    fn copy(&self) -> Result<()> {
        let from = self.bench.workspace.path("bench/planted");
        for folder in ["", "library", "library/libfuzzer"] {
            let (from, to) = (from.join(folder), self.module.join(folder));
            fs::create_dir(&to).with_context(|| format!("cannot create {}", to.display()))?;
            let entries = fs::read_dir(&from)
                .with_context(|| format!("cannot read {}; is this a checkout?", from.display()))?;
            for entry in entries {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    fs::copy(entry.path(), to.join(entry.file_name()))?;
                }
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
            for task in self.build(test, case, instrument)? {
                let built = task.dir(&self.module).run(self.bench.progress, quiet)?;
                self.bench.succeeded(built)?;
            }
        }
        let seeds = self.seeds(test)?;
        for trial in 0..TRIALS {
            let step = format!("{test}, trial {} of {TRIALS}", trial + 1);
            self.bench.progress.step(step);
            for case in in_turn(&cases, trial) {
                let ran = match (row.unit, case) {
                    (SEARCH, TWO_SIDED) => self.in_turns(test, seeds.path(), trial)?,
                    _ => self.once(test, case, seeds.path(), trial)?,
                };
                let figure = match row.unit {
                    SEARCH if ran.found => ran.seconds,
                    SEARCH => MISSED,
                    _ => ran.speed(case)?,
                };
                measured.add(row.benchmark, case, row.unit, figure);
            }
        }
        Ok(())
    }

    /// The commands that build the program of a case.
    fn build(&self, test: &str, case: &str, instrument: Option<&str>) -> Result<Vec<Task>> {
        let log = self.log(&format!("{test}-{case}-build"));
        Ok(match case {
            GO => vec![
                self.go(&log)?
                    .args(["test", "-c", "-fuzz", test, "-o", case, "."]),
            ],
            LINKED => vec![
                self.archive(&log.with_extension("go.log"))?,
                self.linked(test, &log)?,
            ],
            WITH_ADDRESS => vec![self.two_sided(test, case, "address", instrument, &log)?],
            C_ONLY => vec![self.two_sided(test, case, "none", Some(NO_GO), &log)?],
            _ => vec![self.two_sided(test, case, "none", instrument, &log)?],
        })
    }

    fn go(&self, log: &Path) -> Result<Task> {
        Ok(self.bench.tools.go()?.task(self.bench.workspace, log))
    }

    fn two_sided(
        &self,
        test: &str,
        case: &str,
        sanitizer: &str,
        instrument: Option<&str>,
        log: &Path,
    ) -> Result<Task> {
        let task = Task::new(self.bench.workspace, env::current_exe()?, log)
            .args(["fuzz", ".", "--run", test, "--sanitizer", sanitizer])
            .args(["--build-only", "-o", case]);
        Ok(match instrument {
            Some(packages) => task.args(["--instrument", packages]),
            None => task,
        })
    }

    /// The gates as an archive of C, with counters in all packages of Go.
    fn archive(&self, log: &Path) -> Result<Task> {
        let task = self.go(log)?.env("CC", clang()?);
        Ok(task
            .env("CGO_CFLAGS", "-O2 -g -fsanitize=fuzzer-no-link")
            .args(["build", "-buildmode=c-archive", "-tags=libfuzzer"])
            .args(["-gcflags=all=-d=libfuzzer", "-o", "library.a", "./library"]))
    }

    /// The target of C that calls the archive.
    fn linked(&self, test: &str, log: &Path) -> Result<Task> {
        let gate = test.trim_start_matches("Fuzz");
        Ok(Task::new(self.bench.workspace, clang()?, log)
            .args(["-O2", "-g", "-fsanitize=fuzzer", "-I."])
            .args([format!("-DGATE=\"{gate}\"")])
            .args(["library/libfuzzer/target.c", "library.a"])
            .args(["-lpthread", "-lresolv", "-o", LINKED]))
    }

    /// Searches with the turns of a session, which have one corpus.
    fn in_turns(&self, test: &str, seeds: &Path, trial: usize) -> Result<Ran> {
        let corpus = tempfile::tempdir()?;
        let limit = Duration::from_secs_f64(self.bench.seconds.ceil());
        let mut ran = Ran::default();
        for number in 0.. {
            let left = limit.saturating_sub(Duration::from_secs_f64(ran.seconds));
            let Some((feedback, time)) = turn(ROUND, 0, number, left, Duration::ZERO) else {
                break;
            };
            let log = self.log(&format!("{test}-{TWO_SIDED}-{trial}-{number}"));
            let seed = (trial + 1) * 1000 + number as usize;
            let folders = [corpus.path(), seeds];
            let turn = self.libfuzzer(TWO_SIDED, feedback, seed, time, folders, &log)?;
            ran.seconds += turn.seconds;
            ran.found = found(&turn)?;
            if ran.found {
                break;
            }
        }
        Ok(ran)
    }

    /// Runs the program of a case until it finds something or its time is over, with new inputs in a folder that nobody
    /// reads again.
    fn once(&self, test: &str, case: &str, seeds: &Path, trial: usize) -> Result<Ran> {
        let log = self.log(&format!("{test}-{case}-{trial}"));
        let limit = Duration::from_secs_f64(self.bench.seconds.ceil());
        let finished = match case {
            GO => self.gos_fuzzer(test, limit, &log)?,
            _ => {
                let corpus = tempfile::tempdir()?;
                let folders = [corpus.path(), seeds];
                self.libfuzzer(case, Feedback::All, trial + 1, limit, folders, &log)?
            }
        };
        let text = finished.log_text();
        Ok(Ran {
            seconds: finished.seconds,
            found: found(&finished)?,
            executions: match case {
                GO => gofuzz::executions(&text),
                _ => libfuzzer::executions(&text),
            },
        })
    }

    /// A folder with the seeds of a test.
    fn seeds(&self, test: &str) -> Result<TempDir> {
        let folder = tempfile::tempdir().context("cannot create a folder for temporary files")?;
        let program = self.module.join(TWO_SIDED);
        let task = Task::new(
            self.bench.workspace,
            program,
            &self.log(&format!("{test}-seeds")),
        )
        .dir(&self.module)
        .env("CGOLAB_FUZZ_CONVERT", "seeds")
        .env("CGOLAB_FUZZ_OUT", folder.path());
        self.bench
            .succeeded(task.run(self.bench.progress, quiet)?)?;
        Ok(folder)
    }

    /// Runs libFuzzer on folders, the first one for new inputs.
    fn libfuzzer(
        &self,
        case: &str,
        feedback: Feedback,
        seed: usize,
        time: Duration,
        folders: [&Path; 2],
        log: &Path,
    ) -> Result<Finished> {
        let artifacts = tempfile::tempdir()?;
        let mut task = self
            .on_one_processor(case, log)?
            .args([format!("-seed={seed}")])
            .args([format!("-max_total_time={}", time.as_secs())])
            .args([format!("-artifact_prefix={}/", artifacts.path().display())])
            .args(["-print_final_stats=1"])
            .args(feedback.option())
            .args(folders);
        if let Some((key, value)) = feedback.env() {
            task = task.env(key, value);
        }
        task.run(self.bench.progress, quiet)
    }

    fn gos_fuzzer(&self, test: &str, time: Duration, log: &Path) -> Result<Finished> {
        let cache = tempfile::tempdir()?;
        let finished = self
            .on_one_processor(GO, log)?
            .args(["-test.run=^$", "-test.parallel=1"])
            // The others end with what they found first.
            .args(["-test.fuzzminimizetime=1x"])
            .args([format!("-test.fuzz=^{test}$")])
            .args([format!("-test.fuzztime={}s", time.as_secs())])
            .args([format!("-test.fuzzcachedir={}", cache.path().display())])
            .run(self.bench.progress, quiet)?;
        // Go's fuzzer writes what it finds there, and begins with it.
        let kept = self.module.join("testdata");
        if kept.exists() {
            fs::remove_dir_all(&kept)
                .with_context(|| format!("cannot remove {}", kept.display()))?;
        }
        Ok(finished)
    }

    fn on_one_processor(&self, case: &str, log: &Path) -> Result<Task> {
        let [taskset, words @ ..] = taskset::one_processor()?;
        Ok(Task::new(self.bench.workspace, taskset, log)
            .dir(&self.module)
            .args(words)
            .args([self.module.join(case)])
            .limit(Duration::from_secs_f64(self.bench.seconds + 600.0)))
    }
}

/// What came of a search.
#[derive(Debug, Default)]
struct Ran {
    seconds: f64,
    found: bool,
    executions: Option<u64>,
}

impl Ran {
    /// Inputs a second.
    fn speed(&self, what: &str) -> Result<f64> {
        ensure!(!self.found, "{what} found something");
        let executions = self
            .executions
            .with_context(|| format!("{what} does not say how many inputs ran"))?;
        Ok(executions as f64 / self.seconds)
    }
}

/// Reports whether a search ended by what is planted.
fn found(finished: &Finished) -> Result<bool> {
    let text = finished.log_text();
    if finished.success() || gofuzz::time_was_over(&text) {
        return Ok(false);
    }
    ensure!(
        text.lines().any(|line| line.trim().ends_with(": planted")),
        "{} did not end by what is planted ({}): {}",
        finished.command,
        finished.how(),
        libfuzzer::failure(&text)
    );
    Ok(true)
}

fn clang() -> Result<PathBuf> {
    clang_on_path().context("clang was not found on PATH; install it")
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
            let executions = libfuzzer::executions(&finished.log_text());
            let ran = Ran {
                seconds: finished.seconds,
                found: false,
                executions,
            };
            measured.add(row.benchmark, case, row.unit, ran.speed(case)?);
        }
    }
    Ok(())
}
