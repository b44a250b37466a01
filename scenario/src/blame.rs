//! Blame: the contract that a maintainer looks up when a result or a state is not what the model says.
//!
//! Hidden state is compared after each step, so a difference is seen where it arises: the step and what
//! was expected of it tell more than the part that differs.

use cgolab_explore::Contract;
use courier_core::oneshot::Winner;
use courier_core::{Failure, RequestState, SessionState, Word};

use crate::op::{Budget, Op};
use crate::outcome::{End, Event, Observation, Outcome, UpcallKind};
use crate::prediction::Expected;
use crate::state::{Runtime, State};

/// The contracts that a wrong result breaks, the most likely one first: of drained events and of
/// callbacks, those of the first wrong one.
pub(crate) fn of_result(op: Op, expected: &Expected, observed: &Observation) -> Vec<Contract> {
    // The id of an older object was issued again, so its holder now reaches the new one.
    let reissued = |made: fn(&Observation) -> Vec<usize>| {
        let mut pairs = made(&expected.observation).into_iter().zip(made(observed));
        pairs.any(|(new, is)| is < new)
    };
    if reissued(requests_made) {
        return vec!["HDL-05", "REQ-10"];
    }
    if reissued(others_made) {
        return vec!["HDL-05"];
    }
    let (should, is) = (&expected.observation.upcalls, &observed.upcalls);
    let wrong = (0..should.len().max(is.len())).find(|index| should.get(*index) != is.get(*index));
    if let Some(index) = wrong {
        return match (should.get(index), is.get(index)) {
            (Some(one), Some(other))
                if (one.callback, &one.kind) == (other.callback, &other.kind) =>
            {
                let call = one.inside.iter().zip(&other.inside);
                let call = call.into_iter().position(|(one, other)| one != other);
                of_call_inside(
                    &one.kind,
                    call.and_then(|call| expected.grounds.inside[index][call]),
                )
            }
            (_, Some(other)) if is.len() > should.len() => vec![of_one_too_many(&other.kind)],
            (Some(one), _) => vec![of_callback(&one.kind, expected)],
            (None, Some(other)) => vec![of_one_too_many(&other.kind)],
            (None, None) => unreachable!("one of them is longer"),
        };
    }
    let contract = match (&expected.observation.outcome, &observed.outcome) {
        (Outcome::Drained(should), Outcome::Drained(is)) => return of_events(expected, should, is),
        (Outcome::Pumped { unread, .. }, Outcome::Pumped { unread: is, .. }) if is != unread => {
            Some(of_pump(op, expected, is < unread))
        }
        _ => expected.contracts.first().copied(),
    };
    contract.into_iter().collect()
}

/// Contracts of a call that hangs. CBK-09 comes first where a callback makes a call that must be refused: it may
/// wait for its own callback.
pub(crate) fn of_hang(expected: &Expected) -> Vec<Contract> {
    let upcalls = &expected.observation.upcalls;
    let mut inside = upcalls.iter().flat_map(|upcall| &upcall.inside);
    let waits = inside.any(|outcome| *outcome == Outcome::Refused(Word::InsideCallback));
    let first = waits.then_some("CBK-09");
    let contracts = first.into_iter().chain(expected.contracts.first().copied());
    contracts.collect()
}

/// Ordinals of the requests that a step made.
fn requests_made(observed: &Observation) -> Vec<usize> {
    let requests = observed.upcalls.iter();
    let requests = requests.filter_map(|upcall| match upcall.kind {
        UpcallKind::Provide(request, _) => Some(request),
        _ => None,
    });
    requests.collect()
}

/// Ordinals of the other objects that a step made.
fn others_made(observed: &Observation) -> Vec<usize> {
    match &observed.outcome {
        Outcome::Created(ordinal) | Outcome::Snapshot(ordinal, _) => vec![*ordinal],
        Outcome::Drained(events) => events.iter().filter_map(|event| event.blob).collect(),
        _ => vec![],
    }
}

