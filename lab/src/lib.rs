//! The lab of cgolab: runs the engines that try to break a cgo interop library's contracts, and
//! shows what they found.
//!
//! Installed it is the command `cgolab`. Everything it runs are ordinary commands that also work by
//! hand; it adds the order, the proof that each engine is on, the catalogue, and the results.
//!
//! Where to start reading: [`run`] for the flow, [`engine`] for what an engine is, [`record`]
//! for what comes out, [`verdict`] for what that means, [`catalogue`] for what must hold.
//! [`child`] is the only place that starts long processes.
//!
//! The public modules are what `xtask`, this repository's own chores, shares with the tool.

#![forbid(unsafe_code)]
// They panic when the reader leaves; see `out`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod catalogue;
pub mod child;
pub mod cli;
mod contracts;
mod doctor;
pub mod engine;
mod faults;
pub mod fuzz;
mod gotest;
pub mod header;
mod ids;
pub mod nextest;
pub mod notes;
pub mod out;
pub mod profile;
pub mod progress;
pub mod record;
pub mod report;
pub mod results;
mod run;
pub mod table;
pub mod taskset;
pub mod tools;
mod verdict;
pub mod workspace;
