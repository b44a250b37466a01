//! The notes that tests and fuzz targets print about themselves, one fact a line:
//!
//! | line | meaning |
//! |---|---|
//! | `cgolab: contract=REQ-04 checks=123` | the contract was checked that often |
//! | `cgolab: broken=REQ-04` | this contract is the one that does not hold |
//! | `cgolab: executions=512` | cases, inputs or schedules that ran |
//! | `cgolab: model=complete` | every schedule within the bound was explored; else `cut-off` |
//! | `cgolab: skipped=…` | the test did nothing, for this reason, to the end of the line |
//! | `cgolab: model=sampled` | random schedules, as many as were asked for |
//! | `cgolab: scenario=--through c …` | the failing scenario and its driver, to the end of the line |
//! | `expected: …`, `observed: …` | of the oracle's report: where library and model part |

use crate::host::out::one_line;
use crate::record::Record;

/// The end of a model checker's search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Every schedule within the bound was explored.
    Complete,
    /// Random schedules, as many as were asked for.
    Sampled,
    /// It stopped earlier, without having found anything.
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
    expected: Option<String>,
    observed: Option<String>,
}

impl Notes {
    /// Reads the notes among other output.
    pub fn read(output: &str) -> Notes {
        let mut notes = Notes::default();
        for line in output.lines() {
            // Not at the start of the line where libtest has written "test name ... " before it.
            if let Some((_, note)) = line.split_once("cgolab: ") {
                notes.take(note);
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

    fn take(&mut self, note: &str) {
        if let Some(scenario) = note.strip_prefix("scenario=") {
            self.scenario = Some(scenario.trim().to_owned());
            return;
        }
        if let Some(why) = note.strip_prefix("skipped=") {
            self.skipped = Some(why.trim().to_owned());
            return;
        }
        let value = |key: &str| {
            note.split_whitespace()
                .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
        };
        if let Some(id) = value("contract") {
            let checks = value("checks").and_then(|n| n.parse().ok()).unwrap_or(0);
            match self.checked.iter_mut().find(|(known, _)| known == id) {
                Some((_, sum)) => *sum += checks,
                None => self.checked.push((id.to_owned(), checks)),
            }
        }
        if let Some(id) = value("broken")
            && !self.broken.iter().any(|known| known == id)
        {
            self.broken.push(id.to_owned());
        }
        if let Some(executions) = value("executions").and_then(|n| n.parse::<u64>().ok()) {
            *self.executions.get_or_insert(0) += executions;
        }
        match value("model") {
            Some("complete") => {
                self.model.get_or_insert(Model::Complete);
            }
            Some("sampled") => {
                self.model.get_or_insert(Model::Sampled);
            }
            // A word that is not known is not a proof of completeness.
            Some(_) => self.model = Some(Model::CutOff),
            None => {}
        }
    }

    /// The records of a process that passed: one for each contract in its name, and one for each
    /// that it noted, with the noted number of checks.
    pub(crate) fn credit(
        &self,
        base: Record,
        named: Vec<String>,
        known: impl Fn(&str) -> bool,
    ) -> Vec<Record> {
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
    use crate::record::Outcome;

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
    fn one_model_that_was_cut_off_cuts_the_test_off() {
        let model = |text: &str| Notes::read(text).model;
        let complete = "cgolab: model=complete\n";
        let cut = "cgolab: model=cut-off\n";
        assert_eq!(model(complete), Some(Model::Complete));
        assert_eq!(model(&format!("{complete}{cut}")), Some(Model::CutOff));
        assert_eq!(model(&format!("{cut}{complete}")), Some(Model::CutOff));
        assert_eq!(model("cgolab: model=compleet\n"), Some(Model::CutOff));
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
}