/// A call from inside a callback: its own contract, if it rests on one. A cancellation callback has its
/// word in that, too: its load has been cancelled when it runs.
fn of_call_inside(kind: &UpcallKind, call: Option<Contract>) -> Vec<Contract> {
    let mut contracts = vec![call.unwrap_or("CBK-09")];
    if *kind == UpcallKind::Cancel && contracts != ["REQ-21"] {
        contracts.push("REQ-21");
    }
    contracts
}

/// A callback that is missing, or another one than it should be.
fn of_callback(kind: &UpcallKind, expected: &Expected) -> Contract {
    match kind {
        UpcallKind::Wake if expected.contracts.contains(&"EVT-09") => "EVT-09",
        _ => of_one_too_many(kind),
    }
}

fn of_one_too_many(kind: &UpcallKind) -> Contract {
    match kind {
        UpcallKind::Provide(..) => "CBK-01",
        UpcallKind::Cancel => "REQ-21",
        UpcallKind::Wake => "EVT-11",
        UpcallKind::Log(_) => "STA-11",
    }
}

/// The first wrong event: one out of its turn is a matter of the queue, another end of the same load one
/// of that end, and an end that belongs to another load one of whoever ended it. A deadline ends a load as
/// a cancel does.
fn of_events(expected: &Expected, should: &[Event], is: &[Event]) -> Vec<Contract> {
    let wrong = (should.iter().zip(is)).position(|(should, is)| should != is);
    let Some(index) = wrong else {
        return vec!["EVT-02"];
    };
    let (should, is) = (&should[index], &is[index]);
    if (should.session, should.load) == (is.session, is.load) {
        return vec![expected.grounds.events[index]];
    }
    let mut queued = expected.grounds.queued.iter();
    if queued.any(|(session, load, end)| (*session, *load, end) == (is.session, is.load, &is.end)) {
        return vec!["EVT-02"];
    }
    match &is.end {
        End::Cancelled => vec!["REQ-20"],
        End::Failed(Failure::Expired, _) => vec!["REQ-22", "REQ-20"],
        End::Failed(Failure::Dropped, _) => vec!["REQ-14"],
        End::Completed(_) | End::Failed(..) => vec!["REQ-16"],
    }
}

/// A pump that leaves another number of events than it should.
fn of_pump(op: Op, expected: &Expected, too_few: bool) -> Contract {
    let bounded = matches!(op, Op::Pump { budget, .. } if budget != Budget::All);
    if expected.grounds.ended.contains(&"REQ-22") {
        "REQ-22"
    } else if bounded {
        "EVT-09"
    } else if too_few {
        "EVT-01"
    } else {
        "EVT-02"
    }
}

/// The contract that a difference of states breaks after a step, if one part is to blame. Causes come
/// before what follows from them: a load that did not end is pending, counts, and has no event.
pub(crate) fn of_state(
    op: Op,
    expected: &Expected,
    should: &State,
    is: &State,
) -> Option<Contract> {
    if let Some(contract) = of_live(op, expected, should, is) {
        return Some(contract);
    }
    let mut requests = should.requests.iter().zip(&is.requests);
    if let Some((Some(should), Some(is))) = requests.find(|(should, is)| should != is) {
        return Some(of_request(op, expected, should, is));
    }
    let runtimes = || {
        let both = should.runtimes.iter().zip(&is.runtimes);
        both.filter_map(|(should, is)| Some((should.as_ref()?, is.as_ref()?)))
    };
    let sessions = || {
        let both = should.sessions.iter().zip(&is.sessions);
        both.filter_map(|(should, is)| Some((should.as_ref()?, is.as_ref()?)))
    };
    let runtime = |differs: fn(&Runtime, &Runtime) -> bool| {
        runtimes().any(|(should, is)| differs(should, is))
    };
    let session = |differs: fn(&SessionState, &SessionState) -> bool| {
        sessions().any(|(should, is)| differs(should, is))
    };
    if should.log != is.log {
        Some("STA-11")
    } else if runtime(|one, other| one.sessions != other.sessions) {
        Some("HDL-02")
    } else if runtime(|one, other| one.provider != other.provider) {
        Some("CBK-01")
    } else if runtime(|one, other| one.wake != other.wake) {
        Some("EVT-11")
    } else if session(|one, other| one.buffer != other.buffer) {
        Some("VAL-18")
    } else if session(|one, other| one.surface != other.surface) {
        Some("REQ-24")
    } else if runtime(|one, other| (one.ended, one.unread) != (other.ended, other.unread))
        || session(|one, other| one.pending != other.pending)
    {
        let too_few = runtime(|one, other| one.ended + one.unread > other.ended + other.unread);
        Some(of_ends(op, expected, too_few))
    } else if runtime(|one, other| one.signalled != other.signalled) {
        Some("EVT-04")
    } else if runtime(|one, other| one.jobs != other.jobs) {
        Some("REQ-16")
    } else if runtime(|one, other| one.loads != other.loads) {
        Some("REQ-23")
    } else if runtime(|one, other| one.next != other.next) {
        Some("EVT-10")
    } else {
        None
    }
}

