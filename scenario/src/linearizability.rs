//! Short concurrent histories of courier, and whether some order of the calls explains them.
//!
//! After a sequential beginning, two or three lanes run a few operations at the same time, on real
//! threads, and a sequential end looks at what is left. [`linearization`] looks for the order.
//!
//! Some calls are not one moment, and that is no fault; the search allows for it:
//!
//! - the end of a load is decided first, and posted then: pumps wait for the end of the history, and
//!   the order of its events is free,
//! - a cancellation callback may find that its request is being released, or that it was taken out: it
//!   is not called then,
//! - a record is made after the end that it tells of, and may miss a log callback that comes or goes.
//!
//! A session here has one load: a destruction ends several one by one.

use cgolab_explore::linearizability::{Lane, Specification, linearization};
use cgolab_explore::{Contract, Driver, Model as _};

use crate::driver::RustDriver;
use crate::model::Model;
use crate::op::{Budget, Op, Pause, Reaction, Step};
use crate::oracle::ContractCounts;
use crate::outcome::{Observation, Outcome, Upcall, UpcallKind};
use crate::through::Interface;

/// A history that no order explains.
pub type NotLinearizable = cgolab_explore::linearizability::NotLinearizable<Op, Outcome>;

/// A beginning, and then lanes that run all at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One after the other.
    pub beginning: Vec<Step>,
    /// Lanes and their operations. Owner-thread calls only in lane 0; nothing that creates.
    pub lanes: Vec<(u8, Vec<Op>)>,
}

/// The observations of a plan's concurrent part and of its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct History {
    lanes: Vec<Lane<Op, Outcome>>,
    upcalls: Vec<Upcall>,
    end: Vec<(Step, Observation)>,
}

/// Asks whether a plan is one that [`run`] can judge.
///
/// # Errors
/// The reason why it is not.
pub fn check(plan: &Plan) -> Result<(), String> {
    if plan.lanes.len() > 3 {
        return Err("at most three lanes meet at a barrier".to_owned());
    }
    let mut model = Model::new(Interface::Rust);
    for step in &plan.beginning {
        if model.settle(*step, true).step != *step {
            return Err(format!(
                "{step:?} would wait for ever, and has no place before a barrier"
            ));
        }
        model.apply(*step);
    }
    if model.live().runtimes != 1 || model.owner(0) != Some(0) {
        return Err("before a barrier lane 0 has made the one runtime".to_owned());
    }
    for (lane, ops) in &plan.lanes {
        for op in ops {
            let owners_own = matches!(op, Op::Cancel { .. } | Op::SessionDestroy { .. });
            let anybodys = matches!(
                op,
                Op::Complete { .. }
                    | Op::IsCancelled { .. }
                    | Op::RequestRelease { .. }
                    | Op::OnCancel {
                        reaction: Reaction::Nothing,
                        ..
                    }
                    | Op::ClearOnCancel { .. }
                    | Op::SetLog {
                        reaction: Reaction::Nothing,
                        ..
                    }
                    | Op::ClearLog
                    | Op::Surface { .. }
                    | Op::BlobRead { .. }
                    | Op::BlobRelease { .. }
                    | Op::Signal { .. }
                    | Op::WakeSourceRelease { .. }
            );
            if !(anybodys || owners_own && *lane == 0) {
                return Err(format!(
                    "{op:?} on lane {lane} has no place behind a barrier, where nothing is made, callbacks call \
                     nothing, and owners cancel and destroy on lane 0"
                ));
            }
        }
    }
    Ok(())
}

