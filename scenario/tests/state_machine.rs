//! Random scenarios against the reference model, on the Rust API with stepped workers.
//!
//! Two generators. The typed one (`proptest-state-machine`) knows the model while it generates, so
//! it prefers steps that meet live objects, and shrinks to short histories. The bytes one feeds the
//! decoder that fuzzers use. Both are judged by `oracle::run`, and print which contracts they put to
//! the test, and how often.
//!
//! Nothing is written to disk when a test fails: the report names the scenario in a form that
//! `--example replay` takes, and a scenario worth keeping becomes a case in `REGRESSIONS`.

mod common;

use std::cell::{Cell, RefCell};

use courier_scenario::bytes;
use courier_scenario::driver::{AbiDriver, RustDriver};
use courier_scenario::op::Step;
use courier_scenario::oracle::{self, Ledger};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use common::typed;

/// Scenarios that once failed, or nearly. Each names its cause.
const REGRESSIONS: &[(&str, &str)] = &[
    ("an empty scenario", "01"),
    (
        "a destroy that meets a session, and its retry",
        concat!(
            "01", "00000000", "0a000000", "01000000", "0b000000", "01000000"
        ),
    ),
];

/// Runs a strategy of scenarios and prints what was checked.
fn check<S: Strategy>(last_generation: u32, strategy: S, steps: impl Fn(S::Value) -> Vec<Step>) {
    let config = Config {
        // Fewer, and a contract that needs a rare history goes unchecked in one run of a thousand.
        cases: Config::default().cases.max(512),
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let driver = RefCell::new(RustDriver::new(last_generation));
    let ledger = RefCell::new(Ledger::default());
    // A hang costs the watchdog's patience and the driver: it is reported as it is, not shrunk.
    let hang = RefCell::new(None);
    let reused_slots = Cell::new(0);
    let result = runner.run(&strategy, |value| {
        if hang.borrow().is_some() {
            return Ok(());
        }
        let mut driver = driver.borrow_mut();
        driver.reset();
        match oracle::run(&steps(value), &mut *driver, |_, _| {}) {
            Ok(checked) => {
                ledger.borrow_mut().add(&checked);
                reused_slots.set(reused_slots.get() + driver.reused_slots());
                Ok(())
            }
            Err(broken) => {
                if broken.hung {
                    *hang.borrow_mut() = Some(broken.to_string());
                }
                Err(TestCaseError::fail(broken.to_string()))
            }
        }
    });
    if let Some(hang) = hang.into_inner() {
        panic!("{hang}");
    }
    match result {
        Ok(()) => {}
        // The reason is that of the smallest scenario that still fails.
        Err(TestError::Fail(reason, _)) => panic!("{}", reason.message()),
        Err(TestError::Abort(reason)) => panic!("no scenario could be generated: {reason}"),
    }
    // Or no released id could have met a newer object, and the checks of HDL-05 would prove nothing.
    assert!(reused_slots.get() > 0, "no slot was ever reused");
    let ledger = ledger.into_inner();
    println!("{ledger}");
}

#[test]
fn typed_scenarios_follow_the_model() {
    check(u32::MAX, typed(), |steps| steps);
}

#[test]
fn bytes_scenarios_follow_the_model() {
    let input = proptest::collection::vec(any::<u8>(), 0..600);
    check(u32::MAX, input, |input| bytes::decode(&input));
}

/// With slots that retire after two objects, every table soon runs through retired ones.
#[test]
fn hdl_14_scenarios_follow_the_model_when_slots_retire() {
    check(2, typed(), |steps| steps);
}

#[test]
fn regressions_follow_the_model() {
    let mut driver = RustDriver::new(u32::MAX);
    let mut ledger = Ledger::default();
    for (cause, hex) in REGRESSIONS {
        driver.reset();
        let steps = bytes::from_hex(hex).unwrap();
        match oracle::run(&steps, &mut driver, |_, _| {}) {
            Ok(checked) => ledger.add(&checked),
            Err(broken) => panic!("{cause}: {broken}"),
        }
    }
    println!("{ledger}");
}

/// The C ABI under the same judge: what the fuzz target does, on a small fixed budget and without
/// libFuzzer.
#[test]
fn typed_scenarios_through_the_c_abi_follow_the_model() {
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let driver = RefCell::new(AbiDriver::new());
    let ledger = RefCell::new(Ledger::default());
    // The library is the process's own: what a broken scenario leaves in it would spoil the next one.
    // So the first is reported as it is, not shrunk.
    let first = RefCell::new(None);
    let result = runner.run(&typed(), |steps| {
        if first.borrow().is_some() {
            return Ok(());
        }
        let mut driver = driver.borrow_mut();
        driver.reset();
        match oracle::run(&steps, &mut *driver, |_, _| {}) {
            Ok(checked) => {
                ledger.borrow_mut().add(&checked);
                Ok(())
            }
            Err(broken) => {
                *first.borrow_mut() = Some(broken.to_string());
                Err(TestCaseError::fail("broken"))
            }
        }
    });
    if let Some(broken) = first.into_inner() {
        panic!("{broken}");
    }
    result.expect("a scenario is always generated");
    println!("{}", ledger.into_inner());
}
