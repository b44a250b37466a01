//! The view of a verdict for programs that read JUnit: an engine is a suite, a record is a case.
//!
//! The headline is the name of the whole. Names repeat nothing: a case is told by its contract, which
//! is part of its class, and its check.

use askama::Template;

use super::excerpt::plain;
use crate::record::{Outcome, Record};
use crate::verdict::{EngineRun, Verdict};

#[derive(Template)]
#[template(path = "junit.xml", escape = "html")]
struct Suites {
    headline: String,
    suites: Vec<Suite>,
}

struct Suite {
    engine: String,
    state: &'static str,
    failures: usize,
    errors: usize,
    skipped: usize,
    seconds: String,
    cases: Vec<Case>,
}

struct Case {
    contract: String,
    check: String,
    seconds: String,
    word: &'static str,
    reason: String,
    end: End,
}

/// The four things that JUnit can say of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Held,
    /// The subject is wrong.
    Failed,
    /// Nothing can be said of the subject, and something should.
    Error,
    Skipped,
}

pub(super) fn render(verdict: &Verdict<'_>) -> askama::Result<String> {
    Suites {
        headline: plain(&verdict.headline()),
        suites: verdict.engines.iter().map(suite).collect(),
    }
    .render()
}

fn suite(engine: &EngineRun<'_>) -> Suite {
    let cases: Vec<Case> = engine.records.iter().map(|record| case(record)).collect();
    let count = |end| cases.iter().filter(|case| case.end == end).count();
    Suite {
        engine: plain(engine.name),
        state: engine.state.word(),
        failures: count(End::Failed),
        errors: count(End::Error),
        skipped: count(End::Skipped),
        seconds: format!("{:.3}", engine.seconds.unwrap_or(0.0)),
        cases,
    }
}

fn case(record: &Record) -> Case {
    let end = match record.outcome {
        _ if record.is_green() && record.outcome != Outcome::Skipped => End::Held,
        Outcome::Skipped if record.is_green() => End::Skipped,
        Outcome::Fail | Outcome::Unstable => End::Failed,
        _ => End::Error,
    };
    Case {
        contract: record.contract.clone().unwrap_or_default(),
        check: plain(&record.check),
        seconds: format!("{:.3}", record.seconds),
        word: record.outcome.word(),
        reason: plain(record.reason.as_deref().unwrap_or_default()),
        end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_subject_fails_and_other_gaps_are_errors() {
        let end = |outcome, why: &str| case(&Record::check("go", "x", outcome).because(why)).end;
        assert_eq!(end(Outcome::Fail, ""), End::Failed);
        assert_eq!(end(Outcome::Unstable, ""), End::Failed);
        assert_eq!(end(Outcome::Timeout, ""), End::Error);
        assert_eq!(end(Outcome::Skipped, ""), End::Error);
        assert_eq!(end(Outcome::Skipped, "no clang"), End::Skipped);
        assert_eq!(end(Outcome::CutOff, ""), End::Held);
    }
}