/// Runs a plan, and looks for an order. `seed` says where the lanes stop for each other.
///
/// # Errors
/// A history that is not linearizable.
pub fn run(
    plan: &Plan,
    seed: u64,
    driver: &mut RustDriver,
) -> Result<ContractCounts, Box<NotLinearizable>> {
    let contracts = contracts(plan);
    let mut history = History::default();
    let refuted = |history: History, why: &str| {
        let end = history.end.iter();
        Box::new(NotLinearizable {
            why: why.to_owned(),
            contracts: contracts.first().copied().into_iter().collect(),
            beginning: plan.beginning.clone(),
            lanes: history.lanes,
            meanwhile: format!("callbacks: {:?}", history.upcalls),
            end: end.map(|(step, seen)| (*step, seen.to_string())).collect(),
        })
    };
    let mut model = Model::new(Interface::Rust);
    for step in &plan.beginning {
        let observed = driver.apply(*step);
        if observed.as_ref() != Ok(&model.apply(*step).observation) {
            return Err(refuted(history, "the beginning went another way"));
        }
    }
    match driver.run_together(&plan.lanes, seed) {
        Ok((results, upcalls)) => {
            let lanes = plan.lanes.iter().zip(results);
            let calls = |ops: &[Op], results| ops.iter().copied().zip(results).collect();
            let lane = |((lane, ops), results): (&(u8, Vec<Op>), Vec<Outcome>)| Lane {
                lane: *lane,
                calls: calls(ops, results),
            };
            history.lanes = lanes.map(lane).collect();
            history.upcalls = upcalls;
        }
        Err(hang) => {
            let mut hung = refuted(history, &hang.text);
            // Nobody knows which call waits for which.
            hung.contracts = contracts;
            return Err(hung);
        }
    }
    for step in ending(plan, &model) {
        match driver.apply(step) {
            Ok(observed) => history.end.push((step, observed)),
            Err(stopped) => return Err(refuted(history, &stopped.text)),
        }
    }
    if !is_linearizable(&history, &model) {
        let why = "no order of these calls gives their results:";
        return Err(refuted(history, why));
    }
    let live = driver.state().map(|state| state.live);
    if live != Some(courier_core::Live::default()) {
        return Err(refuted(history, "something is live in the end:"));
    }
    let mut counts = ContractCounts::default();
    counts.count(&contracts);
    counts.count_scenario();
    Ok(counts)
}

/// Steps that show the objects that are left, and take them down. `model` is the world before the concurrent
/// part.
fn ending(plan: &Plan, model: &Model) -> Vec<Step> {
    let on = |lane, op| Step { lane, op };
    let live = model.live();
    let mut steps = vec![
        on(
            0,
            Op::Pump {
                runtime: 0,
                wait: Pause::No,
                budget: Budget::All,
            },
        ),
        on(
            0,
            Op::Drain {
                runtime: 0,
                limit: 9,
            },
        ),
    ];
    let ordinals = |count: usize| (0..count as u8).rev();
    steps.extend(ordinals(live.requests).map(|request| on(1, Op::RequestRelease { request })));
    steps.push(steps[0]);
    steps.push(steps[1]);
    steps.extend(ordinals(live.sessions).map(|session| on(0, Op::SessionDestroy { session })));
    steps.push(on(0, Op::RuntimeDestroy { runtime: 0 }));
    steps.extend(ordinals(live.wake_sources).map(|source| on(2, Op::WakeSourceRelease { source })));
    // Those of the beginning, and at most one for each load.
    let blobs = live.blobs + live.requests;
    debug_assert!(plan.lanes.len() <= 3, "the search is for short histories");
    steps.extend(ordinals(blobs).map(|blob| on(2, Op::BlobRelease { blob })));
    steps
}

