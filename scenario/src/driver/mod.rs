//! Drivers: they carry steps out on a real library, and give the results.

pub(crate) mod abi;
#[cfg(feature = "go")]
pub mod go;
mod meeting;
mod rust;

pub use abi::{AbiDriver, decision, failure};
pub use rust::RustDriver;

use std::time::Duration;

use cgolab_explore::Driver;
use courier_core::{Failure, Id};

use crate::fixture::{ANSWER, ANSWER_ERROR, DATA, DATA_BASE64, ENCODED, HELLO, SERVED};
use crate::model::Model;
use crate::op::{Ordinal, Size, Step};
use crate::outcome::Content;
use crate::replay::Replay;
use crate::through::Through;

/// A deadline that no scenario reaches.
pub const FAR: Duration = Duration::from_secs(3600);

/// A driver of courier, through any interface.
pub type AnyDriver = dyn Driver<Model = Model>;

impl Through {
    /// A scenario for it, as [`Replay::COMMAND`] takes it.
    pub fn scenario(self, steps: &[Step]) -> String {
        let (through, steps) = (self, steps.to_vec());
        Replay { through, steps }.to_string()
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
pub fn failure_text(failure: Failure, text: Vec<u8>) -> Content {
    match failure {
        Failure::Provider if text == ANSWER_ERROR.as_bytes() => Content::Exactly(text),
        _ => content(text),
    }
}

/// Bytes that a scenario knows, or that fit into a small retained buffer of them, or some text.
pub fn content(bytes: Vec<u8>) -> Content {
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
