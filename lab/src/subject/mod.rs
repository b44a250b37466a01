//! What is tested: the contracts of a subject, and how test names carry their ids.

pub mod catalogue;
pub mod file;
pub(crate) mod ids;
