//! Results: what an engine found out about one contract through one check, and where results lie.
//!
//! | module | holds |
//! |---|---|
//! | [`results`] | the folder of a run, and those of the runs before it |
//! | [`profile`] | how much of everything a run does |

pub mod profile;
pub mod results;

use serde::{Deserialize, Serialize};

use crate::host::child::{End, Finished};

/// The kind of a record: about the subject, or about the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A check of the subject.
    Check,
    /// The proof that the engine is on.
    Canary,
    /// A bug that the engine is stated not to see: a pass is that it was not seen.
    Limit,
    /// Stands for checks that should have run, where none did.
    Missing,
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The check ran and held; of a canary: the planted bug was caught.
    Pass,
    /// A model checker found nothing and did not come to its end.
    CutOff,
    /// The check ran and did not hold.
    Fail,
    /// The check chose not to run; fine if it says why.
    Skipped,
    /// The check should have run and did not.
    NotRun,
    /// The planted bug was not caught: nothing that the engine says counts.
    CanaryOff,
    /// The outer limit of time or of output ended it. Says nothing about the contract.
    Timeout,
    /// Some repetitions passed and some failed.
    Unstable,
    /// It did not compile or link.
    BuildFailed,
}

/// The outcome of a check whose process we ended, if we did.
pub(crate) fn cut(finished: &Finished) -> Option<Outcome> {
    match finished.end {
        End::Exited(_) => None,
        End::TimedOut | End::Flooded => Some(Outcome::Timeout),
        End::Interrupted => Some(Outcome::NotRun),
    }
}

impl Outcome {
    /// The word in a table cell.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::CutOff => "cut off",
            Outcome::Fail => "FAIL",
            Outcome::Skipped => "skipped",
            Outcome::NotRun => "not run",
            Outcome::CanaryOff => "OFF",
            Outcome::Timeout => "TIMEOUT",
            Outcome::Unstable => "UNSTABLE",
            Outcome::BuildFailed => "BUILD",
        }
    }

    /// Orders the records of one cell: the highest is shown.
    pub(crate) fn weight(self) -> u8 {
        match self {
            Outcome::Skipped => 0,
            Outcome::Pass => 1,
            Outcome::CutOff => 2,
            Outcome::NotRun => 3,
            Outcome::CanaryOff => 4,
            Outcome::Timeout => 5,
            Outcome::BuildFailed => 6,
            Outcome::Unstable => 7,
            Outcome::Fail => 8,
        }
    }

    /// Returns true if a check ran and nothing was found.
    pub(crate) fn held(self) -> bool {
        matches!(self, Outcome::Pass | Outcome::CutOff)
    }
}

/// Places to look further.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    /// A command that repeats the check, from the root of the checkout.
    pub(crate) command: String,
    /// The log, relative to the folder of the run.
    pub(crate) log: Option<String>,
    /// The shrunk scenario on one line, as the command takes it that replays scenarios.
    pub(crate) scenario: Option<String>,
}

/// One line of `results.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) engine: String,
    /// The contract, or null if the check carries no id.
    pub(crate) contract: Option<String>,
    /// The name of the test or check.
    pub(crate) check: String,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<String>,
    /// Duration of the check, all repetitions together.
    pub(crate) seconds: f64,
    /// Number of times that the contract was checked, where the check counts that.
    pub(crate) executions: Option<u64>,
    pub(crate) evidence: Evidence,
}

impl Record {
    /// A check record without contract, reason or counts.
    pub(crate) fn check(engine: &str, check: impl Into<String>, outcome: Outcome) -> Record {
        Record {
            kind: Kind::Check,
            engine: engine.to_owned(),
            contract: None,
            check: check.into(),
            outcome,
            reason: None,
            seconds: 0.0,
            executions: None,
            evidence: Evidence::default(),
        }
    }

    /// Adds why the outcome is what it is.
    pub(crate) fn because(mut self, reason: impl Into<String>) -> Record {
        self.reason = Some(reason.into());
        self
    }

    /// Says that a model checker stopped before it had explored everything. Green, and listed.
    pub(crate) fn cut_off(mut self) -> Record {
        self.outcome = Outcome::CutOff;
        let executions = self.executions.unwrap_or(0);
        self.because(format!("after {executions} executions"))
    }

