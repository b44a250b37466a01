//! The bytes form: every byte string is a scenario.
//!
//! One version byte, then records of four bytes: operation (low five bits) and lane (high three),
//! first and second operand, and a byte that is kept for later. Numbers out of range wrap around; a
//! record that is cut off is dropped, and so are records beyond [`MAX_STEPS`]. Fixed-size records keep
//! a fuzzer's small change to an input a small change to the scenario. Five of the eight lane numbers
//! mean lane 0: most calls belong to the owner, and elsewhere lead nowhere.
//!
//! [`encode`] is the inverse on what [`decode`] yields. A version that this library does not know is
//! read as the newest; the decoder of a version stays when the next one comes.

use arbitrary::{Arbitrary, Unstructured};

use crate::op::{Answer, Behaviour, Op, Pause, Step, Url};

/// The version that [`encode`] writes.
pub const VERSION: u8 = 1;

/// The longest scenario.
pub const MAX_STEPS: usize = 256;

const RECORD: usize = 4;
const LANE_SHIFT: u8 = 5;
/// The lane by its number in a record.
const LANE_NUMBERS: [u8; 8] = [0, 1, 2, 3, 0, 0, 0, 0];
const OPERATIONS: u8 = 19;

/// A whole scenario, for generators that want one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario(pub Vec<Step>);

impl<'a> Arbitrary<'a> for Scenario {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Scenario(decode(input.bytes(input.len())?)))
    }

    fn arbitrary_take_rest(input: Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Scenario(decode(input.take_rest())))
    }
}

/// Reads a scenario. Total: never fails.
pub fn decode(bytes: &[u8]) -> Vec<Step> {
    let records = bytes.get(1..).unwrap_or_default();
    records
        .chunks_exact(RECORD)
        .take(MAX_STEPS)
        .map(|record| {
            let operation = record[0] & ((1 << LANE_SHIFT) - 1);
            Step {
                lane: LANE_NUMBERS[usize::from(record[0] >> LANE_SHIFT)],
                op: decode_op(operation % OPERATIONS, record[1], record[2]),
            }
        })
        .collect()
}

/// Writes a scenario.
pub fn encode(steps: &[Step]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for step in steps {
        let (operation, first, second) = encode_op(step.op);
        bytes.extend([operation | (step.lane << LANE_SHIFT), first, second, 0]);
    }
    bytes
}

fn wrap<T: Copy>(all: &[T], number: u8) -> T {
    all[usize::from(number) % all.len()]
}

fn number<T: PartialEq>(all: &[T], value: T) -> u8 {
    let position = all.iter().position(|each| *each == value);
    position.expect("the list is complete") as u8
}

fn decode_op(operation: u8, first: u8, second: u8) -> Op {
    match operation {
        0 => Op::RuntimeCreate {
            root: first.is_multiple_of(2),
        },
        1 => Op::RuntimeDestroy { runtime: first },
        2 => Op::Pump {
            runtime: first,
            wait: wrap(Pause::ALL, second),
        },
        3 => Op::Step { runtime: first },
        4 => Op::Drain {
            runtime: first,
            limit: second,
        },
        5 => Op::SetProvider {
            runtime: first,
            behaviour: wrap(Behaviour::ALL, second),
        },
        6 => Op::ClearProvider { runtime: first },
        7 => Op::WakeSourceCreate { runtime: first },
        8 => Op::Signal { source: first },
        9 => Op::WakeSourceRelease { source: first },
        10 => Op::SessionCreate { runtime: first },
        11 => Op::SessionDestroy { session: first },
        12 => Op::Load {
            session: first,
            url: wrap(Url::ALL, second),
        },
        13 => Op::Cancel {
            session: first,
            load: second,
        },
        14 => Op::Complete {
            request: first,
            answer: wrap(Answer::ALL, second),
        },
        15 => Op::IsCancelled { request: first },
        16 => Op::RequestRelease { request: first },
        17 => Op::BlobRead { blob: first },
        18 => Op::BlobRelease { blob: first },
        other => unreachable!("operation {other}"),
    }
}

fn encode_op(op: Op) -> (u8, u8, u8) {
    match op {
        Op::RuntimeCreate { root } => (0, u8::from(!root), 0),
        Op::RuntimeDestroy { runtime } => (1, runtime, 0),
        Op::Pump { runtime, wait } => (2, runtime, number(Pause::ALL, wait)),
        Op::Step { runtime } => (3, runtime, 0),
        Op::Drain { runtime, limit } => (4, runtime, limit),
        Op::SetProvider { runtime, behaviour } => (5, runtime, number(Behaviour::ALL, behaviour)),
        Op::ClearProvider { runtime } => (6, runtime, 0),
        Op::WakeSourceCreate { runtime } => (7, runtime, 0),
        Op::Signal { source } => (8, source, 0),
        Op::WakeSourceRelease { source } => (9, source, 0),
        Op::SessionCreate { runtime } => (10, runtime, 0),
        Op::SessionDestroy { session } => (11, session, 0),
        Op::Load { session, url } => (12, session, number(Url::ALL, url)),
        Op::Cancel { session, load } => (13, session, load),
        Op::Complete { request, answer } => (14, request, number(Answer::ALL, answer)),
        Op::IsCancelled { request } => (15, request, 0),
        Op::RequestRelease { request } => (16, request, 0),
        Op::BlobRead { blob } => (17, blob, 0),
        Op::BlobRelease { blob } => (18, blob, 0),
    }
}

/// A scenario as hexadecimal digits, for messages.
pub fn to_hex(steps: &[Step]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in encode(steps) {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}

/// Reads [`to_hex`]'s form.
///
/// # Errors
/// What is wrong with the text.
pub fn from_hex(text: &str) -> Result<Vec<Step>, String> {
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

    /// One input with every operation on every lane.
    fn everything() -> Vec<u8> {
        let mut bytes = vec![VERSION];
        for operation in 0..OPERATIONS {
            for lane in 0..8 {
                for operand in [0, 1, 9, 200, 255] {
                    bytes.extend([operation | (lane << LANE_SHIFT), operand, operand, 0]);
                }
            }
        }
        bytes
    }

    #[test]
    fn what_was_decoded_survives_encoding() {
        for chunk in everything()[1..].chunks(MAX_STEPS * RECORD) {
            let steps = decode(&[&[VERSION], chunk].concat());
            assert_eq!(steps.len(), chunk.len() / RECORD);
            assert_eq!(decode(&encode(&steps)), steps);
            assert_eq!(from_hex(&to_hex(&steps)).unwrap(), steps);
        }
    }

    #[test]
    fn decoding_is_total_and_bounded() {
        assert!(decode(&[]).is_empty());
        assert!(decode(&[VERSION, 1, 2, 3]).is_empty());
        assert_eq!(decode(&[99, 0, 0, 0, 0, 7]).len(), 1);
        assert_eq!(decode(&vec![0xff; 10_000]).len(), MAX_STEPS);
    }

    #[test]
    fn arbitrary_is_the_decoder() {
        let bytes = &everything()[..101 * RECORD + 1];
        let scenario = Scenario::arbitrary_take_rest(Unstructured::new(bytes)).unwrap();
        assert_eq!(scenario.0, decode(bytes));
        let scenario = Scenario::arbitrary(&mut Unstructured::new(bytes)).unwrap();
        assert_eq!(scenario.0, decode(bytes));
    }

    #[test]
    fn bad_hex_is_refused() {
        from_hex("0g").unwrap_err();
        from_hex("0").unwrap_err();
    }
}
