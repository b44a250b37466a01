//! Writes the seeds of a fuzz target: for each contract that its inputs put to the test, the shortest
//! input found that does.
//!
//! `cargo run --release -p courier-scenario --example seeds -- fuzz/seeds/request_lifecycle`: the
//! folder's name is the target's.

#[path = "../tests/common/mod.rs"]
mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use courier_scenario::driver::AbiDriver;
use courier_scenario::hostile::{self, RECORD};
use courier_scenario::oracle::{self, ContractCounts};
use courier_scenario::{Step, bytes};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Contracts that an input puts to the test, and a teardown after it.
type Checked<'a> = &'a dyn Fn(&[u8]) -> BTreeSet<&'static str>;

fn contracts(result: Result<ContractCounts, impl Display>) -> BTreeSet<&'static str> {
    match result {
        Ok(counts) => counts.contracts().collect(),
        Err(broken) => panic!("mend this first: {broken}"),
    }
}

/// Finds and writes the seeds. `encode` makes an input of a value, and says how many steps it has.
fn write<S: Strategy>(
    folder: &Path,
    strategy: impl Fn() -> S,
    encode: impl Fn(S::Value) -> (Vec<u8>, usize),
    checked: Checked<'_>,
) -> Result<(), String> {
    // A fixed seed: the same inputs each time.
    let runner = || {
        let config = Config {
            cases: 400,
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        TestRunner::new_with_rng(config, rng)
    };
    let wanted = RefCell::new(BTreeSet::new());
    let seen = runner().run(&strategy(), |value| {
        wanted.borrow_mut().extend(checked(&encode(value).0));
        Ok(())
    });
    seen.expect("an input is always generated");
    // Things that every input does need no seed.
    let trivial = checked(&[]);
    for contract in wanted.into_inner().difference(&trivial) {
        let found = runner().run(&strategy(), |value| {
            if checked(&encode(value).0).contains(contract) {
                return Err(TestCaseError::fail("found"));
            }
            Ok(())
        });
        let Err(TestError::Fail(_, value)) = found else {
            return Err(format!("{contract}: not found again"));
        };
        let (input, steps) = encode(value);
        let path = folder.join(format!("{contract}-{steps}-steps"));
        std::fs::write(&path, input)
            .map_err(|error| format!("{}: {error}; name a folder that exists", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

fn scenarios(folder: &Path, choose: fn(&[Step]) -> Vec<Step>) -> Result<(), String> {
    let driver = RefCell::new(AbiDriver::new());
    let checked = |input: &[u8]| {
        let mut driver = driver.borrow_mut();
        driver.reset();
        let steps = choose(&bytes::decode(input));
        contracts(oracle::run(&steps, &mut *driver, |_, _| {}))
    };
    let encode = |steps: Vec<Step>| {
        let steps = choose(&steps);
        (bytes::encode(&steps), steps.len())
    };
    write(folder, common::typed, encode, &checked)
}

fn hostile_calls(folder: &Path, target: hostile::Target) -> Result<(), String> {
    let strategy = || proptest::collection::vec(any::<[u8; RECORD]>(), 0..48);
    let encode = |records: Vec<[u8; RECORD]>| (records.concat(), records.len());
    write(folder, strategy, encode, &|input| contracts(target(input)))
}

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let target = folder.as_deref().and_then(Path::file_name);
    let (Some(folder), Some(target)) = (&folder, target) else {
        eprintln!("usage: seeds FOLDER/TARGET");
        return ExitCode::from(2);
    };
    let result = match target.to_str() {
        Some("request_lifecycle") => scenarios(folder, <[Step]>::to_vec),
        Some("valid_lifecycle") => scenarios(folder, oracle::without_refusals),
        Some("hostile_ids") => hostile_calls(folder, hostile::ids::hostile_ids),
        Some("abi_structs") => hostile_calls(folder, hostile::structs::abi_structs),
        Some("memory_views") => hostile_calls(folder, hostile::memory::memory_views),
        _ => Err(format!("{} is named for no target", folder.display())),
    };
    if let Err(error) = result {
        eprintln!("error: {error}");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}
