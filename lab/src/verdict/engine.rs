//! An engine in a run.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cell;
use crate::record::{Kind, Outcome, Record};

/// Facts about an engine that its records do not hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EngineFacts {
    pub(crate) name: String,
    /// The engine's description, in one line.
    pub(crate) what: String,
    /// Wall time of canary and checks; none if it did not come to its end.
    pub(crate) seconds: Option<f64>,
}

/// The state of an engine: what its word counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineState {
    /// It caught its canary.
    On,
    /// It did not: nothing that it says counts.
    Off,
    /// This machine cannot run it, and need not.
    Skipped,
    /// It should have run and did not.
    NotRun,
}

impl EngineState {
    /// The word that people read, in every view.
    pub(crate) fn word(self) -> &'static str {
        match self {
            EngineState::On => "on",
            EngineState::Off => Outcome::CanaryOff.word(),
            EngineState::Skipped => Outcome::Skipped.word(),
            EngineState::NotRun => Outcome::NotRun.word(),
        }
    }

    /// The outcome that looks like it.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            EngineState::On => Outcome::Pass,
            EngineState::Off => Outcome::CanaryOff,
            EngineState::Skipped => Outcome::Skipped,
            EngineState::NotRun => Outcome::NotRun,
        }
    }

    pub(crate) fn is_on(self) -> bool {
        self == EngineState::On
    }
}

/// An engine's part of a run.
#[derive(Debug)]
pub(crate) struct EngineRun<'a> {
    pub(crate) name: &'a str,
    pub(crate) what: &'a str,
    pub(crate) seconds: Option<f64>,
    pub(crate) state: EngineState,
    pub(crate) records: Vec<&'a Record>,
}

impl<'a> EngineRun<'a> {
    /// Judges the records of one engine.
    pub(crate) fn of(
        name: &'a str,
        facts: Option<&'a EngineFacts>,
        records: Vec<&'a Record>,
    ) -> EngineRun<'a> {
        EngineRun {
            name,
            what: facts.map_or("", |facts| &facts.what),
            seconds: facts.and_then(|facts| facts.seconds),
            state: state(&records),
            records,
        }
    }

    /// The proof that it is on, whether it succeeded or not.
    pub(crate) fn canary(&self) -> Option<&'a Record> {
        self.of_kind(Kind::Canary).next()
    }

    /// The stated limits of the engine. A pass says that it does not see these things.
    pub(crate) fn limits(&self) -> impl Iterator<Item = &'a Record> {
        self.of_kind(Kind::Limit)
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &'a Record> {
        let records = self.records.iter().copied();
        records.filter(move |record| record.kind == kind)
    }

    /// The records about a contract.
    pub(crate) fn about(&self, contract: &str) -> Vec<&'a Record> {
        let records = self.records.iter().copied();
        records
            .filter(|record| cell::speaks(record) && record.contract.as_deref() == Some(contract))
            .collect()
    }

    /// Each check once, with the worst that it said: one check may speak about many contracts.
    pub(crate) fn checks(&self) -> Vec<&'a Record> {
        let mut checks: BTreeMap<(&str, &str), &Record> = BTreeMap::new();
        for record in self.of_kind(Kind::Check) {
            let key = (record.check.as_str(), record.evidence.command.as_str());
            let kept = checks.entry(key).or_insert(record);
            if record.outcome.weight() > kept.outcome.weight() {
                *kept = record;
            }
        }
        checks.into_values().collect()
    }

    /// The number of checks for each outcome, the worst first.
    pub(crate) fn counts(&self) -> Vec<(Outcome, usize)> {
        let mut counts: Vec<(Outcome, usize)> = Vec::new();
        for check in self.checks() {
            match counts.iter_mut().find(|(other, _)| *other == check.outcome) {
                Some((_, count)) => *count += 1,
                None => counts.push((check.outcome, 1)),
            }
        }
        counts.sort_by_key(|(outcome, _)| std::cmp::Reverse(outcome.weight()));
        counts
    }

    /// The number of checks with this outcome.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        let counts = self.counts();
        let found = counts.iter().find(|(other, _)| *other == outcome);
        found.map_or(0, |(_, count)| *count)
    }

    /// The number of contracts that it found kept.
    pub(crate) fn contracts(&self) -> usize {
        let held = self.records.iter().filter(|record| record.outcome.held());
        let ids: BTreeSet<&str> = held.filter_map(|r| r.contract.as_deref()).collect();
        ids.len()
    }

    /// The number of single checks, from the checks that count them.
    pub(crate) fn executions(&self) -> u64 {
        self.records.iter().filter_map(|r| r.executions).sum()
    }
}

fn state(records: &[&Record]) -> EngineState {
    let canary = records.iter().find(|record| record.kind == Kind::Canary);
    match canary {
        Some(canary) if canary.outcome == Outcome::Pass => EngineState::On,
        Some(canary) if canary.outcome == Outcome::CanaryOff => EngineState::Off,
        _ if was_skipped(records) => EngineState::Skipped,
        _ => EngineState::NotRun,
    }
}

fn was_skipped(records: &[&Record]) -> bool {
    let skipped = |record: &&Record| record.outcome == Outcome::Skipped && record.is_green();
    !records.is_empty() && records.iter().all(skipped)
}
