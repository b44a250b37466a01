//! The view for a terminal of 80 columns.

use std::fmt::Write as _;

use crate::foreign::outcome::{EngineOutcome, Folded, Outcome};
use crate::host::out::{wrapped, wrapped_command};

/// The number of places of a finding that are shown.
const PLACES: usize = 5;
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
    for (number, folded) in outcome.findings.iter().enumerate() {
        write_finding(text, number + 1, folded)?;
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

fn write_finding(text: &mut String, number: usize, folded: &Folded) -> std::fmt::Result {
    let report = &folded.first.report;
    let mut head = format!(
        "{number}. {}, seen by {}",
        report.class,
        folded.engines.join(", ")
    );
    if folded.times > 1 {
        let _ = write!(head, ", {} times", folded.times);
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
    if let Some(place) = &report.c {
        writeln!(
            text,
            "{}",
            wrapped(&format!("C:    {}", place.shown()), "   ")
        )?;
    }
    for place in folded.places.iter().take(PLACES) {
        writeln!(text, "{}", wrapped(&format!("Go:   {place}"), "   "))?;
    }
    if folded.places.len() > PLACES {
        writeln!(text, "         and {} more", folded.places.len() - PLACES)?;
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
