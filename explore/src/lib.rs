//! Model-based exploration of a stateful library: any operations, one judge.
//!
//! A scenario is a finite list of [`Step`]s: operations on up to [`LANES`] *lanes* (OS threads), carried
//! out one after the other.
//!
//! ```text
//!  bytes ──decode──► steps ──► Driver (the library) ──► observed ─┐
//!                      │                                          ├─ equal, or a contract is broken
//!                      └─────► Model (pure)         ──► predicted ┘
//! ```
//!
//! A subject brings three things:
//!
//! - one table of its operations, which [`operations!`] and [`values!`] turn into an enum, its total
//!   binary form ([`bytes`]: every byte string is a scenario), the form that people write ([`text`]), and the
//!   names that are counted,
//! - a [`Model`], which predicts each step and says which contracts the prediction rests on,
//! - a [`Driver`] for each way to call the library.
//!
//! [`run`] compares the two after each step, and [`ContractCounts`] says what that put to the test.
//! [`shrink()`] looks for the smallest scenario that still fails. [`linearizability`] asks of calls that ran at the same time whether some order explains their results.
//! [`Lanes`] are threads for drivers. [`Generator`] makes scenarios and changes them, operation by operation: the
//! mutator of a fuzzer.
//!
//! It knows no library. `examples/tally/tests/explore.rs` is a whole subject on one page.

pub mod bytes;
mod counts;
mod generate;
mod judge;
mod lanes;
pub mod linearizability;
mod mutate;
mod operation;
mod shrink;
mod stopped;
mod subject;
mod table;
pub mod text;

pub use counts::ContractCounts;
pub use generate::Generator;
pub use judge::{Disagreement, run, without_refusals};
pub use lanes::Lanes;
pub use operation::{Field, Form, LANES, Operand, Operation, Step};
pub use shrink::shrink;
pub use stopped::{Stopped, holds, violated};
pub use subject::{Driver, Model, Prediction, Settled};

/// The id of a contract, such as `REQ-04`.
pub type Contract = &'static str;

#[cfg(test)]
mod counter;
