//! Operations and steps.

use std::fmt;

/// The number of lanes that a scenario has.
pub const LANES: u8 = 4;

/// One operation on one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<Op> {
    /// The thread, below [`LANES`].
    pub lane: u8,
    /// The operation.
    pub op: Op,
}

/// The operations of a library, numbered from 0. [`operations!`](crate::operations) implements it.
pub trait Operation: Copy + fmt::Debug + PartialEq + 'static {
    /// The value that the subject keeps with each operation.
    type Row: 'static;

    /// Those values, by number.
    const ROWS: &'static [Self::Row];

    /// Names, by number.
    const NAMES: &'static [&'static str];

    /// Fields, by number.
    const FIELDS: &'static [&'static [Field]];

    /// Older versions of the bytes form, version 1 first.
    const OLDER: &'static [Form];

    /// The newest version of the bytes form.
    const VERSION: u8 = Self::OLDER.len() as u8 + 1;

    /// The operation with this number and these operands, all of which wrap around.
    fn decode(number: u8, operands: [u8; 3], version: u8) -> Self;

    /// The number and the operands, in the newest version.
    fn encode(self) -> (u8, [u8; 3]);

    /// The name.
    fn name(self) -> &'static str {
        Self::NAMES[usize::from(self.encode().0)]
    }
}

/// A field of an operation, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// The operand that it is written in.
    pub operand: usize,
    /// The names of its values, by number. Empty if it is a number itself.
    pub values: &'static [&'static str],
}

/// The limits of an older version of the bytes form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The number of operations.
    pub operations: u8,
    /// The number of operands; those after them read as 0.
    pub operands: usize,
}

/// A field's type: one byte in the bytes form, and a name or a number in the text form.
pub trait Operand: Copy {
    /// The names of the values, by number. Empty if the value is a number itself.
    const NAMES: &'static [&'static str];

    /// The value of a byte, which wraps around, in a version of the bytes form.
    fn decode(byte: u8, version: u8) -> Self;

    /// The byte, in the newest version.
    fn encode(self) -> u8;
}

/// Ordinals, numbers and limits stand for themselves.
impl Operand for u8 {
    const NAMES: &'static [&'static str] = &[];

    fn decode(byte: u8, _: u8) -> u8 {
        byte
    }

    fn encode(self) -> u8 {
        self
    }
}
