//! What the page shows: records, catalogue and identity, arranged for the template.
//!
//! Everything here is text and numbers; `templates/report.html` escapes all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use askama::Template;

use super::changes::{Changes, since_last};
use super::evidence::{Evidence, Logs, evidence};
use super::excerpt::{Excerpt, plain};
use super::identity::Identity;
use super::words::{Said, Standing, memory, number, time};
use crate::catalogue::{Catalogue, Contract};
use crate::record::{CLAIMED, Kind, Outcome, Record};
use crate::run::was_left_out;
use crate::table;

/// The whole page.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page {
    title: String,
    verdict: Verdict,
    identity: Identity,
    summary: Vec<Count>,
    total: usize,
    failures: Vec<Gap>,
    unexercised: Vec<Gap>,
    skipped: Vec<Gap>,
    cut_off: Vec<Gap>,
    changes: Option<Changes>,
    planned: Vec<PlannedFamily>,
    engines: Vec<EngineRow>,
    families: Vec<FamilyRows>,
    loose: Vec<Evidence>,
    seeds: Vec<Seed>,
}

impl Page {
    fn duration(&self) -> String {
        self.identity
            .seconds
            .map_or_else(|| "unknown".to_owned(), time)
    }

    /// `2026-01-02 03:04:05 UTC`.
    fn started(&self) -> String {
        self.identity.started.replace('T', " ").replace('Z', " UTC")
    }

    fn memory(&self) -> String {
        self.identity
            .machine
            .memory_bytes
            .map_or_else(String::new, memory)
    }

    /// The commit as git abbreviates it.
    fn short_commit(&self) -> String {
        match &self.identity.commit {
            Some(commit) => commit.id.chars().take(12).collect(),
            None => "no commit".to_owned(),
        }
    }
}

/// The headline.
struct Verdict {
    /// `green`, `red` or `stopped`.
    class: &'static str,
    text: String,
}

/// How many contracts are in a state.
struct Count {
    state: Standing,
    count: usize,
}

/// Gaps that are open when the page opens.
const OPEN: usize = 3;

/// Red records with one cause.
struct Gap {
    /// Its details are shown at once.
    open: bool,
    said: Said,
    engine: String,
    contracts: Vec<Named>,
    /// The name of the check, or how many there are; empty if the lab itself says it.
    what: String,
    evidence: Evidence,
}

/// A contract by id, with its sentence.
struct Named {
    id: String,
    sentence: String,
}

/// Contracts of a family that nothing checks.
struct PlannedFamily {
    name: String,
    count: usize,
}

/// The state of an engine that was left out.
const LEFT_OUT: &str = "skipped";

/// An engine of this run.
struct EngineRow {
    name: String,
    what: String,
    /// `on`, `OFF`, `skipped` or `not run`.
    state: &'static str,
    said: Said,
    canary: Option<Evidence>,
    counts: Vec<(Said, usize)>,
    contracts: usize,
    executions: u64,
    seconds: Option<f64>,
}

struct FamilyRows {
    name: String,
    title: String,
    exercised: usize,
    contracts: Vec<Row>,
}

/// A contract and its cells.
struct Row {
    id: String,
    sentence: String,
    layer: String,
    source: String,
    note: Option<String>,
    standing: Standing,
    cells: Vec<Cell>,
    /// Engines outside of this run that claim it, and that are planned for it.
    claimed: String,
    planned: String,
}

/// A contract under an engine.
struct Cell {
    engine: String,
    anchor: String,
    said: Said,
    /// How many checks, how long they took, and what the worst of them says.
    hint: String,
    evidence: Vec<Evidence>,
}

impl EngineRow {
    fn time(&self) -> String {
        self.seconds.map_or_else(String::new, time)
    }

    fn executions(&self) -> String {
        match self.executions {
            0 => String::new(),
            count => number(count),
        }
    }
}

/// A number that repeats an order or an input.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seed {
    engine: String,
    flag: String,
    place: String,
}