/// Handles that live and should not, or the other way round.
fn of_live(op: Op, expected: &Expected, should: &State, is: &State) -> Option<Contract> {
    let refused = matches!(expected.observation.outcome, Outcome::Refused(_));
    if should.live.requests != is.live.requests {
        let replaces = matches!(op, Op::SetProvider { .. } | Op::ClearProvider { .. });
        let taken_back = expected.contracts.contains(&"REQ-01");
        let fewer = is.live.requests < should.live.requests;
        let upcalls = &expected.observation.upcalls;
        let completed_inline = upcalls.iter().any(|upcall| {
            matches!(upcall.kind, UpcallKind::Provide(..)) && upcall.inside.contains(&Outcome::Done)
        });
        return Some(if replaces && fewer {
            "REQ-13"
        } else if fewer && completed_inline {
            "REQ-09"
        } else if taken_back && is.live.requests > should.live.requests {
            "REQ-01"
        } else {
            "REQ-05"
        });
    }
    if should.live == is.live {
        None
    } else if refused {
        expected.contracts.first().copied()
    } else {
        Some("HDL-26")
    }
}

/// A held request whose load has another winner, or another cancellation callback.
fn of_request(op: Op, expected: &Expected, should: &RequestState, is: &RequestState) -> Contract {
    match (should.winner, is.winner) {
        (one, other) if one == other => "REQ-21",
        (Some(_), None) if matches!(op, Op::SessionDestroy { .. }) => "REQ-17",
        (Some(_), None) => expected.grounds.ended.first().copied().unwrap_or("REQ-17"),
        (None, Some(Winner::Cancel)) => "REQ-20",
        (None, Some(Winner::Deadline)) => "REQ-22",
        (None, Some(_)) if matches!(op, Op::SetProvider { .. } | Op::ClearProvider { .. }) => {
            "REQ-13"
        }
        _ => "REQ-17",
    }
}

/// Another number of ends or of events than there should be.
fn of_ends(op: Op, expected: &Expected, too_few: bool) -> Contract {
    match op {
        Op::SessionDestroy { .. } => "EVT-07",
        Op::Drain { .. } => "EVT-02",
        _ if too_few && !expected.grounds.ended.is_empty() => expected.grounds.ended[0],
        Op::Pump { budget, .. } if budget != Budget::All => "EVT-09",
        Op::Pump { .. } => "EVT-01",
        Op::Cancel { .. } => "REQ-20",
        _ => "REQ-16",
    }
}

#[cfg(test)]
mod tests {
    use cgolab_explore::Model as _;

    use super::*;
    use crate::model::Model;
    use crate::op::{
        Answer, Behaviour, Deadline, Limit, MaxLoads, Pause, Reaction, Root, Size, Step, Url,
    };
    use crate::outcome::Upcall;
    use crate::through::Interface;

