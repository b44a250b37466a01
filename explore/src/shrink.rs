//! Shrinking: a smaller scenario that still fails.
//!
//! Every candidate is smaller than the scenario that it comes from: fewer steps, lower lanes, a step that is not
//! behind the barrier any more, or an earlier value. So it ends, with a scenario of which no candidate fails.

use crate::operation::{Field, Operation, Step};
use crate::text::Scenario;

/// Shrinks a scenario that fails, as far as `fails` says that it still does. It is never asked of an empty
/// scenario, which shows nothing.
///
/// In this order, and again until nothing changes: steps after the failure are dropped; all steps that name one
/// object; several steps, and single ones, with the objects after them renumbered if that is what it
/// takes; lanes become lane 0; steps are taken out from behind the barrier; values become the first.
pub fn shrink<Op: Operation>(
    scenario: Scenario<Op>,
    fails: impl FnMut(&Scenario<Op>) -> bool,
) -> Scenario<Op> {
    let mut shrinker = Shrinker {
        best: Placed::all(&scenario),
        fails,
    };
    loop {
        let before = shrinker.best.clone();
        shrinker.drop_the_end();
        shrinker.drop_objects();
        shrinker.drop_steps();
        shrinker.lower_lanes();
        shrinker.leave_the_barrier();
        shrinker.lower_values();
        if shrinker.best == before {
            return Placed::scenario(&shrinker.best);
        }
    }
}

/// A step, and its side of the barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Placed<Op> {
    step: Step<Op>,
    together: bool,
}

impl<Op: Operation> Placed<Op> {
    fn all(scenario: &Scenario<Op>) -> Vec<Placed<Op>> {
        let placed = |steps: &[Step<Op>], together| {
            let place = |step: &Step<Op>| Placed {
                step: *step,
                together,
            };
            steps.iter().map(place).collect::<Vec<_>>()
        };
        [
            placed(&scenario.steps, false),
            placed(&scenario.together, true),
        ]
        .concat()
    }

    fn scenario(all: &[Placed<Op>]) -> Scenario<Op> {
        let (together, steps): (Vec<_>, Vec<_>) = all.iter().partition(|placed| placed.together);
        let steps_of = |all: Vec<Placed<Op>>| all.into_iter().map(|placed| placed.step).collect();
        Scenario {
            steps: steps_of(steps),
            together: steps_of(together),
        }
    }

    fn fields(&self) -> &'static [Field] {
        Op::FIELDS[usize::from(self.step.op.encode().0)]
    }

    /// The field of this name that is a number, such as an object's ordinal.
    fn number(&self, name: &str) -> Option<&'static Field> {
        let mut fields = self.fields().iter();
        fields.find(|field| field.name == name && field.values.is_empty())
    }

    fn value(&self, field: &Field) -> u8 {
        self.step.op.encode().1[field.operand]
    }

    fn with(mut self, field: &Field, value: u8) -> Self {
        let (number, mut operands) = self.step.op.encode();
        operands[field.operand] = value;
        self.step.op = Op::decode(number, operands, Op::VERSION);
        self
    }
}

struct Shrinker<Op, F> {
    best: Vec<Placed<Op>>,
    fails: F,
}

impl<Op: Operation, F: FnMut(&Scenario<Op>) -> bool> Shrinker<Op, F> {
    /// Takes a candidate if it fails.
    fn take(&mut self, candidate: Vec<Placed<Op>>) -> bool {
        let smaller = !candidate.is_empty() && candidate != self.best;
        let taken = smaller && (self.fails)(&Placed::scenario(&candidate));
        if taken {
            self.best = candidate;
        }
        taken
    }

    /// Looks for the shortest beginning that fails, by halves: one that is longer fails in the same step.
    fn drop_the_end(&mut self) {
        let (mut short, mut long) = (0, self.best.len());
        while long - short > 1 {
            let middle = short.midpoint(long);
            if self.take(self.best[..middle].to_vec()) {
                long = middle;
            } else {
                short = middle;
            }
        }
    }

    fn drop_objects(&mut self) {
        let mut named: Vec<(&str, u8)> = Vec::new();
        for placed in &self.best {
            let numbers = placed
                .fields()
                .iter()
                .filter(|field| field.values.is_empty());
            named.extend(numbers.map(|field| (field.name, placed.value(field))));
        }
        named.sort_unstable();
        named.dedup();
        for (name, value) in named {
            let mut without = self.best.clone();
            let names = |placed: &Placed<Op>| {
                let field = placed.number(name);
                field.is_some_and(|field| placed.value(field) == value)
            };
            without.retain(|placed| !names(placed));
            self.take(without);
        }
    }

