//! `cargo lab fuzz`: fuzzes one target for a while, and prints the plain command that does the same.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::engine::fuzz::{Fuzzer, Sanitizer, corpus, known_target, seeds};
use crate::host::child;
use crate::host::out;
use crate::host::progress::Progress;
use crate::host::tools::pinned::CARGO_FUZZ;
use crate::host::tools::{Need, Tools};
use crate::host::workspace::Workspace;
use crate::read::libfuzzer;
use crate::read::notes::Notes;

/// Fuzzes `target`, and returns `true` if nothing was found.
///
/// New inputs are kept in `fuzz/corpus/`; the seeds of the target come second, so they are read
/// and never written.
pub(crate) fn fuzz(
    workspace: &Workspace,
    target: &str,
    seconds: u64,
    sanitizer: Sanitizer,
) -> Result<bool> {
    known_target(workspace, target)?;
    let progress = Progress::new();
    let tools = Tools::find(workspace, &[Need::C, Need::Cxx, Need::Fuzz], &progress)?;
    let tool = tools.fuzz()?;
    let fuzzer = Fuzzer {
        workspace,
        tool,
        sanitizer,
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
    let options = [limit.as_str()];
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
