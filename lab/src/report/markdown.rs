//! The view of a verdict as Markdown: what a summary in CI or a comment has room for.

use std::fmt::Write as _;

use super::excerpt::plain;
use super::identity::Identity;
use crate::host::out::one_line;
use crate::record::Record;
use crate::verdict::{CellState, ContractState, Verdict, gap};

/// Gaps that are spelled out; the others are counted.
const GAPS: usize = 20;

pub(super) fn render(identity: &Identity, verdict: &Verdict<'_>) -> String {
    let mut text = format!("# cgolab: {}\n\n", escaped(&verdict.headline()));
    if let Some(commit) = &identity.commit {
        let dirty = if commit.dirty { ", with changes" } else { "" };
        let id: String = commit.id.chars().take(12).collect();
        let _ = writeln!(text, "Commit {id}{dirty}: {}\n", escaped(&commit.subject));
    }
    let _ = writeln!(text, "{}\n", verdict.counts().line());
    for line in identity.proven.lines() {
        let _ = writeln!(text, "{}\n", escaped(line.trim()));
    }
    list(&mut text, "Gaps", &verdict.red());
    list(&mut text, "Skipped", &verdict.skipped());
    list(&mut text, "Cut off", &verdict.cut_off());
    engines(&mut text, verdict);
    contracts(&mut text, verdict);
    text
}

fn list(text: &mut String, title: &str, records: &[&Record]) {
    let gaps = gap::group(records);
    if gaps.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}\n");
    for gap in gaps.iter().take(GAPS) {
        let record = gap.first;
        let what = [gap.check().unwrap_or_default(), gap.contracts.join(" ")];
        let what = what.join(" ");
        let why = record.reason.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "- **{}** {} {}: {}",
            record.outcome.word(),
            record.engine,
            escaped(what.trim()),
            escaped(&one_line(why, 300))
        );
    }
    if gaps.len() > GAPS {
        let _ = writeln!(text, "- and {} more", gaps.len() - GAPS);
    }
    text.push('\n');
}

fn engines(text: &mut String, verdict: &Verdict<'_>) {
    text.push_str("## Engines\n\n| engine | state | checks | seconds |\n|---|---|---|---:|\n");
    for engine in &verdict.engines {
        let counts: Vec<String> = engine
            .counts()
            .into_iter()
            .map(|(outcome, count)| format!("{count} {}", outcome.word()))
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            escaped(engine.name),
            engine.state.word(),
            counts.join(", "),
            engine
                .seconds
                .map_or_else(String::new, |seconds| format!("{seconds:.1}"))
        );
    }
    text.push('\n');
    for limit in verdict.engines.iter().flat_map(|engine| engine.limits()) {
        let why = limit.reason.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "Limit of {}: {}\n",
            escaped(&limit.engine),
            escaped(why)
        );
    }
}

/// The contracts that some engine of the run spoke about, or should have.
fn contracts(text: &mut String, verdict: &Verdict<'_>) {
    let names: Vec<String> = verdict.engines.iter().map(|e| escaped(e.name)).collect();
    let rows = verdict.contracts.iter().filter(|contract| {
        !matches!(
            contract.state,
            ContractState::Planned | ContractState::Elsewhere | ContractState::Unclaimed
        )
    });
    text.push_str("## Contracts\n\n");
    let _ = writeln!(text, "| contract | state | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(names.len()));
    for row in rows {
        let cells: Vec<&str> = row
            .cells
            .iter()
            .map(|cell| match cell.state {
                CellState::Ran(_) => cell.state.word(),
                CellState::Planned | CellState::Nothing => "·",
            })
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            row.contract.id,
            row.state.word(),
            cells.join(" | ")
        );
    }
}

/// Text of others that means nothing to Markdown or to the HTML in it.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in plain(text).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Outcome;

    #[test]
    fn gaps_that_have_no_room_are_counted() {
        let records: Vec<Record> = (0..=GAPS)
            .map(|number| Record::check("go", format!("Test{number}"), Outcome::Fail))
            .collect();
        let records: Vec<&Record> = records.iter().collect();
        let listed = |records: &[&Record]| {
            let mut text = String::new();
            list(&mut text, "Gaps", records);
            text
        };
        assert!(listed(&records).ends_with("\n- and 1 more\n\n"));
        assert!(!listed(&records[1..]).contains(" more"));
    }
}