    fn drop_steps(&mut self) {
        let mut size = self.best.len() / 2;
        while size > 1 {
            let mut end = self.best.len();
            while end >= size {
                let mut without = self.best.clone();
                without.drain(end - size..end);
                self.take(without);
                end = (end - size).min(self.best.len());
            }
            size /= 2;
        }
        for at in (0..self.best.len()).rev() {
            let mut without = self.best.clone();
            without.remove(at);
            if !self.take(without.clone()) {
                self.renumber(at, &without);
            }
        }
    }

    /// The step that was dropped may have made an object: those that came after it have another ordinal then.
    fn renumber(&mut self, at: usize, without: &[Placed<Op>]) {
        let later = &without[at..];
        let mut names: Vec<&str> = Vec::new();
        for placed in later {
            let numbers = placed
                .fields()
                .iter()
                .filter(|field| field.values.is_empty());
            names.extend(numbers.map(|field| field.name));
        }
        names.sort_unstable();
        names.dedup();
        for name in names {
            let lower = |placed: &Placed<Op>| match placed.number(name) {
                Some(field) => placed.with(field, placed.value(field).saturating_sub(1)),
                None => *placed,
            };
            let mut renumbered = without[..at].to_vec();
            renumbered.extend(later.iter().map(lower));
            if self.take(renumbered) {
                return;
            }
        }
    }

    fn lower_lanes(&mut self) {
        for lane in (1..crate::LANES).rev() {
            let mut moved = self.best.clone();
            for placed in &mut moved {
                if placed.step.lane == lane {
                    placed.step.lane = 0;
                }
            }
            self.take(moved);
        }
        for at in 0..self.best.len() {
            for lane in 0..self.best[at].step.lane {
                let mut moved = self.best.clone();
                moved[at].step.lane = lane;
                if self.take(moved) {
                    break;
                }
            }
        }
    }

    fn leave_the_barrier(&mut self) {
        for at in 0..self.best.len() {
            if self.best[at].together {
                let mut moved = self.best.clone();
                let mut placed = moved.remove(at);
                placed.together = false;
                let first = moved.iter().position(|placed| placed.together);
                moved.insert(first.unwrap_or(moved.len()), placed);
                self.take(moved);
            }
        }
    }

