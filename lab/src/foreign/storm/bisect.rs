//! The smallest command that still fails: fewer tests, fewer conditions, and repetitions that make it fail
//! in more than half of its runs.
//!
//! A rare failure that stays away proves little, so each candidate has as many tries as make a miss
//! unlikely: at the lower end of the rate's interval, one in twenty.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::rate::Rate;
use crate::engine::way::Way;

/// Tries of one candidate, at least and at most.
const TRIES: (u32, u32) = (3, 60);
/// The accepted chance of missing a failure that is still there.
const MISS: f64 = 0.05;
/// Tests that a command names; more are no smaller than all.
const NAMED: usize = 20;

/// The smallest command that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Minimal {
    pub(super) command: String,
    /// Runs of it that failed in this way, of all that were tried.
    pub(super) failed: u32,
    pub(super) runs: u32,
    /// The number of tests it needs, if it does not need all.
    pub(super) tests: Option<usize>,
}

impl Minimal {
    /// What was found, for people.
    pub(super) fn found(&self) -> String {
        let tests = match self.tests {
            Some(1) => "one test".to_owned(),
            Some(count) => format!("{count} tests"),
            None => "all tests".to_owned(),
        };
        format!("{tests}, failed in {} of {} runs", self.failed, self.runs)
    }
}

/// The number of tries after which a failure of this rate that stayed away is taken for gone.
pub(super) fn tries(rate: Rate) -> u32 {
    let (least, most) = TRIES;
    if rate.low <= 0.0 {
        return most;
    }
    let needed = (MISS.ln() / (1.0 - rate.low.min(0.999)).ln()).ceil();
    (needed as u32).clamp(least, most)
}

/// Repetitions with which a command fails in at least half of its runs, if one repetition fails this often.
pub(super) fn repetitions(share: f64) -> u32 {
    if share >= 0.5 {
        return 1;
    }
    (0.5_f64.ln() / (1.0 - share.max(0.01)).ln()).ceil() as u32
}

/// The smallest set of tests with which `fails`, by halves: the one that failed alone first, then with half
/// of the others, and half of that half. [`None`] if all are needed, or too many to name.
pub(super) fn tests(
    failing: &str,
    all: &BTreeSet<String>,
    mut fails: impl FnMut(&BTreeSet<String>) -> bool,
) -> Option<BTreeSet<String>> {
    let alone: BTreeSet<String> = [failing.to_owned()].into();
    if fails(&alone) {
        return Some(alone);
    }
    let mut others: Vec<String> = all.iter().filter(|it| *it != failing).cloned().collect();
    let mut smaller = None;
    while others.len() > 1 {
        let second = others.split_off(others.len().div_ceil(2));
        let kept = [others, second].into_iter().find(|half| {
            let set: BTreeSet<String> = half.iter().cloned().chain(alone.clone()).collect();
            fails(&set)
        });
        let Some(half) = kept else {
            break;
        };
        smaller = Some(half.iter().cloned().chain(alone.clone()).collect());
        others = half;
    }
    smaller.filter(|it: &BTreeSet<String>| it.len() <= NAMED)
}

/// The way with as few conditions as still make it fail: each variable, and the one processor, is left out
/// once.
pub(super) fn conditions(way: &Way, mut fails: impl FnMut(&Way) -> bool) -> Way {
    let mut least = *way;
    if least.one_processor {
        let more = Way {
            one_processor: false,
            ..least
        };
        if fails(&more) {
            least = more;
        }
    }
    for variable in way.env {
        // Without its options a sanitizer is another engine.
        if variable.0.ends_with("_OPTIONS") {
            continue;
        }
        let rest = least.env.iter().copied().filter(|it| it != variable);
        let rest: Vec<_> = rest.collect();
        let fewer = Way {
            // A handful of words for each bisection, for as long as the program runs.
            env: Box::leak(rest.into_boxed_slice()),
            ..least
        };
        if fails(&fewer) {
            least = fewer;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::way::STORM;

    fn names(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn a_rarer_failure_has_more_tries() {
        assert_eq!(tries(Rate::of(20, 20)), 3);
        assert!(tries(Rate::of(10, 20)) > 3);
        assert_eq!(tries(Rate::of(1, 1000)), 60);
        assert_eq!(tries(Rate::of(0, 0)), 60);
    }

    #[test]
    fn repetitions_make_it_fail_in_half_of_the_runs() {
        assert_eq!(repetitions(0.9), 1);
        assert_eq!(repetitions(0.5), 1);
        assert_eq!(repetitions(0.1), 7);
    }

    #[test]
    fn tests_are_halved_until_all_that_are_left_are_needed() {
        let all = names(&["TestA", "TestB", "TestC", "TestD", "TestE"]);
        let needs = |needed: &'static [&'static str]| {
            move |set: &BTreeSet<String>| needed.iter().all(|it| set.contains(*it))
        };
        assert_eq!(tests("TestC", &all, needs(&[])), Some(names(&["TestC"])));
        assert_eq!(
            tests("TestC", &all, needs(&["TestE"])),
            Some(names(&["TestC", "TestE"]))
        );
        assert_eq!(tests("TestC", &all, needs(&["TestA", "TestE"])), None);
    }

    #[test]
    fn conditions_that_are_not_needed_are_left_out() {
        let without = conditions(&STORM, |way| !way.env.is_empty());
        assert!(!without.one_processor && without.env == STORM.env);
        let all = conditions(&STORM, |_| false);
        assert!(all.one_processor && all.env == STORM.env);
        let none = conditions(&STORM, |_| true);
        assert!(!none.one_processor && none.env.is_empty());
    }

    #[test]
    fn the_options_of_a_sanitizer_are_no_condition() {
        let way = Way {
            env: &[("GOGC", "1"), ("ASAN_OPTIONS", "a=1")],
            ..STORM
        };
        let least = conditions(&way, |_| true);
        assert_eq!(least.env, [("ASAN_OPTIONS", "a=1")]);
    }

    #[test]
    fn more_tests_than_can_be_named_are_no_smaller_than_all() {
        let all: BTreeSet<String> = (0..4 * NAMED).map(|it| format!("Test{it:03}")).collect();
        // The failing one is in the first half, without which nothing fails.
        let first = |count: usize| all.iter().take(count).cloned().collect::<BTreeSet<_>>();
        let least = |count| tests("Test000", &all, |set| set.is_superset(&first(count)));
        assert_eq!(least(2 * NAMED), None);
        assert!(least(NAMED / 2).is_some_and(|it| it.len() <= NAMED));
    }
}
