//! Writes the seeds of a fuzz target: for each contract that scenarios put to the test, the shortest
//! scenario found that does.
//!
//! `cargo run --release -p courier-scenario --example seeds -- fuzz/seeds/request_lifecycle`

#[path = "../tests/common/mod.rs"]
mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use courier_scenario::driver::AbiDriver;
use courier_scenario::{Step, bytes, oracle};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Contracts that a scenario puts to the test, before its teardown adds some of its own.
fn checked(steps: &[Step], driver: &mut AbiDriver) -> BTreeSet<&'static str> {
    driver.reset();
    match oracle::run(steps, driver, |_, _| {}) {
        Ok(ledger) => ledger.contracts().collect(),
        Err(broken) => panic!("mend this first: {broken}"),
    }
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: seeds FOLDER");
        return ExitCode::from(2);
    };
    let driver = RefCell::new(AbiDriver::new());
    let trivial = checked(&[], &mut driver.borrow_mut());
    // A fixed seed: the same scenarios each time.
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
    let seen = runner().run(&common::typed(), |steps| {
        wanted
            .borrow_mut()
            .extend(checked(&steps, &mut driver.borrow_mut()));
        Ok(())
    });
    seen.expect("a scenario is always generated");
    for contract in wanted.into_inner().difference(&trivial) {
        let found = runner().run(&common::typed(), |steps| {
            if checked(&steps, &mut driver.borrow_mut()).contains(contract) {
                return Err(TestCaseError::fail("found"));
            }
            Ok(())
        });
        let Err(TestError::Fail(_, steps)) = found else {
            eprintln!("{contract}: not found again");
            return ExitCode::FAILURE;
        };
        let path = folder.join(format!("{contract}-{}-steps", steps.len()));
        if let Err(error) = std::fs::write(&path, bytes::encode(&steps)) {
            eprintln!(
                "error: {}: {error}; name a folder that exists",
                path.display()
            );
            return ExitCode::from(2);
        }
        println!("{}", path.display());
    }
    ExitCode::SUCCESS
}
