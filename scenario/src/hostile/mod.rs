//! Hostile calls through the C ABI: what no well-behaved host passes, and exactly how it is refused.
//!
//! An input is a list of records of four bytes; each makes one call, in a `World` with one live
//! object of each kind. The expected word is computed from the header's rules, here, and compared with
//! the library's; a refused call must leave everything as it was.
//!
//! | module | hostile are |
//! |---|---|
//! | [`ids`] | handles |
//! | [`structs`] | sizes, numbers and NULLs in the structs that may grow |
//! | [`memory`] | views, capacities, text |
#![expect(unsafe_code, reason = "they are C programs, written in Rust")]

pub mod ids;
pub mod memory;
pub mod structs;
mod world;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cgolab_note::Note;
use courier_core::Word;

use crate::driver::abi::{Refused, check};
use crate::oracle::ContractCounts;
use cgolab_explore::{Contract, Stopped};

use world::World;

/// The number of bytes of one call.
pub const RECORD: usize = 4;
/// More records than that are not read.
const MAX_CALLS: usize = 64;

/// A hostile call that was not refused as it must be. Displays as a report with the lines by which a
/// test tells the lab what broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The contract in question.
    pub contract: Contract,
    /// The call.
    pub call: String,
    /// The result that it must have.
    pub expected: String,
    /// The result that it had.
    pub observed: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the library did not treat a call as it must: {}",
            self.call
        )?;
        writeln!(f, "  expected: {}", self.expected)?;
        writeln!(f, "  observed: {}", self.observed)?;
        write!(f, "{}", Note::broken(self.contract))
    }
}

/// A target: what it makes of an input.
pub type Target = fn(&[u8]) -> Result<ContractCounts, Box<Wrong>>;

/// Runs the records of an input in a new world, and takes the world down.
fn run(
    input: &[u8],
    mut call: impl FnMut(&mut World, [u8; RECORD]) -> Checked,
) -> Result<ContractCounts, Box<Wrong>> {
    let mut counts = ContractCounts::default();
    let mut world = World::new();
    for record in input.chunks_exact(RECORD).take(MAX_CALLS) {
        let record = record.try_into().expect("of that size");
        let calls = AssertUnwindSafe(|| call(&mut world, record));
        let contracts = catch_unwind(calls).unwrap_or_else(|payload| Err(stopped(&*payload)))?;
        counts.count(&contracts);
    }
    world.end()?;
    counts.count_scenario();
    Ok(counts)
}

/// The result of the driver's own look at a call.
fn stopped(payload: &(dyn Any + Send)) -> Box<Wrong> {
    let Stopped { contract, text, .. } = Stopped::of_panic(payload);
    Box::new(Wrong {
        contract: contract.unwrap_or("STA-05"),
        call: "a call with its diagnostic".to_owned(),
        expected: "what the header says".to_owned(),
        observed: text,
    })
}

/// The contracts that a call put to the test, or what was wrong with it.
type Checked = Result<Vec<Contract>, Box<Wrong>>;

/// Compares two values of one call.
fn expect<T: PartialEq + fmt::Debug>(
    contract: Contract,
    call: impl fmt::Display,
    expected: T,
    observed: T,
) -> Result<(), Box<Wrong>> {
    if expected == observed {
        return Ok(());
    }
    Err(Box::new(Wrong {
        contract,
        call: call.to_string(),
        expected: format!("{expected:?}"),
        observed: format!("{observed:?}"),
    }))
}

/// The word of a refusal.
fn word(status: courier::courier_status) -> Option<Word> {
    check(status).err().map(|Refused(word)| word)
}

fn choose<T: Copy>(all: &[T], number: u8) -> T {
    all[usize::from(number) % all.len()]
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// Every first byte with every class of the second, with a planted panic too.
    fn everything() -> Vec<u8> {
        let mut input = Vec::new();
        for first in 0..=u8::MAX {
            for second in (0..18).chain([0x81]) {
                input.extend([first, second, first.wrapping_mul(31) ^ second, second]);
            }
        }
        input
    }

    fn checked(target: Target) -> Vec<Contract> {
        let mut counts = ContractCounts::default();
        for input in everything().chunks(MAX_CALLS * RECORD) {
            match target(input) {
                Ok(checked) => counts.add(&checked),
                Err(wrong) => panic!("{wrong}"),
            }
        }
        counts.contracts().collect()
    }

    /// The library is the process's: one target at a time.
    static LIBRARY: Mutex<()> = Mutex::new(());

    fn judge(target: Target, expected: &[Contract]) {
        // A target that failed has left something alive.
        let _alone = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
        courier::test_hooks::force_reset();
        assert_eq!(checked(target), expected);
    }

    #[test]
    fn hostile_handles_are_refused_as_they_must_be() {
        let expected = ["ABI-05", "HDL-06", "HDL-07", "HDL-12", "STA-05"];
        judge(ids::hostile_ids, &expected);
    }

    #[test]
    fn hostile_structs_are_refused_as_they_must_be() {
        let expected = ["ABI-06", "ABI-10", "STA-05", "STA-12", "VAL-10", "VAL-11"];
        judge(structs::abi_structs, &expected);
    }

    #[test]
    fn hostile_memory_is_refused_as_it_must_be() {
        let expected = [
            "REQ-08", "REQ-18", "STA-05", "VAL-09", "VAL-10", "VAL-16", "VAL-17",
        ];
        judge(memory::memory_views, &expected);
    }

    #[test]
    fn a_wrong_result_names_its_contract() {
        let wrong = expect("HDL-06", "f()", Some(Word::WrongKind), None).unwrap_err();
        let text = wrong.to_string();
        assert!(text.contains("expected: Some(WrongKind)"), "{text}");
        assert!(
            text.ends_with(&Note::broken("HDL-06").to_string()),
            "{text}"
        );
    }
}
