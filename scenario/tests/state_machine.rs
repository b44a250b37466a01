//! Random scenarios against the reference model, on the Rust API with stepped workers.
//!
//! Two generators. The typed one (`proptest-state-machine`) knows the model while it generates, so
//! it prefers steps that meet live objects, and shrinks to short histories. The bytes one feeds the
//! decoder that fuzzers use. Both are judged by `oracle::run`, and print which contracts they put to
//! the test, and how often.
//!
//! Nothing is written to disk when a test fails: the report names the scenario in a form that
//! `--example replay` takes, and a scenario worth keeping becomes a case in `REGRESSIONS`.

use std::cell::{Cell, RefCell};

use courier_scenario::driver::RustDriver;
use courier_scenario::model::Model;
use courier_scenario::op::{Answer, Behaviour, LANES, Op, Pause, Step, Url};
use courier_scenario::oracle::{self, Ledger};
use courier_scenario::{bytes, outcome::Outcome};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine;

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

/// Steps to choose from: the choice is weighted towards what moves a scenario on.
#[derive(Clone, Debug)]
struct Steps;

impl ReferenceStateMachine for Steps {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let live = model.live();
        // Mostly the first objects: few objects, much history.
        let ordinal = || prop_oneof![4 => 0u8..3, 1 => 0u8..8];
        let wanted = |enough: bool, weight: u32| if enough { 1 } else { weight };
        let usable = |live: usize, weight: u32| if live > 0 { weight } else { 1 };
        let op = prop_oneof![
            wanted(live.runtimes > 0, 40) => any::<u8>().prop_map(|n| Op::RuntimeCreate { root: n > 20 }),
            1 => ordinal().prop_map(|runtime| Op::RuntimeDestroy { runtime }),
            8 => (ordinal(), proptest::sample::select(Pause::ALL))
                .prop_map(|(runtime, wait)| Op::Pump { runtime, wait }),
            16 => ordinal().prop_map(|runtime| Op::Step { runtime }),
            8 => (ordinal(), 0u8..5).prop_map(|(runtime, limit)| Op::Drain { runtime, limit }),
            6 => (ordinal(), proptest::sample::select(Behaviour::ALL))
                .prop_map(|(runtime, behaviour)| Op::SetProvider { runtime, behaviour }),
            4 => ordinal().prop_map(|runtime| {
                Op::SetProvider { runtime, behaviour: Behaviour::Keep }
            }),
            2 => ordinal().prop_map(|runtime| Op::ClearProvider { runtime }),
            2 => ordinal().prop_map(|runtime| Op::WakeSourceCreate { runtime }),
            3 => ordinal().prop_map(|source| Op::Signal { source }),
            2 => ordinal().prop_map(|source| Op::WakeSourceRelease { source }),
            wanted(live.sessions > 0, 20) => ordinal().prop_map(|runtime| Op::SessionCreate { runtime }),
            1 => ordinal().prop_map(|session| Op::SessionDestroy { session }),
            14 => (ordinal(), proptest::sample::select(Url::ALL))
                .prop_map(|(session, url)| Op::Load { session, url }),
            6 => (ordinal(), 0u8..6).prop_map(|(session, load)| Op::Cancel { session, load }),
            usable(live.requests, 16) => (0u8..8, proptest::sample::select(Answer::ALL))
                .prop_map(|(request, answer)| Op::Complete { request, answer }),
            usable(live.requests, 4) => ordinal().prop_map(|request| Op::IsCancelled { request }),
            usable(live.requests, 4) => ordinal().prop_map(|request| Op::RequestRelease { request }),
            usable(live.blobs, 3) => ordinal().prop_map(|blob| Op::BlobRead { blob }),
            usable(live.blobs, 3) => ordinal().prop_map(|blob| Op::BlobRelease { blob }),
        ];
        // Mostly one lane: an owner-thread call elsewhere leads nowhere.
        let lane = prop_oneof![12 => Just(0u8), 1 => 0..LANES];
        (lane, op).prop_map(|(lane, op)| Step { lane, op }).boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        let step = model.without_endless_wait(*step);
        model.apply(step);
        model
    }
}

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
        match oracle::run(&steps(value), &mut *driver, |_, _: &Outcome| {}) {
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

fn typed() -> impl Strategy<Value = Vec<Step>> {
    Steps::sequential_strategy(1..120).prop_map(|(_, steps, _)| steps)
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
