//! The contract that a red test breaks, for engines whose detector prints a report.

use super::ask::{Answer, Question, Sign};
use super::rows::Word;
use crate::host::out::one_line;
use crate::record::{Outcome, Record};

impl Word {
    /// The answer, corrected by the rule of this word.
    pub(super) fn answer(&self, answer: Answer, question: &Question) -> Answer {
        match self {
            Word::Failure => answer,
            Word::Crash(says) => answer.where_crash_is(says),
            Word::Report(says) => by_report(answer, question, says),
            Word::ReportOn(says, contract) => by_checker(answer, says, contract),
        }
    }

    /// The record of a run that printed `text`, corrected by the rule of this word.
    pub(super) fn record(&self, record: Record, text: &str) -> Record {
        match self {
            Word::ReportOn(says, contract) => blame(record, text, says, contract),
            Word::Failure | Word::Crash(_) | Word::Report(_) => record,
        }
    }
}

/// Counts a failed check as red only if the detector printed a report. Leaks are reported after all tests;
/// they belong to the contract in question if only its tests ran.
fn by_report(mut answer: Answer, question: &Question, says: &[&str]) -> Answer {
    if answer.contract.is_none() && question.contracts.len() == 1 {
        answer.contract = question.contracts.first().cloned();
    }
    answer.only_with(says)
}

/// Counts a crash as red if it is a checker's report, which ends the process.
fn by_checker(mut answer: Answer, says: &str, contract: &str) -> Answer {
    match &answer.sign {
        Sign::Crashed(why) | Sign::Red(why) if why.contains(says) => {
            answer.sign = Sign::Red(why.clone());
            answer.contract = Some(contract.to_owned());
            answer
        }
        _ => answer.only_with(&[says]),
    }
}

/// Moves the blame for a test that the checker ended from the test's contract to the checker's.
fn blame(mut record: Record, text: &str, says: &str, contract: &str) -> Record {
    let by_checker = matches!(record.outcome, Outcome::Fail | Outcome::Unstable)
        && record
            .reason
            .as_deref()
            .is_some_and(|why| why.contains(says));
    if !by_checker {
        return record;
    }
    record.contract = Some(contract.to_owned());
    record.outcome = Outcome::Fail; // It has no false reports, so it is never unstable.
    let offence = offence(text, says).map_or_else(String::new, |place| format!(", {place}"));
    record.because(format!("{says}{offence}"))
}

/// The place of the offence in the program: the first frame below the checker's own.
fn offence(text: &str, says: &str) -> Option<String> {
    let (_, after) = text.split_once(says)?;
    let mut lines = after
        .lines()
        .skip_while(|line| !line.starts_with("goroutine "));
    loop {
        let frame = lines.next()?;
        let place = frame.trim_start() != frame;
        if place
            || frame.is_empty()
            || frame.starts_with("goroutine ")
            || frame.starts_with("runtime.")
        {
            continue;
        }
        let function = frame.rsplit('/').next().unwrap_or(frame);
        let function = function.split_once('(').map_or(function, |(name, _)| name);
        let file = lines.next().unwrap_or_default().trim();
        let file = file.split_whitespace().next().unwrap_or_default();
        let file = file.rsplit('/').next().unwrap_or_default();
        return Some(one_line(&format!("by {function} ({file})"), 200));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Go pointer stored into non-Go memory";
    const CONTRACT: &str = "VAL-04";

    #[test]
    fn a_report_is_the_checkers_word_and_a_plain_failure_is_not() {
        let answer = |sign| {
            by_checker(
                Answer {
                    contract: Some("REQ-18".to_owned()),
                    check: "TestREQ18X".to_owned(),
                    sign,
                },
                REPORT,
                CONTRACT,
            )
        };
        let report = format!("fatal error: unpinned {REPORT}");
        let reported = answer(Sign::Crashed(report.clone()));
        assert_eq!(reported.contract.as_deref(), Some(CONTRACT));
        assert_eq!(reported.sign, Sign::Red(report));
        let why = "got 3".to_owned();
        assert_eq!(answer(Sign::Red(why.clone())).sign, Sign::NoReport(why));
        let crash = Sign::Crashed("SIGSEGV".to_owned());
        assert_eq!(answer(crash.clone()).sign, crash);
    }

    const CRASH: &str = "\
write of unpinned Go pointer 0x108d14b820b8 to non-Go memory 0x7f6b26409000
fatal error: unpinned Go pointer stored into non-Go memory

runtime stack:
runtime.throw({0x5a7392?, 0x12ca?})
\t/usr/local/go/src/runtime/panic.go:1229 +0x48 fp=0x7fff777c9f38
runtime.cgoCheckPtrWrite.func1()
\t/usr/local/go/src/runtime/cgocheck.go:67 +0x85

goroutine 18 gp=0x108d14baa1e0 m=0 mp=0x6f30e0 [running]:
runtime.systemstack_switch()
\t/usr/local/go/src/runtime/asm_amd64.s:516 +0x8
runtime.cgoCheckPtrWrite(0x7f6b26409000, 0x108d14b820b8)
\t/usr/local/go/src/runtime/cgocheck.go:65 +0xe5
example.org/binding/internal/capi.NewCell(0x108d14bd4248)
\t/home/x/binding/internal/capi/callback.go:44 +0x108 fp=0x108d14b8bf58
testing.tRunner(0x108d14bd4248, 0x5aa198)
";

    #[test]
    fn a_report_names_where_the_pointer_was_stored() {
        assert_eq!(
            offence(CRASH, REPORT).as_deref(),
            Some("by capi.NewCell (callback.go:44)")
        );
        assert_eq!(offence("panic: boom", REPORT), None);
        assert_eq!(offence(REPORT, REPORT), None);
    }

    #[test]
    fn a_report_is_a_failure_of_the_promise_that_is_watched() {
        let mut crashed = Record::check("cgocheck2", "TestCBK01", Outcome::Fail).because(
            "the test process died: fatal error: unpinned Go pointer stored into non-Go memory",
        );
        crashed.contract = Some("CBK-01".to_owned());
        let blamed = blame(crashed.clone(), CRASH, REPORT, CONTRACT);
        assert_eq!(blamed.contract.as_deref(), Some(CONTRACT));
        assert_eq!(blamed.outcome, Outcome::Fail);
        assert_eq!(
            blamed.reason.as_deref(),
            Some("Go pointer stored into non-Go memory, by capi.NewCell (callback.go:44)")
        );
        assert_eq!(
            blame(crashed.clone(), "", REPORT, CONTRACT)
                .reason
                .as_deref(),
            Some(REPORT)
        );
        let other = crashed.because("got 2, want 1");
        assert_eq!(blame(other.clone(), CRASH, REPORT, CONTRACT), other);
    }

    #[test]
    fn a_leak_at_the_end_is_of_the_only_contract_that_was_asked_for() {
        let leak = |contracts: &[&str]| {
            let question = Question {
                contracts: contracts.iter().map(|id| (*id).to_owned()).collect(),
                broken: None,
                log: String::new(),
            };
            let answer = Answer {
                contract: None,
                check: "p/q".to_owned(),
                sign: Sign::Red("SUMMARY: AddressSanitizer: 24 byte(s) leaked".to_owned()),
            };
            by_report(answer, &question, &["Sanitizer: "]).contract
        };
        assert_eq!(leak(&["VAL-15"]).as_deref(), Some("VAL-15"));
        assert_eq!(leak(&["VAL-05", "VAL-15"]), None);
    }
}
