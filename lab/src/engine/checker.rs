//! The model checkers: small programs on the runtime, built with another `sync` module below it, and
//! run under many schedules.
//!
//! | engine | programs | schedules | what it sees |
//! |---|---|---|---|
//! | loom | `loom-tests/`: two or three threads | all within a bound | orders of steps, and of memory |
//! | shuttle | `shuttle-tests/`: up to eight threads | random ones | orders of steps |
//!
//! Only such a build explores schedules: a plain run of the same tests sees one, and credits
//! nothing here. A test prints how many schedules it explored and whether that was all of them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;

use super::ask::{Answer, Build, Question};
use super::suite::Suite;
use super::{Canary, Context, Engine};
use crate::host::tools::Need;
use crate::read::nextest::{self, Case};
use crate::read::notes::Notes;
use crate::record::profile::Profile;
use crate::record::{Evidence, Outcome, Record};
use crate::subject::catalogue::Catalogue;

/// Options of a build that runs for seconds: what changes is not optimised, which takes most of the time
/// of building it. What is repeated in it, the checker itself, still is.
const QUICK_BUILD: [&str; 6] = [
    "--config",
    "profile.release.package.courier-core.opt-level=0",
    "--config",
    "profile.release.package.courier-loom.opt-level=0",
    "--config",
    "profile.release.package.courier-shuttle.opt-level=0",
];

/// A model checker.
pub(super) struct Checker {
    name: &'static str,
    what: &'static str,
    package: &'static str,
    /// The folder of its tests.
    tests: &'static str,
    build: Build,
    /// Puts the checker behind the runtime's `sync` module.
    cfg: &'static str,
    /// Its own: other flags in one folder would build everything anew each time.
    target: &'static str,
    settings: &'static [Setting],
}

/// A variable that the tests read.
struct Setting {
    name: &'static str,
    /// What it is if the user does not set it; `None` leaves it to the tests.
    value: fn(Profile) -> Option<u64>,
}

/// Preemptions of a schedule.
const LOOM_BOUND: &str = "COURIER_LOOM_BOUND";

pub(super) const LOOM: Checker = Checker {
    name: "loom",
    what: "models of the runtime, every schedule with up to 2 (full: 3) preemptions",
    package: "courier-loom",
    tests: "loom-tests/tests",
    build: Build::Loom,
    cfg: "courier_loom",
    target: "target/loom",
    settings: &[
        Setting {
            name: LOOM_BOUND,
            value: |profile| Some(profile.loom_bound()),
        },
        Setting {
            name: "COURIER_LOOM_LIMIT",
            value: |_| None,
        },
    ],
};

pub(super) const SHUTTLE: Checker = Checker {
    name: "shuttle",
    what: "whole lives of runtimes, 6 to 8 threads, thousands of random schedules",
    package: "courier-shuttle",
    tests: "shuttle-tests/tests",
    build: Build::Shuttle,
    cfg: "courier_shuttle",
    target: "target/shuttle",
    settings: &[
        Setting {
            name: "COURIER_SHUTTLE_ITERATIONS",
            value: |profile| Some(profile.shuttle_iterations()),
        },
        Setting {
            name: "COURIER_SHUTTLE_SEED",
            // Other schedules each night; before a commit the same ones each time.
            value: |profile| (profile == Profile::Full).then(seconds_since_1970),
        },
    ],
};

impl Checker {
    /// The variables of a build under the checker.
    fn variables(&self) -> Vec<(&'static str, OsString)> {
        let flags = rustflags(env::var_os("RUSTFLAGS").as_deref(), self.cfg);
        vec![
            ("RUSTFLAGS", flags),
            // The checker optimised, or it takes for ever; with assertions, or it sees less.
            ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true".into()),
        ]
    }

