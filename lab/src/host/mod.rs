//! The machine that the tool runs on. Uses nothing else of the tool.
//!
//! [`child`] is the only place that starts long processes.

pub mod child;
pub(crate) mod descendants;
pub(crate) mod file;
pub(crate) mod load;
pub(crate) mod lock;
pub mod machine;
pub mod out;
pub mod progress;
pub mod taskset;
pub mod toml;
pub mod tools;
pub mod workspace;
