//! Notes ([`cgolab_note`]) among other output, added up, and the records that they make of a test.
//!
//! Beside them stand `expected: …` and `observed: …` of an oracle's report: where library and model part.

use cgolab_note::{Note, find};

use crate::host::out::one_line;
use crate::record::{Outcome, Record};

/// End of the searches of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Every schedule within the bound was explored.
    Complete,
    /// Random schedules, as many as were asked for.
    Sampled,
    /// One of them ended early, without having found anything.
    CutOff,
}

/// Facts that a process told about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Contract and number of checks; never zero checks.
    pub checked: Vec<(String, u64)>,
    /// Contracts that do not hold.
    pub broken: Vec<String>,
    /// All of them together.
    pub executions: Option<u64>,
    /// Present if a model was explored; cut off if any was.
    pub model: Option<Model>,
    /// The last one printed: shrinking comes last.
    pub scenario: Option<String>,
    /// Why the test did nothing.
    pub skipped: Option<String>,
    /// The error of the first malformed note.
    pub malformed: Option<String>,
    expected: Option<String>,
    observed: Option<String>,
}

impl Notes {
    /// Reads the notes among other output.
    pub fn read(output: &str) -> Notes {
        let mut notes = Notes::default();
        for line in output.lines() {
            if let Some(note) = find(line) {
                match note {
                    Ok(note) => notes.take(note),
                    Err(malformed) => {
                        notes.malformed.get_or_insert_with(|| malformed.to_string());
                    }
                }
            } else if let Some(what) = line.trim_start().strip_prefix("expected: ") {
                notes.expected = Some(what.trim().to_owned());
            } else if let Some(what) = line.trim_start().strip_prefix("observed: ") {
                notes.observed = Some(what.trim().to_owned());
            }
        }
        notes.checked.retain(|(_, checks)| *checks > 0);
        notes
    }