/// Contracts of calls that meet each other in different lanes, the most telling first.
fn contracts(plan: &Plan) -> Vec<Contract> {
    let pairs = |meet: fn(&Op, &Op) -> bool| {
        plan.lanes.iter().enumerate().any(|(index, (_, ops))| {
            let others = || plan.lanes[index + 1..].iter().flat_map(|(_, ops)| ops);
            ops.iter()
                .any(|op| others().any(|other| meet(op, other) || meet(other, op)))
        })
    };
    let mut contracts = Vec::new();
    let mut at_stake = |contract, meet| {
        if pairs(meet) {
            contracts.push(contract);
        }
    };
    // A request's ordinal is its session's.
    at_stake("REQ-17", |a, b| match (a, b) {
        (
            Op::Complete { request, .. } | Op::RequestRelease { request },
            Op::Cancel { session, .. } | Op::SessionDestroy { session },
        ) => request == session,
        (Op::Complete { request: a, .. }, Op::RequestRelease { request: b }) => a == b,
        _ => false,
    });
    at_stake("REQ-04", |a, b| match (a, b) {
        (Op::Complete { request: a, .. }, Op::Complete { request: b, .. }) => a == b,
        _ => false,
    });
    at_stake("REQ-05", |a, b| match (a, b) {
        (
            Op::RequestRelease { request: a },
            Op::Complete { request: b, .. } | Op::RequestRelease { request: b },
        ) => a == b,
        _ => false,
    });
    at_stake("HDL-08", |a, b| {
        a == b
            && matches!(
                a,
                Op::RequestRelease { .. } | Op::BlobRelease { .. } | Op::WakeSourceRelease { .. }
            )
    });
    at_stake("HDL-10", |a, b| match (a, b) {
        (Op::BlobRead { blob: a }, Op::BlobRelease { blob: b }) => a == b,
        _ => false,
    });
    at_stake("REQ-21", |a, b| match (a, b) {
        (
            Op::OnCancel { request, .. } | Op::ClearOnCancel { request },
            Op::Cancel { session, .. } | Op::SessionDestroy { session },
        ) => request == session,
        (
            Op::OnCancel { request: a, .. } | Op::ClearOnCancel { request: a },
            Op::RequestRelease { request: b }
            | Op::Complete { request: b, .. }
            | Op::ClearOnCancel { request: b },
        ) => a == b,
        _ => false,
    });
    at_stake("CBK-06", |a, b| {
        let replaces = |op: &Op| matches!(op, Op::SetLog { .. } | Op::ClearLog);
        replaces(a) && replaces(b)
    });
    contracts
}

/// `true` if some order of the lanes' calls gives the history. `model` is the world before them.
fn is_linearizable(history: &History, model: &Model) -> bool {
    let before = World {
        model: model.clone(),
        upcalls: Vec::new(),
    };
    linearization(&before, &history.lanes, |world| world.ends_as(history)).is_some()
}

/// The world in the search, and the callbacks on the way to it.
#[derive(Clone)]
struct World {
    model: Model,
    upcalls: Vec<Upcall>,
}

impl Specification for World {
    type Op = Op;
    type Outcome = Outcome;

    fn call(&mut self, step: Step) -> Outcome {
        let Observation { outcome, upcalls } = self.model.apply(step).observation;
        self.upcalls
            .extend(upcalls.into_iter().filter(is_of_a_cancel));
        outcome
    }
}

impl World {
    /// `true` if the callbacks and the end are the history's.
    fn ends_as(mut self, history: &History) -> bool {
        let mut calls = history.lanes.iter().flat_map(|lane| &lane.calls);
        let taken_out =
            calls.any(|(op, _)| matches!(op, Op::RequestRelease { .. } | Op::ClearOnCancel { .. }));
        for upcall in history
            .upcalls
            .iter()
            .filter(|upcall| is_of_a_cancel(upcall))
        {
            // Numbers are given in the order of the calls, which is what is looked for.
            let same = |expected: &Upcall| same_callback(expected, upcall);
            let Some(index) = self.upcalls.iter().position(same) else {
                return false;
            };
            self.upcalls.swap_remove(index);
        }
        (self.upcalls.is_empty() || taken_out)
            && history.end.iter().all(|(step, observed)| {
                let expected = self.model.apply(*step).observation;
                without_freedom(expected.outcome) == without_freedom(observed.outcome.clone())
            })
    }
}

/// Records are told at another moment than the ends that they are of.
fn is_of_a_cancel(upcall: &Upcall) -> bool {
    upcall.kind == UpcallKind::Cancel
}

