//! The view of a verdict on a terminal: gaps first, then contract × engine, then the engines.

use std::fmt::Write as _;

use comfy_table::{Cell, Color, ContentArrangement, Table};

use crate::host::machine::ours;
use crate::host::out::one_line;
use crate::host::out::{STYLE, WIDTH};
use crate::record::{Outcome, Record};
use crate::subject::catalogue::Catalogue;
use crate::verdict::{CellState, ContractRun, ContractState, EngineRun, EngineState, Verdict, gap};

/// Spaces between two columns of the table of a run: many engines need the room.
const BETWEEN: usize = 2;
/// The least that is shown of a sentence.
const SENTENCE: usize = 8;
/// Gaps that are spelled out; the others are counted.
const GAPS: usize = 20;

/// The whole report of a run whose results lie in `place`. `proven` are lines on planted bugs.
pub(crate) fn report(
    catalogue: &Catalogue,
    verdict: &Verdict<'_>,
    proven: &str,
    place: &str,
) -> String {
    let mut text = String::from("\n");
    gaps(&mut text, &verdict.red(), place);
    for columns in groups(verdict) {
        let table = contracts_by_engines(catalogue, verdict, columns);
        if table.row_count() > 0 {
            let _ = writeln!(text, "{table}\n");
        }
    }
    let contracts = verdict.contracts.iter();
    let named = contracts.filter(|it| it.state != ContractState::Unclaimed);
    let left_out = named.filter(|it| !it.was_spoken_of()).count();
    if left_out > 0 {
        let _ = writeln!(
            text,
            "{left_out} more contracts have no check in this run: `{}` lists them.",
            ours("contracts")
        );
    }
    for engine in &verdict.engines {
        let _ = writeln!(text, "{}", engine_line(engine));
    }
    for engine in &verdict.engines {
        for limit in engine.limits() {
            let _ = writeln!(text, "{}", limit_line(limit));
        }
    }
    for gap in gap::group(&verdict.cut_off()) {
        let check = gap.check().unwrap_or_default();
        let why = gap.first.reason.as_deref().unwrap_or_default();
        let _ = writeln!(text, "{}: {check}, {why}", Outcome::CutOff.word());
    }
    for gap in gap::group(&verdict.skipped()) {
        let engine = &gap.first.engine;
        let what = match gap.check() {
            Some(check) => format!("{engine}, {check}"),
            None => engine.clone(),
        };
        let why = gap.first.reason.as_deref().unwrap_or_default();
        let word = Outcome::Skipped.word();
        let _ = writeln!(text, "{word}: {what}\n    {}", one_line(why, 200));
    }
    let _ = writeln!(text, "{}\n{proven}", verdict.counts().line());
    let headline = verdict.headline();
    let _ = writeln!(text, "{headline}; results in {place}/results.jsonl");
    text
}

fn gaps(text: &mut String, red: &[&Record], place: &str) {
    let gaps = gap::group(red);
    for gap in gaps.iter().take(GAPS) {
        let record = gap.first;
        let contracts = match gap.contracts.as_slice() {
            [] => "-".to_owned(),
            ids => ids.join(" "),
        };
        let check = gap.check().unwrap_or_else(|| "no check".to_owned());
        let word = record.outcome.word();
        let _ = writeln!(text, "{word} {contracts} {}: {check}", record.engine);
        if let Some(reason) = &record.reason {
            let _ = writeln!(text, "    {}", one_line(reason, 200));
        }
        if let Some(scenario) = &record.evidence.scenario {
            let _ = writeln!(text, "    scenario: {scenario}");
        }
        if let Some(log) = &record.evidence.log {
            let _ = writeln!(text, "    log: {place}/{log}");
        }
        if !record.evidence.command.is_empty() {
            let _ = writeln!(text, "    again: {}", record.evidence.command);
        }
    }
    if gaps.len() > GAPS {
        let _ = writeln!(text, "and {} more", gaps.len() - GAPS);
    }
    if !gaps.is_empty() {
        text.push('\n');
    }
}

