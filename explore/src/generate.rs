//! Generators: steps at random, any or only good ones.
//!
//! About half of the operations are switched off, others each time. Scenarios of all operations are alike, and
//! histories that need many of one kind are rare among them: swarm testing (Groce, Zhang, Eide, Chen, Regehr,
//! "Swarm Testing", ISSTA 2012).

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
    switches_off: bool,
}

/// The operations that are chosen from, by number: never none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Swarm(Vec<u8>);

impl Generator {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Generator {
        Generator {
            random: Rng::with_seed(seed),
            switches_off: true,
        }
    }

    /// The generator, which switches no operation off any more.
    pub fn of_all_operations(self) -> Generator {
        Generator {
            switches_off: false,
            ..self
        }
    }

    /// Steps, hostile ones among them.
    pub fn hostile<Op: Operation>(&mut self, count: usize) -> Vec<Step<Op>> {
        let swarm = self.swarm::<Op>();
        (0..count).map(|_| self.step(&swarm)).collect()
    }

    /// Steps that the library accepts after those that the model has taken, which has taken them then: up to `count`, and
    /// fewer where the operations that are switched on lead no further.
    pub fn valid<M: Model>(&mut self, model: &mut M, count: usize) -> Vec<Step<M::Op>> {
        let swarm = self.swarm::<M::Op>();
        let next = |_| self.good(model, &swarm);
        (0..count).map_while(next).collect()
    }

    /// About half of the operations, or all.
    fn swarm<Op: Operation>(&mut self) -> Swarm {
        let all: Vec<u8> = (0..Op::NAMES.len() as u8).collect();
        if !self.switches_off {
            return Swarm(all);
        }
        let mut some = all.clone();
        some.retain(|_| self.random.bool());
        if some.is_empty() {
            some.push(all[self.random.usize(..all.len())]);
        }
        Swarm(some)
    }

    /// A step with any operands, mostly on lane 0: elsewhere most calls lead nowhere.
    fn step<Op: Operation>(&mut self, Swarm(operations): &Swarm) -> Step<Op> {
        let number = operations[self.random.usize(..operations.len())];
        let mut operands = [0; 3];
        for field in Op::FIELDS[usize::from(number)] {
            operands[field.operand] = self.operand(field);
        }
        let elsewhere = self.random.u8(..8) == 0;
        Step {
            lane: if elsewhere {
                self.random.u8(..LANES)
            } else {
                0
            },
            op: Op::decode(number, operands, Op::VERSION),
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
    fn good<M: Model>(&mut self, model: &mut M, swarm: &Swarm) -> Option<Step<M::Op>> {
        (0..TRIES).find_map(|_| {
            let mut after = model.clone();
            let step = after.settle(self.step(swarm), false).step;
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
    fn operations_are_switched_off_others_each_time() {
        let mut generator = Generator::new(1);
        let swarms: Vec<_> = (0..64).map(|_| generator.swarm::<Op>().0).collect();
        assert!(swarms.iter().all(|swarm| !swarm.is_empty()));
        for number in 0..Op::NAMES.len() as u8 {
            let with = swarms.iter().filter(|swarm| swarm.contains(&number));
            assert!((8..56).contains(&with.count()), "{number}: {swarms:?}");
        }
        let Swarm(all) = generator.of_all_operations().swarm::<Op>();
        assert_eq!(all.len(), Op::NAMES.len());
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