    /// A record in the place of checks that did not run.
    pub(crate) fn missing(engine: &str, contract: Option<&str>, outcome: Outcome) -> Record {
        Record {
            kind: Kind::Missing,
            contract: contract.map(str::to_owned),
            ..Record::check(engine, "all", outcome)
        }
    }

    /// Returns true if it tells of a check that had its turn, however that ended.
    pub(crate) fn had_its_turn(&self) -> bool {
        self.kind == Kind::Check && !matches!(self.outcome, Outcome::NotRun | Outcome::Skipped)
    }

    /// Returns true if a run may end with exit code 0 in spite of this record.
    pub(crate) fn is_green(&self) -> bool {
        match self.outcome {
            Outcome::Pass | Outcome::CutOff => true,
            Outcome::Skipped => self.reason.as_deref().is_some_and(|why| !why.is_empty()),
            // The engine sees more than is stated.
            Outcome::Fail => self.kind == Kind::Limit,
            _ => false,
        }
    }

    /// One copy for each contract, or the record as it is if there is none. A contract that the
    /// catalogue does not hold gives a failing record.
    pub(crate) fn for_contracts(self, ids: &[String], known: impl Fn(&str) -> bool) -> Vec<Record> {
        if ids.is_empty() {
            return vec![self];
        }
        ids.iter()
            .map(|id| {
                let mut record = self.clone();
                if known(id) {
                    record.contract = Some(id.clone());
                    record
                } else {
                    record.outcome = Outcome::Fail;
                    record.because(format!("{id} is not in the catalogue"))
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_all_keys_and_kebab_case_words() {
        let record = Record::check("race", "TestREQ03", Outcome::BuildFailed);
        let line = serde_json::to_value(&record).unwrap();
        assert_eq!(
            line,
            serde_json::json!({
                "kind": "check", "engine": "race", "contract": null, "check": "TestREQ03",
                "outcome": "build-failed", "reason": null, "seconds": 0.0, "executions": null,
                "evidence": {"command": "", "log": null, "scenario": null},
            })
        );
        assert_eq!(serde_json::from_value::<Record>(line).unwrap(), record);
    }

    #[test]
    fn only_passes_and_explained_skips_are_green() {
        let skipped = Record::check("race", "x", Outcome::Skipped);
        assert!(!skipped.is_green());
        assert!(skipped.because("needs two CPUs").is_green());
        assert!(Record::check("race", "x", Outcome::Pass).is_green());
        for outcome in [
            Outcome::Fail,
            Outcome::NotRun,
            Outcome::CanaryOff,
            Outcome::Timeout,
            Outcome::Unstable,
            Outcome::BuildFailed,
        ] {
            assert!(!Record::check("race", "x", outcome).because("y").is_green());
        }
    }

    #[test]
    fn a_model_that_was_cut_off_is_green_and_says_so() {
        let mut model = Record::check("loom", "x", Outcome::Pass);
        model.executions = Some(70_000);
        let cut = model.cut_off();
        assert_eq!(cut.outcome, Outcome::CutOff);
        assert!(cut.is_green());
        assert_eq!(cut.reason.as_deref(), Some("after 70000 executions"));
    }

    #[test]
    fn words_of_a_reason_decide_nothing() {
        let passed =
            Record::check("loom", "x", Outcome::Pass).because("cut off after 9 executions");
        assert_eq!(passed.outcome, Outcome::Pass);
    }

    #[test]
    fn a_limit_that_is_gone_is_not_red() {
        let mut limit = Record::check("race", "x", Outcome::Fail);
        assert!(!limit.is_green());
        limit.kind = Kind::Limit;
        assert!(limit.is_green());
        limit.outcome = Outcome::BuildFailed;
        assert!(!limit.is_green());
    }

    #[test]
    fn an_id_outside_the_catalogue_fails() {
        let ids = ["REQ-04".to_owned(), "REQ-99".to_owned()];
        let records =
            Record::check("race", "x", Outcome::Pass).for_contracts(&ids, |id| id == "REQ-04");
        assert_eq!(records[0].contract.as_deref(), Some("REQ-04"));
        assert!(records[0].is_green());
        assert_eq!(records[1].contract, None);
        assert_eq!(records[1].outcome, Outcome::Fail);
        assert_eq!(
            records[1].reason.as_deref(),
            Some("REQ-99 is not in the catalogue")
        );
    }
}
