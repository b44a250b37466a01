//! Scenarios for proptest. The choice of steps knows the model, and prefers what moves a scenario on.

use std::sync::atomic::Ordering;

use courier_scenario::explore::{LANES, Model as _, Operand, Operation};
use courier_scenario::model::Model;
use courier_scenario::op::{
    Answer, Behaviour, Budget, Deadline, Limit, MaxLoads, Op, Pause, Reaction, Root, Size, Step,
    Url,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;

/// Steps to choose from.
#[derive(Clone, Debug)]
struct Steps;

thread_local! {
    /// Operations by number, with any operands. Made once: a strategy is chosen from for every step.
    static OPERATIONS: Vec<BoxedStrategy<Op>> = (0..Op::NAMES.len()).map(operation).collect();
}

/// An operation with operands for its fields.
fn operation(number: usize) -> BoxedStrategy<Op> {
    let mut operands = [(); 3].map(|()| Just(0).boxed());
    for field in Op::FIELDS[number] {
        operands[field.operand] = operand(Op::NAMES[number], field.name);
    }
    operands
        .prop_map(move |operands| Op::decode(number as u8, operands, Op::VERSION))
        .boxed()
}

/// Operands for a field.
fn operand(operation: &str, field: &str) -> BoxedStrategy<u8> {
    let reaction = || prop_oneof![2 => Just(Reaction::Nothing), 1 => select(Reaction::ALL)];
    match (operation, field) {
        ("Complete" | "OnCancel", "request") => (0u8..8).boxed(),
        // Mostly the first objects: few objects, much history.
        (_, "runtime" | "session" | "request" | "blob" | "source") => {
            prop_oneof![4 => 0u8..3, 1 => 0u8..8].boxed()
        }
        ("Drain", "limit") => (0u8..5).boxed(),
        (_, "load") => (0u8..6).boxed(),
        (_, "surface") => (0u8..4).boxed(),
        // Mostly what serves most.
        (_, "root") => bytes(prop_oneof![12 => Just(Root::Fixture), 1 => select(Root::ALL)]),
        (_, "max_loads") => {
            bytes(prop_oneof![4 => Just(MaxLoads::Many), 1 => select(MaxLoads::ALL)])
        }
        (_, "wait") => bytes(select(Pause::ALL)),
        (_, "budget") => bytes(prop_oneof![1 => Just(Budget::All), 2 => select(Budget::ALL)]),
        (_, "behaviour") => {
            bytes(prop_oneof![3 => select(Behaviour::ALL), 2 => Just(Behaviour::Keep)])
        }
        (_, "url") => bytes(select(Url::ALL)),
        (_, "deadline") => {
            bytes(prop_oneof![3 => Just(Deadline::Absent), 2 => select(Deadline::ALL)])
        }
        (_, "answer") => bytes(select(Answer::ALL)),
        ("SetLog", "limit") => bytes(prop_oneof![1 => Just(Limit::Debug), 1 => select(Limit::ALL)]),
        (_, "size") => bytes(select(Size::ALL)),
        // Leads to callbacks inside callbacks: a signal in the outer one, and in the inner one a use
        // of what the outer one may be of.
        ("SetWake" | "SetLog", "reaction") => {
            let uses = vec![Reaction::Complete, Reaction::Release, Reaction::Use];
            bytes(prop_oneof![1 => reaction(), 1 => select(uses)])
        }
        (_, "reaction") => bytes(prop_oneof![2 => reaction(), 1 => Just(Reaction::Use)]),
        _ => panic!("say here what {field} of {operation} may be"),
    }
}

/// Values as operands.
fn bytes<T: Operand + std::fmt::Debug + 'static>(
    values: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<u8> {
    values.prop_map(Operand::encode).boxed()
}

impl ReferenceStateMachine for Steps {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let [nothing, nested, cancelled] = beginnings().map(|(model, _)| Just(model));
        prop_oneof![6 => nothing, 1 => nested, 1 => cancelled].boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        let (live, left_behind) = (model.live(), model.left_behind());
        let weights = Op::ROWS.iter().map(|weight| weight.now(&live, left_behind));
        let op = OPERATIONS.with(|ops| Union::new_weighted(weights.zip(ops.clone()).collect()));
        // Mostly one lane: an owner-thread call elsewhere leads nowhere.
        let lane = prop_oneof![12 => Just(0u8), 1 => 0..LANES];
        (lane, op).prop_map(|(lane, op)| Step { lane, op }).boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        let step = model.settle(*step, true).step;
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
