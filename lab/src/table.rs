//! What people see at the end: gaps first, then contract × engine, then the engines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle};

use crate::catalogue::{Catalogue, Contract, State};
use crate::record::{Kind, Outcome, Record, one_line};
use crate::run::Share;

/// Width of everything that is printed.
pub(crate) const WIDTH: u16 = 80;
/// A line below the header, and no others: many rows, little ink.
pub const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Spaces between two columns of the table of a run: many engines need the room.
const BETWEEN: usize = 2;
/// The least that is shown of a sentence.
const SENTENCE: usize = 8;
/// Gaps that are spelled out; the others are counted.
const GAPS: usize = 20;

/// The whole report of a run whose results lie in `place`.
pub(crate) fn report(catalogue: &Catalogue, shares: &[Share], place: &str) -> String {
    let mut text = String::from("\n");
    let red: Vec<&Record> = shares
        .iter()
        .flat_map(|share| &share.records)
        .filter(|record| !record.is_green())
        .collect();
    gaps(&mut text, &red, place);
    for group in groups(shares) {
        let table = contracts_by_engines(catalogue, group);
        if table.row_count() > 0 {
            let _ = writeln!(text, "{table}\n");
        }
    }
    let left_out = left_out(catalogue, shares);
    if left_out > 0 {
        let _ = writeln!(
            text,
            "{left_out} more contracts have no check in this run: `cargo lab contracts` lists them."
        );
    }
    for share in shares {
        let _ = writeln!(text, "{}", engine_line(share));
    }
    for (check, why) in shares.iter().flat_map(cut_off) {
        let _ = writeln!(text, "not all of it: {check}, {why}");
    }
    let mut skipped = Vec::new();
    for share in shares {
        if let Some(why) = share.skipped() {
            let _ = writeln!(text, "skipped: {}\n    {why}", share.engine);
            skipped.push(share.engine);
        }
    }
    let verdict = if red.is_empty() {
        verdict(&skipped)
    } else {
        let all: usize = shares.iter().map(|share| share.records.len()).sum();
        format!("RED: {} of {all} records", red.len())
    };
    let _ = writeln!(text, "{verdict}; results in {place}/results.jsonl");
    text
}

/// The headline of a run in which nothing is red.
pub(crate) fn verdict(skipped: &[&str]) -> String {
    match skipped {
        [] => "every check passed".to_owned(),
        engines => format!(
            "every check that ran passed, {} skipped",
            engines.join(", ")
        ),
    }
}

/// Records that have the same cause and are told together.
pub(crate) struct Gap<'a> {
    pub(crate) first: &'a Record,
    pub(crate) records: Vec<&'a Record>,
    checks: Vec<&'a str>,
    pub(crate) contracts: Vec<&'a str>,
}

impl Gap<'_> {
    /// The contracts, or a dash.
    fn shown_contracts(&self) -> String {
        match self.contracts.as_slice() {
            [] => "-".to_owned(),
            ids => ids.join(" "),
        }
    }

    /// The name of the check, or how many there are.
    pub(crate) fn shown_checks(&self) -> String {
        match self.checks.as_slice() {
            [check] => (*check).to_owned(),
            checks => format!("{} checks", checks.len()),
        }
    }
}

/// The red records, worst first, those of one check together; all that an engine did not run for
/// one reason together.
pub(crate) fn group<'a>(red: &[&'a Record]) -> Vec<Gap<'a>> {
    let key = |record: &'a Record| {
        let check = match record.outcome {
            Outcome::NotRun => "",
            _ => &record.check,
        };
        (record.outcome, &record.engine, check, &record.reason)
    };
    let mut gaps: Vec<Gap<'a>> = Vec::new();
    for record in red {
        let at = gaps.iter().position(|gap| key(gap.first) == key(record));
        let at = at.unwrap_or_else(|| {
            gaps.push(Gap {
                first: record,
                records: Vec::new(),
                checks: Vec::new(),
                contracts: Vec::new(),
            });
            gaps.len() - 1
        });
        let gap = &mut gaps[at];
        gap.records.push(record);
        if !gap.checks.contains(&record.check.as_str()) {
            gap.checks.push(&record.check);
        }
        if let Some(id) = record.contract.as_deref()
            && !gap.contracts.contains(&id)
        {
            gap.contracts.push(id);
        }
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.first.outcome.weight()));
    gaps
}

