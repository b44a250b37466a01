//! proptest: the state machine against the reference model, under nextest.

use std::env;
use std::ffi::OsString;

use anyhow::Result;

use super::ask::{Answer, Build, Question};
use super::suite::Suite;
use super::{Canary, Context, Engine};
use crate::nextest;
use crate::profile::Profile;
use crate::record::Record;
use crate::tools::Need;

const CASES: &str = "PROPTEST_CASES";
const SEED: &str = "PROPTEST_RNG_SEED";

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
        suite(context.profile).canary(context, "canary_model_mismatch", "canary: model mismatch")
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        suite(context.profile).checks(context, |case, evidence| {
            nextest::records(self.name(), context.catalogue, case, evidence)
        })
    }

    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        let mut suite = suite(context.profile);
        // The same scenarios each time: a bug that is seen stays seen.
        suite.env.push((SEED, OsString::from("1")));
        suite.ask(context, question, |case, evidence| {
            nextest::records(self.name(), context.catalogue, case, evidence)
        })
    }

    fn build(&self) -> Build {
        Build::Debug
    }
}

fn suite(profile: Profile) -> Suite {
    // Inherited anyway; named, so that it is part of the command that repeats the run.
    let cases = env::var_os(CASES).or_else(|| {
        let cases = profile.property_cases()?;
        Some(OsString::from(cases.to_string()))
    });
    Suite {
        engine: "proptest",
        package: "courier-scenario",
        env: cases.into_iter().map(|cases| (CASES, cases)).collect(),
        options: Vec::new(),
        target: None,
        named: false,
        files: None,
    }
}
