//! The view for programs that read JUnit: an engine is a suite, a finding or a trouble is a failed case.

use anyhow::Result;
use askama::Template;

use crate::foreign::outcome::{EngineOutcome, Finding, Outcome, State};

#[derive(Template)]
#[template(path = "module-junit.xml", escape = "html")]
struct Suites<'a> {
    outcome: &'a Outcome,
}

impl Suites<'_> {
    fn failures(&self, engine: &EngineOutcome) -> usize {
        self.counting(engine).len()
            + engine.trouble.len()
            + usize::from(matches!(engine.state, State::Off(_)))
    }

    fn skipped(&self, engine: &EngineOutcome) -> bool {
        matches!(engine.state, State::Unsupported(_) | State::NotRun(_))
    }

    fn stopped(&self, engine: &EngineOutcome) -> bool {
        engine.state == State::Stopped
    }

    /// Findings that count.
    fn counting<'a>(&self, engine: &'a EngineOutcome) -> Vec<&'a Finding> {
        let counts = |it: &&Finding| {
            let signature = it.signature();
            self.outcome
                .counting()
                .any(|folded| folded.signature == signature)
        };
        engine.findings.iter().filter(counts).collect()
    }

    fn place(&self, finding: &Finding) -> String {
        let report = &finding.report;
        let places = [&report.c, &report.go]
            .into_iter()
            .flatten()
            .map(|it| it.shown());
        places.collect::<Vec<_>>().join(" called by ")
    }
}

/// The outcome as JUnit.
pub(super) fn render(outcome: &Outcome) -> Result<String> {
    Ok(Suites { outcome }.render()?)
}