fn gaps(text: &mut String, red: &[&Record], place: &str) {
    let gaps = group(red);
    for gap in gaps.iter().take(GAPS) {
        let record = gap.first;
        let _ = writeln!(
            text,
            "{} {} {}: {}",
            record.outcome.word(),
            gap.shown_contracts(),
            record.engine,
            gap.shown_checks()
        );
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
pub(crate) fn engine_line(share: &Share) -> String {
    let mut counts: BTreeMap<u8, (usize, Outcome)> = BTreeMap::new();
    for record in &share.records {
        if record.kind == Kind::Check {
            let count = counts
                .entry(record.outcome.weight())
                .or_insert((0, record.outcome));
            count.0 += 1;
        }
    }
    let mut counts: Vec<String> = counts
        .values()
        .rev()
        .map(|(count, outcome)| format!("{count} {}", outcome.word()))
        .collect();
    match cut_off(share).len() {
        0 => {}
        1 => counts.push("1 model cut off".to_owned()),
        models => counts.push(format!("{models} models cut off")),
    }
    format!(
        "{:<9} {:<7} {:>6.1} s  {}",
        share.engine,
        share.state(),
        share.seconds,
        counts.join(", ")
    )
}

/// The models that passed without having been explored to their end, with how far that went.
fn cut_off(share: &Share) -> Vec<(&str, &str)> {
    let mut models = Vec::new();
    for record in share.records.iter().filter(|record| record.is_cut_off()) {
        let model = (
            record.check.as_str(),
            record.reason.as_deref().unwrap_or_default(),
        );
        // One record for each contract; one line for the model.
        if !models.contains(&model) {
            models.push(model);
        }
    }
    models
}

/// The engines that go beside each other into one table: as few tables as leave room for a few
/// words of each sentence, and about as many engines in each.
fn groups(shares: &[Share]) -> impl Iterator<Item = &[Share]> {
    let fits = |size: usize| {
        shares
            .chunks(size)
            .all(|group| taken_width(group) + SENTENCE <= usize::from(WIDTH))
    };
    let size = (1..)
        .map(|tables| shares.len().div_ceil(tables).max(1))
        .find(|size| *size == 1 || fits(*size))
        .unwrap_or(1);
    shares.chunks(size)
}

/// How many contracts have no row: no engine of this run has anything to say about them.
fn left_out(catalogue: &Catalogue, shares: &[Share]) -> usize {
    let contracts = catalogue.families.iter().flat_map(|f| &f.contracts);
    contracts
        .filter(|contract| row(contract, shares, SENTENCE).is_none())
        .count()
}

/// The table of these engines, with the contracts that they have something to say about.
fn contracts_by_engines(catalogue: &Catalogue, shares: &[Share]) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Disabled);
    let headings: Vec<String> = shares.iter().map(heading).collect();
    let sentence = usize::from(WIDTH)
        .saturating_sub(taken_width(shares))
        .max(SENTENCE);
    let mut header = vec!["contract".to_owned(), String::new()];
    header.extend(headings);
    table.set_header(header);
    for family in &catalogue.families {
        let rows: Vec<_> = family
            .contracts
            .iter()
            .filter_map(|contract| row(contract, shares, sentence))
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

/// What the ids and the cells of these engines take of the line.
fn taken_width(shares: &[Share]) -> usize {
    let engines: usize = shares
        .iter()
        .map(|share| {
            let words = share.records.iter().map(|record| record.outcome.word());
            let widest = words.map(str::len).max().unwrap_or(0);
            let heading = heading(share)
                .lines()
                .map(|line| line.chars().count())
                .max();
            widest.max(heading.unwrap_or(0)) + BETWEEN
        })
        .sum();
    engines + "contract".len() + BETWEEN
}

fn heading(share: &Share) -> String {
    match share.state() {
        state @ ("OFF" | "skipped") => format!("{}\n{state}", share.engine),
        _ => share.engine.to_owned(),
    }
}

fn row(contract: &Contract, shares: &[Share], sentence: usize) -> Option<Vec<Cell>> {
    let outcomes: Vec<Option<Outcome>> = shares
        .iter()
        .map(|share| {
            share
                .records
                .iter()
                .filter(|record| record.contract.as_deref() == Some(&contract.id))
                .map(|record| record.outcome)
                .max_by_key(|outcome| outcome.weight())
        })
        .collect();
    outcomes.iter().any(Option::is_some).then(|| {
        let mut cells = vec![
            Cell::new(&contract.id),
            Cell::new(one_line(&contract.sentence, sentence)),
        ];
        cells.extend(
            outcomes
                .into_iter()
                .map(|outcome| outcome.map_or_else(|| Cell::new("·"), outcome_cell)),
        );
        cells
    })
}

fn outcome_cell(outcome: Outcome) -> Cell {
    let color = match outcome {
        Outcome::Pass => Color::Green,
        Outcome::Skipped | Outcome::NotRun => Color::Yellow,
        _ => Color::Red,
    };
    Cell::new(outcome.word()).fg(color)
}

/// The catalogue for people: contract, sentence, and engines by state.
pub(crate) fn catalogue<'a>(
    contracts: impl Iterator<Item = (&'a Contract, BTreeMap<String, State>)>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["contract", "sentence", "engines"]);
    let mut totals: BTreeMap<State, usize> = BTreeMap::new();
    let mut count = 0;
    for (contract, states) in contracts {
        count += 1;
        if let Some(best) = states.values().min() {
            *totals.entry(*best).or_default() += 1;
        }
        let lines: Vec<String> = [State::Exercised, State::Claimed, State::Planned]
            .into_iter()
            .filter_map(|state| {
                let names: Vec<&str> = states
                    .iter()
                    .filter(|(_, other)| **other == state)
                    .map(|(name, _)| name.as_str())
                    .collect();
                (!names.is_empty()).then(|| format!("{}: {}", word(state), names.join(", ")))
            })
            .collect();
        table.add_row([
            Cell::new(&contract.id).set_alignment(CellAlignment::Left),
            Cell::new(&contract.sentence),
            Cell::new(lines.join("\n")),
        ]);
    }
    let total = |state| totals.get(&state).copied().unwrap_or(0);
    format!(
        "{table}\n\n{count} contracts: {} exercised by the last runs, {} claimed and not exercised, \
         {} only planned\n",
        total(State::Exercised),
        total(State::Claimed),
        total(State::Planned)
    )
}

fn word(state: State) -> &'static str {
    match state {
        State::Exercised => "exercised",
        State::Claimed => "claimed",
        State::Planned => "planned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATEST: &str = "target/lab/latest";

    fn test_catalogue() -> Catalogue {
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

    fn record(engine: &str, contract: &str, outcome: Outcome) -> Record {
        Record {
            contract: Some(contract.to_owned()),
            ..Record::check(engine, "test", outcome)
        }
    }

    fn share(engine: &'static str, canary: Outcome, checks: Vec<Record>) -> Share {
        let canary = Record {
            kind: Kind::Canary,
            ..Record::check(engine, "planted", canary)
        };
        Share {
            engine,
            seconds: 12.34,
            records: [vec![canary], checks].concat(),
        }
    }

    #[test]
    fn the_report_shows_gaps_cells_and_engines() {
        let mut broken = record("race", "REQ-03", Outcome::Fail).because("data race");
        broken.evidence.log = Some("logs/race.log".to_owned());
        broken.evidence.scenario = Some("load; complete; complete".to_owned());
        let shares = [
            share("layout", Outcome::CanaryOff, vec![]),
            share(
                "proptest",
                Outcome::Pass,
                vec![record("proptest", "REQ-03", Outcome::Pass)],
            ),
            share(
                "race",
                Outcome::Pass,
                vec![record("race", "REQ-03", Outcome::Pass), broken],
            ),
        ];
        let text = report(&test_catalogue(), &shares, LATEST);
        assert!(
            text.contains("FAIL REQ-03 race: test\n    data race\n"),
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
        assert!(text.contains("1 more contracts have no check"), "{text}");
        assert!(text.contains("RED: 2 of 6 records"), "{text}");
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
        for canary in [Outcome::Pass, Outcome::CanaryOff] {
            for outcome in [Outcome::Pass, Outcome::NotRun, Outcome::Unstable] {
                let shares = crate::engine::BUILT.map(|engine| {
                    let name = engine.name();
                    share(name, canary, vec![record(name, "REQ-03", outcome)])
                });
                let mut engines = 0;
                for group in groups(&shares) {
                    engines += group.len();
                    let text = contracts_by_engines(&test_catalogue(), group).to_string();
                    let width = text.lines().map(|line| line.chars().count()).max();
                    assert!(width <= Some(usize::from(WIDTH)), "{width:?}\n{text}");
                    // A sentence that is cut to nothing would fit too.
                    assert!(text.contains("A sent"), "{text}");
                }
                assert_eq!(engines, shares.len());
            }
        }
    }

    #[test]
    fn gaps_with_one_cause_are_told_once_and_the_worst_first() {
        let not_run = |contract| record("race", contract, Outcome::NotRun).because("it died");
        let failed = |contract| record("race", contract, Outcome::Fail).because("boom");
        let records = [
            not_run("REQ-01"),
            failed("REQ-02"),
            not_run("REQ-03"),
            failed("REQ-04"),
            failed("REQ-04"),
        ];
        let red: Vec<&Record> = records.iter().collect();
        let groups: Vec<_> = group(&red)
            .iter()
            .map(|gap| (gap.first.outcome, gap.contracts.join(" ")))
            .collect();
        assert_eq!(
            groups,
            [
                (Outcome::Fail, "REQ-02 REQ-04".to_owned()),
                (Outcome::NotRun, "REQ-01 REQ-03".to_owned()),
            ]
        );
    }

    #[test]
    fn a_green_report_says_so() {
        let shares = [share(
            "race",
            Outcome::Pass,
            vec![record("race", "REQ-03", Outcome::Pass)],
        )];
        let text = report(&test_catalogue(), &shares, LATEST);
        assert!(text.contains("every check passed"), "{text}");
        assert_eq!(
            engine_line(&shares[0]),
            "race      on        12.3 s  1 pass"
        );
    }

    #[test]
    fn an_engine_that_was_left_out_is_told_plainly() {
        let shares = [
            share(
                "race",
                Outcome::Pass,
                vec![record("race", "REQ-03", Outcome::Pass)],
            ),
            Share {
                engine: "fuzz-abi",
                seconds: 0.0,
                records: vec![
                    record("fuzz-abi", "REQ-04", Outcome::Skipped).because("no C++ compiler"),
                ],
            },
        ];
        let text = report(&test_catalogue(), &shares, LATEST);
        let heading: Vec<&str> = text.lines().skip(1).take(2).collect();
        assert!(heading[0].contains("fuzz-abi"), "{text}");
        assert_eq!(heading[1].trim(), "skipped", "{text}");
        assert!(
            text.contains("fuzz-abi  skipped    0.0 s  1 skip\n"),
            "{text}"
        );
        assert!(
            text.contains("skipped: fuzz-abi\n    no C++ compiler\n"),
            "{text}"
        );
        assert!(
            text.contains("every check that ran passed, fuzz-abi skipped; results in"),
            "{text}"
        );
    }

    #[test]
    fn models_that_were_cut_off_are_listed() {
        let cut = |contract| {
            let mut record = record("loom", contract, Outcome::Pass);
            record.executions = Some(70_000);
            record.cut_off()
        };
        let shares = [share(
            "loom",
            Outcome::Pass,
            vec![
                cut("REQ-03"),
                cut("REQ-04"),
                record("loom", "REQ-04", Outcome::Pass),
            ],
        )];
        assert_eq!(
            engine_line(&shares[0]),
            "loom      on        12.3 s  3 pass, 1 model cut off"
        );
        let text = report(&test_catalogue(), &shares, LATEST);
        assert!(
            text.contains("not all of it: test, cut off after 70000 executions\n"),
            "{text}"
        );
        assert!(text.contains("every check passed"), "{text}");
    }

    #[test]
    fn the_catalogue_is_counted() {
        let catalogue_ = test_catalogue();
        let text = catalogue(catalogue_.contracts().map(|contract| {
            let exercised = contract.id == "REQ-03";
            let states = Catalogue::states(contract, |engine| exercised && engine == "race");
            (contract, states)
        }));
        assert!(text.contains("exercised: race"), "{text}");
        assert!(text.contains("claimed: race"), "{text}");
        assert!(
            text.contains("2 contracts: 1 exercised by the last runs, 1 claimed"),
            "{text}"
        );
        assert!(
            text.lines().take(5).all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
