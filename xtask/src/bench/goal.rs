//! Goals of cases.

use std::fmt;

use serde::{Serialize, Serializer};

/// The figure that a case should reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Goal {
    pub(crate) bound: Bound,
    /// The case that it is compared with; without one, the figure itself is bounded.
    pub(crate) against: Option<&'static str>,
    /// Why it may be missed, if that is known.
    pub(crate) because: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// The ratio to another case at most.
pub(super) const fn at_most(ratio: f64, against: &'static str) -> Goal {
    Goal {
        bound: Bound::AtMost(ratio),
        against: Some(against),
        because: None,
    }
}

/// The ratio to another case at least.
pub(super) const fn at_least(ratio: f64, against: &'static str) -> Goal {
    Goal {
        bound: Bound::AtLeast(ratio),
        against: Some(against),
        because: None,
    }
}

/// The figure itself at most.
pub(super) const fn limit(figure: f64) -> Goal {
    Goal {
        bound: Bound::AtMost(figure),
        against: None,
        because: None,
    }
}

impl Goal {
    /// Says why it may be missed.
    pub(super) const fn because(self, why: &'static str) -> Goal {
        Goal {
            because: Some(why),
            ..self
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtMost(limit) => write!(f, "≤ {limit}"),
            Bound::AtLeast(limit) => write!(f, "≥ {limit}"),
        }
    }
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