/// One engine in one line: is it on, how much ran, how long it took.
pub(crate) fn engine_line(engine: &EngineRun<'_>) -> String {
    let counts: Vec<String> = engine
        .counts()
        .into_iter()
        .map(|(outcome, count)| format!("{count} {}", outcome.word()))
        .collect();
    let line = format!(
        "{:<9} {:<7} {:>6.1} s  {}",
        engine.name,
        engine.state.word(),
        engine.seconds.unwrap_or(0.0),
        counts.join(", ")
    );
    line.trim_end().to_owned()
}

/// A limit of an engine, in one line.
fn limit_line(limit: &Record) -> String {
    let reason = limit.reason.as_deref().unwrap_or_default();
    format!("limit of {}: {}", limit.engine, one_line(reason, 200))
}

/// The columns that go beside each other into one table: as few tables as leave room for a few
/// words of each sentence, and about as many engines in each.
fn groups(verdict: &Verdict<'_>) -> Vec<std::ops::Range<usize>> {
    let all = verdict.engines.len();
    let split = |size: usize| (0..all).step_by(size).map(move |at| at..all.min(at + size));
    let fits = |size: usize| {
        split(size).all(|group| taken_width(verdict, group) + SENTENCE <= usize::from(WIDTH))
    };
    let size = (1..)
        .map(|tables| all.div_ceil(tables).max(1))
        .find(|size| *size == 1 || fits(*size))
        .unwrap_or(1);
    split(size).collect()
}

/// The table of these engines, with the contracts that they have something to say about.
fn contracts_by_engines(
    catalogue: &Catalogue,
    verdict: &Verdict<'_>,
    columns: std::ops::Range<usize>,
) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Disabled);
    let engines = &verdict.engines[columns.clone()];
    let sentence = usize::from(WIDTH)
        .saturating_sub(taken_width(verdict, columns.clone()))
        .max(SENTENCE);
    let mut header = vec!["contract".to_owned(), String::new()];
    header.extend(engines.iter().map(heading));
    table.set_header(header);
    for family in &catalogue.families {
        let rows: Vec<_> = verdict
            .contracts
            .iter()
            .filter(|it| it.contract.family() == family.name)
            .filter_map(|contract| row(contract, columns.clone(), sentence))
            .collect();
        if !rows.is_empty() {
            table.add_row([family.name.clone(), one_line(&family.title, sentence)]);
            table.add_rows(rows);
        }
    }
    // The style has one space between columns already, and the last column needs none.
    for column in table.column_iter_mut() {
        column.set_padding((0, BETWEEN as u16 - 1));
    }
    if let Some(last) = table.column_iter_mut().last() {
        last.set_padding((0, 0));
    }
    table
}

/// The width that the ids and the cells of these engines take of the line.
fn taken_width(verdict: &Verdict<'_>, columns: std::ops::Range<usize>) -> usize {
    let engines: usize = columns
        .map(|column| {
            let engine = &verdict.engines[column];
            let cells = verdict.contracts.iter().map(|it| &it.cells[column]);
            let words = cells.map(|cell| shown(cell.state).chars().count());
            let heading = heading(engine);
            let lines = heading.lines().map(|line| line.chars().count());
            words.chain(lines).max().unwrap_or(0) + BETWEEN
        })
        .sum();
    engines + "contract".len() + BETWEEN
}

fn heading(engine: &EngineRun<'_>) -> String {
    match engine.state {
        EngineState::On => engine.name.to_owned(),
        state => format!("{}\n{}", engine.name, state.word()),
    }
}

