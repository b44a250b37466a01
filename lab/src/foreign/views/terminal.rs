//! The view for a terminal of 80 columns.

use std::fmt::Write as _;

use crate::foreign::outcome::{EngineOutcome, Folded, Outcome};
use crate::host::out::{WIDTH, one_line};

/// The number of places of a finding that are shown.
const PLACES: usize = 5;
/// The number of tests of a finding that are shown.
const TESTS: usize = 5;

/// The line of an engine that has ended.
pub(in crate::foreign) fn engine_line(engine: &EngineOutcome) -> String {
    let head = format!("{:<10} {:>6.1} s  ", engine.engine, engine.seconds);
    let room = usize::from(WIDTH) - head.chars().count();
    head + &one_line(&engine.shown(), room)
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
        let line = engine_line(engine);
        writeln!(text, "{line}")?;
        if line.ends_with('…') {
            wrapped(text, &engine.shown(), "           ")?;
        }
        for limit in &engine.limits {
            wrapped(text, &format!("limit: {limit}"), "           ")?;
        }
    }
    let plain = outcome.plain_trouble();
    if !plain.is_empty() {
        writeln!(
            text,
            "\nplain tests that are not green, left out of the other engines:"
        )?;
        for trouble in plain {
            wrapped(text, &trouble.shown(true), "  ")?;
        }
    }
    for engine in outcome
        .engines
        .iter()
        .filter(|it| !it.is_plain() && !it.trouble.is_empty())
    {
        writeln!(text, "\n{}: not judged", engine.engine)?;
        for trouble in &engine.trouble {
            wrapped(text, &trouble.shown(false), "  ")?;
        }
    }
    for engine in outcome
        .engines
        .iter()
        .filter(|it| !it.left_unread.is_empty())
    {
        writeln!(text, "\nnot read by {}:", engine.engine)?;
        for left in &engine.left_unread {
            wrapped(text, left, "  ")?;
        }
    }
    for (number, folded) in outcome.findings.iter().enumerate() {
        write_finding(text, number + 1, folded)?;
    }
    writeln!(text)?;
    wrapped(
        text,
        &format!("{}: {}", outcome.module, outcome.headline()),
        "",
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
    wrapped(text, &head, "")?;
    if let Some(reason) = &folded.accepted {
        wrapped(text, &format!("accepted: {reason}"), "   ")?;
    }
    if let Some(known) = &folded.first.known {
        wrapped(
            text,
            &format!("known false alarm: {} ({})", known.reason, known.reference),
            "   ",
        )?;
    }
    if let Some(place) = &report.c {
        wrapped(text, &format!("C:    {}", place.shown()), "   ")?;
    }
    for place in folded.places.iter().take(PLACES) {
        wrapped(text, &format!("Go:   {place}"), "   ")?;
    }
    if folded.places.len() > PLACES {
        writeln!(text, "         and {} more", folded.places.len() - PLACES)?;
    }
    if let Some(tests) = folded.shown_by(TESTS) {
        wrapped(text, &format!("test: {tests}"), "   ")?;
    }
    writeln!(text, "   {}", folded.first.command)
}

/// Writes a line in lines of at most 80 columns, each behind `indent`, those after the first further in.
fn wrapped(text: &mut String, line: &str, indent: &str) -> std::fmt::Result {
    let width = usize::from(WIDTH) - indent.chars().count();
    let mut current = String::new();
    let mut first = true;
    let mut flush = |current: &mut String, first: &mut bool| {
        let more = if *first { "" } else { "  " };
        *first = false;
        let done = writeln!(text, "{indent}{more}{current}");
        current.clear();
        done
    };
    for word in line.split_whitespace() {
        let room = if first { width } else { width - 2 };
        // A word that is longer than a line is cut: a path says most at its end.
        let word: String = match word.chars().count() {
            count if count > room => std::iter::once('…')
                .chain(word.chars().skip(count + 1 - room))
                .collect(),
            _ => word.to_owned(),
        };
        if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > room {
            flush(&mut current, &mut first)?;
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&word);
    }
    flush(&mut current, &mut first)
}
