//! race: the Go tests of the binding under Go's race detector, shuffled and repeated.

use anyhow::Result;

use super::ask::{Answer, Build, Question};
use super::gosuite::{ALL, GoSuite, PROCESSORS};
use super::{Canary, Context, Engine};
use crate::profile::Profile;
use crate::record::Record;
use crate::tools::Need;

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
        let ran = suite(context.profile).canary(context, "race")?;
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
