//! Proof that the engine is on: a machine that disagrees with its model, which a run must find.
//!
//! Ignored in ordinary runs. The lab runs it by name and wants it red, with the message below.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine;

/// A counter that both sides count up and down.
#[derive(Clone, Debug)]
struct Counter;

impl ReferenceStateMachine for Counter {
    type State = i32;
    type Transition = i32;

    fn init_state() -> BoxedStrategy<i32> {
        Just(0).boxed()
    }

    fn transitions(_: &i32) -> BoxedStrategy<i32> {
        (-3..4).boxed()
    }

    fn apply(count: i32, by: &i32) -> i32 {
        count + by
    }
}

#[test]
#[ignore = "a planted fault, run by the lab to prove that the engine finds one"]
fn canary_model_mismatch() {
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = Counter::sequential_strategy(1..50);
    let result = runner.run(&strategy, |(mut model, steps, _)| {
        let mut planted = model;
        for by in steps {
            model = Counter::apply(model, &by);
            // The fault: this counter sticks at ten.
            planted = (planted + by).min(10);
            if planted != model {
                let text = format!("canary: model mismatch: expected {model}, observed {planted}");
                return Err(TestCaseError::fail(text));
            }
        }
        Ok(())
    });
    match result {
        Err(TestError::Fail(reason, _)) => panic!("{}", reason.message()),
        other => println!("canary: not caught: {other:?}"),
    }
}