    /// Expectation and observation of the oracle, in one line; only of a broken contract.
    pub fn disagreement(&self) -> Option<String> {
        let (expected, observed) = (self.expected.as_ref()?, self.observed.as_ref()?);
        let broken = !self.broken.is_empty() || self.scenario.is_some();
        broken.then(|| one_line(&format!("expected {expected}, observed {observed}"), 300))
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Checked(id, checks) => {
                let id = id.as_str();
                match self.checked.iter_mut().find(|(known, _)| known == id) {
                    Some((_, sum)) => *sum = sum.saturating_add(checks),
                    None => self.checked.push((id.to_owned(), checks)),
                }
            }
            Note::Broken(id) => {
                if !self.broken.iter().any(|known| known == id.as_str()) {
                    self.broken.push(id.as_str().to_owned());
                }
            }
            Note::Executions(count) => {
                let sum = self.executions.get_or_insert(0);
                *sum = sum.saturating_add(count);
            }
            Note::Model(model) => self.take_model(model),
            Note::Skipped(why) => self.skipped = Some(why.as_str().to_owned()),
            Note::Scenario(scenario) => self.scenario = Some(scenario.as_str().to_owned()),
        }
    }

    fn take_model(&mut self, model: cgolab_note::Model) {
        match model {
            cgolab_note::Model::Complete { .. } => {
                self.model.get_or_insert(Model::Complete);
            }
            cgolab_note::Model::Sampled { .. } => {
                self.model.get_or_insert(Model::Sampled);
            }
            cgolab_note::Model::CutOff { .. } => self.model = Some(Model::CutOff),
        }
    }

    /// The records of a test, from what its runner says of it (`base`) and the contracts in its name.
    ///
    /// A passing test is a check of the contracts in its name and of those that it noted. A failing
    /// one speaks only about the contracts that it noted as broken, or else those in its name. A
    /// model that was cut off passes, and says so.
    pub(crate) fn judge(
        self,
        mut base: Record,
        named: Vec<String>,
        known: impl Fn(&str) -> bool,
    ) -> Vec<Record> {
        base.executions = self.executions;
        base.evidence.scenario.clone_from(&self.scenario);
        if base.outcome == Outcome::Fail {
            base.reason = self.disagreement().or(base.reason);
        }
        if base.outcome != Outcome::Pass {
            let ids = if self.broken.is_empty() {
                named
            } else {
                self.broken
            };
            return base.for_contracts(&ids, known);
        }
        if !self.broken.is_empty() {
            base.outcome = Outcome::Fail;
            return base
                .because("the test passed although it noted a broken contract")
                .for_contracts(&self.broken, known);
        }
        if let (Some(why), None) = (&self.skipped, &self.malformed) {
            // A runner that knows no skipping says that the test passed.
            base.outcome = Outcome::Skipped;
            return base.because(why).for_contracts(&named, known);
        }
        if self.model == Some(Model::CutOff) {
            base = base.cut_off();
        }
        self.credit(base, named, known)
    }

    /// The records of a process that passed: one for each contract in its name, and one for each
    /// that it noted, with the noted number of checks. A note that cannot be read credits nothing.
    pub(crate) fn credit(
        &self,
        mut base: Record,
        named: Vec<String>,
        known: impl Fn(&str) -> bool,
    ) -> Vec<Record> {
        if let Some(malformed) = &self.malformed {
            base.outcome = Outcome::Fail;
            return base.because(malformed).for_contracts(&named, known);
        }
        let mut ids = named;
        for (id, _) in &self.checked {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        let mut records = base.for_contracts(&ids, known);
        for record in &mut records {
            let checks = self
                .checked
                .iter()
                .find(|(id, _)| record.contract.as_deref() == Some(id.as_str()));
            if let Some((_, checks)) = checks {
                record.executions = Some(*checks);
            }
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_found_among_other_output() {
        let notes = Notes::read(
            "running 1 test\n\
             test x ... cgolab: contract=REQ-04 checks=3\n\
             cgolab: contract=REQ-04 checks=4\n\
             cgolab: contract=EVT-01 checks=0\n\
             cgolab: executions=10\n\
             cgolab: executions=5\n\
             cgolab: broken=HDL-05\n\
             cgolab: broken=HDL-05\n\
             cgolab: scenario=long\n\
             cgolab: scenario=short one \n",
        );
        assert_eq!(notes.checked, [("REQ-04".to_owned(), 7)]);
        assert_eq!(notes.broken, ["HDL-05"]);
        assert_eq!(notes.executions, Some(15));
        assert_eq!(notes.model, None);
        assert_eq!(notes.scenario.as_deref(), Some("short one"));
    }

    #[test]
    fn a_report_is_told_in_a_line() {
        let report = "disagree:\n  expected: Refused(Stale)\n  observed: Done\n";
        assert_eq!(Notes::read(report).disagreement(), None);
        let broken = format!("{report}cgolab: broken=EVT-06\n");
        assert_eq!(
            Notes::read(&broken).disagreement().as_deref(),
            Some("expected Refused(Stale), observed Done")
        );
    }

    #[test]
    fn a_report_tells_more_than_the_line_of_a_panic() {
        let report = "expected: Refused(Stale)\nobserved: Done\ncgolab: broken=EVT-06\n";
        let base = Record::check("proptest", "x", Outcome::Fail).because("the two disagree");
        let records = Notes::read(report).judge(base, Vec::new(), |_| true);
        let why = Some("expected Refused(Stale), observed Done");
        assert_eq!(records[0].reason.as_deref(), why);
    }

    #[test]
    fn one_model_that_was_cut_off_cuts_the_test_off() {
        let model = |text: &str| Notes::read(text).model;
        let complete = "cgolab: model=complete bound=2\n";
        let cut = "cgolab: model=cut-off bound=2\n";
        assert_eq!(model(complete), Some(Model::Complete));
        assert_eq!(model(&format!("{complete}{cut}")), Some(Model::CutOff));
        assert_eq!(model(&format!("{cut}{complete}")), Some(Model::CutOff));
        assert_eq!(model("cgolab: model=compleet bound=2\n"), None);
        assert_eq!(model("model=complete\n"), None);
    }

    #[test]
    fn credit_is_for_names_and_notes() {
        let notes = Notes::read("cgolab: contract=REQ-04 checks=3\ncgolab: executions=9\n");
        let base = Record {
            executions: notes.executions,
            ..Record::check("loom", "x", Outcome::Pass)
        };
        let records = notes.credit(base, vec!["EVT-01".to_owned()], |_| true);
        let seen: Vec<_> = records
            .iter()
            .map(|r| (r.contract.as_deref(), r.executions))
            .collect();
        assert_eq!(seen, [(Some("EVT-01"), Some(9)), (Some("REQ-04"), Some(3))]);
    }

    #[test]
    fn a_note_that_cannot_be_read_credits_nothing() {
        let notes =
            Notes::read("cgolab: contract=REQ-04 checks=3\ncgolab: skipped=x\ncgolab: model=x\n");
        let base = Record::check("loom", "x", Outcome::Pass);
        let records = notes.judge(base, vec!["EVT-01".to_owned()], |_| true);
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].outcome, Outcome::Fail);
        assert_eq!(records[0].contract.as_deref(), Some("EVT-01"));
        let reason = records[0].reason.as_deref().unwrap();
        assert!(
            reason.starts_with("`cgolab: model=x` is no note"),
            "{reason}"
        );
    }
}
