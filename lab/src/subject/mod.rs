//! The subject that is tested: its description, its contracts, and their ids in the names of tests.

pub mod catalogue;
pub mod file;
pub(crate) mod ids;
