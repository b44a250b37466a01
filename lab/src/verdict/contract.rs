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
    /// A contract of any binding that the subject does not name. It is not counted among the subject's.
    Unclaimed,
}

impl ContractState {
    /// The states of the contracts that the subject names.
    pub(crate) const NAMED: [ContractState; 6] = [
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
            ContractState::Unclaimed => "not claimed",
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
    } else if !contract.claimed.is_empty() {
        ContractState::Elsewhere
    } else if !contract.planned.is_empty() {
        ContractState::Planned
    } else {
        ContractState::Unclaimed
    }
}

/// The number of contracts in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ContractCounts([usize; ContractState::Unclaimed as usize + 1]);

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

    /// The number of contracts that the subject names.
    pub(crate) fn total(&self) -> usize {
        let named = ContractState::NAMED.into_iter();
        named.map(|state| self.get(state)).sum()
    }

    /// All of them in one line, without the states that no contract is in.
    pub(crate) fn line(&self) -> String {
        let parts: Vec<String> = ContractState::NAMED
            .into_iter()
            .filter(|state| self.get(*state) > 0)
            .map(|state| format!("{} {}", self.get(state), state.word()))
            .collect();
        let mut line = match (self.total(), parts.as_slice()) {
            (_, []) => "no contracts".to_owned(),
            (1, parts) => format!("1 contract: {}", parts.join("; ")),
            (total, parts) => format!("{total} contracts: {}", parts.join("; ")),
        };
        let others = self.get(ContractState::Unclaimed);
        if others > 0 {
            line.push_str(&format!("; {others} of any binding are not claimed here"));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_that_the_subject_does_not_name_are_counted_apart() {
        let line = |states: &[ContractState]| ContractCounts::of(states.iter().copied()).line();
        use ContractState::{Exercised, Planned, Unclaimed};
        assert_eq!(line(&[]), "no contracts");
        assert_eq!(line(&[Exercised]), "1 contract: 1 exercised");
        assert_eq!(
            line(&[Unclaimed, Exercised, Planned, Unclaimed]),
            "2 contracts: 1 exercised; 1 only planned; 2 of any binding are not claimed here"
        );
    }
}
