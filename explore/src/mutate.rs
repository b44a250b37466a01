//! Changes to scenarios for fuzzers: operation by operation, where a fuzzer's own are byte by byte.

use crate::bytes::MAX_STEPS;
use crate::generate::Generator;
use crate::operation::{LANES, Operation, Step};
use crate::subject::Model;

/// The most steps that one change brings in, takes out or moves.
const RUN: usize = 4;

impl Generator {
    /// Changes a scenario a little. `model` is that of a library without a call so far.
    pub fn mutate<M: Model>(&mut self, steps: &mut Vec<Step<M::Op>>, model: &M) {
        // More than one at a time leads further from a scenario with which nothing new is near.
        for _ in 0..1 + self.random.usize(..3) {
            self.change(steps, model.clone());
        }
        steps.truncate(MAX_STEPS);
    }

    /// The beginning of one scenario and the end of another.
    pub fn cross<Op: Operation>(&mut self, one: &[Step<Op>], other: &[Step<Op>]) -> Vec<Step<Op>> {
        let end = self.random.usize(..=one.len());
        let start = self.random.usize(..=other.len());
        let mut steps = [&one[..end], &other[start..]].concat();
        steps.truncate(MAX_STEPS);
        steps
    }

    fn change<M: Model>(&mut self, steps: &mut Vec<Step<M::Op>>, mut model: M) {
        let place = self.random.usize(..=steps.len());
        let count = 1 + self.random.usize(..RUN);
        let end = steps.len().min(place + count);
        match self.random.u8(..8) {
            0..=2 => {
                for step in &steps[..place] {
                    let step = model.settle(*step, false).step;
                    model.apply(step);
                }
                steps.splice(place..place, self.valid(&mut model, count));
            }
            3 => {
                steps.splice(place..place, self.hostile(count));
            }
            4 => {
                steps.drain(place..end);
            }
            5 => {
                let copy = steps[place..end].to_vec();
                let elsewhere = self.random.usize(..=steps.len());
                steps.splice(elsewhere..elsewhere, copy);
            }
            6 if place < steps.len() => {
                let other = self.random.usize(..steps.len());
                steps.swap(place, other);
            }
            _ => {
                if let Some(step) = steps.get_mut(place) {
                    self.alter(step);
                }
            }
        }
    }

    /// Gives a step another lane, or another value of a field.
    fn alter<Op: Operation>(&mut self, step: &mut Step<Op>) {
        let (number, mut operands) = step.op.encode();
        let fields = Op::FIELDS[usize::from(number)];
        if fields.is_empty() || self.random.u8(..8) == 0 {
            step.lane = self.random.u8(..LANES);
            return;
        }
        let field = &fields[self.random.usize(..fields.len())];
        operands[field.operand] = self.operand(field);
        step.op = Op::decode(number, operands, Op::VERSION);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter::{Counter, Op};

    /// Scenarios become longer and shorter, and none grows beyond the longest.
    #[test]
    fn changes_lead_everywhere() {
        let mut generator = Generator::new(1);
        let mut steps: Vec<Step<Op>> = Vec::new();
        let (mut longer, mut shorter, mut same, mut longest) = (0, 0, 0, 0);
        for _ in 0..10_000 {
            let before = steps.len();
            generator.mutate(&mut steps, &Counter::default());
            match steps.len().cmp(&before) {
                std::cmp::Ordering::Greater => longer += 1,
                std::cmp::Ordering::Less => shorter += 1,
                std::cmp::Ordering::Equal => same += 1,
            }
            assert!(steps.len() <= MAX_STEPS);
            longest = longest.max(steps.len());
        }
        assert_eq!(longest, MAX_STEPS);
        assert!(
            longer > 1000 && shorter > 500 && same > 500,
            "{longer} {shorter} {same}"
        );
    }

    #[test]
    fn a_step_that_is_altered_keeps_its_operation() {
        let mut generator = Generator::new(1);
        for step in generator.hostile::<Op>(200) {
            let mut altered = step;
            generator.alter(&mut altered);
            assert_eq!(altered.op.name(), step.op.name());
        }
    }

    #[test]
    fn a_crossing_begins_as_one_and_ends_as_the_other() {
        let mut generator = Generator::new(1);
        for _ in 0..200 {
            let one = generator.hostile::<Op>(6);
            let other = generator.hostile::<Op>(6);
            let crossed = generator.cross(&one, &other);
            let split = (0..=crossed.len()).any(|place| {
                let (start, end) = crossed.split_at(place);
                one.starts_with(start) && other.ends_with(end)
            });
            assert!(split, "{one:?} {other:?} {crossed:?}");
        }
    }

    #[test]
    fn a_crossing_is_no_longer_than_the_longest() {
        let mut generator = Generator::new(1);
        let one = generator.hostile::<Op>(200);
        let lengths = (0..200).map(|_| generator.cross(&one, &one).len());
        assert_eq!(lengths.max(), Some(MAX_STEPS));
    }
}
