//! The prediction of a step, with the grounds that blame rests on.

use cgolab_explore::{Contract, Prediction};

use crate::features::Encounter;
use crate::outcome::{End, Observation};

/// The result that a step must have.
pub type Expected = Prediction<Observation, Encounter, Grounds>;

/// Details of a prediction, for blame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    /// Of drained events: the contract that each one's end rests on.
    pub events: Vec<Contract>,
    /// Of a drain: the loads whose events are in the queue, by session and number, and their ends.
    pub queued: Vec<(usize, u64, End)>,
    /// Of each callback: the contract that each of its calls rests on first, if any.
    pub inside: Vec<Vec<Option<Contract>>>,
    /// Of the loads that end in this step: the contract that each one's end rests on.
    pub ended: Vec<Contract>,
}
