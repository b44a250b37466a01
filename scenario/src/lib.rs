//! Scenarios: the one vocabulary in which courier is driven, predicted and judged.
//!
//! A scenario is a finite list of [`Step`]s: operations on up to four *lanes* (OS threads), carried
//! out one after the other. Objects are named by ordinal, in the order in which they came to be, and
//! stay nameable after their release: that is how released handles are replayed.
//!
//! ```text
//!  bytes ──decode──► steps ──► Driver (Rust API)  ──► observed ─┐
//!                      │        or Driver (C ABI)               ├─ equal, or a contract is broken
//!                      └─────► Model (pure)       ──► expected ─┘
//! ```
//!
//! - [`op`] is the vocabulary, [`bytes`] its total binary form (every byte string is a scenario),
//! - [`model`] predicts every result and says which contracts the prediction rests on,
//! - [`state`] is what the model says, and a library has, that no call shows,
//! - [`features`] is the table of the features that meet,
//! - [`driver`] carries the steps out,
//! - [`oracle`] runs both, compares after each step, and counts what was checked; `blame` names the
//!   contract of a difference,
//! - [`linear`] runs operations at the same time, and asks whether some order explains the results,
//! - [`hostile`] makes calls that no well-behaved host makes, and judges how they are refused,
//! - [`replay`] names a scenario and its driver in a command,
//! - [`fuzz`] is what a libFuzzer target calls.
//!
//! Start reading at [`oracle::run`].
#![deny(unsafe_code)]

mod blame;
pub mod bytes;
pub mod driver;
pub mod features;
pub mod fuzz;
pub mod hostile;
pub mod linear;
pub mod model;
pub mod op;
pub mod oracle;
pub mod outcome;
pub mod replay;
pub mod state;

pub use op::{Op, Step};