    const LOAD: Op = Op::Load {
        session: 0,
        url: Url::App,
        deadline: Deadline::Absent,
    };
    const EXPIRING: Op = Op::Load {
        session: 0,
        url: Url::App,
        deadline: Deadline::Now,
    };
    const STEP: Op = Op::Step { runtime: 0 };
    const PUMP: Op = pump(Budget::All);
    const CANCEL: Op = Op::Cancel {
        session: 0,
        load: 1,
    };
    const DRAIN: Op = drain(1);
    const DRAIN_TWO: Op = drain(2);
    const COMPLETE: Op = Op::Complete {
        request: 0,
        answer: Answer::Bytes,
    };

    const fn drain(limit: u8) -> Op {
        Op::Drain { runtime: 0, limit }
    }

    const fn pump(budget: Budget) -> Op {
        Op::Pump {
            runtime: 0,
            wait: Pause::No,
            budget,
        }
    }

    /// A runtime whose provider keeps what it gets, a session, these steps, and what the last one has to
    /// lead to.
    fn after(ops: &[Op]) -> (Op, Expected, State) {
        let mut model = Model::new(Interface::Rust);
        let first = [
            Op::RuntimeCreate {
                root: Root::Fixture,
                max_loads: MaxLoads::Many,
            },
            Op::SetProvider {
                runtime: 0,
                behaviour: Behaviour::Keep,
                reaction: Reaction::Nothing,
            },
            Op::SessionCreate { runtime: 0 },
        ];
        let mut last = None;
        for op in first.iter().chain(ops) {
            last = Some((*op, model.apply(Step { lane: 0, op: *op })));
        }
        let (op, expected) = last.unwrap();
        (op, expected, model.state())
    }

    fn of_state_after(ops: &[Op], differ: fn(&mut State)) -> Option<Contract> {
        let (op, expected, should) = after(ops);
        let mut is = should.clone();
        differ(&mut is);
        assert_ne!(is, should, "{ops:?}");
        of_state(op, &expected, &should, &is)
    }

    fn of_result_after(ops: &[Op], differ: fn(&mut Observation)) -> Vec<Contract> {
        let (op, expected, _) = after(ops);
        let mut observed = expected.observation.clone();
        differ(&mut observed);
        assert_ne!(observed, expected.observation, "{ops:?}");
        of_result(op, &expected, &observed)
    }

    fn runtime(state: &mut State) -> &mut Runtime {
        state.runtimes[0].as_mut().unwrap()
    }

    fn request(state: &mut State) -> &mut RequestState {
        state.requests[0].as_mut().unwrap()
    }

    fn session(state: &mut State) -> &mut SessionState {
        state.sessions[0].as_mut().unwrap()
    }

