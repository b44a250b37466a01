//! Scenarios for proptest. The choice of steps knows the model, and prefers what moves a scenario on.

use std::sync::atomic::Ordering;

use courier_scenario::model::Model;
use courier_scenario::op::{
    Answer, Behaviour, Budget, Deadline, LANES, Limit, MaxLoads, Op, Pause, Reaction, Root, Size,
    Step, Url,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::ReferenceStateMachine;

/// Steps to choose from.
#[derive(Clone, Debug)]
struct Steps;

impl ReferenceStateMachine for Steps {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let [nothing, nested, cancelled] = beginnings().map(|(model, _)| Just(model));
        prop_oneof![6 => nothing, 1 => nested, 1 => cancelled].boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let live = model.live();
        // Mostly the first objects: few objects, much history.
        let ordinal = || prop_oneof![4 => 0u8..3, 1 => 0u8..8];
        let wanted = |enough: bool, weight: u32| if enough { 1 } else { weight };
        let reaction = || prop_oneof![2 => Just(Reaction::Nothing), 1 => select(Reaction::ALL)];
        // Leads to callbacks inside callbacks: a signal in the outer one, and in the inner one a use
        // of what the outer one may be of.
        let outer = || prop_oneof![2 => reaction(), 1 => Just(Reaction::Use)];
        let inner = || {
            let uses = [Reaction::Complete, Reaction::Release, Reaction::Use];
            prop_oneof![1 => reaction(), 1 => select(uses.to_vec())]
        };
        let limit = prop_oneof![1 => Just(Limit::Debug), 1 => select(Limit::ALL)];
        // Ends that a bounded pump left behind are soon gone.
        let behind = |weight: u32| {
            if model.left_behind() {
                8 * weight
            } else {
                weight
            }
        };
        // Mostly what serves most.
        let root = prop_oneof![12 => Just(Root::Fixture), 1 => select(Root::ALL)];
        let max_loads = prop_oneof![4 => Just(MaxLoads::Many), 1 => select(MaxLoads::ALL)];
        let budget = prop_oneof![1 => Just(Budget::All), 2 => select(Budget::ALL)];
        let deadline = prop_oneof![3 => Just(Deadline::Absent), 2 => select(Deadline::ALL)];
        let usable = |live: usize, weight: u32| if live > 0 { weight } else { 1 };
        let op = prop_oneof![
            wanted(live.runtimes > 0, 40) => (root, max_loads)
                .prop_map(|(root, max_loads)| Op::RuntimeCreate { root, max_loads }),
            1 => ordinal().prop_map(|runtime| Op::RuntimeDestroy { runtime }),
            8 => (ordinal(), select(Pause::ALL), budget)
                .prop_map(|(runtime, wait, budget)| Op::Pump { runtime, wait, budget }),
            16 => ordinal().prop_map(|runtime| Op::Step { runtime }),
            8 => (ordinal(), 0u8..5).prop_map(|(runtime, limit)| Op::Drain { runtime, limit }),
            6 => (ordinal(), select(Behaviour::ALL), outer()).prop_map(
                |(runtime, behaviour, reaction)| Op::SetProvider { runtime, behaviour, reaction }
            ),
            4 => (ordinal(), outer()).prop_map(|(runtime, reaction)| {
                Op::SetProvider { runtime, behaviour: Behaviour::Keep, reaction }
            }),
            2 => ordinal().prop_map(|runtime| Op::ClearProvider { runtime }),
            wanted(live.wake_sources > 0, 8) => ordinal().prop_map(|runtime| Op::WakeSourceCreate { runtime }),
            3 => ordinal().prop_map(|source| Op::Signal { source }),
            2 => ordinal().prop_map(|source| Op::WakeSourceRelease { source }),
            wanted(live.sessions > 0, 20) => ordinal().prop_map(|runtime| Op::SessionCreate { runtime }),
            behind(1) => ordinal().prop_map(|session| Op::SessionDestroy { session }),
            14 => (ordinal(), select(Url::ALL), deadline)
                .prop_map(|(session, url, deadline)| Op::Load { session, url, deadline }),
            behind(6) => (ordinal(), 0u8..6).prop_map(|(session, load)| Op::Cancel { session, load }),
            usable(live.requests, 16) => (0u8..8, select(Answer::ALL))
                .prop_map(|(request, answer)| Op::Complete { request, answer }),
            usable(live.requests, 4) => ordinal().prop_map(|request| Op::IsCancelled { request }),
            usable(live.requests, 4) => ordinal().prop_map(|request| Op::RequestRelease { request }),
            usable(live.blobs, 3) => ordinal().prop_map(|blob| Op::BlobRead { blob }),
            usable(live.blobs, 3) => ordinal().prop_map(|blob| Op::BlobRelease { blob }),
            usable(live.requests, 6) => (0u8..8, outer())
                .prop_map(|(request, reaction)| Op::OnCancel { request, reaction }),
            usable(live.requests, 2) => ordinal().prop_map(|request| Op::Surface { request }),
            3 => (ordinal(), inner())
                .prop_map(|(runtime, reaction)| Op::SetWake { runtime, reaction }),
            1 => ordinal().prop_map(|runtime| Op::ClearWake { runtime }),
            2 => (limit, inner())
                .prop_map(|(limit, reaction)| Op::SetLog { limit, reaction }),
            1 => Just(Op::ClearLog),
            3 => (ordinal(), select(Size::ALL))
                .prop_map(|(session, size)| Op::Attach { session, size }),
            behind(3) => ordinal().prop_map(|runtime| Op::NextWait { runtime }),
            usable(live.requests, 2) => ordinal().prop_map(|request| Op::ClearOnCancel { request }),
            1 => ordinal().prop_map(|session| Op::Detach { session }),
            2 => ordinal().prop_map(|session| Op::Snapshot { session }),
            2 => (ordinal(), 0u8..4)
                .prop_map(|(session, surface)| Op::SetSurface { session, surface }),
        ];
        // Mostly one lane: an owner-thread call elsewhere leads nowhere.
        let lane = prop_oneof![12 => Just(0u8), 1 => 0..LANES];
        (lane, op).prop_map(|(lane, op)| Step { lane, op }).boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        let step = model.settle(*step).step;
        model.apply(step);
        model
    }
}

