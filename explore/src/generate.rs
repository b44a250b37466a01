//! Generators: steps at random, any or only good ones.

use fastrand::Rng;

use crate::operation::{Field, LANES, Operation, Step};
use crate::subject::Model;

/// Tries for a step that the model does not refuse.
const TRIES: usize = 16;

/// Most objects that a step names by number: few objects have much history.
const OBJECTS: u8 = 4;

/// A source of steps, the same ones for the same seed.
#[derive(Debug)]
pub struct Generator {
    pub(crate) random: Rng,
}

impl Generator {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Generator {
        Generator {
            random: Rng::with_seed(seed),
        }
    }

    /// Steps, hostile ones among them.
    pub fn hostile<Op: Operation>(&mut self, count: usize) -> Vec<Step<Op>> {
        (0..count).map(|_| self.step()).collect()
    }

    /// Steps that the library accepts after those that the model has taken, which has taken them then: up to `count`,
    /// and fewer where no such step is found.
    pub fn valid<M: Model>(&mut self, model: &mut M, count: usize) -> Vec<Step<M::Op>> {
        let next = |_| self.good(model);
        (0..count).map_while(next).collect()
    }

    /// A step with any operands, mostly on lane 0: elsewhere most calls lead nowhere.
    fn step<Op: Operation>(&mut self) -> Step<Op> {
        let number = self.random.usize(..Op::NAMES.len());
        let mut operands = [0; 3];
        for field in Op::FIELDS[number] {
            operands[field.operand] = self.operand(field);
        }
        let elsewhere = self.random.u8(..8) == 0;
        Step {
            lane: if elsewhere {
                self.random.u8(..LANES)
            } else {
                0
            },
            op: Op::decode(number as u8, operands, Op::VERSION),
        }
    }

    /// A value for a field: one of its values, or a number, which is small but for one in 32.
    pub(crate) fn operand(&mut self, field: &Field) -> u8 {
        match field.values.len() {
            0 if self.random.u8(..32) == 0 => self.random.u8(..),
            0 => self.random.u8(..OBJECTS),
            values => self.random.usize(..values) as u8,
        }
    }

    /// A step that the library accepts now, which the model has taken then.
    fn good<M: Model>(&mut self, model: &mut M) -> Option<Step<M::Op>> {
        (0..TRIES).find_map(|_| {
            let mut after = model.clone();
            let step = after.settle(self.step(), false).step;
            if M::is_refused(&after.apply(step).observation) {
                return None;
            }
            *model = after;
            Some(step)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::counter::{Counter, Op};

    fn names(steps: &[Step<Op>]) -> BTreeSet<&'static str> {
        steps.iter().map(|step| step.op.name()).collect()
    }

    #[test]
    fn hostile_steps_are_of_all_kinds_and_on_all_lanes() {
        let mut generator = Generator::new(1);
        let steps: Vec<_> = (0..32).flat_map(|_| generator.hostile(16)).collect();
        assert_eq!(names(&steps).len(), Op::NAMES.len());
        let lanes: BTreeSet<u8> = steps.iter().map(|step| step.lane).collect();
        assert_eq!(lanes.len(), usize::from(LANES));
    }

    #[test]
    fn no_valid_step_is_refused() {
        let mut generator = Generator::new(1);
        let mut seen = BTreeSet::new();
        for _ in 0..64 {
            let mut model = Counter::default();
            let steps = generator.valid(&mut model, 8);
            let mut again = Counter::default();
            for step in &steps {
                assert!(!Counter::is_refused(&again.apply(*step).observation));
            }
            assert_eq!(again.state(), model.state());
            seen.extend(names(&steps));
        }
        assert_eq!(seen.len(), Op::NAMES.len());
    }
}
