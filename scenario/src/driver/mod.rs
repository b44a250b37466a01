//! Drivers: they carry steps out on a real library and say what came of them.

pub mod fixture;
mod lanes;
mod rust;

pub use rust::RustDriver;

use courier_core::Live;

use crate::op::Step;
use crate::outcome::Outcome;

/// A library under test.
pub trait Driver {
    /// Carries out one step.
    ///
    /// # Errors
    /// A sentence, when the step did not come back: the driver is of no use afterwards.
    fn apply(&mut self, step: Step) -> Result<Outcome, String>;

    /// How many handles are live.
    fn live(&self) -> Live;
}
