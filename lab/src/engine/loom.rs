//! loom: the models of `loom-tests/`, each run under every schedule within a bound.
//!
//! Only this build explores schedules: a plain run of the same tests sees one, and credits
//! nothing here. A model prints how many schedules it explored and whether that was all of them.

use std::env;
use std::ffi::{OsStr, OsString};

use anyhow::Result;

use super::suite::Suite;
use super::{Canary, Context, Engine};
use crate::catalogue::Catalogue;
use crate::nextest::{self, Case};
use crate::notes::Notes;
use crate::profile::Profile;
use crate::record::{Evidence, Outcome, Record};
use crate::tools::Need;

/// Its own: other flags in one folder would build everything anew each time.
pub(crate) const TARGET: &str = "target/loom";

/// Preemptions of a schedule: what the user sets, or the profile's.
const BOUND: &str = "COURIER_LOOM_BOUND";
/// Executions after which a model is cut off, if the user sets that.
const LIMIT: &str = "COURIER_LOOM_LIMIT";

pub(super) struct Loom;

impl Engine for Loom {
    fn name(&self) -> &'static str {
        "loom"
    }

    fn describe(&self) -> &'static str {
        "models of the runtime, every schedule with up to 2 (full: 3) preemptions"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Nextest]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        context.progress.step("loom: canary, a lost wake-up");
        suite(context.profile).canary(context, "canary_lost_wake_up", "deadlock; threads")
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        suite(context.profile).checks(context, |case, evidence| {
            records(context.catalogue, case, evidence)
        })
    }
}

/// The records of one test. One that explored no schedules is no check of a contract, whatever
/// its name says.
fn records(catalogue: &Catalogue, case: &Case, evidence: &Evidence) -> Vec<Record> {
    if case.outcome == Outcome::Pass && Notes::read(&case.output).model.is_none() {
        let mut record = Record::check("loom", &case.name, Outcome::Pass)
            .because("no model: it explored no schedules");
        record.seconds = case.seconds;
        record.evidence = evidence.clone();
        return vec![record];
    }
    nextest::records("loom", catalogue, case, evidence)
}

/// The variables of a build under loom, whose schedules have this many preemptions.
pub(crate) fn environment(bound: OsString) -> Vec<(&'static str, OsString)> {
    vec![
        ("RUSTFLAGS", rustflags(env::var_os("RUSTFLAGS").as_deref())),
        // Optimised, or it takes for ever; with assertions, or it sees less.
        ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true".into()),
        (BOUND, bound),
    ]
}

fn suite(profile: Profile) -> Suite {
    let bound = env::var_os(BOUND).unwrap_or_else(|| profile.loom_bound().to_string().into());
    let mut env = environment(bound);
    // Inherited anyway; named, so that it is part of the command that repeats the run.
    env.extend(env::var_os(LIMIT).map(|limit| (LIMIT, limit)));
    Suite {
        engine: "loom",
        package: "courier-loom",
        env,
        options: vec!["--release"],
        target: Some(TARGET),
    }
}

/// The flag that puts loom behind the runtime's `sync` module, after what the user wants.
fn rustflags(user: Option<&OsStr>) -> OsString {
    let mut flags = user.unwrap_or_default().to_owned();
    if !flags.is_empty() {
        flags.push(" ");
    }
    flags.push("--cfg courier_loom");
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &str = "title = \"x\"\n[[contract]]\nid = \"REQ-04\"\nsentence = \"x\"\n\
        layer = [\"native\"]\nsource = []\nclaimed = [\"loom\"]\nplanned = []\n";

    fn judged(output: &str, outcome: Outcome) -> Vec<Record> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("req.toml"), CATALOGUE).unwrap();
        let case = Case {
            name: "req_04_second_completion".to_owned(),
            outcome,
            seconds: 1.0,
            reason: None,
            output: output.to_owned(),
        };
        records(
            &Catalogue::load(dir.path()).unwrap(),
            &case,
            &Evidence::default(),
        )
    }

    #[test]
    fn a_complete_model_credits_its_contract() {
        let output = "cgolab: executions=109\ncgolab: model=complete\n";
        let records = judged(output, Outcome::Pass);
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert_eq!(records[0].executions, Some(109));
        assert_eq!(records[0].reason, None);
    }

    #[test]
    fn a_model_that_was_cut_off_says_so() {
        let output = "cgolab: executions=70000\ncgolab: model=cut-off\n";
        let records = judged(output, Outcome::Pass);
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert!(records[0].is_cut_off());
    }

    #[test]
    fn a_test_that_explored_nothing_credits_nothing() {
        let records = judged("cgolab: executions=1\n", Outcome::Pass);
        assert_eq!(records[0].contract, None);
        assert!(records[0].is_green());
    }

    #[test]
    fn a_failing_model_blames_its_contract() {
        let records = judged("deadlock; threads = [..]\n", Outcome::Fail);
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert_eq!(records[0].outcome, Outcome::Fail);
    }

    #[test]
    fn flags_of_the_user_are_kept() {
        assert_eq!(rustflags(None), "--cfg courier_loom");
        assert_eq!(
            rustflags(Some(OsStr::new("-C debuginfo=1"))),
            "-C debuginfo=1 --cfg courier_loom"
        );
    }
}
