//! Features that meet: where two of them act on one load, mistakes hide that tests of each do not see.
//!
//! The model notes each pair that a step brings together; a run counts them, and a test wants every pair.
//! A feature *acts* in a step (a deadline passes, a bounded pump leaves an end behind), and meets those
//! that the load, its session or its runtime has at that moment. `provider` is a provider that was
//! replaced or cleared while it held the request. `loop` is the next wait and the wake source, as an
//! owner's event loop uses them; the owner helper of a binding is such a loop.
//!
//! Every pair is wanted of scenarios that are made operation by operation, with objects that are there. Of uniform
//! bytes it is not: most of their operations name nothing, and 512 scenarios of them meet half of the pairs.
//! Bytes are for fuzzers, which begin with seeds and go where there is something new.
//!
#![doc = include_str!("pairs.md")]

use std::fmt;

/// A feature of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// A load has a deadline.
    Deadline,
    /// A pump is bounded, and leaves ends behind.
    Budget,
    /// A load is cancelled, or has a cancellation callback.
    Cancel,
    /// A session ends.
    SessionEnd,
    /// A provider was replaced or cleared while it held a request.
    Provider,
    /// A session has a retained buffer.
    RetainedBuffer,
    /// A runtime has a wake callback.
    Wake,
    /// There is a log callback.
    Logger,
    /// An owner's loop asks how long it may sleep, or is signalled.
    Loop,
}

impl Feature {
    /// All of them, in the order of the table.
    pub const ALL: [Feature; 9] = [
        Feature::Deadline,
        Feature::Budget,
        Feature::Cancel,
        Feature::SessionEnd,
        Feature::Provider,
        Feature::RetainedBuffer,
        Feature::Wake,
        Feature::Logger,
        Feature::Loop,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Feature::Deadline => "deadline",
            Feature::Budget => "budget",
            Feature::Cancel => "cancel",
            Feature::SessionEnd => "session-end",
            Feature::Provider => "provider",
            Feature::RetainedBuffer => "buffer",
            Feature::Wake => "wake",
            Feature::Logger => "logger",
            Feature::Loop => "loop",
        }
    }
}

/// Two features that met, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair(Feature, Feature);

impl Pair {
    /// The pair of two features, which are not the same.
    pub fn of(one: Feature, other: Feature) -> Option<Pair> {
        (one != other).then(|| Pair(one.min(other), one.max(other)))
    }

    /// All pairs, in the order of the table.
    pub fn all() -> impl Iterator<Item = Pair> {
        let pairs = Feature::ALL
            .into_iter()
            .flat_map(|one| Feature::ALL.map(|other| (one, other)));
        pairs.filter_map(|(one, other)| (one < other).then_some(Pair(one, other)))
    }
}

/// Events inside a step that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encounter {
    /// Two features met.
    Pair(Pair),
    /// The step was inside of so many callbacks at once.
    Depth(usize),
    /// A request was used or released while one of its own callbacks was running, from a callback of
    /// something else inside that one.
    OuterUse,
}

impl fmt::Display for Encounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Encounter::Pair(pair) => pair.fmt(f),
            Encounter::Depth(depth) => write!(f, "{depth} callbacks deep"),
            Encounter::OuterUse => f.write_str("an outer callback's request used"),
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.0.name(), self.1.name())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_table_says_of_every_pair_what_must_hold_and_why() {
        let contracts: String = fs::read_dir("../contracts")
            .unwrap()
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        let mut pairs = Vec::new();
        for row in include_str!("pairs.md").lines().skip(2) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [one, other, contract, sentence] = cells[..] else {
                panic!("not four cells: {row}");
            };
            assert!(contracts.contains(&format!("id = \"{contract}\"")), "{row}");
            assert!(sentence.ends_with('.'), "{row}");
            pairs.push(format!("{one}+{other}"));
        }
        let all: Vec<String> = Pair::all().map(|pair| pair.to_string()).collect();
        assert_eq!(pairs, all);
    }
}
