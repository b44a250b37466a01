//! The view for a terminal of 80 columns.

use std::fmt::Write as _;

use crate::foreign::outcome::{EngineOutcome, Folded, Outcome};
use crate::host::out::{wrapped, wrapped_command};

/// The number of places of a finding, or of the findings of a rule, that are shown.
const PLACES: usize = 10;
/// The number of tests of a finding that are shown.
const TESTS: usize = 5;

/// The row of an engine that has ended.
pub(in crate::foreign) fn engine_row(engine: &EngineOutcome) -> String {
    let head = format!("{:<10} {:>6.1} s ", engine.engine, engine.seconds);
    row(&head, &engine.shown())
}

/// Text that is wrapped beside its head.
pub(in crate::foreign) fn row(head: &str, text: &str) -> String {
    let indent = " ".repeat(head.chars().count() + 1);
    format!("{head} {}", wrapped(text, &indent).trim_start())
}

/// The whole run.
pub(in crate::foreign) fn report(outcome: &Outcome, place: &str) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_report(&mut text, outcome, place);
    text
}

fn write_report(text: &mut String, outcome: &Outcome, place: &str) -> std::fmt::Result {
    writeln!(text)?;
    for engine in &outcome.engines {
        writeln!(text, "{}", engine_row(engine))?;
        for limit in &engine.limits {
            writeln!(
                text,
                "{}",
                wrapped(&format!("limit: {limit}"), "           ")
            )?;
        }
    }
    let plain = outcome.plain_trouble();
    if !plain.is_empty() {
        writeln!(
            text,
            "\nplain tests that are not green, left out of the other engines:"
        )?;
        for trouble in plain {
            writeln!(text, "{}", wrapped(&trouble.shown(true), "  "))?;
        }
    }
    for engine in outcome
        .engines
        .iter()
        .filter(|it| !it.is_plain() && !it.trouble.is_empty())
    {
        writeln!(text, "\n{}: not judged", engine.engine)?;
        for trouble in &engine.trouble {
            writeln!(text, "{}", wrapped(&trouble.shown(false), "  "))?;
        }
    }
    for engine in outcome
        .engines
        .iter()
        .filter(|it| !it.left_unread.is_empty())
    {
        writeln!(text, "\nnot read by {}:", engine.engine)?;
        for left in &engine.left_unread {
            writeln!(text, "{}", wrapped(left, "  "))?;
        }
    }
    for (number, group) in groups(&outcome.findings).iter().enumerate() {
        write_findings(text, number + 1, group)?;
    }
    writeln!(text)?;
    writeln!(
        text,
        "{}",
        wrapped(&format!("{}: {}", outcome.module, outcome.headline()), "")
    )?;
    writeln!(
        text,
        "{:.0} s; report: {place}/report.html",
        outcome.seconds
    )
}

/// Findings in the order of the first of each group: those of one rule, which differ in their places only, are one.
fn groups(findings: &[Folded]) -> Vec<Vec<&Folded>> {
    let mut groups: Vec<Vec<&Folded>> = Vec::new();
    for folded in findings {
        match groups.iter_mut().find(|it| it[0].reads_like(folded)) {
            Some(group) => group.push(folded),
            None => groups.push(vec![folded]),
        }
    }
    groups
}

fn write_findings(text: &mut String, number: usize, group: &[&Folded]) -> std::fmt::Result {
    let folded = group[0];
    let report = &folded.first.report;
    let mut head = format!(
        "{number}. {}, seen by {}",
        report.class,
        folded.engines.join(", ")
    );
    let times: usize = group.iter().map(|it| it.times).sum();
    if times > 1 {
        let _ = write!(head, ", {times} times");
    }
    if folded.warns() {
        let _ = write!(head, " ({})", folded.first.severity.words());
    }
    if folded.old {
        head.push_str(" (in the baseline)");
    }
    writeln!(text)?;
    writeln!(text, "{}", wrapped(&head, ""))?;
    if let Some(reason) = &folded.accepted {
        writeln!(text, "{}", wrapped(&format!("accepted: {reason}"), "   "))?;
    }
    if let Some(known) = &folded.first.known {
        writeln!(
            text,
            "{}",
            wrapped(
                &format!("known false alarm: {} ({})", known.reason, known.reference),
                "   "
            )
        )?;
    }
    if let Some(says) = report.says() {
        writeln!(text, "{}", wrapped(&format!("says: {says}"), "   "))?;
    }
    if let Some(place) = &report.c {
        writeln!(
            text,
            "{}",
            wrapped(&format!("C:    {}", place.shown()), "   ")
        )?;
    }
    let places: Vec<_> = group.iter().flat_map(|it| &it.places).collect();
    for place in places.iter().take(PLACES) {
        writeln!(text, "{}", wrapped(&format!("Go:   {place}"), "   "))?;
    }
    if places.len() > PLACES {
        let more = places.len() - PLACES;
        writeln!(text, "         and {more} more, all in the report")?;
    }
    if let Some(tests) = folded.shown_by(TESTS) {
        writeln!(text, "{}", wrapped(&format!("test: {tests}"), "   "))?;
    }
    if let Some(report) = &folded.first.triage {
        writeln!(
            text,
            "{}",
            wrapped(&format!("goroutines and threads: {report}"), "   ")
        )?;
    }
    writeln!(text, "{}", wrapped_command(&folded.first.command, "   "))
}
