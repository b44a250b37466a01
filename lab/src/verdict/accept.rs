//! Findings that the description accepts: they are left out, and say so.

use crate::record::{Outcome, Record};
use crate::subject::file::Accept;

/// The entries of a description, on the checks of one engine after the other.
pub(crate) struct Accepted<'a> {
    /// Each with the number of checks that it has accepted.
    entries: Vec<(&'a Accept, usize)>,
    /// Every engine so far had checks that had their turn.
    all_ran: bool,
}

impl<'a> Accepted<'a> {
    pub(crate) fn new(entries: &'a [Accept]) -> Accepted<'a> {
        Accepted {
            entries: entries.iter().map(|it| (it, 0)).collect(),
            all_ran: true,
        }
    }

    /// Turns each red check that an entry accepts into one that is skipped for the entry's reason. Adds a skipped
    /// check for each entry that is about this engine alone and accepts nothing, and, after the last engine if all have
    /// run, for each that is about any engine.
    pub(crate) fn apply(&mut self, engine: &str, is_last: bool, records: &mut Vec<Record>) {
        let ran = records.iter().any(Record::had_its_turn);
        self.all_ran &= ran;
        let all_ran = self.all_ran && is_last;
        for (accept, used) in &mut self.entries {
            if accept.engine.as_ref().is_some_and(|it| it != engine) {
                continue;
            }
            for record in records.iter_mut().filter(|record| accept.fits(record)) {
                *used += 1;
                record.outcome = Outcome::Skipped;
                record.reason = Some(format!(
                    "accepted: {}; {}",
                    reason(accept),
                    record.reason.take().unwrap_or_default()
                ));
            }
            if *used == 0 && ran && (all_ran || accept.engine.is_some()) {
                let unused = Record::check(engine, label(accept), Outcome::Skipped);
                records
                    .push(unused.because("[[accept]] fits no finding any more: remove the entry"));
            }
        }
    }
}

/// The reason of an entry, and its reference.
pub(crate) fn reason(accept: &Accept) -> String {
    let reference = accept.reference.as_ref().map(|it| format!(" ({it})"));
    format!("{}{}", accept.reason, reference.unwrap_or_default())
}

/// An entry in a few words.
pub(crate) fn label(accept: &Accept) -> String {
    let words = [&accept.engine, &accept.test, &accept.frame];
    let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(engine: Option<&str>, test: Option<&str>, frame: Option<&str>) -> Accept {
        Accept {
            engine: engine.map(str::to_owned),
            test: test.map(str::to_owned),
            frame: frame.map(str::to_owned),
            reason: "known".to_owned(),
            reference: Some("example.org/1".to_owned()),
        }
    }

    fn after(accept: Accept) -> Vec<Record> {
        let failed = Record::check("asan", "pkg TestX/sub", Outcome::Fail).because("leak in f");
        let mut records = vec![failed, Record::check("asan", "pkg TestY", Outcome::Pass)];
        Accepted::new(&[accept]).apply("asan", false, &mut records);
        records
    }

    #[test]
    fn an_accepted_finding_is_skipped_with_its_reason() {
        for entry in [
            accept(Some("asan"), Some("TestX"), None),
            accept(None, None, Some("in f")),
            accept(None, Some("TestX"), Some("leak")),
        ] {
            let records = after(entry);
            assert_eq!(records.len(), 2);
            assert_eq!(records[0].outcome, Outcome::Skipped);
            let reason = records[0].reason.as_deref();
            assert_eq!(reason, Some("accepted: known (example.org/1); leak in f"));
            assert_eq!(records[1].outcome, Outcome::Pass);
        }
    }

    #[test]
    fn what_an_entry_is_not_about_stays_red_and_an_unused_entry_is_told() {
        for entry in [
            accept(Some("race"), Some("TestX"), None),
            accept(None, Some("TestXY"), None),
            accept(None, Some("TestX"), Some("in g")),
        ] {
            let records = after(entry);
            assert_eq!(records.len(), 2);
            assert_eq!(records[0].outcome, Outcome::Fail);
        }
        let records = after(accept(Some("asan"), Some("TestGone"), None));
        assert_eq!(records[0].outcome, Outcome::Fail);
        assert_eq!(records[2].check, "asan TestGone");
        assert!(records[2].is_green() && records[2].outcome == Outcome::Skipped);
        // Where nothing ran, nothing could fit.
        let mut none = Vec::new();
        let gone = [accept(Some("asan"), Some("TestX"), None)];
        Accepted::new(&gone).apply("asan", true, &mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn an_entry_about_any_engine_is_told_after_the_last_one_if_none_needed_it() {
        let entries = [
            accept(None, Some("TestX"), None),
            accept(None, Some("TestGone"), None),
        ];
        let mut accepted = Accepted::new(&entries);
        let mut first = vec![Record::check("race", "pkg TestX", Outcome::Fail)];
        accepted.apply("race", false, &mut first);
        assert_eq!(first.len(), 1);
        let mut last = vec![Record::check("asan", "pkg TestX", Outcome::Pass)];
        accepted.apply("asan", true, &mut last);
        let told: Vec<&str> = last.iter().map(|it| it.check.as_str()).collect();
        assert_eq!(told, ["pkg TestX", "TestGone"]);
        // An engine that did not run may have needed it.
        let mut accepted = Accepted::new(&entries);
        accepted.apply("race", false, &mut Vec::new());
        let mut last = vec![Record::check("asan", "pkg TestX", Outcome::Pass)];
        accepted.apply("asan", true, &mut last);
        assert_eq!(last.len(), 1);
    }
}
