//! Threads that are played are real ones to the library: the same scenarios on both, step by step.
//!
//! Fuzzers have one thread play all lanes. What the library keeps of a thread and a guise forgets would be a
//! difference here.

mod common;

use std::cell::RefCell;

use courier_scenario::driver::AbiDriver;
use courier_scenario::op::Step;
use courier_scenario::oracle;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use common::typed;

/// The results of the steps of a scenario and its teardown, and the report if the model says otherwise.
fn trace(driver: &mut AbiDriver, steps: &[Step]) -> Vec<String> {
    driver.restart();
    let mut trace = Vec::new();
    let result = oracle::run(steps, driver, |step, observed| {
        trace.push(format!("lane {} {:?}: {observed}", step.lane, step.op));
    });
    trace.extend(result.err().map(|broken| broken.to_string()));
    trace
}

/// Each step is made on each lane in turn, so that most of what only an owner may call is refused, and what any
/// thread may call goes from lane to lane.
fn turning(steps: &[Step]) -> Vec<Step> {
    let turn = |(step, lane): (&Step, u8)| Step { lane, ..*step };
    steps.iter().zip((0..4).cycle()).map(turn).collect()
}

/// One test: only one driver of the C ABI in a process may have something alive.
#[test]
fn played_threads_are_real_ones_to_the_library() {
    let drivers = RefCell::new((AbiDriver::new(), AbiDriver::on_threads()));
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&typed(), |steps| {
        let (played, real) = &mut *drivers.borrow_mut();
        for steps in [turning(&steps), steps] {
            let (played, real) = (trace(played, &steps), trace(real, &steps));
            if played != real {
                let text = format!("played:\n{played:#?}\non threads:\n{real:#?}");
                return Err(TestCaseError::fail(text));
            }
        }
        Ok(())
    });
    if let Err(TestError::Fail(reason, _)) = &result {
        panic!("{}", reason.message());
    }
    result.unwrap();
}