fn same_callback(expected: &Upcall, observed: &Upcall) -> bool {
    (&expected.kind, &expected.inside) == (&observed.kind, &observed.inside)
}

/// A result without its open parts: the order of events, the ordinals that it gives their payloads, and
/// the time that a busy machine made a call last.
fn without_freedom(mut outcome: Outcome) -> Outcome {
    match &mut outcome {
        Outcome::Drained(events) => {
            events.sort_by_key(|event| (event.session, event.load));
            for event in events {
                event.blob = event.blob.map(|_| 0);
            }
        }
        Outcome::Pumped { waited, .. } => *waited = false,
        _ => {}
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Answer, Behaviour, Deadline, MaxLoads, Reaction, Root, Url};

    const COMPLETE: Op = Op::Complete {
        request: 0,
        answer: Answer::Bytes,
    };
    const RELEASE: Op = Op::RequestRelease { request: 0 };
    const CANCEL: Op = Op::Cancel {
        session: 0,
        load: 1,
    };

    /// A call and its result.
    type Made = (Op, Result<(), courier_core::Word>);

    /// The world with one kept request.
    fn before() -> Model {
        let owner = [
            Op::RuntimeCreate {
                root: Root::Absent,
                max_loads: MaxLoads::Many,
            },
            Op::SetProvider {
                runtime: 0,
                behaviour: Behaviour::Keep,
                reaction: Reaction::Nothing,
            },
            Op::SessionCreate { runtime: 0 },
            Op::Load {
                session: 0,
                url: Url::App,
                deadline: Deadline::Absent,
            },
            Op::Step { runtime: 0 },
        ];
        let mut model = Model::new(Interface::Rust);
        for op in owner {
            model.apply(Step { lane: 0, op });
        }
        model
    }

    /// A history of these calls and results only.
    fn history(lanes: &[(u8, &[Made])]) -> History {
        let result = |result: &Result<(), _>| match result {
            Ok(()) => Outcome::Done,
            Err(word) => Outcome::Refused(*word),
        };
        let lane = |(lane, calls): &(u8, &[Made])| Lane {
            lane: *lane,
            calls: calls.iter().map(|(op, end)| (*op, result(end))).collect(),
        };
        History {
            lanes: lanes.iter().map(lane).collect(),
            ..History::default()
        }
    }

    fn possible(lanes: &[(u8, &[Made])]) -> bool {
        is_linearizable(&history(lanes), &before())
    }

    #[test]
    fn one_winner_is_possible_and_two_are_not() {
        use courier_core::Word::{Cancelled, Completed, LoadEnded, Stale};
        let race =
            |complete, cancel| possible(&[(1, &[(COMPLETE, complete)]), (0, &[(CANCEL, cancel)])]);
        assert!(race(Ok(()), Err(LoadEnded)));
        assert!(race(Err(Cancelled), Ok(())));
        assert!(!race(Ok(()), Ok(())));
        assert!(!race(Err(Cancelled), Err(LoadEnded)));
        let twice = |second| possible(&[(1, &[(COMPLETE, Ok(()))]), (2, &[(COMPLETE, second)])]);
        assert!(twice(Err(Completed)));
        assert!(!twice(Ok(())));
        let released = |second| possible(&[(1, &[(RELEASE, Ok(()))]), (2, &[(RELEASE, second)])]);
        assert!(released(Err(Stale)));
        assert!(!released(Ok(())));
    }

    /// The owner cancels the load of a request with a cancellation callback, and looks at what it has.
    #[test]
    fn callbacks_and_the_end_must_be_those_of_the_order() {
        let mut before = before();
        let hook = Op::OnCancel {
            request: 0,
            reaction: Reaction::Use,
        };
        before.apply(Step { lane: 0, op: hook });
        let mut after = before.clone();
        let mut apply = |op| {
            let step = Step { lane: 0, op };
            (step, after.apply(step).observation)
        };
        let (_, cancelled) = apply(CANCEL);
        let pump = Op::Pump {
            runtime: 0,
            wait: Pause::No,
            budget: Budget::All,
        };
        let drain = Op::Drain {
            runtime: 0,
            limit: 9,
        };
        let good = History {
            upcalls: cancelled.upcalls,
            end: vec![apply(pump), apply(drain)],
            ..history(&[(0, &[(CANCEL, Ok(()))])])
        };
        let possible = |differ: fn(&mut History)| {
            let mut history = good.clone();
            differ(&mut history);
            is_linearizable(&history, &before)
        };
        assert!(possible(|_| ()));
        assert!(!possible(|history| history.upcalls.clear()));
        assert!(!possible(|history| history
            .upcalls
            .push(history.upcalls[0].clone())));
        assert!(!possible(|history| history.upcalls[0].inside.clear()));
        let drained = |history: &mut History| history.end[1].1.outcome = Outcome::Drained(vec![]);
        assert!(!possible(drained));
        // Numbers of callbacks, records, and the time that a call took are free.
        assert!(possible(|history| history.upcalls[0].callback += 1));
        let record = |history: &mut History| {
            let log = UpcallKind::Log(courier_core::Level::Debug);
            history.upcalls.push(Upcall {
                kind: log,
                ..history.upcalls[0].clone()
            });
        };
        assert!(possible(record));
        let waited = |history: &mut History| match &mut history.end[0].1.outcome {
            Outcome::Pumped { waited, .. } => *waited = true,
            other => panic!("{other:?}"),
        };
        assert!(possible(waited));
        // A callback whose request is being released, or that was taken out, need not be called.
        let released = |history: &mut History| {
            history.upcalls.clear();
            history.lanes.push(Lane {
                lane: 1,
                calls: vec![(RELEASE, Outcome::Done)],
            });
        };
        assert!(possible(released));
    }

    #[test]
    fn a_release_is_one_moment_and_lanes_keep_their_order() {
        use courier_core::Word::{LoadEnded, Stale};
        // The owner hears that the handle is stale, and so the load has ended.
        let told = |cancel| {
            let owner = [(COMPLETE, Err(Stale)), (CANCEL, cancel)];
            possible(&[(1, &[(RELEASE, Ok(()))]), (0, &owner)])
        };
        assert!(told(Err(LoadEnded)));
        assert!(!told(Ok(())));
        // Its own lane has released it before.
        assert!(!possible(&[(1, &[(RELEASE, Ok(())), (COMPLETE, Ok(()))])]));
    }

    #[test]
    fn only_plans_that_can_be_judged_are_taken() {
        let create = |lane| Step {
            lane,
            op: Op::RuntimeCreate {
                root: Root::Absent,
                max_loads: MaxLoads::Many,
            },
        };
        let pump = |wait| Op::Pump {
            runtime: 0,
            wait,
            budget: Budget::All,
        };
        let waits = Step {
            lane: 0,
            op: pump(Pause::Forever),
        };
        let checked = |beginning: &[Step], lanes: &[(u8, Vec<Op>)]| {
            check(&Plan {
                beginning: beginning.to_vec(),
                lanes: lanes.to_vec(),
            })
        };
        assert_eq!(
            checked(&[create(0)], &[(0, vec![CANCEL]), (1, vec![COMPLETE])]),
            Ok(())
        );
        for (beginning, lanes, why) in [
            (vec![create(0), waits], vec![], "wait for ever"),
            (vec![], vec![], "the one runtime"),
            (vec![create(1)], vec![], "the one runtime"),
            (vec![create(0), create(1)], vec![], "the one runtime"),
            (
                vec![create(0)],
                vec![(1, vec![CANCEL])],
                "on lane 1 has no place",
            ),
            (
                vec![create(0)],
                vec![(0, vec![pump(Pause::No)])],
                "on lane 0 has no place",
            ),
            (vec![create(0)], vec![(0, vec![]); 4], "at most three"),
        ] {
            let refused = checked(&beginning, &lanes).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
