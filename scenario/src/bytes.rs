//! The bytes form: every byte string is a scenario.
//!
//! One version byte, then records of four bytes: operation (low five bits) and lane (high three), and
//! three operands. Numbers out of range wrap around; a record that is cut off is dropped, and so are
//! records beyond [`MAX_STEPS`]. Fixed-size records keep a fuzzer's small change to an input a small
//! change to the scenario. Five of the eight lane numbers mean lane 0: most calls belong to the owner,
//! and elsewhere lead nowhere.
//!
//! [`encode`] is the inverse on what [`decode`] yields. A version that this library does not know is
//! read as the newest; the decoder of a version stays when the next one comes. Version 1 had fewer
//! operations, shorter lists and two operands: it is the newest with those bounds, and 0 for the third
//! operand. So new operations and values are added at the end of their lists, and the value that a
//! new operand has in its list's first place is what was meant before.

use arbitrary::{Arbitrary, Unstructured};

use crate::op::{
    Answer, Behaviour, Budget, Deadline, Limit, MaxLoads, Op, Pause, Reaction, Root, Size, Step,
    Url,
};

/// The version that [`encode`] writes.
pub const VERSION: u8 = 2;

/// The longest scenario.
pub const MAX_STEPS: usize = 256;

const RECORD: usize = 4;
const LANE_SHIFT: u8 = 5;
/// The lane by its number in a record.
const LANE_NUMBERS: [u8; 8] = [0, 1, 2, 3, 0, 0, 0, 0];

/// How much of the lists a version knows.
struct Bounds {
    operations: u8,
    roots: usize,
    behaviours: usize,
    answers: usize,
    urls: usize,
    third_operand: bool,
}

const VERSION_1: Bounds = Bounds {
    operations: 19,
    roots: 2,
    behaviours: 10,
    answers: 4,
    urls: 11,
    third_operand: false,
};

const NEWEST: Bounds = Bounds {
    operations: 31,
    roots: Root::ALL.len(),
    behaviours: Behaviour::ALL.len(),
    answers: Answer::ALL.len(),
    urls: Url::ALL.len(),
    third_operand: true,
};

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
    let bounds = match bytes.first() {
        Some(1) => &VERSION_1,
        _ => &NEWEST,
    };
    let records = bytes.get(1..).unwrap_or_default();
    records
        .chunks_exact(RECORD)
        .take(MAX_STEPS)
        .map(|record| {
            let operation = record[0] & ((1 << LANE_SHIFT) - 1);
            let third = if bounds.third_operand { record[3] } else { 0 };
            Step {
                lane: LANE_NUMBERS[usize::from(record[0] >> LANE_SHIFT)],
                op: bounds.op(operation, record[1], record[2], third),
            }
        })
        .collect()
}

