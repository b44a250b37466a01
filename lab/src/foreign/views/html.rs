//! The page: engines and findings.

use anyhow::Result;
use askama::Template;

use crate::foreign::outcome::{EngineOutcome, Folded, Outcome};

#[derive(Template)]
#[template(path = "module.html")]
struct Page<'a> {
    outcome: &'a Outcome,
}

impl Page<'_> {
    /// The engine's findings as numbers of the list below the table.
    fn numbers(&self, engine: &EngineOutcome) -> Vec<usize> {
        let seen = |folded: &Folded| folded.engines.contains(&engine.engine);
        (1..)
            .zip(&self.outcome.findings)
            .filter(|(_, it)| seen(it))
            .map(|(number, _)| number)
            .collect()
    }

    fn seconds(&self, engine: &EngineOutcome) -> String {
        format!("{:.1}", engine.seconds)
    }
}

/// The outcome as a page.
pub(super) fn render(outcome: &Outcome) -> Result<String> {
    Ok(Page { outcome }.render()?)
}
