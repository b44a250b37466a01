//! A contract under all engines of a run.

use super::cell::{self, CellState};
use super::engine::EngineRun;
use crate::record::{Outcome, Record};
use crate::subject::catalogue::Contract;

/// The state of a contract, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ContractState {
    /// A check of it failed, or failed at times.
    Broken,
    /// A check of it should have passed and nothing did.
    NotExercised,
    /// A check of it passed, and none is red.
    Exercised,
    /// Engines of this run claim it, and none could run on this machine.
    Skipped,
    /// Only engines that were not part of this run claim it.
    Elsewhere,
    /// No engine claims it yet.
    Planned,
}

impl ContractState {
    pub(crate) const ALL: [ContractState; 6] = [
        ContractState::Broken,
        ContractState::NotExercised,
        ContractState::Exercised,
        ContractState::Skipped,
        ContractState::Elsewhere,
        ContractState::Planned,
    ];

    /// The word that people read, in every view.
    pub(crate) fn word(self) -> &'static str {
        match self {
            ContractState::Broken => "broken",
            ContractState::NotExercised => "claimed, not exercised",
            ContractState::Exercised => "exercised",
            ContractState::Skipped => "skipped",
            ContractState::Elsewhere => "left to engines outside of this run",
            ContractState::Planned => "only planned",
        }
    }
}

/// A contract under one engine.
#[derive(Debug)]
pub(crate) struct CellRun<'a> {
    pub(crate) engine: &'a str,
    pub(crate) state: CellState,
    pub(crate) records: Vec<&'a Record>,
}

/// The findings of a run about a contract.
#[derive(Debug)]
pub(crate) struct ContractRun<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) state: ContractState,
    /// One for each engine of the run, in their order.
    pub(crate) cells: Vec<CellRun<'a>>,
}

impl<'a> ContractRun<'a> {
    pub(super) fn of(contract: &'a Contract, engines: &[EngineRun<'a>]) -> ContractRun<'a> {
        let cells: Vec<CellRun<'a>> = engines
            .iter()
            .map(|engine| {
                let records = engine.about(&contract.id);
                CellRun {
                    engine: engine.name,
                    state: CellState::of(contract, engine.name, &records),
                    records,
                }
            })
            .collect();
        ContractRun {
            state: state(contract, &cells),
            contract,
            cells,
        }
    }

    /// Returns true if any engine of the run said something about it.
    pub(crate) fn was_spoken_of(&self) -> bool {
        self.cells.iter().any(|cell| !cell.records.is_empty())
    }

    /// Returns true if this engine was part of the run.
    pub(crate) fn has_cell(&self, engine: &str) -> bool {
        self.cells.iter().any(|cell| cell.engine == engine)
    }
}

fn state(contract: &Contract, cells: &[CellRun<'_>]) -> ContractState {
    let records = || cells.iter().flat_map(|cell| &cell.records);
    let is = |outcome: Outcome| cells.iter().any(|c| c.state == CellState::Ran(outcome));
    if records().any(|r| matches!(r.outcome, Outcome::Fail | Outcome::Unstable)) {
        ContractState::Broken
    } else if records().any(|record| !record.is_green()) || is(Outcome::NotRun) {
        ContractState::NotExercised
    } else if cells.iter().any(|cell| cell::holds(&cell.records)) {
        ContractState::Exercised
    } else if records().next().is_some() {
        ContractState::Skipped
    } else if contract.claimed.is_empty() {
        ContractState::Planned
    } else {
        ContractState::Elsewhere
    }
}

/// The number of contracts in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ContractCounts([usize; ContractState::ALL.len()]);

impl ContractCounts {
    pub(crate) fn of(states: impl Iterator<Item = ContractState>) -> ContractCounts {
        let mut counts = ContractCounts::default();
        for state in states {
            counts.0[state as usize] += 1;
        }
        counts
    }

    pub(crate) fn get(&self, state: ContractState) -> usize {
        self.0[state as usize]
    }

    pub(crate) fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// All of them in one line, without the states that no contract is in.
    pub(crate) fn line(&self) -> String {
        let parts: Vec<String> = ContractState::ALL
            .into_iter()
            .filter(|state| self.get(*state) > 0)
            .map(|state| format!("{} {}", self.get(state), state.word()))
            .collect();
        match parts.as_slice() {
            [] => "no contracts".to_owned(),
            parts => format!("{} contracts: {}", self.total(), parts.join("; ")),
        }
    }
}