/// Writes a scenario.
pub fn encode(steps: &[Step]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for step in steps {
        let (operation, first, second, third) = encode_op(step.op);
        bytes.extend([operation | (step.lane << LANE_SHIFT), first, second, third]);
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

impl Bounds {
    fn op(&self, operation: u8, first: u8, second: u8, third: u8) -> Op {
        match operation % self.operations {
            0 => Op::RuntimeCreate {
                root: wrap(&Root::ALL[..self.roots], first),
                max_loads: wrap(MaxLoads::ALL, third),
            },
            1 => Op::RuntimeDestroy { runtime: first },
            2 => Op::Pump {
                runtime: first,
                wait: wrap(Pause::ALL, second),
                budget: wrap(Budget::ALL, third),
            },
            3 => Op::Step { runtime: first },
            4 => Op::Drain {
                runtime: first,
                limit: second,
            },
            5 => Op::SetProvider {
                runtime: first,
                behaviour: wrap(&Behaviour::ALL[..self.behaviours], second),
                reaction: wrap(Reaction::ALL, third),
            },
            6 => Op::ClearProvider { runtime: first },
            7 => Op::WakeSourceCreate { runtime: first },
            8 => Op::Signal { source: first },
            9 => Op::WakeSourceRelease { source: first },
            10 => Op::SessionCreate { runtime: first },
            11 => Op::SessionDestroy { session: first },
            12 => Op::Load {
                session: first,
                url: wrap(&Url::ALL[..self.urls], second),
                deadline: wrap(Deadline::ALL, third),
            },
            13 => Op::Cancel {
                session: first,
                load: second,
            },
            14 => Op::Complete {
                request: first,
                answer: wrap(&Answer::ALL[..self.answers], second),
            },
            15 => Op::IsCancelled { request: first },
            16 => Op::RequestRelease { request: first },
            17 => Op::BlobRead { blob: first },
            18 => Op::BlobRelease { blob: first },
            19 => Op::OnCancel {
                request: first,
                reaction: wrap(Reaction::ALL, second),
            },
            20 => Op::SetWake {
                runtime: first,
                reaction: wrap(Reaction::ALL, second),
            },
            21 => Op::ClearWake { runtime: first },
            22 => Op::SetLog {
                limit: wrap(Limit::ALL, first),
                reaction: wrap(Reaction::ALL, second),
            },
            23 => Op::ClearLog,
            24 => Op::Attach {
                session: first,
                size: wrap(Size::ALL, second),
            },
            25 => Op::Detach { session: first },
            26 => Op::Snapshot { session: first },
            27 => Op::SetSurface {
                session: first,
                surface: second,
            },
            28 => Op::Surface { request: first },
            29 => Op::NextWait { runtime: first },
            30 => Op::ClearOnCancel { request: first },
            other => unreachable!("operation {other}"),
        }
    }
}

fn encode_op(op: Op) -> (u8, u8, u8, u8) {
    match op {
        Op::RuntimeCreate { root, max_loads } => {
            let max_loads = number(MaxLoads::ALL, max_loads);
            (0, number(Root::ALL, root), 0, max_loads)
        }
        Op::RuntimeDestroy { runtime } => (1, runtime, 0, 0),
        Op::Pump {
            runtime,
            wait,
            budget,
        } => {
            let budget = number(Budget::ALL, budget);
            (2, runtime, number(Pause::ALL, wait), budget)
        }
        Op::Step { runtime } => (3, runtime, 0, 0),
        Op::Drain { runtime, limit } => (4, runtime, limit, 0),
        Op::SetProvider {
            runtime,
            behaviour,
            reaction,
        } => {
            let reaction = number(Reaction::ALL, reaction);
            (5, runtime, number(Behaviour::ALL, behaviour), reaction)
        }
        Op::ClearProvider { runtime } => (6, runtime, 0, 0),
        Op::WakeSourceCreate { runtime } => (7, runtime, 0, 0),
        Op::Signal { source } => (8, source, 0, 0),
        Op::WakeSourceRelease { source } => (9, source, 0, 0),
        Op::SessionCreate { runtime } => (10, runtime, 0, 0),
        Op::SessionDestroy { session } => (11, session, 0, 0),
        Op::Load {
            session,
            url,
            deadline,
        } => {
            let deadline = number(Deadline::ALL, deadline);
            (12, session, number(Url::ALL, url), deadline)
        }
        Op::Cancel { session, load } => (13, session, load, 0),
        Op::Complete { request, answer } => (14, request, number(Answer::ALL, answer), 0),
        Op::IsCancelled { request } => (15, request, 0, 0),
        Op::RequestRelease { request } => (16, request, 0, 0),
        Op::BlobRead { blob } => (17, blob, 0, 0),
        Op::BlobRelease { blob } => (18, blob, 0, 0),
        Op::OnCancel { request, reaction } => (19, request, number(Reaction::ALL, reaction), 0),
        Op::SetWake { runtime, reaction } => (20, runtime, number(Reaction::ALL, reaction), 0),
        Op::ClearWake { runtime } => (21, runtime, 0, 0),
        Op::SetLog { limit, reaction } => {
            let reaction = number(Reaction::ALL, reaction);
            (22, number(Limit::ALL, limit), reaction, 0)
        }
        Op::ClearLog => (23, 0, 0, 0),
        Op::Attach { session, size } => (24, session, number(Size::ALL, size), 0),
        Op::Detach { session } => (25, session, 0, 0),
        Op::Snapshot { session } => (26, session, 0, 0),
        Op::SetSurface { session, surface } => (27, session, surface, 0),
        Op::Surface { request } => (28, request, 0, 0),
        Op::NextWait { runtime } => (29, runtime, 0, 0),
        Op::ClearOnCancel { request } => (30, request, 0, 0),
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
        for operation in 0..NEWEST.operations {
            for lane in 0..8 {
                for operand in [0, 1, 9, 200, 255] {
                    bytes.extend([operation | (lane << LANE_SHIFT), operand, operand, operand]);
                }
            }
        }
        bytes
    }

    #[test]
    fn what_was_decoded_survives_encoding() {
        for version in [1, VERSION] {
            for chunk in everything()[1..].chunks(MAX_STEPS * RECORD) {
                let steps = decode(&[&[version], chunk].concat());
                assert_eq!(steps.len(), chunk.len() / RECORD);
                assert_eq!(decode(&encode(&steps)), steps);
                assert_eq!(from_hex(&to_hex(&steps)).unwrap(), steps);
            }
        }
    }

    #[test]
    fn version_1_keeps_its_meaning() {
        let only =
            |version, record: [u8; RECORD]| decode(&[&[version][..], &record].concat())[0].op;
        // Operation, root and URL wrap around where the lists ended then; the last byte was not used.
        let create = Op::RuntimeCreate {
            root: Root::Fixture,
            max_loads: MaxLoads::Many,
        };
        assert_eq!(only(1, [19, 2, 0, 1]), create);
        let load = Op::Load {
            session: 7,
            url: Url::Hello,
            deadline: Deadline::Absent,
        };
        assert_eq!(only(1, [12, 7, 11, 2]), load);
        assert_eq!(
            only(VERSION, [12, 7, 11, 2]),
            Op::Load {
                session: 7,
                url: Url::Data,
                deadline: Deadline::Now,
            }
        );
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
