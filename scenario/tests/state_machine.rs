//! Random scenarios against the reference model, on the Rust API with stepped workers.
//!
//! Two generators. The typed one (`proptest-state-machine`) knows the model while it generates, so
//! it prefers steps that meet live objects, and shrinks to short histories. The bytes one feeds the
//! decoder that fuzzers use. Both are judged by `oracle::run`, and print which contracts they put to
//! the test, and how often.
//!
//! Nothing is written to disk when a test fails: the report names the scenario in a form that
//! `cargo lab replay` takes, and a scenario worth keeping becomes a case in `REGRESSIONS`.

mod common;

use std::cell::{Cell, RefCell};

use courier_scenario::bytes;
use courier_scenario::driver::{AbiDriver, RustDriver};
use courier_scenario::explore::{Driver, Operation};
use courier_scenario::features::{Encounter, Pair};
use courier_scenario::model::Model;
use courier_scenario::op::{Op, Step};
use courier_scenario::oracle::{self, ContractCounts};
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
    (
        "a pump without a limit returns for a deadline",
        "02000100000a0000000c00090402000100",
    ),
];

/// Cases of each test on the Rust API. Fewer, and a contract that needs a rare history goes unchecked in
/// one run of a thousand.
const CASES: u32 = 512;

/// Runs a strategy of scenarios on a driver, and gives what was checked. `reset` makes the driver new.
fn judge<S: Strategy, D: Driver<Model = Model>>(
    cases: u32,
    driver: D,
    mut reset: impl FnMut(&mut D),
    strategy: S,
    steps: impl Fn(S::Value) -> Vec<Step>,
) -> ContractCounts {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let driver = RefCell::new(driver);
    let reset = RefCell::new(&mut reset);
    let counts = RefCell::new(ContractCounts::default());
    // A hang costs the watchdog's patience and the driver: it is reported as it is, not shrunk.
    let hang = RefCell::new(None);
    let result = runner.run(&strategy, |value| {
        if hang.borrow().is_some() {
            return Ok(());
        }
        let mut driver = driver.borrow_mut();
        (reset.borrow_mut())(&mut driver);
        match oracle::run(&steps(value), &mut *driver, |_, _| {}) {
            Ok(checked) => {
                counts.borrow_mut().add(&checked);
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
        Ok(()) => counts.into_inner(),
        // The reason is that of the smallest scenario that still fails.
        Err(TestError::Fail(reason, _)) => panic!("{}", reason.message()),
        Err(TestError::Abort(reason)) => panic!("no scenario could be generated: {reason}"),
    }
}

/// Judges the Rust API, and prints what was checked.
fn check<S: Strategy>(
    last_generation: u32,
    strategy: S,
    steps: impl Fn(S::Value) -> Vec<Step>,
) -> ContractCounts {
    let reused_slots = Cell::new(0);
    let reset = |driver: &mut RustDriver| {
        reused_slots.set(reused_slots.get() + driver.reused_slots());
        driver.reset();
    };
    let cases = Config::default().cases.max(CASES);
    let driver = RustDriver::new(last_generation);
    let counts = judge(cases, driver, reset, strategy, steps);
    // Or no released id could have met a newer object, and the checks of HDL-05 would prove nothing.
    assert!(reused_slots.get() > 0, "no slot was ever reused");
    println!("{counts}");
    counts
}

/// Every operation runs, every two features meet, callbacks are called inside callbacks, and use what the outer one is of: or
/// what is said of them in the model proves nothing.
#[test]
fn typed_scenarios_follow_the_model() {
    let counts = check(u32::MAX, typed(), |steps| steps);
    let met = |encounter| counts.encounters(&encounter) > 0;
    let missed: Vec<String> = Pair::all()
        .filter(|pair| !met(Encounter::Pair(*pair)))
        .map(|pair| pair.to_string())
        .collect();
    assert!(missed.is_empty(), "features that never met: {missed:?}");
    assert!(met(Encounter::Depth(2)), "no callback inside a callback");
    assert!(met(Encounter::Depth(3)), "no callback three deep");
    assert!(
        met(Encounter::OuterUse),
        "no use of an outer callback's request"
    );
    let mut names = Op::NAMES.iter();
    assert_eq!(names.find(|name| counts.operations(name) == 0), None);
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
    let counts = regressions(&mut RustDriver::new(u32::MAX), RustDriver::reset);
    println!("{counts}");
}

/// Runs each regression on a driver that `reset` makes new.
fn regressions<D: Driver<Model = Model>>(driver: &mut D, reset: impl Fn(&mut D)) -> ContractCounts {
    let mut counts = ContractCounts::default();
    for (cause, hex) in REGRESSIONS {
        reset(driver);
        let steps = bytes::from_hex(hex).unwrap();
        match oracle::run(&steps, driver, |_, _| {}) {
            Ok(checked) => counts.add(&checked),
            Err(broken) => panic!("{cause}: {broken}"),
        }
    }
    counts
}

/// The C ABI under the same judge: what the fuzz target does, on a small fixed budget and without
/// libFuzzer.
#[test]
fn typed_scenarios_through_the_c_abi_follow_the_model() {
    let mut driver = AbiDriver::patient();
    let mut counts = regressions(&mut driver, AbiDriver::restart);
    counts.add(&judge(64, driver, AbiDriver::restart, typed(), |steps| {
        steps
    }));
    println!("{counts}");
}