/// The row of a contract, if these engines have something to say about it.
fn row(
    contract: &ContractRun<'_>,
    columns: std::ops::Range<usize>,
    sentence: usize,
) -> Option<Vec<Cell>> {
    let mine = &contract.cells[columns];
    let speaks = mine
        .iter()
        .any(|cell| matches!(cell.state, CellState::Ran(_)));
    speaks.then(|| {
        let mut cells = vec![
            Cell::new(&contract.contract.id),
            Cell::new(one_line(&contract.contract.sentence, sentence)),
        ];
        cells.extend(mine.iter().map(|cell| {
            let text = Cell::new(shown(cell.state));
            match color(cell.state) {
                Some(color) => text.fg(color),
                None => text,
            }
        }));
        cells
    })
}

/// The word of a cell; one sign for all that is neither here nor there.
fn shown(state: CellState) -> &'static str {
    match state {
        CellState::Ran(_) => state.word(),
        CellState::Planned | CellState::Nothing => "·",
    }
}

fn color(state: CellState) -> Option<Color> {
    match state {
        CellState::Ran(Outcome::Pass) => Some(Color::Green),
        CellState::Ran(Outcome::CutOff | Outcome::Skipped | Outcome::NotRun) => Some(Color::Yellow),
        CellState::Ran(_) => Some(Color::Red),
        CellState::Planned | CellState::Nothing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;
    use crate::verdict::{EngineFacts, Facts};

    const LATEST: &str = "target/lab/latest";

    fn catalogue() -> Catalogue {
        let dir = tempfile::tempdir().unwrap();
        let contract = |id: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\n\
                 sentence = \"A sentence that is far too long to fit beside three engines.\"\n\
                 layer = [\"go\"]\nsource = []\nclaimed = [\"race\"]\nplanned = [\"loom\"]\n"
            )
        };
        std::fs::write(
            dir.path().join("req.toml"),
            format!(
                "title = \"Requests\"\n{}{}",
                contract("REQ-03"),
                contract("REQ-04")
            ),
        )
        .unwrap();
        Catalogue::load(dir.path()).unwrap()
    }

    fn canary(engine: &str, outcome: Outcome) -> Record {
        Record {
            kind: Kind::Canary,
            ..Record::check(engine, "planted", outcome)
        }
    }

    fn record(engine: &str, contract: &str, outcome: Outcome) -> Record {
        Record {
            contract: Some(contract.to_owned()),
            ..Record::check(engine, "test", outcome)
        }
    }

    fn facts(engines: &[&str]) -> Facts {
        let engines = engines.iter().map(|name| EngineFacts {
            name: (*name).to_owned(),
            seconds: Some(12.34),
            ..EngineFacts::default()
        });
        Facts {
            engines: engines.collect(),
            ..Facts::default()
        }
    }

    fn shown_report(engines: &[&str], records: &[Record]) -> String {
        let (catalogue, facts) = (catalogue(), facts(engines));
        report(
            &catalogue,
            &Verdict::of(&catalogue, &facts, records),
            "proven: none",
            LATEST,
        )
    }

    #[test]
    fn the_report_shows_gaps_cells_and_engines() {
        let mut broken = record("race", "REQ-03", Outcome::Fail).because("data race");
        broken.check = "other".to_owned();
        broken.evidence.log = Some("logs/race.log".to_owned());
        broken.evidence.scenario = Some("load; complete; complete".to_owned());
        let records = [
            canary("layout", Outcome::CanaryOff),
            canary("proptest", Outcome::Pass),
            record("proptest", "REQ-03", Outcome::Pass),
            canary("race", Outcome::Pass),
            record("race", "REQ-03", Outcome::Pass),
            broken,
            record("race", "REQ-04", Outcome::Pass),
        ];
        let text = shown_report(&["layout", "proptest", "race"], &records);
        assert!(
            text.contains("FAIL REQ-03 race: other\n    data race\n"),
            "{text}"
        );
        assert!(
            text.contains("log: target/lab/latest/logs/race.log"),
            "{text}"
        );
        assert!(
            text.contains("scenario: load; complete; complete"),
            "{text}"
        );
        let heading: Vec<&str> = text
            .lines()
            .skip_while(|l| !l.contains("contract"))
            .collect();
        assert!(heading[0].contains("layout"), "{text}");
        assert_eq!(heading[1].trim(), "OFF", "{text}");
        assert!(
            text.contains("RED: layout OFF, 1 FAIL; results in"),
            "{text}"
        );
        let row = text
            .lines()
            .find(|line| line.trim_start().starts_with("REQ-03"))
            .unwrap();
        let cells: Vec<_> = row.split_whitespace().rev().take(3).collect();
        assert_eq!(cells, ["FAIL", "pass", "·"], "{text}");
        assert!(
            text.lines()
                .filter(|line| !line.starts_with("    "))
                .all(|line| line.chars().count() <= usize::from(WIDTH)),
            "{text}"
        );
    }

    #[test]
    fn all_engines_fit_into_the_line() {
        let names = [
            "guard",
            "leak",
            "process",
            "go",
            "race",
            "cgocheck2",
            "asan",
            "layout",
            "proptest",
            "loom",
            "shuttle",
            "fuzz-abi",
        ];
        for proof in [Outcome::Pass, Outcome::CanaryOff] {
            for outcome in [Outcome::Pass, Outcome::NotRun, Outcome::Unstable] {
                let of = |name: &&str| [canary(name, proof), record(name, "REQ-03", outcome)];
                let records: Vec<Record> = names.iter().flat_map(of).collect();
                let (catalogue, facts) = (catalogue(), facts(&names));
                let verdict = Verdict::of(&catalogue, &facts, &records);
                let mut engines = 0;
                for group in groups(&verdict) {
                    engines += group.len();
                    let text = contracts_by_engines(&catalogue, &verdict, group).to_string();
                    let width = text.lines().map(|line| line.chars().count()).max();
                    assert!(width <= Some(usize::from(WIDTH)), "{width:?}\n{text}");
                    // A sentence that is cut to nothing would fit too.
                    assert!(text.contains("A sent"), "{text}");
                }
                assert_eq!(engines, names.len());
            }
        }
    }

    #[test]
    fn an_engine_has_one_line() {
        let records = [
            canary("race", Outcome::Pass),
            record("race", "REQ-03", Outcome::Pass),
            record("race", "REQ-04", Outcome::Pass),
        ];
        let facts = facts(&["race"]);
        let run = EngineRun::of("race", facts.engines.first(), records.iter().collect());
        // Both records are of one check.
        assert_eq!(engine_line(&run), "race      on        12.3 s  1 pass");
    }

    #[test]
    fn what_was_left_out_is_told_with_its_reason() {
        let mut skipped = record("race", "REQ-04", Outcome::Skipped).because("one CPU");
        skipped.check = "TestStorm".to_owned();
        let mut cut = record("loom", "REQ-03", Outcome::Pass);
        cut.executions = Some(70_000);
        let mut limit = Record::check("race", "twin", Outcome::Pass).because("no race across C");
        limit.kind = Kind::Limit;
        let records = [
            canary("race", Outcome::Pass),
            limit,
            record("race", "REQ-03", Outcome::Pass),
            record("race", "REQ-04", Outcome::Pass),
            skipped,
            canary("loom", Outcome::Pass),
            cut.cut_off(),
            Record::missing("asan", Some("REQ-04"), Outcome::Skipped).because("no compiler"),
        ];
        let text = shown_report(&["race", "loom", "asan"], &records);
        for words in [
            "skipped: asan\n    no compiler\n",
            "skipped: race, TestStorm\n    one CPU\n",
            "cut off: test, after 70000 executions\n",
            "limit of race: no race across C\n",
            "asan      skipped   12.3 s\n",
            "every check that ran passed; left out: asan skipped, 1 check skipped, \
             1 model cut off; results in target/lab/latest/results.jsonl",
        ] {
            assert!(text.contains(words), "`{words}` is not in {text}");
        }
    }
}
