//! Runs the tests of one package under nextest, for the engines that are test suites.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Canary, Context, cargo_error};
use crate::child::Finished;
use crate::nextest::{self, Case};
use crate::record::{Evidence, Outcome, Record};

/// nextest's exit code when at least one test failed.
const TEST_FAILED: i32 = 100;
/// nextest's exit code when a test did not compile.
const BUILD_FAILED: i32 = 101;

/// A package of tests, and how it is built and run.
pub(crate) struct Suite {
    pub(super) engine: &'static str,
    pub(super) package: &'static str,
    /// Variables that are part of the command.
    pub(super) env: Vec<(&'static str, OsString)>,
    /// Options of nextest beside package and profile.
    pub(crate) options: Vec<&'static str>,
    /// The target folder, from the root of the checkout, if it is not the usual one.
    pub(super) target: Option<&'static str>,
    /// Instead of the usual time limit.
    pub(crate) limit: Option<Duration>,
}

/// What came of running tests.
pub(crate) struct Ran {
    pub(crate) finished: Finished,
    /// Empty if the tests did not build.
    pub(crate) cases: Vec<Case>,
}

impl Ran {
    /// Why there is no result of tests, if there is none.
    pub(crate) fn not_built(&self) -> Option<String> {
        let failed = self.finished.code() == Some(BUILD_FAILED);
        failed.then(|| cargo_error(&self.finished))
    }
}

impl Suite {
    /// Runs an ignored test that must fail and print `text`.
    pub(super) fn canary(
        &self,
        context: &Context<'_>,
        test: &'static str,
        text: &str,
    ) -> Result<Canary> {
        let filter = format!("test({test})");
        let only_it = ["--run-ignored", "only", "-E", &filter];
        let log = format!("{}.canary.log", self.engine);
        let Ran { finished, .. } = self.run(context, &log, &only_it)?;
        let missed = match finished.code() {
            Some(TEST_FAILED) if finished.log_text().contains(text) => None,
            Some(TEST_FAILED) => Some(format!("the test failed without saying `{text}`")),
            Some(BUILD_FAILED) => Some(format!("it did not build: {}", cargo_error(&finished))),
            Some(0) => Some("the planted bug passed".to_owned()),
            _ => Some(format!("nextest ended with {}", finished.how())),
        };
        Ok(Canary {
            check: test,
            missed,
            evidence: context.evidence(&finished),
            seconds: finished.seconds,
        })
    }

    /// Runs all tests. `judge` makes the records of one of them.
    pub(super) fn checks(
        &self,
        context: &Context<'_>,
        judge: impl Fn(&Case, &Evidence) -> Vec<Record>,
    ) -> Result<Vec<Record>> {
        let engine = self.engine;
        context
            .progress
            .step(format!("{engine}: cargo nextest run -p {}", self.package));
        let ran = self.run(context, &format!("{engine}.log"), &[])?;
        let finished = &ran.finished;
        let evidence = context.evidence(finished);
        let mut records = Vec::new();
        for case in &ran.cases {
            let evidence = Evidence {
                command: format!("{} -E 'test(={})'", evidence.command, case.name),
                ..evidence.clone()
            };
            records.extend(judge(case, &evidence));
        }
        let explained = records.iter().any(|record| !record.is_green());
        if !finished.success() && !explained {
            let (outcome, reason) = match (finished.cut(), ran.not_built()) {
                (Some(cut), _) => (cut, finished.how()),
                (None, Some(error)) => (Outcome::BuildFailed, error),
                (None, None) => {
                    let reason = format!(
                        "nextest ended with {}: {}",
                        finished.how(),
                        cargo_error(finished)
                    );
                    (Outcome::Fail, reason)
                }
            };
            let mut record = Record::check(engine, "nextest", outcome).because(reason);
            record.evidence = evidence;
            records.push(record);
        }
        Ok(records)
    }

    /// Runs the tests that `more` options of nextest leave; all of them if there are none.
    pub(crate) fn run(&self, context: &Context<'_>, log: &str, more: &[&str]) -> Result<Ran> {
        let junit = junit(context);
        if junit.exists() {
            // An old file must never be read as the result of this run.
            fs::remove_file(&junit)
                .with_context(|| format!("cannot remove {}", junit.display()))?;
        }
        let mut task = context
            .tools
            .nextest()?
            .task(context.workspace, &context.log(log));
        for (key, value) in &self.env {
            task = task.env(key, value);
        }
        task = task
            .args(["run", "-p", self.package, "--profile", "lab"])
            .args(&self.options);
        if let Some(target) = self.target {
            task = task.args(["--target-dir", target]);
        }
        if let Some(limit) = self.limit {
            task = task.limit(limit);
        }
        let finished = task.args(more).run(context.progress, |line| match more {
            [] => nextest::closing_line(line),
            _ => None, // A planted bug fails on purpose; its lines would look like trouble.
        })?;
        let mut cases = Vec::new();
        // Written also when tests failed; not when the build did.
        if let Ok(xml) = fs::read_to_string(&junit) {
            fs::write(context.log(log).with_extension("junit.xml"), &xml)?;
            cases = nextest::read_junit(&xml)?;
            for case in &mut cases {
                // nextest passes our signal on; what it hits did not fail by itself.
                if let (Some(cut), true) = (finished.cut(), case.was_terminated()) {
                    case.outcome = cut;
                    case.reason = Some(finished.how());
                }
            }
        }
        Ok(Ran { finished, cases })
    }
}

/// Where nextest writes what the profile `lab` asks for, whatever the target folder.
fn junit(context: &Context<'_>) -> PathBuf {
    context.workspace.path("target/nextest/lab/junit.xml")
}
