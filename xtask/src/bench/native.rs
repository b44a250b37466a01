//! Measures the runtime with the program of `bench/`, and the engines by running them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::figures::Measured;
use super::rows::{Row, Source};
use super::{Bench, PASSES, in_turn};
use cgolab::engine::fuzz::{Fuzzer, Sanitizer, seeds};
use cgolab::host::child::{Task, quiet};
use cgolab::host::tools::Need;
use cgolab::read::libfuzzer;
use cgolab::read::notes::Notes;
use cgolab::subject::file::SubjectFile;

/// The package of the program, and where it is built: not where the workspace is, whose lock file
/// holds other versions.
const PROGRAM: &str = "courier-bench";
const TARGET_DIR: &str = "target/bench";

/// The target whose inputs all begin with.
const SEEDS: &str = "request_lifecycle";

/// The test whose models are checked: all of them have two threads. One alone takes less time than a test
/// tells apart.
const MODELS: &str = "owner";

/// The tools that these rows need.
pub(super) fn needs(rows: &[&Row]) -> Vec<Need> {
    let fuzzes = |row: &&Row| matches!(row.source, Source::Fuzz | Source::FuzzAsan);
    let mut needs = vec![Need::C];
    needs.extend(rows.iter().any(fuzzes).then_some(Need::Fuzz));
    needs
}

pub(super) fn measure(bench: &Bench<'_>, rows: &[&'static Row]) -> Result<Measured> {
    let mut measured = Measured::default();
    let from = |source| rows.iter().filter(move |row| row.source == source);
    let names: Vec<&str> = from(Source::Program).map(|row| row.benchmark).collect();
    if !names.is_empty() {
        program(bench, &names, &mut measured)?;
    }
    for row in from(Source::Fuzz) {
        fuzz(bench, row, Sanitizer::None, &mut measured)?;
    }
    for row in from(Source::FuzzAsan) {
        fuzz(bench, row, Sanitizer::Address, &mut measured)?;
    }
    for row in from(Source::Loom) {
        models(bench, row, &mut measured)?;
    }
    Ok(measured)
}

fn program(bench: &Bench<'_>, names: &[&str], measured: &mut Measured) -> Result<()> {
    bench.progress.step("building bench/");
    let build = Task::cargo(bench.workspace, &bench.folder.join("build.log"))
        .args(["build", "--release", "--locked"])
        .args(["--manifest-path", "bench/Cargo.toml"])
        .args(["--target-dir", TARGET_DIR]);
    bench.succeeded(build.run(bench.progress, quiet)?)?;
    bench
        .progress
        .step(format!("measuring {}", names.join(", ")));
    let program = bench
        .workspace
        .path(&format!("{TARGET_DIR}/release/{PROGRAM}"));
    let finished = Task::new(bench.workspace, &program, &bench.folder.join("native.log"))
        .args([(bench.seconds / 10.0).to_string(), PASSES.to_string()])
        .args(names)
        .run(bench.progress, quiet)?;
    measured.read(&bench.succeeded(finished)?.log_text());
    Ok(())
}

/// Runs each target for a while in each pass.
fn fuzz(bench: &Bench<'_>, row: &Row, sanitizer: Sanitizer, measured: &mut Measured) -> Result<()> {
    let subject = SubjectFile::load(bench.workspace.root())?;
    let fuzzer = Fuzzer {
        workspace: bench.workspace,
        tool: bench.tools.fuzz()?,
        sanitizer,
        rustc_wrapper: subject.rustc_wrapper(SEEDS),
    };
    let name = sanitizer.name();
    bench
        .progress
        .step(format!("building the fuzz targets, sanitizer {name}"));
    let log = |what: &str| bench.folder.join(format!("fuzz-{name}-{what}.log"));
    bench.succeeded(fuzzer.build(&log("build")).run(bench.progress, quiet)?)?;
    let targets: Vec<&str> = row.cases.iter().map(|case| case.name).collect();
    for pass in 0..PASSES {
        bench.progress.step(format!(
            "fuzzing, sanitizer {name}, pass {} of {PASSES}",
            pass + 1
        ));
        for target in in_turn(&targets, pass) {
            // New inputs go to a folder that nobody reads again.
            let found = tempfile::tempdir()?;
            let finished = Task::new(
                bench.workspace,
                fuzzer.binary(target)?,
                &log(&format!("{target}-{pass}")),
            )
            // The same as cargo-fuzz sets.
            .env("ASAN_OPTIONS", "detect_odr_violation=0")
            .args([found.path(), seeds(SEEDS).as_path()])
            .args([
                format!("-max_total_time={}", bench.seconds.ceil()),
                format!("-seed={}", pass + 1),
                "-print_final_stats=1".to_owned(),
            ])
            .limit(Duration::from_secs_f64(bench.seconds + 600.0))
            .run(bench.progress, quiet)?;
            let finished = bench.succeeded(finished)?;
            let executions = libfuzzer::executions(&finished.log_text())
                .with_context(|| format!("{target} does not say how many inputs ran"))?;
            let speed = executions as f64 / finished.seconds;
            measured.add(row.benchmark, target, row.unit, speed);
        }
    }
    Ok(())
}

/// The variables of a build of the models, as the engine loom has them.
const LOOM: [(&str, &str); 2] = [
    ("RUSTFLAGS", "--cfg courier_loom"),
    ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true"),
];

/// Checks the models to their end with each bound. However long that takes is how long it is measured.
fn models(bench: &Bench<'_>, row: &Row, measured: &mut Measured) -> Result<()> {
    let run = |bound: &str, log: &Path| {
        let mut task = Task::cargo(bench.workspace, log)
            .args(["test", "-p", "courier-loom", "--release", "--test", MODELS])
            .args(["--target-dir", "target/loom"])
            .args(["--", "--test-threads", "1", "--nocapture"]);
        for (key, value) in LOOM {
            task = task.env(key, value);
        }
        task = task.env("COURIER_LOOM_BOUND", bound);
        task.run(bench.progress, quiet)
    };
    let bounds: Vec<&str> = row.cases.iter().map(|case| case.name).collect();
    bench.progress.step("building the loom models");
    bench.succeeded(run(bounds[0], &bench.folder.join("loom-build.log"))?)?;
    for pass in 0..PASSES {
        bench
            .progress
            .step(format!("loom, pass {} of {PASSES}", pass + 1));
        for bound in in_turn(&bounds, pass) {
            let log = bench.folder.join(format!("loom-{bound}-{pass}.log"));
            let text = bench.succeeded(run(bound, &log)?)?.log_text();
            let (Some(executions), Some(seconds)) = (Notes::read(&text).executions, took(&text))
            else {
                bail!("the models do not say how many schedules they explored");
            };
            let speed = executions as f64 / seconds;
            measured.add(row.benchmark, bound, row.unit, speed);
        }
    }
    Ok(())
}

/// The seconds of `test result: ok. …; finished in 0.53s`.
fn took(log: &str) -> Option<f64> {
    let (_, seconds) = log
        .lines()
        .find_map(|line| line.split_once("finished in "))?;
    seconds.trim_end_matches('s').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_test_is_read() {
        let log = "running 1 test\ntest result: ok. 1 passed; 0 failed; finished in 0.53s\n";
        assert_eq!(took(log), Some(0.53));
        assert_eq!(took("error"), None);
    }
}
