//! The content of the page: verdict, catalogue and identity, arranged for the template.
//!
//! Everything here is text and numbers; `templates/report.html` escapes all of it.

use std::collections::BTreeSet;
use std::path::Path;

use askama::Template;

use super::changes::{Changes, since_last};
use super::evidence::{Evidence, Logs, evidence};
use super::excerpt::{Excerpt, plain};
use super::identity::Identity;
use super::words::{Look, memory, number, time};
use crate::record::{Kind, Outcome, Record};
use crate::subject::catalogue::Catalogue;
use crate::verdict::contract::CellRun;
use crate::verdict::{
    CellState, ContractCounts, ContractRun, ContractState, EngineRun, EngineState, RunState,
    Verdict, cell, gap,
};

/// The whole page.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page {
    headline: String,
    state: RunState,
    identity: Identity,
    counts: ContractCounts,
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

/// Gaps that are open when the page opens.
const OPEN: usize = 3;

/// Red records with one cause.
struct Gap {
    /// Its details are shown at once.
    open: bool,
    outcome: Outcome,
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

/// An engine of this run.
struct EngineRow {
    name: String,
    what: String,
    state: EngineState,
    canary: Option<Evidence>,
    limits: Vec<Evidence>,
    counts: Vec<(Outcome, usize)>,
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
    state: ContractState,
    cells: Vec<Cell>,
    /// Engines outside of this run that claim it, and that are planned for it.
    claimed: String,
    planned: String,
}

/// A contract under an engine.
struct Cell {
    engine: String,
    anchor: String,
    state: CellState,
    /// Number of checks, the time they took, and the words of the worst of them.
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
        identity: &Identity,
        verdict: &Verdict<'_>,
    ) -> Page {
        let logs = Logs::of(folder, identity.replay.as_deref());
        let families: Vec<FamilyRows> = catalogue
            .families
            .iter()
            .map(|family| {
                let mine = verdict.contracts.iter();
                let mine = mine.filter(|it| it.contract.family() == family.name);
                let mine = mine.filter(|it| it.state != ContractState::Unclaimed);
                let contracts: Vec<Row> = mine.map(|contract| row(contract, &logs)).collect();
                FamilyRows {
                    name: family.name.clone(),
                    title: family.title.clone(),
                    exercised: count(&contracts, ContractState::Exercised),
                    contracts,
                }
            })
            .filter(|family| !family.contracts.is_empty())
            .collect();
        let (unexercised, failures): (Vec<_>, Vec<_>) = verdict
            .red()
            .into_iter()
            .partition(|record| record.outcome == Outcome::NotRun);
        let gaps = |records: &[&Record]| -> Vec<Gap> {
            gap::group(records)
                .iter()
                .map(|gap| Gap {
                    open: false,
                    outcome: gap.first.outcome,
                    engine: gap.first.engine.clone(),
                    contracts: gap
                        .contracts
                        .iter()
                        .map(|id| named(catalogue, id))
                        .collect(),
                    what: match gap.first.outcome {
                        Outcome::NotRun if !gap.contracts.is_empty() => String::new(),
                        _ => gap.check().map_or_else(String::new, |check| plain(&check)),
                    },
                    evidence: Evidence::of(&gap.records, &logs),
                })
                .collect()
        };
        Page {
            headline: verdict.headline(),
            state: verdict.state,
            counts: verdict.counts(),
            failures: opened(gaps(&failures)),
            unexercised: gaps(&unexercised),
            skipped: gaps(&verdict.skipped()),
            cut_off: gaps(&verdict.cut_off()),
            changes: since_last(folder, verdict.records),
            planned: planned(&families),
            loose: loose(verdict, &logs),
            seeds: seeds(verdict.records),
            engines: verdict.engines.iter().map(|it| engine(it, &logs)).collect(),
            families,
            identity: identity.clone(),
        }
    }
}

fn count(rows: &[Row], state: ContractState) -> usize {
    rows.iter().filter(|row| row.state == state).count()
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
    gaps.sort_by_key(|gap| gap.outcome != Outcome::CanaryOff);
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
            count: count(&family.contracts, ContractState::Planned),
        })
        .filter(|family| family.count > 0)
        .collect()
}

fn row(run: &ContractRun<'_>, logs: &Logs) -> Row {
    let contract = run.contract;
    let outside = |names: &[String]| -> String {
        let names: Vec<&str> = names
            .iter()
            .filter(|name| !run.has_cell(name))
            .map(String::as_str)
            .collect();
        names.join(", ")
    };
    Row {
        id: contract.id.clone(),
        sentence: contract.sentence.clone(),
        layer: contract.layer.join(", "),
        source: contract.source.join(", "),
        note: contract.note.clone(),
        state: run.state,
        cells: run
            .cells
            .iter()
            .map(|cell| self::cell(&contract.id, cell, logs))
            .collect(),
        claimed: outside(&contract.claimed),
        planned: outside(&contract.planned),
    }
}

fn cell(id: &str, run: &CellRun<'_>, logs: &Logs) -> Cell {
    let CellRun {
        engine, records, ..
    } = run;
    let took = time(records.iter().map(|record| record.seconds).sum());
    let checks = match records.len() {
        1 => format!("1 check, {took}"),
        count => format!("{count} checks, {took}"),
    };
    let worst = cell::worst(records);
    let reason = worst.and_then(|record| record.reason.as_deref());
    Cell {
        engine: (*engine).to_owned(),
        anchor: format!("{id}.{engine}"),
        state: run.state,
        hint: match (records.is_empty(), reason) {
            (true, _) => format!("{id} under {engine}"),
            (false, None) => format!("{id} under {engine}: {checks}"),
            (false, Some(reason)) => format!("{id} under {engine}: {checks}; {}", plain(reason)),
        },
        evidence: evidence(records, logs),
    }
}

fn engine(run: &EngineRun<'_>, logs: &Logs) -> EngineRow {
    let of = |record| Evidence::of(&[record], logs);
    EngineRow {
        name: run.name.to_owned(),
        what: run.what.to_owned(),
        state: run.state,
        canary: run.canary().map(of),
        limits: run.limits().map(of).collect(),
        counts: run.counts(),
        contracts: run.contracts(),
        executions: run.executions(),
        seconds: run.seconds,
    }
}

/// Green checks that carry no contract; the red ones are gaps.
fn loose(verdict: &Verdict<'_>, logs: &Logs) -> Vec<Evidence> {
    let is_loose = |record: &&Record| {
        record.kind == Kind::Check && record.contract.is_none() && record.is_green()
    };
    verdict
        .engines
        .iter()
        .flat_map(|engine| {
            let mine: Vec<&Record> = engine.records.iter().copied().filter(is_loose).collect();
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
