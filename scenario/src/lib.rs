//! Scenarios: the one vocabulary in which courier is driven, predicted and judged.
//!
//! `cgolab-explore` knows what a scenario is, runs it and judges it; here is what it must know of courier.
//! Objects are named by ordinal, in the order in which they came to be, and stay nameable after their
//! release: that is how released handles are replayed.
//!
//! - [`op`] is the table of operations, [`bytes`] its total binary form (every byte string is a scenario),
//! - [`model`] predicts every result and says which contracts the prediction rests on: a
//!   [`prediction`] of an [`outcome`],
//! - [`state`] is the hidden state of model and library, which no call shows,
//! - [`features`] is the table of the features that meet,
//! - [`driver`] carries the steps out, [`through`] one interface or the other, on the files of a
//!   [`fixture`],
//! - [`oracle`] runs both, compares after each step, and counts what was checked; `blame` names the
//!   contract of a difference,
//! - [`linearizability`] runs operations at the same time, and asks whether some order explains the
//!   results,
//! - [`hostile`] makes calls that no well-behaved host makes, and judges how they are refused,
//! - [`replay`] names a scenario and its driver in a command,
//! - [`fuzz`] is what a libFuzzer target calls.
//!
//! Start reading at [`op::Op`], and at [`cgolab_explore::run`].
#![deny(unsafe_code)]

mod blame;
pub mod driver;
pub mod features;
pub mod fixture;
pub mod fuzz;
pub mod hostile;
pub mod linearizability;
pub mod model;
pub mod op;
pub mod oracle;
pub mod outcome;
pub mod prediction;
pub mod replay;
pub mod state;
pub mod through;

/// The crate whose terms this one speaks.
pub use cgolab_explore as explore;
pub use cgolab_explore::bytes;
pub use op::{Op, Step};
