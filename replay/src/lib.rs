//! Replays, shrinks and translates scenarios of courier.
//!
//! A scenario that breaks a contract may end the process that runs it, or hang. So each is run in a child,
//! which tells of each step before and after, and whoever reads that always has a verdict.
//!
//! | module | does |
//! |---|---|
//! | [`input`] | reads a scenario: a text, a crash file of a fuzzer, or hexadecimal digits |
//! | [`detector`] | race, asan and others, under which scenarios are driven |
//! | [`golang`] | drives the Go binding, which is a process of its own |
//! | [`child`] | runs one scenario through one driver, and tells of it |
//! | [`program`] | writes a scenario as a program |
//! | [`shrink`] | looks for the smallest scenario that breaks the same contract |
//! | [`trace`] | what a child told, and how traces differ |

#![forbid(unsafe_code)]

pub mod child;
pub mod detector;
pub mod golang;
pub mod input;
mod lines;
pub mod program;
pub mod shrink;
pub mod trace;
