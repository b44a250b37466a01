//! The verdict of a run: one state for the run, each engine, each contract, and each cell of the two.
//!
//! Everything that people or machines read about a run is a view of this: the lines and the table on
//! a terminal, the HTML page, Markdown, JUnit, the exit code. A view chooses the form and decides
//! nothing, so that no two of them can disagree.
//!
//! | module | holds |
//! |---|---|
//! | [`accept`] | findings that the description accepts |
//! | [`judge`] | completes what an engine said: what did not run, and claims that nothing backs |
//! | [`cell`] | one contract under one engine |
//! | [`contract`] | one contract under all engines of the run, and how many are in which state |
//! | [`engine`] | one engine: is it on, what ran, what it cannot see |
//! | [`gap`] | records with one cause, told together |
//! | [`headline`] | the run in one line, with all that was left out |
//!
//! It depends on records, the catalogue of contracts and the description alone. It knows no subject, starts nothing,
//! and reads and writes no file.

pub(crate) mod accept;
pub(crate) mod cell;
pub(crate) mod contract;
pub(crate) mod engine;
pub(crate) mod gap;
mod headline;
pub(crate) mod judge;

use std::collections::BTreeMap;

pub(crate) use self::cell::CellState;
pub(crate) use self::contract::{ContractCounts, ContractRun, ContractState};
pub(crate) use self::engine::{EngineFacts, EngineRun, EngineState};
use self::headline::LeftOut;
use crate::record::{Outcome, Record};
use crate::subject::catalogue::Catalogue;

/// The end of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    #[default]
    Complete,
    /// The user asked to stop.
    Interrupted,
    /// It was killed, or still runs.
    Unknown,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    /// Every check of every engine passed.
    Passed,
    /// Every check that ran passed, and something was left out.
    Partial,
    /// Something is red.
    Red,
    /// Nothing is red, and no check had its turn.
    Nothing,
    /// It did not come to its end.
    Stopped,
}

/// Facts about a run that its records do not hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    pub(crate) end: End,
    /// The engines that were asked for, in the order in which they run.
    pub(crate) engines: Vec<EngineFacts>,
    /// Engines that there are, and that nobody asked for.
    pub(crate) not_asked: Vec<String>,
}

/// The outcome of a run.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) state: RunState,
    pub(crate) engines: Vec<EngineRun<'a>>,
    /// All of the catalogue, in its order.
    pub(crate) contracts: Vec<ContractRun<'a>>,
    pub(crate) records: &'a [Record],
    end: End,
    left_out: Vec<LeftOut<'a>>,
}

impl<'a> Verdict<'a> {
    /// Judges the records of a run.
    pub(crate) fn of(catalogue: &'a Catalogue, facts: &'a Facts, records: &'a [Record]) -> Self {
        let engines = engines(facts, records);
        let contracts = catalogue
            .contracts()
            .map(|contract| ContractRun::of(contract, &engines))
            .collect();
        let left_out = headline::left_out(&facts.not_asked, &engines);
        Verdict {
            state: state(facts.end, &engines, &left_out, records),
            end: facts.end,
            engines,
            contracts,
            left_out,
            records,
        }
    }

    /// Returns true if the exit code may be 0.
    pub(crate) fn is_green(&self) -> bool {
        matches!(self.state, RunState::Passed | RunState::Partial)
    }

    /// The run in one line.
    pub(crate) fn headline(&self) -> String {
        headline::headline(self)
    }

    /// The contracts by state.
    pub(crate) fn counts(&self) -> ContractCounts {
        ContractCounts::of(self.contracts.iter().map(|contract| contract.state))
    }

    /// The records that keep the run from being green.
    pub(crate) fn red(&self) -> Vec<&'a Record> {
        self.wanted(|record| !record.is_green())
    }

    /// The green records of what did not run, engine or check.
    pub(crate) fn skipped(&self) -> Vec<&'a Record> {
        self.wanted(|record| record.outcome == Outcome::Skipped && record.is_green())
    }

    /// The models that found nothing and did not come to their end.
    pub(crate) fn cut_off(&self) -> Vec<&'a Record> {
        self.wanted(|record| record.outcome == Outcome::CutOff)
    }

    fn wanted(&self, wanted: impl Fn(&Record) -> bool) -> Vec<&'a Record> {
        self.records.iter().filter(|r| wanted(r)).collect()
    }

    /// Returns true if any check had its turn, however it ended.
    pub(crate) fn has_something_to_show(&self) -> bool {
        self.records.iter().any(Record::had_its_turn)
    }
}

fn state(
    end: End,
    engines: &[EngineRun<'_>],
    left_out: &[LeftOut<'_>],
    records: &[Record],
) -> RunState {
    // An engine of which nothing is known has no record that could be red.
    let red =
        |engine: &EngineRun<'_>| matches!(engine.state, EngineState::Off | EngineState::NotRun);
    if end != End::Complete {
        RunState::Stopped
    } else if records.iter().any(|record| !record.is_green()) || engines.iter().any(red) {
        RunState::Red
    } else if !records.iter().any(Record::had_its_turn) {
        RunState::Nothing
    } else if left_out.is_empty() {
        RunState::Passed
    } else {
        RunState::Partial
    }
}

/// The requested engines, then those that occur only in records: a run of an older version says of itself only
/// what its records say.
fn engines<'a>(facts: &'a Facts, records: &'a [Record]) -> Vec<EngineRun<'a>> {
    let mut of: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    let mut order: Vec<&str> = facts.engines.iter().map(|e| e.name.as_str()).collect();
    for record in records {
        of.entry(&record.engine).or_default().push(record);
        if !order.contains(&record.engine.as_str()) {
            order.push(&record.engine);
        }
    }
    order
        .into_iter()
        .map(|name| {
            let facts = facts.engines.iter().find(|engine| engine.name == name);
            EngineRun::of(name, facts, of.remove(name).unwrap_or_default())
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
