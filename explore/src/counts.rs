//! Counts of what scenarios put to the test.

use std::collections::BTreeMap;
use std::fmt;

use cgolab_note::Note;

use crate::Contract;

/// Numbers of checks, by contract, and of what scenarios did: operations, and whatever else a model calls an
/// encounter `E`. Displays as the lines by which a test tells the lab what it checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractCounts<E> {
    checks: BTreeMap<Contract, u64>,
    scenarios: u64,
    operations: BTreeMap<&'static str, u64>,
    encounters: BTreeMap<E, u64>,
}

impl<E> Default for ContractCounts<E> {
    fn default() -> Self {
        ContractCounts {
            checks: BTreeMap::new(),
            scenarios: 0,
            operations: BTreeMap::new(),
            encounters: BTreeMap::new(),
        }
    }
}

impl<E: Clone + Ord> ContractCounts<E> {
    /// The contracts that were put to the test.
    pub fn contracts(&self) -> impl Iterator<Item = Contract> {
        self.checks.keys().copied()
    }

    /// The number of steps with the operation of this name.
    pub fn operations(&self, name: &str) -> u64 {
        self.operations.get(name).copied().unwrap_or_default()
    }

    /// The number of steps with this encounter.
    pub fn encounters(&self, encounter: &E) -> u64 {
        self.encounters.get(encounter).copied().unwrap_or_default()
    }

    /// Adds the other's counts.
    pub fn add(&mut self, other: &ContractCounts<E>) {
        add_all(&mut self.checks, &other.checks);
        self.scenarios += other.scenarios;
        add_all(&mut self.operations, &other.operations);
        add_all(&mut self.encounters, &other.encounters);
    }

    /// Counts one check of each.
    pub fn count(&mut self, contracts: &[Contract]) {
        for contract in contracts {
            *self.checks.entry(contract).or_default() += 1;
        }
    }

    /// Counts one scenario.
    pub fn count_scenario(&mut self) {
        self.scenarios += 1;
    }

    /// Counts one step with this operation and these encounters.
    pub(crate) fn count_step(&mut self, operation: &'static str, encounters: Vec<E>) {
        *self.operations.entry(operation).or_default() += 1;
        for encounter in encounters {
            *self.encounters.entry(encounter).or_default() += 1;
        }
    }
}

fn add_all<K: Clone + Ord>(counts: &mut BTreeMap<K, u64>, others: &BTreeMap<K, u64>) {
    for (key, count) in others {
        *counts.entry(key.clone()).or_default() += count;
    }
}

impl<E: fmt::Display> fmt::Display for ContractCounts<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Note::Executions(self.scenarios))?;
        for (contract, count) in &self.checks {
            writeln!(f, "{}", Note::checked(contract, *count))?;
        }
        for (name, count) in &self.operations {
            writeln!(f, "ran: {name}, {count} times")?;
        }
        for (encounter, count) in &self.encounters {
            writeln!(f, "met: {encounter}, {count} times")?;
        }
        Ok(())
    }
}
