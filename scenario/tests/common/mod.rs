//! Scenarios for proptest. The choice of steps knows the model, and prefers what moves a scenario on.

use std::sync::atomic::Ordering;

use courier_scenario::model::Model;
use courier_scenario::op::{Answer, Behaviour, LANES, Op, Pause, Step, Url};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

/// Steps to choose from.
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

/// Random scenarios that shrink to short ones.
pub(crate) fn typed() -> impl Strategy<Value = Vec<Step>> {
    Steps::sequential_strategy(1..120).prop_map(|(_, steps, seen)| {
        // Shrinking begins by dropping the steps that were not seen to run. The judge stops at the
        // first wrong one by itself.
        if let Some(seen) = seen {
            seen.store(steps.len(), Ordering::SeqCst);
        }
        steps
    })
}
