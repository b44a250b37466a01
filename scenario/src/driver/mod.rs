//! Drivers: they carry steps out on a real library and say what came of them.

pub(crate) mod abi;
pub mod fixture;
mod lanes;
mod meeting;
mod rust;
pub(crate) mod stopped;

pub use abi::AbiDriver;
pub use rust::RustDriver;
pub use stopped::Stopped;

use std::time::Duration;

use courier_core::{Failure, Id};

use crate::model::{ANSWER, ANSWER_ERROR, Contract, Interface, SERVED};
use crate::op::{Ordinal, Size, Step};
use crate::outcome::{Content, Seen};
use crate::replay::Through;
use crate::state::State;

/// A deadline that no scenario reaches.
const FAR: Duration = Duration::from_secs(3600);

/// A library under test.
pub trait Driver {
    /// Carries out one step.
    ///
    /// # Errors
    /// The step had no result.
    fn apply(&mut self, step: Step) -> Result<Seen, Stopped>;

    /// The state that no call shows. No step is under way.
    fn state(&self) -> State;

    /// The way to get another driver like it.
    fn through(&self) -> Through;

    /// How it calls the library.
    fn interface(&self) -> Interface;

    /// Whether time may pass: a pump that has nothing to return for lasts a brief wait, and deadlines
    /// come soon. A fuzzer has better uses for a millisecond.
    fn is_patient(&self) -> bool {
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

/// The same object's ordinal, as small as it can be.
fn normal(ids: &[Id], ordinal: Ordinal) -> Ordinal {
    (usize::from(ordinal) % ids.len().max(1)) as Ordinal
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

/// Bytes that a scenario knows, or that fit into a small landing buffer of them, or some text.
fn content(bytes: Vec<u8>) -> Content {
    use fixture::{DATA, DATA_BASE64, ENCODED, HELLO};
    let known: [&[u8]; 8] = [
        HELLO,
        ENCODED,
        DATA,
        DATA_BASE64,
        SERVED,
        ANSWER,
        ANSWER_ERROR.as_bytes(),
        b"",
    ];
    let is_known =
        |known: &[u8]| known == bytes || known.get(..Size::Small.bytes()) == Some(bytes.as_slice());
    if known.into_iter().any(is_known) {
        Content::Exactly(bytes)
    } else {
        Content::SomeText
    }
}
