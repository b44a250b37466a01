//! Random concurrent histories on real threads, each explained by some order of its calls.
//!
//! Not shrunk: the same plan may go well the next time. The report has the history as it was.
//!
//! No load expires here, and no runtime ends. A pump expires loads, and pumps wait for the end of the history; a
//! runtime ends when its sessions have, and then no lane has a load to race for. `loom-tests/tests/requests.rs`
//! has both against every end of a load, in every schedule.

use std::cell::RefCell;

use courier_scenario::driver::RustDriver;
use courier_scenario::linearizability::{self, Plan};
use courier_scenario::op::{
    Answer, Behaviour, Deadline, Limit, MaxLoads, Op, Reaction, Root, Step, Url,
};
use courier_scenario::oracle::ContractCounts;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// Number of runs of each plan: the threads meet in another way each time.
const REPETITIONS: u64 = 8;

/// Installs a log callback, or replaces it. Two lanes may do that while it is called.
const LOG: Op = Op::SetLog {
    limit: Limit::Debug,
    reaction: Reaction::Nothing,
};

/// A kept request in each of `sessions` sessions, with a cancellation callback if that is wanted, a blob,
/// a wake source and a log callback.
fn beginning(sessions: u8, hooked: bool) -> Vec<Step> {
    let load = |session| {
        let load = Op::Load {
            session,
            url: Url::App,
            deadline: Deadline::Absent,
        };
        [
            Op::SessionCreate { runtime: 0 },
            load,
            Op::Step { runtime: 0 },
        ]
    };
    let mut ops = vec![
        Op::RuntimeCreate {
            root: Root::Absent,
            max_loads: MaxLoads::Many,
        },
        Op::SetProvider {
            runtime: 0,
            behaviour: Behaviour::Keep,
            reaction: Reaction::Nothing,
        },
        Op::WakeSourceCreate { runtime: 0 },
        LOG,
    ];
    ops.extend((0..sessions).flat_map(load));
    let hook = |request| Op::OnCancel {
        request,
        reaction: Reaction::Nothing,
    };
    ops.extend((0..sessions).filter(|_| hooked).map(hook));
    // A snapshot of nothing is a blob.
    ops.push(Op::Attach {
        session: 0,
        size: courier_scenario::op::Size::Small,
    });
    ops.push(Op::Snapshot { session: 0 });
    ops.into_iter().map(|op| Step { lane: 0, op }).collect()
}

/// Calls of the owner.
fn owners(sessions: u8) -> impl Strategy<Value = Op> {
    (0..sessions).prop_flat_map(|session| {
        prop_oneof![
            4 => Just(Op::Cancel { session, load: 1 }),
            1 => Just(Op::SessionDestroy { session }),
        ]
    })
}

/// Calls of any thread.
fn anybodys(requests: u8) -> impl Strategy<Value = Op> {
    let answer = proptest::sample::select(Answer::ALL);
    (0..requests, answer).prop_flat_map(|(request, answer)| {
        prop_oneof![
            6 => Just(Op::Complete { request, answer }),
            2 => Just(Op::IsCancelled { request }),
            4 => Just(Op::RequestRelease { request }),
            2 => Just(Op::OnCancel { request, reaction: Reaction::Nothing }),
            3 => Just(Op::ClearOnCancel { request }),
            2 => Just(LOG),
            1 => Just(Op::ClearLog),
            1 => Just(Op::Surface { request }),
            2 => Just(Op::BlobRead { blob: 0 }),
            2 => Just(Op::BlobRelease { blob: 0 }),
            1 => Just(Op::Signal { source: 0 }),
            1 => Just(Op::WakeSourceRelease { source: 0 }),
        ]
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    use proptest::collection::vec;
    (1u8..3, any::<bool>()).prop_flat_map(|(sessions, hooked)| {
        let lanes = (
            vec(owners(sessions), 0..3),
            vec(anybodys(sessions), 1..4),
            vec(anybodys(sessions), 1..4),
        );
        lanes.prop_map(move |(owner, first, second)| Plan {
            beginning: beginning(sessions, hooked),
            lanes: vec![(0, owner), (1, first), (2, second)],
        })
    })
}

#[test]
fn req_17_some_order_explains_every_concurrent_history() {
    let mut runner = TestRunner::new(Config {
        cases: Config::default().cases.max(512),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    });
    let driver = RefCell::new(RustDriver::new(u32::MAX));
    let counts = RefCell::new(ContractCounts::default());
    let result = runner.run(&(plans(), any::<u64>()), |(plan, seed)| {
        for repetition in 0..REPETITIONS {
            let mut driver = driver.borrow_mut();
            driver.reset();
            match linearizability::run(&plan, seed.wrapping_add(repetition), &mut driver) {
                Ok(checked) => counts.borrow_mut().add(&checked),
                Err(report) => return Err(TestCaseError::fail(report.to_string())),
            }
        }
        Ok(())
    });
    match result {
        Ok(()) => println!("{}", counts.into_inner()),
        Err(TestError::Fail(reason, _)) => panic!("{}", reason.message()),
        Err(TestError::Abort(reason)) => panic!("no plan could be generated: {reason}"),
    }
}
