//! Findings that the description accepts: they are left out, and say so.

use crate::record::{Outcome, Record};
use crate::subject::file::Accept;

/// Turns each red check that an entry accepts into one that is skipped for the entry's reason, and adds a skipped
/// check for each entry that is about this engine alone and accepts nothing.
pub(crate) fn apply(accepted: &[Accept], engine: &str, records: &mut Vec<Record>) {
    for accept in accepted {
        if accept.engine.as_ref().is_some_and(|it| it != engine) {
            continue;
        }
        let mut used = false;
        for record in records.iter_mut().filter(|record| accept.fits(record)) {
            used = true;
            record.outcome = Outcome::Skipped;
            record.reason = Some(format!(
                "accepted: {}; {}",
                reason(accept),
                record.reason.take().unwrap_or_default()
            ));
        }
        if !used && accept.engine.is_some() && records.iter().any(Record::had_its_turn) {
            let unused = Record::check(engine, label(accept), Outcome::Skipped);
            records.push(unused.because("[[accept]] fits no finding any more: remove the entry"));
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
        apply(&[accept], "asan", &mut records);
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
        apply(
            &[accept(Some("asan"), Some("TestX"), None)],
            "asan",
            &mut none,
        );
        assert!(none.is_empty());
    }
}
