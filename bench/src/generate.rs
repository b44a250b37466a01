//! Time to make scenarios: the typed strategy, which knows the model, and bytes for the
//! decoder that fuzzers use.

#[path = "../../scenario/tests/common/mod.rs"]
mod common;

use std::time::Instant;

use courier_scenario::bytes;
use courier_scenario::op::Step;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::measure::{Row, Run, case};

pub(crate) fn row() -> Row {
    let input = proptest::collection::vec(any::<u8>(), 0..600);
    Row {
        name: "ProptestSteps",
        unit: "steps/s",
        cases: vec![
            case("state-machine", speed(common::typed())),
            case(
                "bytes",
                speed(input.prop_map(|input| bytes::decode(&input))),
            ),
        ],
    }
}

/// Steps a second of a strategy for scenarios, always the same ones.
fn speed(strategy: impl Strategy<Value = Vec<Step>> + 'static) -> Run {
    Box::new(move |limit| {
        let mut runner = TestRunner::deterministic();
        let mut steps = 0;
        let start = Instant::now();
        loop {
            steps += strategy.new_tree(&mut runner).unwrap().current().len();
            let took = start.elapsed();
            if took >= limit {
                return steps as f64 / took.as_secs_f64();
            }
        }
    })
}