    /// How its tests are built and run.
    fn suite(&self, profile: Profile) -> Suite {
        let mut env = self.variables();
        // What the user sets is inherited anyway; named, it is part of the command that repeats the
        // run.
        env.extend(self.settings.iter().filter_map(|setting| {
            let ours = || Some((setting.value)(profile)?.to_string().into());
            Some((setting.name, env::var_os(setting.name).or_else(ours)?))
        }));
        let mut options = vec!["--release"];
        if profile == Profile::Quick {
            options.extend(QUICK_BUILD);
        }
        Suite {
            engine: self.name,
            package: self.package,
            env,
            options,
            target: Some(self.target),
            named: true,
            files: Some(self.tests),
        }
    }
}

impl Engine for Checker {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self) -> &'static str {
        self.what
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Nextest]
    }

    fn canary(&self, context: &Context<'_>) -> Result<Canary> {
        let name = self.name;
        context
            .progress
            .step(format!("{name}: canary, a lost wake-up"));
        self.suite(context.profile)
            .canary(context, "canary_lost_wake_up", "deadlock")
    }

    fn checks(&self, context: &Context<'_>) -> Result<Vec<Record>> {
        self.suite(context.profile)
            .checks(context, |case, evidence| {
                records(self.name, context.catalogue, case, evidence)
            })
    }

    fn ask(&self, context: &Context<'_>, question: &Question) -> Result<Vec<Answer>> {
        self.suite(context.profile)
            .ask(context, question, |case, evidence| {
                records(self.name, context.catalogue, case, evidence)
            })
    }

    fn build(&self) -> Build {
        self.build
    }
}

/// The records of one test. One that explored no schedules is no check of a contract, whatever
/// its name says.
fn records(engine: &str, catalogue: &Catalogue, case: &Case, evidence: &Evidence) -> Vec<Record> {
    if case.outcome == Outcome::Pass && Notes::read(&case.output).model.is_none() {
        let mut record = Record::check(engine, &case.name, Outcome::Pass)
            .because("no model: it explored no schedules");
        record.seconds = case.seconds;
        record.evidence = evidence.clone();
        return vec![record];
    }
    nextest::records(engine, catalogue, case, evidence)
}

/// The flag that sets the cfg, after what the user wants.
fn rustflags(user: Option<&OsStr>, cfg: &str) -> OsString {
    let mut flags = user.unwrap_or_default().to_owned();
    if !flags.is_empty() {
        flags.push(" ");
    }
    flags.push(format!("--cfg {cfg}"));
    flags
}

fn seconds_since_1970() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::VARIABLES;

    const CATALOGUE: &str = "title = \"x\"\n[[contract]]\nid = \"REQ-04\"\nsentence = \"x\"\n\
        layer = [\"native\"]\nsource = []\nclaimed = [\"loom\"]\nplanned = []\n";

    fn judged(output: &str, outcome: Outcome) -> Vec<Record> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("req.toml"), CATALOGUE).unwrap();
        let case = Case {
            name: "req_04_second_completion".to_owned(),
            file: None,
            outcome,
            seconds: 1.0,
            reason: None,
            signal: None,
            output: output.to_owned(),
        };
        records(
            "loom",
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
        assert_eq!(records[0].outcome, Outcome::CutOff);
    }

    #[test]
    fn a_sample_of_schedules_credits_its_contract_and_was_not_cut_off() {
        let records = judged(
            "cgolab: model=sampled seed=1\ncgolab: executions=4000\n",
            Outcome::Pass,
        );
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert_eq!(records[0].executions, Some(4000));
        assert_eq!(records[0].outcome, Outcome::Pass);
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
    fn values_of_settings_are_written_down() {
        for setting in LOOM.settings.iter().chain(SHUTTLE.settings) {
            assert!(VARIABLES.contains(&setting.name), "{}", setting.name);
        }
    }

    #[test]
    fn flags_of_the_user_are_kept() {
        assert_eq!(rustflags(None, "courier_loom"), "--cfg courier_loom");
        assert_eq!(
            rustflags(Some(OsStr::new("-C debuginfo=1")), "courier_loom"),
            "-C debuginfo=1 --cfg courier_loom"
        );
    }
}
