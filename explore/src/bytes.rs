//! The bytes form: every byte string is a scenario.
//!
//! One version byte, then records of four bytes: operation (low five bits) and lane (high three), and
//! three operands. Numbers out of range wrap around; a record that is cut off is dropped, and so are
//! records beyond [`MAX_STEPS`]. Fixed-size records keep a fuzzer's small change to an input a small
//! change to the scenario. Five of the eight lane numbers mean lane 0: most calls belong to the owner,
//! and elsewhere lead nowhere.
//!
//! [`encode`] is the inverse on what [`decode`] yields. A version that is not known is read as the newest.
//! An older one is the newest with the limits of its [`Form`], and 0 for the operands that it did not have:
//! new operations and values are added at the end of their lists, and the first value in the list of a new
//! operand is what was meant before.

use std::fmt::Write as _;

use crate::operation::{Form, LANES, Operation, Step};

/// The longest scenario.
pub const MAX_STEPS: usize = 256;

/// The number of bytes of a step.
pub const RECORD: usize = 1 + OPERANDS;

const OPERANDS: usize = 3;
const LANE_SHIFT: u8 = 5;
/// The lane by its number in a record.
const LANE_NUMBERS: [u8; 8] = [0, 1, 2, LANES - 1, 0, 0, 0, 0];

/// The limits of a version, which is one that [`decode`] reads.
pub fn form<Op: Operation>(version: u8) -> Form {
    let newest = Form {
        operations: Op::NAMES.len() as u8,
        operands: OPERANDS,
    };
    let older = usize::from(version).checked_sub(1);
    let older = older.and_then(|index| Op::OLDER.get(index));
    older.copied().unwrap_or(newest)
}

/// Reads a scenario. Total: never fails.
pub fn decode<Op: Operation>(bytes: &[u8]) -> Vec<Step<Op>> {
    const {
        assert!(
            Op::NAMES.len() <= 1 << LANE_SHIFT,
            "five bits number an operation"
        )
    };
    let version = bytes.first().copied().unwrap_or(Op::VERSION);
    let records = bytes.get(1..).unwrap_or_default();
    let records = records.chunks_exact(RECORD).take(MAX_STEPS);
    let step = |record: &[u8]| {
        let number = record[0] & ((1 << LANE_SHIFT) - 1);
        let operands = record[1..].try_into().expect("a record has three");
        Step {
            lane: LANE_NUMBERS[usize::from(record[0] >> LANE_SHIFT)],
            op: Op::decode(number, operands, version),
        }
    };
    records.map(step).collect()
}

/// Writes a scenario, in the newest version.
pub fn encode<Op: Operation>(steps: &[Step<Op>]) -> Vec<u8> {
    let mut bytes = vec![Op::VERSION];
    for step in steps {
        let (number, operands) = step.op.encode();
        bytes.push(number | (step.lane << LANE_SHIFT));
        bytes.extend(operands);
    }
    bytes
}

/// A scenario as hexadecimal digits, for messages.
pub fn to_hex<Op: Operation>(steps: &[Step<Op>]) -> String {
    let mut text = String::new();
    for byte in encode(steps) {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}

/// Reads [`to_hex`]'s form.
///
/// # Errors
/// The mistake in the text.
pub fn from_hex<Op: Operation>(text: &str) -> Result<Vec<Step<Op>>, String> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("{text:?} is not hexadecimal"))?;
    if digits.len() % 2 == 1 {
        return Err(format!("{text:?} has an odd number of digits"));
    }
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    Ok(decode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Field;

    crate::values! {
        /// A list that version 1 knew the first two of.
        enum Size {
            known: [1: 2],
            /// The first.
            Small,
            /// The second.
            Large,
            /// One that version 1 did not have.
            Huge,
        }
    }

    crate::operations! {
        /// A table with two versions.
        enum Op {
            older: [Form { operations: 2, operands: 2 }],
            row: char,
            /// Fields in an order that is not that of the operands.
            Make = 0, 'm' => {
                /// The third operand, which version 1 did not have.
                size: Size = 2,
                /// The first.
                count: u8 = 0,
                /// The second.
                spare: Size = 1,
            },
            /// No field.
            Clear = 1, 'c',
            /// An operation that version 1 did not have.
            Resize = 2, 'r' => {
                /// The second operand.
                size: Size = 1,
            },
        }
    }

    /// One input with every operation on every lane.
    fn everything(version: u8) -> Vec<u8> {
        let mut bytes = vec![version];
        for head in 0..=255u8 {
            bytes.extend([head, head ^ 0x55, head.rotate_left(3), head.wrapping_mul(7)]);
        }
        bytes
    }

    #[test]
    fn what_was_decoded_survives_encoding() {
        for version in [1, 2] {
            let steps: Vec<Step<Op>> = decode(&everything(version));
            assert_eq!(steps.len(), 256);
            assert_eq!(decode(&encode(&steps)), steps);
            assert_eq!(from_hex(&to_hex(&steps)), Ok(steps));
        }
    }

    #[test]
    fn an_older_version_keeps_its_meaning() {
        let only =
            |version, record: [u8; RECORD]| decode::<Op>(&[&[version][..], &record].concat())[0].op;
        let make = |size, count, spare| Op::Make { size, count, spare };
        // Operation and value wrap around where the lists ended then; the last byte was not used.
        assert_eq!(only(1, [2, 9, 2, 1]), make(Size::Small, 9, Size::Small));
        assert_eq!(only(2, [2, 9, 2, 1]), Op::Resize { size: Size::Huge });
        assert_eq!(only(2, [0, 9, 2, 2]), make(Size::Huge, 9, Size::Huge));
        // One that nobody knows is the newest.
        assert_eq!(only(0, [2, 9, 2, 1]), only(2, [2, 9, 2, 1]));
        assert_eq!(only(3, [2, 9, 2, 1]), only(2, [2, 9, 2, 1]));
    }

    #[test]
    fn decoding_is_total_and_bounded() {
        assert!(decode::<Op>(&[]).is_empty());
        assert!(decode::<Op>(&[2, 1, 2, 3]).is_empty());
        assert_eq!(decode::<Op>(&[99, 0, 0, 0, 0, 7]).len(), 1);
        assert_eq!(decode::<Op>(&[0xff; 10_000]).len(), MAX_STEPS);
    }

    #[test]
    fn bad_hex_is_refused() {
        from_hex::<Op>("0g").unwrap_err();
        from_hex::<Op>("0").unwrap_err();
    }

    #[test]
    fn a_table_names_its_operations_fields_and_rows() {
        assert_eq!(Op::NAMES, ["Make", "Clear", "Resize"]);
        assert_eq!(Op::Clear.name(), "Clear");
        let field = |name, operand, values| Field {
            name,
            operand,
            values,
        };
        let sizes: &[&str] = &["Small", "Large", "Huge"];
        assert_eq!(
            Op::FIELDS[0],
            [
                field("size", 2, sizes),
                field("count", 0, &[]),
                field("spare", 1, sizes)
            ]
        );
        assert_eq!(Op::FIELDS[1], []);
        assert_eq!(Op::ROWS, ['m', 'c', 'r']);
    }
}