const CREATE: Op = Op::RuntimeCreate {
    root: Root::Fixture,
    max_loads: MaxLoads::Many,
};

const LOAD: Op = Op::Load {
    session: 0,
    url: Url::Hello,
    deadline: Deadline::Absent,
};

/// A beginning whose next job leads three callbacks deep: the provider signals, the wake callback
/// completes, the log callback is told.
fn nested() -> Vec<Op> {
    let provider = |reaction| Op::SetProvider {
        runtime: 0,
        behaviour: Behaviour::Keep,
        reaction,
    };
    vec![
        CREATE,
        provider(Reaction::Nothing),
        Op::SessionCreate { runtime: 0 },
        LOAD,
        Op::Step { runtime: 0 },
        LOAD,
        provider(Reaction::Use),
        Op::WakeSourceCreate { runtime: 0 },
        Op::SetWake {
            runtime: 0,
            reaction: Reaction::Complete,
        },
        Op::SetLog {
            limit: Limit::Debug,
            reaction: Reaction::Nothing,
        },
    ]
}

/// A beginning with ends that a bounded pump may leave behind.
fn cancelled() -> Vec<Op> {
    let cancel = |load| Op::Cancel { session: 0, load };
    let begin = [CREATE, Op::SessionCreate { runtime: 0 }];
    let loads = [LOAD, LOAD, LOAD];
    [&begin[..], &loads, &[cancel(1), cancel(2)]].concat()
}

/// The beginning of scenarios: the world then, and the steps to it.
fn beginnings() -> [(Model, Vec<Step>); 3] {
    [vec![], nested(), cancelled()].map(|ops| {
        let steps: Vec<Step> = ops.into_iter().map(|op| Step { lane: 0, op }).collect();
        let mut model = Model::default();
        for step in &steps {
            model.apply(*step);
        }
        (model, steps)
    })
}

/// Random scenarios that shrink to short ones.
pub(crate) fn typed() -> impl Strategy<Value = Vec<Step>> {
    let beginnings = beginnings();
    Steps::sequential_strategy(1..120).prop_map(move |(model, steps, seen)| {
        // Shrinking begins by dropping the steps that were not seen to run. The judge stops at the
        // first wrong one by itself.
        if let Some(seen) = seen {
            seen.store(steps.len(), Ordering::SeqCst);
        }
        let beginning = beginnings.iter().find(|(after, _)| *after == model);
        let (_, beginning) = beginning.expect("one of the three");
        [&beginning[..], &steps].concat()
    })
}
