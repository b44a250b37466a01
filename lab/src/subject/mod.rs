//! What is tested: the contracts of a subject, and how test names carry their ids.

pub mod catalogue;
pub(crate) mod ids;
