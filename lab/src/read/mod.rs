//! Readers of what tests, fuzzers and detectors print. They start no process.
//!
//! | module | reads |
//! |---|---|
//! | [`gofuzz`] | `go test -fuzz` |
//! | [`gotest`] | `go test -json` |
//! | [`libfuzzer`] | a libFuzzer run |
//! | [`nextest`] | nextest's JUnit file |
//! | [`notes`] | the lines by which tests tell what they checked |

pub mod gofuzz;
pub(crate) mod gotest;
pub mod libfuzzer;
pub mod nextest;
pub mod notes;
