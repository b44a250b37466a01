//! `cargo lab test`: every test of the project, plainly.
//!
//! It runs all steps whatever fails, so that one run names everything that is wrong.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use cgolab::host::child::{self, Task};
use cgolab::host::out;
use cgolab::host::progress::Progress;
use cgolab::host::tools::{Need, Tools};
use cgolab::host::workspace::Workspace;
use cgolab::read::nextest;

/// Lines of a failing step's log that are printed.
const TAIL: usize = 40;

/// A child, and which of its lines people see while it runs.
struct Step {
    task: Task,
    log: String,
    show: fn(&str) -> Option<String>,
    /// True if the lines shown tell by themselves what failed.
    speaks: bool,
}

/// Runs all steps and returns whether every one succeeded.
pub(crate) fn test(workspace: &Workspace) -> Result<bool> {
    let progress = Progress::new();
    let tools = Tools::find(workspace, &[Need::Nextest, Need::Go, Need::C], &progress)?;
    let logs = workspace.lab().join("test");
    fs::create_dir_all(&logs)
        .with_context(|| format!("cannot create {}; is it writable?", logs.display()))?;
    let mut failed = Vec::new();
    for step in steps(workspace, &tools, &logs)? {
        let command = step.task.shown();
        if child::interrupted() {
            failed.push(format!("{command} (not run: interrupted)"));
            continue;
        }
        progress.step(&command);
        let finished = step.task.run(&progress, step.show)?;
        let verdict = if finished.success() { "ok  " } else { "FAIL" };
        progress.line(&format!("{verdict} {:>6.1} s  {command}", finished.seconds));
        if !finished.success() {
            if !step.speaks {
                for line in tail(&finished.log_text()) {
                    progress.line(&format!("    {line}"));
                }
            }
            failed.push(format!(
                "{command} ({}; log: {})",
                finished.how(),
                workspace.shown(&logs.join(&step.log))
            ));
        }
    }
    progress.finish();
    if failed.is_empty() {
        out::line("all tests passed")?;
    } else {
        out::line("FAILED:")?;
        for step in &failed {
            out::line(format_args!("  {step}"))?;
        }
    }
    Ok(failed.is_empty())
}

fn steps(workspace: &Workspace, tools: &Tools, logs: &Path) -> Result<Vec<Step>> {
    let cargo = |log: &str, args: &[&str]| Step {
        task: Task::cargo(workspace, &logs.join(log)).args(args),
        log: log.to_owned(),
        show: child::quiet,
        speaks: false,
    };
    let go = |log: &str, args: &[&str]| -> Result<Step> {
        Ok(Step {
            task: tools
                .go()?
                .task(workspace, &logs.join(log))
                .args(args)
                .dir(&workspace.go_dir()),
            log: log.to_owned(),
            show: child::quiet,
            speaks: false,
        })
    };
    // A manifest that builds with these has `--locked`, and not all of it is built here.
    let locked = |manifest: &str, log: &str| {
        let update = ["update", "--workspace", "--locked", "--manifest-path"];
        let mut step = cargo(log, &update);
        step.task = step.task.args([manifest]);
        step
    };
    Ok(vec![
        locked("bench/Cargo.toml", "bench.lock.log"),
        locked("fuzz/Cargo.toml", "fuzz.lock.log"),
        // First of all that is built: Go links it, in a test of nextest too.
        cargo("native.log", &["build", "--release", "-p", "courier-ffi"]),
        Step {
            task: tools
                .nextest()?
                .task(workspace, &logs.join("nextest.log"))
                .args(["run", "--workspace", "--no-fail-fast"]),
            log: "nextest.log".to_owned(),
            show: nextest::closing_line,
            speaks: false,
        },
        Step {
            show: doc_line,
            ..cargo("doctests.log", &["test", "--doc", "--workspace"])
        },
        Step {
            show: every_line,
            speaks: true,
            ..go("vet.log", &["vet", "./..."])?
        },
        // Tests that only the engines run.
        Step {
            show: every_line,
            speaks: true,
            ..go("vet.lab.log", &["vet", "-tags=lab", "./..."])?
        },
        Step {
            show: every_line,
            speaks: true,
            ..go(
                "vet.planted.log",
                &["vet", "-C=../lab/canaries", "-tags=canary", "./..."],
            )?
        },
        Step {
            show: every_line,
            speaks: true,
            ..go("vet.fuzz.log", &["vet", "-C=../lab/fuzz", "./..."])?
        },
        Step {
            show: every_line,
            speaks: true,
            ..go("gotest.log", &["test", "-count=1", "./..."])?
        },
        // Modules of their own.
        Step {
            show: every_line,
            speaks: true,
            ..go("dev.log", &["test", "-C=dev", "-count=1", "./..."])?
        },
        Step {
            show: every_line,
            speaks: true,
            ..go("analyzers.log", &["test", "-C=vet", "-count=1", "./..."])?
        },
        // The second subject, by the tool itself. Its other engines run at night.
        Step {
            task: Task::new(workspace, built(workspace), &logs.join("tally.log"))
                .shown_as("cgolab")
                .args(["run", "--only", "leak,go,proptest"])
                .dir(&workspace.path("examples/tally")),
            log: "tally.log".to_owned(),
            show: every_line,
            speaks: true,
        },
    ])
}

/// The tool as nextest has built it for its tests.
fn built(workspace: &Workspace) -> PathBuf {
    let name = format!("cgolab{}", env::consts::EXE_SUFFIX);
    workspace.target().join("debug").join(name)
}

fn every_line(line: &str) -> Option<String> {
    Some(line.to_owned())
}

fn doc_line(line: &str) -> Option<String> {
    let shown = line.starts_with("test result:") || line.starts_with("error");
    // A crate without examples is no news.
    (shown && !line.contains(" 0 passed; 0 failed;")).then(|| line.to_owned())
}

/// The end of a log.
fn tail(log: &str) -> impl Iterator<Item = &str> {
    let skipped = log.lines().count().saturating_sub(TAIL);
    log.lines().skip(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end() {
        let log: String = (0..100).map(|n| format!("{n}\n")).collect();
        let lines: Vec<_> = tail(&log).collect();
        assert_eq!(lines.len(), TAIL);
        assert_eq!(lines[TAIL - 1], "99");
        assert_eq!(tail("one\n").collect::<Vec<_>>(), ["one"]);
    }

    #[test]
    fn doc_tests_say_one_line_a_crate() {
        assert!(doc_line("test result: ok. 2 passed; 0 failed; 0 ignored").is_some());
        assert!(doc_line("test result: FAILED. 0 passed; 1 failed; 0 ignored").is_some());
        assert!(doc_line("test result: ok. 0 passed; 0 failed; 0 ignored").is_none());
        assert!(doc_line("running 2 tests").is_none());
    }
}
