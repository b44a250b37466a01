//! race: the Go tests of the binding under Go's race detector, shuffled and repeated.
//!
//! For the detector each call of C is a release and an acquire of one lock that all calls share. So
//! it orders accesses of Go memory that nothing else orders, if there are calls between them. That
//! is a limit of the engine: it stands in every report, and a twin of the canary proves it.

use anyhow::Result;

use super::ask::{Answer, Build, Question};
use super::gosuite::{ALL, GoSuite, PROCESSORS};
use super::{Canary, Context, Engine};
use crate::profile::Profile;
use crate::record::{Kind, Outcome, Record};
use crate::tools::Need;

/// Where the canary is, below `internal/canary`.
const FOLDER: &str = "race";

/// The canary's race, with calls of C in between.
const TWIN: &str = "TestLimitRaceAcrossC";

const UNSEEN: &str = "a race is not reported if both sides call C in between: a call counts as \
                      synchronisation";
const SEEN: &str = "this Go reports a race also if both sides call C in between, which is more than \
                    is stated";

pub(super) struct Race;

impl Engine for Race {
    fn name(&self) -> &'static str {
        "race"
    }

    fn describe(&self) -> &'static str {
        "go test -race over the binding, shuffled, on 1, 2 and 4 processors"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::C, Need::Go]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        context
            .progress
            .step("race: canary, two goroutines on one variable");
        let ran = suite(context.profile).canary_test(context, FOLDER, "^TestCanaryRace$")?;
        let missed = ran.unfit().or_else(|| {
            (!ran.run.has_race()).then(|| "it failed without reporting a data race".to_owned())
        });
        Ok(Canary {
            check: "planted race",
            missed,
            evidence: context.evidence(&ran.finished),
            seconds: ran.finished.seconds,
        })
    }

    fn limits(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        context
            .progress
            .step("race: limit, the same race with calls of C in between");
        let mut suite = suite(context.profile);
        suite.log = "race.limit".to_owned();
        let ran = suite.canary_test(context, FOLDER, &format!("^{TWIN}$"))?;
        let (outcome, why) = if ran.run.has_race() {
            (Outcome::Fail, SEEN.to_owned())
        } else if ran.finished.success() {
            (Outcome::Pass, UNSEEN.to_owned())
        } else {
            let unfit = ran.unfit();
            let why = unfit.unwrap_or_else(|| ran.finished.how());
            (ran.finished.cut().unwrap_or(Outcome::BuildFailed), why)
        };
        let mut record = Record::check(self.name(), TWIN, outcome).because(why);
        record.kind = Kind::Limit;
        record.evidence = context.evidence(&ran.finished);
        record.seconds = ran.finished.seconds;
        Ok(vec![record])
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        if let Err(record) = context.native_library(self.name())? {
            return Ok(vec![record]);
        }
        let suite = suite(context.profile);
        context.progress.step(suite.step());
        Ok(suite.checks(context)?.0)
    }

    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        match context.native_library(self.name())? {
            Ok(()) => suite(context.profile).ask(context, question),
            Err(record) => Ok(vec![Answer::of(&record)]),
        }
    }

    fn build(&self) -> Build {
        Build::Release
    }
}

fn suite(profile: Profile) -> GoSuite {
    GoSuite {
        engine: "race",
        log: "race".to_owned(),
        env: Vec::new(),
        options: vec!["-race".to_owned()],
        packages: ALL,
        only: None,
        repetitions: profile.storm_repetitions(),
        processors: PROCESSORS,
        shuffle: true,
    }
}