impl Page {
    /// Arranges the run in `folder` for the template. Logs are read from `folder`.
    pub(super) fn new(
        folder: &Path,
        catalogue: &Catalogue,
        identity: Identity,
        records: &[Record],
    ) -> Page {
        let logs = Logs::of(folder);
        let columns = columns(&identity, records);
        let families: Vec<FamilyRows> = catalogue
            .families
            .iter()
            .map(|family| {
                let contracts: Vec<Row> = family
                    .contracts
                    .iter()
                    .map(|contract| row(contract, &columns, records, &logs))
                    .collect();
                FamilyRows {
                    name: family.name.clone(),
                    title: family.title.clone(),
                    exercised: standing(&contracts, Standing::Exercised),
                    contracts,
                }
            })
            .collect();
        let summary = Standing::ALL
            .into_iter()
            .map(|state| Count {
                state,
                count: families.iter().map(|f| standing(&f.contracts, state)).sum(),
            })
            .collect();
        let red: Vec<&Record> = records.iter().filter(|record| !record.is_green()).collect();
        let (unexercised, failures): (Vec<_>, Vec<_>) = red
            .iter()
            .partition(|record| record.outcome == Outcome::NotRun);
        let skipped: Vec<&Record> = records
            .iter()
            .filter(|record| record.outcome == Outcome::Skipped && record.is_green())
            .collect();
        let cut_off: Vec<&Record> = records
            .iter()
            .filter(|record| record.is_cut_off())
            .collect();
        let gaps = |records: &[&Record]| -> Vec<Gap> {
            table::group(records)
                .iter()
                .map(|gap| {
                    let evidence = Evidence::of(&gap.records, &logs);
                    Gap {
                        open: false,
                        said: Said::of(gap.first),
                        engine: gap.first.engine.clone(),
                        contracts: gap
                            .contracts
                            .iter()
                            .map(|id| named(catalogue, id))
                            .collect(),
                        what: match gap.first.outcome {
                            Outcome::NotRun if !gap.contracts.is_empty() => String::new(),
                            _ if gap.first.check == CLAIMED => String::new(),
                            _ => plain(&gap.shown_checks()),
                        },
                        evidence,
                    }
                })
                .collect()
        };
        let engines: Vec<EngineRow> = columns
            .iter()
            .map(|name| engine(name, &identity, records, &logs))
            .collect();
        let left_out: Vec<&str> = engines
            .iter()
            .filter(|engine| engine.state == LEFT_OUT)
            .map(|engine| engine.name.as_str())
            .collect();
        let verdict = verdict(&identity, red.len(), records.len(), &left_out);
        Page {
            title: format!("cgolab: {}", verdict.text),
            verdict,
            summary,
            total: catalogue.contracts().count(),
            failures: opened(gaps(&failures)),
            unexercised: gaps(&unexercised),
            skipped: gaps(&skipped),
            cut_off: gaps(&cut_off),
            changes: since_last(folder, records),
            planned: planned(&families),
            loose: loose(&columns, records, &logs),
            seeds: seeds(records),
            engines,
            families,
            identity,
        }
    }
}

fn verdict(identity: &Identity, red: usize, all: usize, left_out: &[&str]) -> Verdict {
    let (class, text) = if identity.interrupted {
        ("stopped", "stopped before the end".to_owned())
    } else if !identity.started.is_empty() && identity.seconds.is_none() {
        ("stopped", "did not come to its end".to_owned())
    } else if red > 0 {
        let are = if red == 1 { "is" } else { "are" };
        ("red", format!("{red} of {all} records {are} red"))
    } else if all == 0 {
        ("stopped", "nothing ran".to_owned())
    } else {
        ("green", table::verdict(left_out))
    };
    Verdict { class, text }
}

