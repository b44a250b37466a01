//! Drivers: they carry steps out on a real library and say what came of them.

mod abi;
pub mod fixture;
mod lanes;
mod rust;

pub use abi::AbiDriver;
pub use rust::RustDriver;

use courier_core::{Failure, Id, Live};

use crate::model::{ANSWER, ANSWER_ERROR, Contract, SERVED};
use crate::op::{Ordinal, Step};
use crate::outcome::{Content, Outcome};

/// A library under test.
pub trait Driver {
    /// Carries out one step.
    ///
    /// # Errors
    /// A sentence, when the step did not come back: the driver is of no use afterwards.
    fn apply(&mut self, step: Step) -> Result<Outcome, String>;

    /// How many handles are live.
    fn live(&self) -> Live;

    /// Whether releases of null and stale handles are silent, as the C ABI's are. What they did is seen
    /// by the handles that are left.
    fn releases_are_silent(&self) -> bool {
        false
    }

    /// Whether a pump that has nothing to return for is to last a brief wait. A fuzzer has better uses for
    /// a millisecond, and skips it.
    fn waits_briefly(&self) -> bool {
        true
    }

    /// Contracts that the driver itself has put to the test in the last step, besides the model's.
    fn checked(&mut self) -> Vec<Contract> {
        Vec::new()
    }
}

/// The id that an ordinal names; null while there is none.
fn pick(ids: &[Id], ordinal: Ordinal) -> Id {
    match ids.len() {
        0 => Id::NULL,
        count => ids[usize::from(ordinal) % count],
    }
}

/// Notes a new object and gives its ordinal. An id that was there before names the older object still,
/// whose ordinal tells the judge.
fn add(ids: &mut Vec<Id>, id: Id) -> usize {
    ids.iter()
        .position(|known| *known == id)
        .unwrap_or_else(|| {
            ids.push(id);
            ids.len() - 1
        })
}

/// A failure's text: the provider's own must arrive unchanged, the library's may say what it likes.
fn failure_text(failure: Failure, text: Vec<u8>) -> Content {
    match failure {
        Failure::Provider if text == ANSWER_ERROR.as_bytes() => Content::Exactly(text),
        _ => content(text),
    }
}

/// Bytes that a scenario knows, or some text.
fn content(bytes: Vec<u8>) -> Content {
    use fixture::{ENCODED, HELLO};
    let known = [HELLO, ENCODED, SERVED, ANSWER, ANSWER_ERROR.as_bytes(), b""];
    if known.contains(&&bytes[..]) {
        Content::Exactly(bytes)
    } else {
        Content::SomeText
    }
}