    /// The table: steps, what is different after them, and the contract to look up.
    #[test]
    fn each_difference_of_states_names_its_contract() {
        type Row<'a> = (&'a [Op], fn(&mut State), Contract);
        let lost: fn(&mut State) = |state| runtime(state).ended -= 1;
        let late: fn(&mut State) = |state| runtime(state).ended += 1;
        let attach = Op::Attach {
            session: 0,
            size: Size::Small,
        };
        let clear = Op::ClearProvider { runtime: 0 };
        let end_session = Op::SessionDestroy { session: 0 };
        let let_go = Op::RequestRelease { request: 0 };
        let destroy = Op::RuntimeDestroy { runtime: 0 };
        let passes = Op::SetProvider {
            runtime: 0,
            behaviour: Behaviour::ServeAndPass,
            reaction: Reaction::Nothing,
        };
        let table: [Row<'_>; 29] = [
            (
                &[passes, LOAD, STEP],
                |state| state.live.requests -= 1,
                "REQ-09",
            ),
            (&[LOAD, CANCEL], lost, "REQ-20"),
            (
                &[LOAD, STEP, LOAD, CANCEL],
                |state| request(state).winner = None,
                "REQ-20",
            ),
            (
                &[LOAD, STEP, LOAD, STEP],
                |state| request(state).winner = Some(Winner::Cancel),
                "REQ-20",
            ),
            (&[LOAD, CANCEL], late, "REQ-20"),
            (&[LOAD, STEP, COMPLETE], lost, "REQ-02"),
            (
                &[LOAD, STEP, COMPLETE],
                |state| request(state).winner = None,
                "REQ-02",
            ),
            (&[LOAD, STEP, let_go], lost, "REQ-14"),
            (
                &[LOAD, STEP, let_go],
                |state| session(state).pending -= 1,
                "REQ-16",
            ),
            (
                &[EXPIRING, STEP, PUMP],
                |state| request(state).winner = None,
                "REQ-22",
            ),
            (
                &[EXPIRING, PUMP],
                |state| runtime(state).unread -= 1,
                "REQ-22",
            ),
            (
                &[LOAD, STEP],
                |state| request(state).winner = Some(Winner::Deadline),
                "REQ-22",
            ),
            (
                &[LOAD, STEP, clear],
                |state| request(state).winner = Some(Winner::Provider),
                "REQ-13",
            ),
            (
                &[LOAD, STEP, clear],
                |state| state.live.requests -= 1,
                "REQ-13",
            ),
            (
                &[LOAD, STEP, let_go],
                |state| state.live.requests += 1,
                "REQ-05",
            ),
            (&[clear], |state| runtime(state).provider = true, "CBK-01"),
            (
                &[LOAD, STEP],
                |state| request(state).on_cancel = true,
                "REQ-21",
            ),
            (
                &[LOAD, STEP, end_session],
                |state| request(state).winner = None,
                "REQ-17",
            ),
            (
                &[LOAD, CANCEL, PUMP, end_session],
                |state| runtime(state).unread += 1,
                "EVT-07",
            ),
            (
                &[LOAD, CANCEL, PUMP, DRAIN],
                |state| runtime(state).unread += 1,
                "EVT-02",
            ),
            (&[LOAD, CANCEL, pump(Budget::Zero)], late, "EVT-09"),
            (&[LOAD, CANCEL, PUMP], late, "EVT-01"),
            (
                &[LOAD, LOAD, CANCEL],
                |state| runtime(state).jobs -= 1,
                "REQ-16",
            ),
            (&[LOAD], |state| runtime(state).loads += 1, "REQ-23"),
            (
                &[LOAD],
                |state| runtime(state).next = crate::state::Next::Soon,
                "EVT-10",
            ),
            (&[PUMP], |state| runtime(state).signalled = true, "EVT-04"),
            (&[attach], |state| session(state).buffer = false, "VAL-18"),
            (&[destroy], |state| state.live.runtimes -= 1, "HDL-03"),
            (&[end_session], |state| state.live.sessions += 1, "HDL-26"),
        ];
        for (number, (ops, differ, contract)) in table.into_iter().enumerate() {
            assert_eq!(
                of_state_after(ops, differ),
                Some(contract),
                "row {number}: {ops:?}"
            );
        }
    }

    #[test]
    fn a_hang_names_a_call_that_waits_for_its_own_callback() {
        let asks = |reaction| Op::SetLog {
            limit: Limit::Info,
            reaction,
        };
        let session = Op::SessionDestroy { session: 0 };
        let runtime = Op::RuntimeDestroy { runtime: 0 };
        let blamed = |reaction| of_hang(&after(&[session, asks(reaction), runtime]).1);
        assert_eq!(blamed(Reaction::Log)[0], "CBK-09");
        assert!(!blamed(Reaction::Nothing).contains(&"CBK-09"));
    }

    #[test]
    fn each_wrong_result_names_its_contract() {
        type Row<'a> = (&'a [Op], fn(&mut Observation), &'a [Contract]);
        fn event(seen: &mut Observation, index: usize) -> &mut Event {
            match &mut seen.outcome {
                Outcome::Drained(events) => &mut events[index],
                other => panic!("{other:?}"),
            }
        }
        let second = Op::Cancel {
            session: 0,
            load: 2,
        };
        let reacting = |reaction| Op::OnCancel {
            request: 0,
            reaction,
        };
        let completes = reacting(Reaction::Complete);
        let waked = Op::SetWake {
            runtime: 0,
            reaction: Reaction::Nothing,
        };
        fn wake() -> Upcall {
            Upcall {
                callback: 1,
                kind: UpcallKind::Wake,
                inside: vec![],
            }
        }
        let looks = reacting(Reaction::Use);
        let inside: fn(&mut Observation) = |seen| seen.upcalls[0].inside[0] = Outcome::Done;
        let fewer: fn(&mut Observation) = |seen| {
            seen.outcome = Outcome::Pumped {
                unread: 0,
                waited: false,
            };
        };
        let asks = Op::SetProvider {
            runtime: 0,
            behaviour: Behaviour::Keep,
            reaction: Reaction::Use,
        };
        let table: [Row<'_>; 16] = [
            (
                &[LOAD, STEP, LOAD, STEP],
                |seen| seen.upcalls[0].kind = UpcallKind::Provide(0, "app:thing".to_owned()),
                &["HDL-05", "REQ-10"],
            ),
            (
                &[Op::SessionCreate { runtime: 0 }],
                |seen| seen.outcome = Outcome::Created(0),
                &["HDL-05"],
            ),
            (
                &[EXPIRING, EXPIRING, PUMP, DRAIN_TWO],
                |seen| event(seen, 1).blob = Some(0),
                &["HDL-05"],
            ),
            (
                &[LOAD, LOAD, CANCEL, second, PUMP, DRAIN],
                |seen| event(seen, 0).load = 2,
                &["EVT-02"],
            ),
            (
                &[LOAD, LOAD, CANCEL, PUMP, DRAIN],
                |seen| event(seen, 0).load = 2,
                &["REQ-20"],
            ),
            (
                &[LOAD, CANCEL, PUMP, DRAIN],
                |seen| event(seen, 0).end = End::Completed(vec![]),
                &["REQ-20"],
            ),
            (
                &[LOAD, STEP, completes, CANCEL],
                inside,
                &["REQ-07", "REQ-21"],
            ),
            (
                &[LOAD, STEP, completes, CANCEL],
                |seen| seen.upcalls.clear(),
                &["REQ-21"],
            ),
            (
                &[LOAD, waked, STEP],
                |seen| seen.upcalls.insert(0, wake()),
                &["EVT-11"],
            ),
            (
                &[LOAD, LOAD, CANCEL, second, waked, pump(Budget::One)],
                |seen| seen.upcalls.clear(),
                &["EVT-09"],
            ),
            (
                &[EXPIRING, LOAD, PUMP, DRAIN],
                |seen| event(seen, 0).load = 2,
                &["REQ-22", "REQ-20"],
            ),
            (
                &[EXPIRING, STEP, looks, PUMP],
                |seen| seen.upcalls[0].inside[0] = Outcome::Cancelled(false),
                &["REQ-22", "REQ-21"],
            ),
            (
                &[LOAD, asks, STEP],
                |seen| seen.upcalls[0].inside[1] = Outcome::Surface(77),
                &["REQ-24"],
            ),
            (&[LOAD, CANCEL, pump(Budget::Zero)], fewer, &["EVT-09"]),
            (&[LOAD, CANCEL, PUMP], fewer, &["EVT-01"]),
            (&[EXPIRING, PUMP], fewer, &["REQ-22"]),
        ];
        for (number, (ops, differ, contracts)) in table.into_iter().enumerate() {
            assert_eq!(
                of_result_after(ops, differ),
                contracts,
                "row {number}: {ops:?}"
            );
        }
    }
}