/// The engines of the run, in the order in which they ran.
fn columns(identity: &Identity, records: &[Record]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let known = identity.engines.iter().map(|engine| &engine.name);
    for name in known.chain(records.iter().map(|record| &record.engine)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn standing(rows: &[Row], state: Standing) -> usize {
    rows.iter().filter(|row| row.standing == state).count()
}

fn named(catalogue: &Catalogue, id: &str) -> Named {
    let sentence = catalogue
        .contracts()
        .find(|contract| contract.id == id)
        .map(|contract| contract.sentence.clone());
    Named {
        id: id.to_owned(),
        sentence: sentence.unwrap_or_default(),
    }
}

/// Puts the worst first and opens some: one of each contract, because the others mostly have the
/// same cause.
fn opened(mut gaps: Vec<Gap>) -> Vec<Gap> {
    // What an engine says that is off counts for nothing, so that comes first.
    gaps.sort_by_key(|gap| gap.said != Said::Outcome(Outcome::CanaryOff));
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut left = OPEN;
    for gap in &mut gaps {
        let new = gap.contracts.is_empty() || gap.contracts.iter().any(|c| !seen.contains(&c.id));
        if new && left > 0 {
            gap.open = true;
            left -= 1;
            seen.extend(gap.contracts.iter().map(|contract| contract.id.clone()));
        }
    }
    gaps
}

fn planned(families: &[FamilyRows]) -> Vec<PlannedFamily> {
    families
        .iter()
        .map(|family| PlannedFamily {
            name: family.name.clone(),
            count: standing(&family.contracts, Standing::Planned),
        })
        .filter(|family| family.count > 0)
        .collect()
}

fn row(contract: &Contract, columns: &[String], records: &[Record], logs: &Logs) -> Row {
    let mine: Vec<&Record> = records
        .iter()
        .filter(|record| record.contract.as_deref() == Some(&contract.id))
        .collect();
    let cells = columns
        .iter()
        .map(|engine| cell(contract, engine, &mine, logs))
        .collect();
    let outside = |names: &[String]| -> String {
        let names: Vec<&str> = names
            .iter()
            .filter(|name| !columns.contains(name))
            .map(String::as_str)
            .collect();
        names.join(", ")
    };
    let any = |wanted: fn(&Record) -> bool| mine.iter().any(|record| wanted(record));
    let standing = if any(|r| matches!(r.outcome, Outcome::Fail | Outcome::Unstable)) {
        Standing::Broken
    } else if any(|record| !record.is_green()) {
        Standing::NotExercised
    } else if any(|record| record.outcome == Outcome::Pass) {
        Standing::Exercised
    } else if any(|_| true) {
        Standing::Skipped
    } else if contract.claimed.iter().any(|name| columns.contains(name)) {
        Standing::NotExercised
    } else if contract.claimed.is_empty() {
        Standing::Planned
    } else {
        Standing::Elsewhere
    };
    Row {
        id: contract.id.clone(),
        sentence: contract.sentence.clone(),
        layer: contract.layer.join(", "),
        source: contract.source.join(", "),
        note: contract.note.clone(),
        standing,
        cells,
        claimed: outside(&contract.claimed),
        planned: outside(&contract.planned),
    }
}

fn cell(contract: &Contract, engine: &str, mine: &[&Record], logs: &Logs) -> Cell {
    let records: Vec<&Record> = mine
        .iter()
        .copied()
        .filter(|record| record.engine == engine)
        .collect();
    let worst = records.iter().max_by_key(|record| record.outcome.weight());
    let said = match worst {
        Some(record) if record.outcome == Outcome::Pass => records
            .iter()
            .map(|record| Said::of(record))
            .find(|said| *said == Said::CutOff)
            .unwrap_or(Said::Outcome(Outcome::Pass)),
        Some(record) => Said::of(record),
        None if contract.claims(engine) => Said::Outcome(Outcome::NotRun),
        None if contract.planned.iter().any(|name| name == engine) => Said::Planned,
        None => Said::Nothing,
    };
    let took = time(records.iter().map(|record| record.seconds).sum());
    let checks = match records.len() {
        1 => format!("1 check, {took}"),
        count => format!("{count} checks, {took}"),
    };
    let reason = worst.and_then(|record| record.reason.as_deref());
    Cell {
        engine: engine.to_owned(),
        anchor: format!("{}.{engine}", contract.id),
        said,
        hint: match (records.is_empty(), reason) {
            (true, _) => format!("{} under {engine}", contract.id),
            (false, None) => format!("{} under {engine}: {checks}", contract.id),
            (false, Some(reason)) => {
                format!(
                    "{} under {engine}: {checks}; {}",
                    contract.id,
                    plain(reason)
                )
            }
        },
        evidence: evidence(&records, logs),
    }
}

fn engine(name: &str, identity: &Identity, records: &[Record], logs: &Logs) -> EngineRow {
    let mine = || records.iter().filter(|record| record.engine == name);
    let canary = mine().find(|record| record.kind == Kind::Canary);
    let (state, said) = match canary.map(|record| record.outcome) {
        Some(Outcome::Pass) => ("on", Said::Outcome(Outcome::Pass)),
        Some(Outcome::CanaryOff) => ("OFF", Said::Outcome(Outcome::CanaryOff)),
        None if was_left_out(mine()) => (LEFT_OUT, Said::Outcome(Outcome::Skipped)),
        _ => ("not run", Said::Outcome(Outcome::NotRun)),
    };
    // A check that speaks about many contracts counts once.
    let mut checks: BTreeMap<(&str, &str), &Record> = BTreeMap::new();
    let is_check = |record: &&Record| record.kind == Kind::Check && record.check != CLAIMED;
    for record in mine().filter(is_check) {
        let key = (record.check.as_str(), record.evidence.command.as_str());
        let kept = checks.entry(key).or_insert(record);
        if record.outcome.weight() > kept.outcome.weight() {
            *kept = record;
        }
    }
    let mut counts: Vec<(Said, usize)> = Vec::new();
    let mut checks: Vec<&Record> = checks.into_values().collect();
    checks.sort_by_key(|record| std::cmp::Reverse(record.outcome.weight()));
    for record in checks {
        let said = Said::of(record);
        match counts.iter_mut().find(|(other, _)| *other == said) {
            Some((_, count)) => *count += 1,
            None => counts.push((said, 1)),
        }
    }
    let contracts: BTreeSet<&str> = mine()
        .filter(|record| record.outcome == Outcome::Pass)
        .filter_map(|record| record.contract.as_deref())
        .collect();
    let time = identity.engines.iter().find(|engine| engine.name == name);
    EngineRow {
        name: name.to_owned(),
        what: time.map_or_else(String::new, |engine| engine.what.clone()),
        state,
        said,
        canary: canary.map(|record| Evidence::of(&[record], logs)),
        counts,
        contracts: contracts.len(),
        executions: mine().filter_map(|record| record.executions).sum(),
        seconds: time.map(|engine| engine.seconds),
    }
}

/// Green checks that carry no contract; the red ones are gaps.
fn loose(columns: &[String], records: &[Record], logs: &Logs) -> Vec<Evidence> {
    columns
        .iter()
        .flat_map(|name| {
            let mine: Vec<&Record> = records
                .iter()
                .filter(|record| record.engine == *name && record.kind == Kind::Check)
                .filter(|record| record.contract.is_none() && record.is_green())
                .collect();
            evidence(&mine, logs)
        })
        .collect()
}

/// The seeds that commands name.
fn seeds(records: &[Record]) -> Vec<Seed> {
    let mut seeds = BTreeSet::new();
    for record in records {
        let words: Vec<&str> = record.evidence.command.split_whitespace().collect();
        for word in &words {
            let Some((flag, number)) = word.split_once('=') else {
                continue;
            };
            let is_seed = ["-shuffle", "-seed", "PROPTEST_RNG_SEED"].contains(&flag);
            if !is_seed || number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                continue;
            }
            // The last word is what ran, such as a package, if it is no option.
            let place = words.last().filter(|last| !last.starts_with('-'));
            seeds.insert(Seed {
                engine: record.engine.clone(),
                flag: (*word).to_owned(),
                place: place.map_or_else(String::new, |place| plain(place)),
            });
        }
    }
    seeds.into_iter().collect()
}

#[cfg(test)]
mod tests;
