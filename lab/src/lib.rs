//! cgolab: runs the engines that try to break the interop contracts of a Go binding over a native
//! library, and shows what they found.
//!
//! Installed it is the command `cgolab`. Everything it runs are ordinary commands that also work by
//! hand; it adds the order, the proof that each engine is on, the catalogue, and the results.
//!
//! Folders, each of which uses only those above it; `tests/layers.rs` sees to that:
//!
//! | folder | holds |
//! |---|---|
//! | [`host`] | the machine: child processes, tools, output, folders |
//! | [`record`] | results: what came of a check, and the folder of a run |
//! | [`subject`] | what is tested: the catalogue of its contracts |
//! | [`read`] | readers of what tests, fuzzers and detectors print |
//! | [`engine`] | ways to break contracts, each with its canary |
//! | [`verdict`] | the meaning of records: one state for each engine, contract and run |
//! | [`report`] | views of a verdict: terminal, HTML, Markdown, JUnit |
//! | [`faults`] | bugs planted in a copy of the subject, and who saw them |
//! | [`triage`] | reports on programs that crash or hang, with goroutines and native threads |
//! | [`foreign`] | engines on a Go module that has no contracts of its own |
//! | [`cmd`] | the command line |
//!
//! Start reading at [`cmd::run`] for the flow, then [`engine::Engine`].
//!
//! The public items are what `xtask`, this repository's own chores, shares with the tool.

#![forbid(unsafe_code)]
// They panic when the reader leaves; see `host::out`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod cmd;
pub mod engine;
mod faults;
mod foreign;
pub mod host;
pub mod read;
pub mod record;
pub mod report;
pub mod subject;
pub mod triage;
mod verdict;
