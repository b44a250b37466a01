//! The parts that a subject brings: a model, and drivers of the library.

use std::fmt;
use std::time::Duration;

use crate::bytes::to_hex;
use crate::operation::{Operation, Step};
use crate::{Contract, Stopped};

/// A reference model: pure, and written from the contracts, not from the library's code.
pub trait Model: Clone {
    /// The operations.
    type Op: Operation;
    /// The result of a step: equal for every driver, so without addresses, ids and times.
    type Observation: PartialEq + fmt::Display;
    /// State that no call shows. It is compared after each step.
    type State: PartialEq + fmt::Debug;
    /// Events inside a step that are worth a count, such as two features that meet.
    type Encounter: Clone + Ord + fmt::Display;
    /// Anything else that [`blame_observation`](Self::blame_observation) and
    /// [`blame_state`](Self::blame_state) want to know of a prediction.
    type Grounds;

    /// Predicts a step and takes it.
    fn apply(
        &mut self,
        step: Step<Self::Op>,
    ) -> Prediction<Self::Observation, Self::Encounter, Self::Grounds>;

    /// The state after the steps so far.
    fn state(&self) -> Self::State;

    /// Steps that release all live objects, after each scenario. It is called again after they ran, until it
    /// gives none.
    fn teardown(&self) -> Vec<Step<Self::Op>>;

    /// Words for what is live. It is asked after the teardown, when nothing may be left.
    fn remains(&self) -> Option<String>;

    /// The step with a result that does not depend on how fast the machine is. A driver that is not
    /// `patient` wants no step that waits.
    fn settle(&self, step: Step<Self::Op>, patient: bool) -> Settled<Self::Op> {
        let _ = patient;
        Settled {
            step,
            lets_pass: Duration::ZERO,
        }
    }

    /// The observation, with every value that the contracts leave open replaced by the predicted one.
    fn without_freedom(
        observed: Self::Observation,
        predicted: &Self::Observation,
    ) -> Self::Observation {
        let _ = predicted;
        observed
    }

    /// The state, with every value that the contracts leave open replaced by the predicted one.
    fn state_without_freedom(observed: Self::State, predicted: &Self::State) -> Self::State {
        let _ = predicted;
        observed
    }

    /// `true` if a call of the step was refused, be it one from inside a callback.
    fn is_refused(observed: &Self::Observation) -> bool;

    /// The contract by which this refused step must not change the state. None if it may.
    fn no_trace(op: Self::Op, predicted: &Self::Observation) -> Option<Contract>;

    /// The contracts that a wrong observation breaks, the most likely one first.
    fn blame_observation(
        op: Self::Op,
        predicted: &Prediction<Self::Observation, Self::Encounter, Self::Grounds>,
        observed: &Self::Observation,
    ) -> Vec<Contract> {
        let _ = (op, observed);
        predicted.contracts.first().copied().into_iter().collect()
    }

    /// The contracts that a step breaks if its call does not return, the most likely one first.
    fn blame_hang(
        op: Self::Op,
        predicted: &Prediction<Self::Observation, Self::Encounter, Self::Grounds>,
    ) -> Vec<Contract> {
        let _ = op;
        predicted.contracts.first().copied().into_iter().collect()
    }

    /// The contract that a wrong state breaks after a step.
    fn blame_state(
        op: Self::Op,
        predicted: &Prediction<Self::Observation, Self::Encounter, Self::Grounds>,
        should: &Self::State,
        is: &Self::State,
    ) -> Option<Contract> {
        let _ = (op, should, is);
        predicted.contracts.first().copied()
    }
}

/// The result that a step must have: an observation, encounters, and grounds for blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction<O, E, G> {
    /// The result.
    pub observation: O,
    /// The contracts that it rests on, the one most in question first.
    pub contracts: Vec<Contract>,
    /// Events worth a count, each once.
    pub encounters: Vec<E>,
    /// Details for blame.
    pub grounds: G,
}

/// A step as it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled<Op> {
    /// The step.
    pub step: Step<Op>,
    /// The time that must have passed before it.
    pub lets_pass: Duration,
}

/// A way to call the library: it carries steps out and says what came of them.
pub trait Driver {
    /// The model of the library.
    type Model: Model;

    /// The model before the first step, of a library that is called in this way.
    fn model(&self) -> Self::Model;

    /// Carries out one step.
    ///
    /// # Errors
    /// The step had no result.
    fn apply(
        &mut self,
        step: Step<<Self::Model as Model>::Op>,
    ) -> Result<<Self::Model as Model>::Observation, Stopped>;

    /// The state that no call shows; none if the driver cannot see it. No step is under way.
    fn state(&self) -> Option<<Self::Model as Model>::State>;

    /// The command that repeats a scenario through such a driver, without the
    /// [`scenario`](Self::scenario) at its end.
    fn replay(&self) -> &'static str;

    /// A scenario as that command takes it.
    fn scenario(&self, steps: &[Step<<Self::Model as Model>::Op>]) -> String {
        to_hex(steps)
    }

    /// `true` if steps may wait. A fuzzer has better uses for a millisecond.
    fn is_patient(&self) -> bool {
        true
    }

    /// Contracts that the driver itself has put to the test in the last step, besides the model's.
    fn checked(&mut self) -> Vec<Contract> {
        Vec::new()
    }
}
