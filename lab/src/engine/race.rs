//! race: the Go tests of the binding under Go's race detector, shuffled and repeated.

use std::fs;
use std::time::Duration;

use anyhow::Result;

use super::{Canary, Context, Engine};
use crate::child::{End, quiet, read_lossy};
use crate::gotest::{self, Run};
use crate::record::{Evidence, Outcome, Record};
use crate::tools::Need;

/// How often every test runs: each repetition is another chance for a race to show.
const REPETITIONS: u32 = 3;

pub(super) struct Race;

impl Engine for Race {
    fn name(&self) -> &'static str {
        "race"
    }

    fn describe(&self) -> &'static str {
        "go test -race over the binding, shuffled, three times"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::C, Need::Go]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        context
            .progress
            .step("race: canary, two goroutines on one variable");
        let events = context.log("race.canary.json");
        let package = "./internal/canary/race";
        let finished = context
            .go(
                "race.canary.log",
                [
                    "test",
                    "-race",
                    "-json",
                    "-count=1",
                    "-tags=canary",
                    package,
                ],
            )?
            .stdout_to(&events)
            .limit(Duration::from_secs(10 * 60))
            .run(context.progress, quiet)?;
        let run = Run::read(&read_lossy(&events), &finished.log_text());
        fs::write(&finished.log, run.text())?;
        let missed = if finished.success() {
            Some("the planted race passed".to_owned())
        } else if let Some(error) = run.build_error() {
            Some(format!("it did not build: {error}"))
        } else if !matches!(finished.end, End::Exited(_)) {
            Some(finished.how())
        } else if run.has_race() {
            None
        } else {
            Some("it failed without reporting a data race".to_owned())
        };
        Ok(Canary {
            check: "planted race",
            missed,
            evidence: context.evidence(&finished),
            seconds: finished.seconds,
        })
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        if let Err(record) = context.native_library(self.name())? {
            return Ok(vec![record]);
        }
        let count = format!("-count={REPETITIONS}");
        context
            .progress
            .step(format!("race: go test -race {count} -shuffle=on ./..."));
        let events = context.log("race.json");
        let finished = context
            .go(
                "race.log",
                ["test", "-race", "-json", &count, "-shuffle=on", "./..."],
            )?
            .stdout_to(&events)
            .run(context.progress, gotest::closing_line)?;
        let run = Run::read(&read_lossy(&events), &finished.log_text());
        fs::write(&finished.log, run.text())?;
        let log = context.run.shown_log(&finished.log);
        let mut records = run.records(
            self.name(),
            context.catalogue,
            REPETITIONS,
            finished.cut(),
            |package, seed| Evidence {
                // The order of all tests of a package follows from the seed.
                command: format!(
                    "cd go-harness && go test -race {count} -shuffle={} {package}",
                    seed.unwrap_or("on")
                ),
                log: Some(log.clone()),
                scenario: None,
            },
        );
        let explained = records.iter().any(|record| !record.is_green());
        if !finished.success() && !explained {
            let (outcome, reason) = match (finished.cut(), run.build_error()) {
                (Some(cut), _) => (cut, finished.how()),
                (None, Some(error)) => (Outcome::BuildFailed, error),
                (None, None) => {
                    let reason = format!("{}: {}", finished.how(), run.first_message());
                    (Outcome::Fail, reason)
                }
            };
            let mut record = Record::check(self.name(), "go test", outcome).because(reason);
            record.evidence = context.evidence(&finished);
            records.push(record);
        }
        Ok(records)
    }
}
