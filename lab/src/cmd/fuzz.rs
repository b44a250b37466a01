//! `cgolab fuzz`: a fuzz test of a Go module; or, in a checkout with targets of cargo-fuzz, one of them for a while,
//! with the plain command that does the same.

use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{green, in_checkout};
use crate::engine::fuzz::{Fuzzer, GROW_SLOWLY, Sanitizer, corpus, known_target, seeds};
use crate::foreign;
use crate::host::child;
use crate::host::out;
use crate::host::progress::Progress;
use crate::host::tools::pinned::CARGO_FUZZ;
use crate::host::tools::{Need, Tools};
use crate::host::workspace::Workspace;
use crate::read::libfuzzer;
use crate::read::notes::Notes;
use crate::subject::file::SubjectFile;

/// The arguments of the command. With `--run` a fuzz test of Go is meant.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(group = clap::ArgGroup::new("module").args(["run", "all"]))]
pub struct Args {
    /// A package, as a folder or as `go list` takes it, with --all also a pattern; or a target, such as
    /// request_lifecycle.
    #[arg(value_name = "PACKAGE|TARGET", required_unless_present = "all")]
    target: Option<String>,
    /// The fuzz test of the package.
    #[arg(long, value_name = "FuzzX")]
    run: Option<String>,
    /// In a module: all fuzz tests of the packages, which are ./... if none is named; the time goes to those that
    /// reach more.
    #[arg(long)]
    all: bool,
    /// With --all: the number of tests that run at the same time [default: the number of cores].
    #[arg(long, value_name = "N", requires = "all")]
    jobs: Option<NonZero<usize>>,
    /// In a module: the time to fuzz.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = foreign::fuzz::time, requires = "module")]
    time: Duration,
    /// The time to fuzz a target, in seconds.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1_000_000), conflicts_with = "module")]
    seconds: u64,
    /// In a module: the fuzzers, with one corpus.
    #[arg(long = "engine", value_enum, default_value_t, conflicts_with = "all")]
    fuzzers: foreign::fuzz::Fuzzers,
    /// Options of the build.
    #[command(flatten)]
    options: foreign::fuzz::Options,
    /// In a module: build the program into the file of -o, and do not run it.
    #[arg(long, requires_all = ["output", "run"])]
    build_only: bool,
    /// The file for --build-only.
    #[arg(short, value_name = "FILE", requires = "build_only")]
    output: Option<PathBuf>,
    /// Options of libFuzzer.
    #[arg(last = true, value_name = "OPTION", requires = "module")]
    libfuzzer: Vec<String>,
    /// Instead of fuzzing.
    #[command(subcommand)]
    chore: Option<foreign::fuzz::Chore>,
}

impl Args {
    /// Does what was asked for, and returns the exit code.
    pub(super) fn run(self) -> Result<u8> {
        if let Some(chore) = self.chore {
            return green(foreign::fuzz::chore(&chore)?);
        }
        if self.all {
            return green(foreign::fuzz::campaign(&foreign::fuzz::Campaign {
                packages: self.target.unwrap_or_else(|| "./...".to_owned()),
                options: self.options,
                time: self.time,
                jobs: self.jobs.unwrap_or_else(|| {
                    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
                }),
                libfuzzer: self.libfuzzer,
            })?);
        }
        // clap sees to that there is one.
        let target = self.target.unwrap_or_default();
        let Some(test) = self.run else {
            let sanitizer = self.options.sanitizer.of_target()?;
            return in_checkout(|workspace| fuzz(workspace, &target, self.seconds, sanitizer));
        };
        green(foreign::fuzz::fuzz(&foreign::fuzz::Wish {
            target: foreign::fuzz::Target {
                package: target,
                test,
                options: self.options,
            },
            time: self.time,
            fuzzers: self.fuzzers,
            build_only: self.output,
            libfuzzer: self.libfuzzer,
        })?)
    }
}

/// Fuzzes `target`, and returns `true` if nothing was found.
///
/// New inputs are kept in `fuzz/corpus/`; the seeds of the target come second, so they are read
/// and never written.
fn fuzz(workspace: &Workspace, target: &str, seconds: u64, sanitizer: Sanitizer) -> Result<bool> {
    known_target(workspace, target)?;
    let progress = Progress::new();
    let tools = Tools::find(workspace, &[Need::C, Need::Cxx, Need::Fuzz], &progress)?;
    let tool = tools.fuzz()?;
    let subject = SubjectFile::load(workspace.root())?;
    let fuzzer = Fuzzer {
        workspace,
        tool,
        sanitizer,
        rustc_wrapper: subject.rustc_wrapper(target),
    };
    let logs = workspace.lab().join("fuzz");
    let corpus = corpus(target);
    for dir in [&logs, &workspace.root().join(&corpus)] {
        fs::create_dir_all(dir)
            .with_context(|| format!("cannot create {}; is it writable?", dir.display()))?;
    }
    progress.step(format!(
        "building the fuzz targets, sanitizer {}",
        sanitizer.name()
    ));
    let build_log = logs.join("build.log");
    let built = fuzzer.build(&build_log).run(&progress, child::quiet)?;
    if !built.success() {
        if child::interrupted() {
            return Ok(false);
        }
        bail!(
            "the fuzz targets do not build: {}; read {}",
            libfuzzer::failure(&built.log_text()),
            workspace.shown(&build_log)
        );
    }
    let mut inputs = vec![corpus];
    if workspace.root().join(seeds(target)).is_dir() {
        inputs.push(seeds(target));
    }
    let limit = format!("-max_total_time={seconds}");
    let options = [limit.as_str(), GROW_SLOWLY];
    out::line(fuzzer.plain(target, &inputs, &options))?;
    if !matches!(which::which(CARGO_FUZZ.name), Ok(path) if path == tool.program.path) {
        out::line("    (needs cargo-fuzz on PATH: `cargo lab doctor` says how)")?;
    }
    progress.step(format!("fuzzing {target} for {seconds} s"));
    let log = logs.join(format!("{target}.log"));
    let finished = fuzzer
        .run(target, &inputs, &options, &log)
        .limit(Duration::from_secs(seconds.saturating_add(30 * 60)))
        .run(&progress, |line| Some(line.to_owned()))?;
    progress.finish();
    if finished.success() {
        let executions = libfuzzer::executions(&finished.log_text()).unwrap_or(0);
        out::line(format_args!("nothing found in {executions} executions"))?;
        return Ok(true);
    }
    if child::interrupted() {
        out::line("interrupted; what it found of new inputs is in the corpus")?;
        return Ok(false);
    }
    let text = finished.log_text();
    let notes = Notes::read(&text);
    let what = notes
        .disagreement()
        .unwrap_or_else(|| libfuzzer::failure(&text));
    out::line(format_args!("FOUND: {what}"))?;
    for id in &notes.broken {
        out::line(format_args!("    contract: {id}"))?;
    }
    if let Some(scenario) = &notes.scenario {
        out::line(format_args!("    scenario: {scenario}"))?;
    }
    for input in libfuzzer::written(&text) {
        let input = PathBuf::from(workspace.shown(input));
        let again = fuzzer.plain(target, &[input], &[]);
        out::line(format_args!("    again: {again}"))?;
    }
    out::line(format_args!("    log: {}", workspace.shown(&log)))?;
    Ok(false)
}
