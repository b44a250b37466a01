//! proptest: the state machine against the reference model, under nextest.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{Canary, Context, Engine, cargo_error};
use crate::child::Finished;
use crate::nextest;
use crate::record::{Evidence, Outcome, Record};
use crate::tools::Need;

/// nextest's exit code when at least one test failed.
const TEST_FAILED: i32 = 100;
/// nextest's exit code when a test did not compile.
const BUILD_FAILED: i32 = 101;

/// What the planted mismatch prints.
const CANARY_TEXT: &str = "canary: model mismatch";

pub(super) struct Proptest;

impl Engine for Proptest {
    fn name(&self) -> &'static str {
        "proptest"
    }

    fn describe(&self) -> &'static str {
        "property tests against the reference model (PROPTEST_CASES passes through)"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Nextest]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        context.progress.step("proptest: canary, a model mismatch");
        let only_it = ["--run-ignored", "only", "-E", "test(canary_model_mismatch)"];
        let finished = nextest_on_scenario(context, "proptest.canary.log", &only_it)?;
        let missed = match finished.code() {
            Some(TEST_FAILED) if finished.log_text().contains(CANARY_TEXT) => None,
            Some(TEST_FAILED) => Some(format!("the test failed without saying `{CANARY_TEXT}`")),
            Some(BUILD_FAILED) => Some(format!("it did not build: {}", cargo_error(&finished))),
            Some(0) => Some("the model mismatch passed".to_owned()),
            _ => Some(format!("nextest ended with {}", finished.how())),
        };
        Ok(Canary {
            check: "canary_model_mismatch",
            missed,
            evidence: context.evidence(&finished),
            seconds: finished.seconds,
        })
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        context
            .progress
            .step("proptest: cargo nextest run -p courier-scenario");
        let finished = nextest_on_scenario(context, "proptest.log", &[])?;
        let evidence = context.evidence(&finished);
        let mut records = Vec::new();
        // Written also when tests failed; not when the build did.
        if let Ok(xml) = fs::read_to_string(junit(context)) {
            fs::write(context.log("proptest.junit.xml"), &xml)?;
            for mut case in nextest::read_junit(&xml)? {
                // nextest passes our signal on; what it hits did not fail by itself.
                if let (Some(cut), true) = (finished.cut(), case.was_terminated()) {
                    case.outcome = cut;
                    case.reason = Some(finished.how());
                }
                let evidence = Evidence {
                    command: format!("{} -E 'test(={})'", evidence.command, case.name),
                    ..evidence.clone()
                };
                records.extend(nextest::records(
                    self.name(),
                    context.catalogue,
                    &case,
                    &evidence,
                ));
            }
        }
        let explained = records.iter().any(|record| !record.is_green());
        if !finished.success() && !explained {
            let (outcome, reason) = match (finished.cut(), finished.code()) {
                (Some(cut), _) => (cut, finished.how()),
                (None, Some(BUILD_FAILED)) => (Outcome::BuildFailed, cargo_error(&finished)),
                (None, _) => {
                    let reason = format!("nextest ended with {}", finished.how());
                    (Outcome::Fail, reason)
                }
            };
            let mut record = Record::check(self.name(), "nextest", outcome).because(reason);
            record.evidence = evidence;
            records.push(record);
        }
        Ok(records)
    }
}

/// Where nextest writes what the profile `lab` asks for.
fn junit(context: &Context<'_>) -> PathBuf {
    context.workspace.target().join("nextest/lab/junit.xml")
}

fn nextest_on_scenario(context: &Context<'_>, log: &str, more: &[&str]) -> Result<Finished> {
    let junit = junit(context);
    if junit.exists() {
        // An old file must never be read as the result of this run.
        fs::remove_file(&junit).with_context(|| format!("cannot remove {}", junit.display()))?;
    }
    let mut task = context
        .tools
        .nextest()?
        .task(context.workspace, &context.log(log));
    // Inherited anyway; named, so that it is part of the command that repeats the run.
    if let Some(cases) = env::var_os("PROPTEST_CASES") {
        task = task.env("PROPTEST_CASES", cases);
    }
    task.args(["run", "-p", "courier-scenario", "--profile", "lab"])
        .args(more)
        .run(context.progress, |line| match more {
            [] => nextest::closing_line(line),
            _ => None, // The canary fails on purpose; its lines would look like trouble.
        })
}
