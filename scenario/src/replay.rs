//! A scenario and the driver that it is for, as the arguments of `cargo lab replay`.
//!
//! A step that breaks through one interface need not break through another, and slots that retire need not
//! behave as slots that do not: a report names both, and the replay takes them.

use std::fmt;

use cgolab_explore::bytes::to_hex;

use crate::Step;
use crate::through::Through;

/// The steps that a replay runs, and their driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The driver.
    pub through: Through,
    /// The scenario.
    pub steps: Vec<Step>,
}

/// The arguments of [`Replay::COMMAND`].
impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.through, to_hex(&self.steps))
    }
}

impl Replay {
    /// The command that repeats a scenario.
    pub const COMMAND: &str = "cargo lab replay";
}
