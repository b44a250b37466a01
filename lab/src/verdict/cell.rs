//! A contract under an engine.

use crate::record::{Kind, Outcome, Record};
use crate::subject::catalogue::Contract;

/// The state of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellState {
    /// The worst outcome of the records.
    Ran(Outcome),
    /// Nothing ran, and nothing had to: the engine is planned for the contract.
    Planned,
    /// The engine has nothing to do with the contract.
    Nothing,
}

impl CellState {
    /// The state of `contract` under `engine`, whose records about it are `records`.
    pub(crate) fn of(contract: &Contract, engine: &str, records: &[&Record]) -> CellState {
        match worst(records) {
            Some(record) => CellState::Ran(record.outcome),
            None if contract.claims(engine) => CellState::Ran(Outcome::NotRun),
            None if contract.planned.iter().any(|name| name == engine) => CellState::Planned,
            None => CellState::Nothing,
        }
    }

    /// The word that people read, in every view.
    pub(crate) fn word(self) -> &'static str {
        match self {
            CellState::Ran(outcome) => outcome.word(),
            CellState::Planned => "planned",
            CellState::Nothing => "",
        }
    }
}

/// The record that decides a cell.
pub(crate) fn worst<'a>(records: &[&'a Record]) -> Option<&'a Record> {
    records
        .iter()
        .copied()
        .max_by_key(|record| record.outcome.weight())
}

/// Returns true if these records of one contract under one engine say that it was checked and holds.
pub(crate) fn holds(records: &[&Record]) -> bool {
    worst(records).is_some_and(|record| record.outcome.held())
        && records.iter().all(|record| record.is_green())
}

/// Returns true if a record speaks about a contract: checks do, and what stands for them.
pub(crate) fn speaks(record: &Record) -> bool {
    matches!(record.kind, Kind::Check | Kind::Missing)
}
