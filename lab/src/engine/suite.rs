//! Runs the tests of one package under nextest, for the engines that are test suites.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::ask::{self, Answer, Question, Sign};
use super::{Canary, Context, cargo_error};
use crate::child::Finished;
use crate::nextest::{self, Case};
use crate::record::{Evidence, Outcome, Record};

/// nextest's exit code when at least one test failed.
const TEST_FAILED: i32 = 100;
/// nextest's exit code when no test was left to run.
const NO_TESTS: i32 = 4;
/// nextest's exit code when a test did not compile.
const BUILD_FAILED: i32 = 101;

/// A package of tests, and how it is built and run.
pub(super) struct Suite {
    pub(super) engine: &'static str,
    pub(super) package: &'static str,
    /// Variables that are part of the command.
    pub(super) env: Vec<(&'static str, OsString)>,
    /// Options of nextest beside package and profile.
    pub(super) options: Vec<&'static str>,
    /// The target folder, from the root of the checkout, if it is not the usual one.
    pub(super) target: Option<&'static str>,
    /// Test names carry the contracts.
    pub(super) named: bool,
    /// The folder of which each file is a test program of its own, if there are many.
    pub(super) files: Option<&'static str>,
}

/// What came of running tests.
struct Ran {
    finished: Finished,
    /// Empty if the tests did not build.
    cases: Vec<Case>,
}

impl Ran {
    /// Why there is no result of tests, if there is none.
    fn not_built(&self) -> Option<String> {
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

    /// Runs the tests that concern the contracts in question: all of them, if names do not tell.
    pub(super) fn ask(
        &self,
        context: &Context<'_>,
        question: &Question,
        judge: impl Fn(&Case, &Evidence) -> Vec<Record>,
    ) -> Result<Vec<Answer>> {
        let mut options = Vec::new();
        if let Some(folder) = self.files {
            let folder = context.workspace.path(folder);
            let files = ask::files_concerned(&folder, context.catalogue, question)?;
            if files.is_empty() {
                return Ok(Vec::new());
            }
            options.extend(
                files
                    .into_iter()
                    .flat_map(|file| ["--test".to_owned(), file]),
            );
        }
        if self.named {
            options.extend(["-E".to_owned(), filter(&question.contracts)]);
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let log = format!("{}.{}.log", self.engine, question.log);
        let ran = self.run(context, &log, &options)?;
        let end = |sign| {
            vec![Answer {
                contract: None,
                check: "nextest".to_owned(),
                sign,
            }]
        };
        if let Some(error) = ran.not_built() {
            return Ok(end(Sign::NotBuilt(error)));
        }
        if ran.finished.code() == Some(NO_TESTS) {
            return Ok(Vec::new());
        }
        let mut answers = Vec::new();
        for case in &ran.cases {
            for record in judge(case, &Evidence::default()) {
                let mut answer = Answer::of(&record);
                if case.outcome == Outcome::Fail && !nextest::says_why(case) {
                    answer.sign = Sign::Crashed(case.reason.clone().unwrap_or_default());
                }
                answers.push(answer);
            }
        }
        Ok(match (ran.finished.cut(), answers.is_empty()) {
            (Some(_), _) => end(Sign::TimedOut),
            (None, true) => end(Sign::NotRun(ran.finished.how())),
            (None, false) => answers,
        })
    }

    /// Runs the tests that `more` options of nextest leave; all of them if there are none.
    fn run(&self, context: &Context<'_>, log: &str, more: &[&str]) -> Result<Ran> {
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

/// nextest's filter of tests with one of these contracts in the name.
fn filter(contracts: &BTreeSet<String>) -> String {
    let names: Vec<String> = contracts
        .iter()
        .map(|id| id.to_ascii_lowercase().replace('-', "_"))
        .collect();
    format!("test(/(^|[^a-z0-9])({})(_|$)/)", names.join("|"))
}

/// Where nextest writes what the profile `lab` asks for, whatever the target folder.
fn junit(context: &Context<'_>) -> PathBuf {
    context.workspace.path("target/nextest/lab/junit.xml")
}
