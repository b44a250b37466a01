//! The view for a pull request.

use std::fmt::Write as _;

use crate::foreign::outcome::{Folded, Outcome};

/// The outcome as Markdown.
pub(super) fn render(outcome: &Outcome) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, outcome);
    text
}

fn write(text: &mut String, outcome: &Outcome) -> std::fmt::Result {
    writeln!(text, "## cgolab: {}\n", outcome.headline())?;
    writeln!(
        text,
        "`{}` with {}, cgolab {}, {:.0} s\n",
        outcome.module, outcome.go, outcome.version, outcome.seconds
    )?;
    writeln!(
        text,
        "| engine | outcome | judged | seconds |\n|---|---|---|---|"
    )?;
    for engine in &outcome.engines {
        writeln!(
            text,
            "| {} | {} | {} | {:.1} |",
            engine.engine,
            cell(&engine.shown()),
            engine.extent().unwrap_or_default(),
            engine.seconds
        )?;
    }
    for engine in &outcome.engines {
        for limit in &engine.limits {
            writeln!(text, "\nLimit of {}: {limit}.", engine.engine)?;
        }
    }
    let plain = outcome.plain_trouble();
    if !plain.is_empty() {
        writeln!(
            text,
            "\n### Plain tests that are not green\n\nThey are left out of the other engines.\n"
        )?;
        for trouble in plain {
            writeln!(text, "- {}", trouble.shown(true))?;
        }
    }
    for engine in outcome
        .engines
        .iter()
        .filter(|it| !it.is_plain() && !it.trouble.is_empty())
    {
        writeln!(text, "\n### Not judged by {}\n", engine.engine)?;
        for trouble in &engine.trouble {
            writeln!(text, "- {}", trouble.shown(false))?;
        }
    }
    for engine in outcome
        .engines
        .iter()
        .filter(|it| !it.left_unread.is_empty())
    {
        writeln!(text, "\n### Not read by {}\n", engine.engine)?;
        for left in &engine.left_unread {
            writeln!(text, "- {left}")?;
        }
    }
    for folded in &outcome.findings {
        write_finding(text, folded)?;
    }
    Ok(())
}

fn write_finding(text: &mut String, folded: &Folded) -> std::fmt::Result {
    let report = &folded.first.report;
    let times = if folded.times > 1 {
        format!(", {} times", folded.times)
    } else {
        String::new()
    };
    writeln!(
        text,
        "\n### {} ({}{times})\n",
        report.class,
        folded.engines.join(", ")
    )?;
    if folded.warns() {
        writeln!(text, "It is a {}.\n", folded.first.severity.words())?;
    }
    if folded.old {
        writeln!(text, "It is in the baseline.\n")?;
    }
    if let Some(reason) = &folded.accepted {
        writeln!(text, "Accepted: {reason}\n")?;
    }
    if let Some(known) = &folded.first.known {
        writeln!(
            text,
            "Known false alarm: {}. {}\n",
            known.reason, known.reference
        )?;
    }
    if let Some(says) = report.says() {
        writeln!(text, "- says: `{}`", says.replace('`', "'"))?;
    }
    if let Some(place) = &report.c {
        writeln!(text, "- C: `{}`", place.shown())?;
    }
    for place in &folded.places {
        writeln!(text, "- Go: `{place}`")?;
    }
    if let Some(tests) = folded.shown_by(usize::MAX) {
        writeln!(text, "- test: {tests}")?;
    }
    if let Some(report) = &folded.first.triage {
        writeln!(text, "- goroutines and threads: `{report}`")?;
    }
    writeln!(text, "- again: `{}`", folded.first.command)?;
    writeln!(
        text,
        "\n<details><summary>report</summary>\n\n````text\n{}\n````\n</details>",
        report.text
    )
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