    fn lower_values(&mut self) {
        for at in 0..self.best.len() {
            for field in self.best[at].fields() {
                let value = self.best[at].value(field);
                // All of a list's values, and of numbers those that matter.
                let earlier: Vec<u8> = if field.values.is_empty() {
                    vec![0, 1, value / 2, value.saturating_sub(1)]
                } else {
                    (0..value).collect()
                };
                for lower in earlier.into_iter().filter(|lower| *lower < value) {
                    let mut lowered = self.best.clone();
                    lowered[at] = lowered[at].with(field, lower);
                    if self.take(lowered) {
                        break;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bytes::decode;
    use crate::counter::{Counter, Op};
    use crate::linearizability::Specification as _;
    use crate::text::parse;

    fn read(steps: &str) -> Scenario<Op> {
        parse(format!("scenario 1\n{steps}end\n").as_bytes()).unwrap()
    }

    /// The results of the takes, in order.
    fn takes(scenario: &Scenario<Op>) -> Vec<Option<u8>> {
        let mut counter = Counter::default();
        let all = scenario.steps.iter().chain(&scenario.together);
        let results = all.map(|step| (step.op, counter.call(*step)));
        let takes = results.filter(|(op, _)| matches!(op, Op::Take { .. }));
        takes.map(|(_, result)| result).collect()
    }

    fn shrunk(steps: &str, fails: impl FnMut(&Scenario<Op>) -> bool) -> String {
        let text = shrink(read(steps), fails).to_string();
        let lines = text.lines().skip(1).filter(|line| *line != "end");
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Of three counters, the last is what matters: the others go, and it becomes the first.
    #[test]
    fn what_made_other_objects_goes_and_the_rest_is_renumbered() {
        let steps = "0: Make count=9\n0: Take counter=0\n1: Make count=3\n2: Take counter=1\n\
                     0: Make count=77\n3: Take counter=2\n0: Take counter=0\n3: Take counter=2\n\
                     0: End counter=0\n0: Make count=5\n";
        let mut asked = 0;
        let smallest = shrunk(steps, |scenario| {
            asked += 1;
            takes(scenario).iter().any(|left| *left >= Some(75))
        });
        assert_eq!(smallest, "0: Make count=76\n0: Take counter=0\n");
        assert!(asked < 150, "{asked}");
    }

    /// Neither of the two steps that name the second counter can go alone: to ask of both is the first try
    /// but for those of the end.
    #[test]
    fn steps_that_name_one_object_go_together() {
        let balanced = |it: &Scenario<Op>| {
            let count =
                |wanted: fn(&Op) -> bool| it.steps.iter().filter(|it| wanted(&it.op)).count();
            let takes = count(|op| matches!(op, Op::Take { counter: 1.. }));
            let ends = count(|op| matches!(op, Op::End { counter: 1.. }));
            takes == ends && count(|op| *op == Op::Take { counter: 0 }) == 1
        };
        let steps = "0: Take counter=5\n0: Take counter=0\n0: End counter=5\n";
        let mut asked = 0;
        let smallest = shrunk(steps, |it| {
            asked += 1;
            balanced(it)
        });
        assert_eq!(smallest, "0: Take counter=0\n");
        assert_eq!(asked, 4);
    }

    #[test]
    fn a_lane_that_matters_stays() {
        let smallest = shrunk(
            "0: Make count=9\n2: Take counter=0\n2: End counter=0\n",
            |it| it.steps.iter().any(|step| step.lane > 0),
        );
        assert_eq!(smallest, "1: Take counter=0\n");
    }

    #[test]
    fn of_two_in_a_lane_one_is_enough() {
        let steps = "1: Take counter=0\n1: End counter=0\n";
        let fails =
            |it: &Scenario<Op>| it.steps.len() == 2 && it.steps.iter().any(|it| it.lane > 0);
        assert_eq!(
            shrunk(steps, fails),
            "0: Take counter=0\n1: End counter=0\n"
        );
    }

    #[test]
    fn steps_that_name_nothing_in_common_go_together() {
        let steps = "0: Make count=1\n0: Make count=2\n0: Take counter=0\n0: End counter=0\n";
        // Both or none of the two that make something, and never the same.
        let smallest = shrunk(steps, |it| {
            let counts = it.steps.iter().filter_map(|step| match step.op {
                Op::Make { count } => Some(count),
                _ => None,
            });
            let counts: Vec<u8> = counts.collect();
            let whole = counts.is_empty() || counts.len() == 2 && counts[0] != counts[1];
            whole && it.steps.len() - counts.len() == 2
        });
        assert_eq!(smallest, "0: Take counter=0\n0: End counter=0\n");
    }

    #[test]
    fn a_barrier_before_one_step_goes() {
        let steps = "0: Make count=9\nbarrier\n1: Take counter=0\n";
        let smallest = shrunk(steps, |it| takes(it).iter().any(Option::is_some));
        assert_eq!(smallest, "0: Make count=1\n0: Take counter=0\n");
    }

    #[test]
    fn what_need_not_be_behind_the_barrier_comes_before_it() {
        let steps = "0: Make count=9\nbarrier\n1: Take counter=0\n2: Take counter=0\n\
                     1: End counter=0\n";
        let ends_behind = |it: &Scenario<Op>| {
            let ends = |step: &Step<Op>| matches!(step.op, Op::End { .. });
            takes(it).len() == 2 && it.together.iter().any(ends)
        };
        assert_eq!(
            shrunk(steps, ends_behind),
            "0: Take counter=0\n0: Take counter=0\nbarrier\n0: End counter=0\n"
        );
    }

    proptest! {
        // Nothing is written to disk when one fails.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// The result fails, no step of it can be left out, and it is not empty, whatever fails.
        #[test]
        fn the_smallest_still_fails(bytes: Vec<u8>, wanted in 0u8..4) {
            let scenario = Scenario::<Op>::from(decode(&bytes));
            prop_assume!(!scenario.steps.is_empty());
            let fails = |it: &Scenario<Op>| {
                takes(it).iter().flatten().count() >= usize::from(wanted)
            };
            prop_assume!(fails(&scenario));
            let smallest = shrink(scenario, |it| {
                assert!(!it.steps.is_empty());
                fails(it)
            });
            prop_assert!(fails(&smallest) && !smallest.steps.is_empty());
            for at in 0..smallest.steps.len() {
                let mut without = smallest.clone();
                without.steps.remove(at);
                prop_assert!(without.steps.is_empty() || !fails(&without));
            }
        }
    }
}
