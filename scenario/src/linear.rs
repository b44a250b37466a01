//! Short concurrent histories: is there an order of the calls in which the model gives these results?
//!
//! After a sequential beginning, two or three lanes run a few operations at the same time, on real
//! threads, and a sequential end looks at what is left. The search tries the orders that keep each
//! lane's own, on copies of the model, and gives up a branch at the first result that differs: Wing and
//! Gong, "Testing and Verifying Concurrent Objects" (1993), without their times of call and return.
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

use std::fmt;

use cgolab_note::Note;

use crate::driver::{Driver, RustDriver};
use crate::model::{Contract, Interface, Model};
use crate::op::{Budget, Op, Pause, Step};
use crate::oracle::Ledger;
use crate::outcome::{Outcome, Seen, Told, Upcall};

/// What runs: the beginning, and then the lanes, all at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One after the other.
    pub beginning: Vec<Step>,
    /// Lanes and their operations. Owner-thread calls only in lane 0; nothing that creates.
    pub lanes: Vec<(u8, Vec<Op>)>,
}

/// What was seen of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
struct History {
    plan: Plan,
    /// Of each lane, in its order.
    results: Vec<Vec<Outcome>>,
    upcalls: Vec<Upcall>,
    end: Vec<(Step, Seen)>,
}

/// A history that no order explains. Displays as a report with the lines by which a test tells the lab
/// what broke.
#[derive(Clone, Debug)]
pub struct Impossible {
    history: History,
    contracts: Vec<Contract>,
    why: String,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let History {
            plan,
            results,
            upcalls,
            end,
        } = &self.history;
        writeln!(f, "{}", self.why)?;
        writeln!(f, "  first, one after the other:")?;
        for step in &plan.beginning {
            writeln!(f, "    lane {}  {:?}", step.lane, step.op)?;
        }
        writeln!(f, "  then at the same time:")?;
        for ((lane, ops), results) in plan.lanes.iter().zip(results) {
            for (op, result) in ops.iter().zip(results) {
                writeln!(f, "    lane {lane}  {op:?}  ->  {result:?}")?;
            }
        }
        writeln!(f, "    callbacks: {upcalls:?}")?;
        writeln!(f, "  and in the end:")?;
        for (step, seen) in end {
            writeln!(f, "    lane {}  {:?}  ->  {seen}", step.lane, step.op)?;
        }
        for contract in &self.contracts {
            writeln!(f, "{}", Note::broken(contract))?;
        }
        Ok(())
    }
}

/// Runs a plan, and looks for an order. `seed` says where the lanes stop for each other.
///
/// # Errors
/// The history that has none.
pub fn run(plan: &Plan, seed: u64, driver: &mut RustDriver) -> Result<Ledger, Box<Impossible>> {
    let contracts = contracts(plan);
    let mut history = History {
        plan: plan.clone(),
        results: Vec::new(),
        upcalls: Vec::new(),
        end: Vec::new(),
    };
    let impossible = |history, why: &str| {
        Box::new(Impossible {
            history,
            contracts: contracts.first().copied().into_iter().collect(),
            why: why.to_owned(),
        })
    };
    let mut model = Model::new(Interface::Rust);
    for step in &plan.beginning {
        let seen = driver.apply(*step);
        if seen.as_ref() != Ok(&model.apply(*step).seen) {
            return Err(impossible(history, "the beginning went another way"));
        }
    }
    match driver.run_together(&plan.lanes, seed) {
        Ok((results, upcalls)) => (history.results, history.upcalls) = (results, upcalls),
        Err(hang) => {
            let mut hung = impossible(history, &hang.text);
            // Nobody knows which call waits for which.
            hung.contracts = contracts;
            return Err(hung);
        }
    }
    for step in ending(plan, &model) {
        match driver.apply(step) {
            Ok(seen) => history.end.push((step, seen)),
            Err(stopped) => return Err(impossible(history, &stopped.text)),
        }
    }
    if !explained(&history, &model) {
        let why = "no order of these calls gives their results:";
        return Err(impossible(history, why));
    }
    if driver.state().live != courier_core::Live::default() {
        return Err(impossible(history, "something is live in the end:"));
    }
    let mut ledger = Ledger::default();
    ledger.count(&contracts);
    ledger.count_scenario();
    Ok(ledger)
}

/// The steps that show what is left, and take it down. `model` is the world before the concurrent part.
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

/// What is at stake: calls that meet each other in different lanes, the most telling first.
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

/// Whether some order of the lanes' calls gives the history. `model` is the world before them.
fn explained(history: &History, model: &Model) -> bool {
    let lanes = history.plan.lanes.len();
    let search = Search {
        model: model.clone(),
        next: vec![0; lanes],
        upcalls: Vec::new(),
    };
    search.leads_to(history)
}

/// A branch of the search.
#[derive(Clone)]
struct Search {
    model: Model,
    /// Of each lane: how many of its calls were made.
    next: Vec<usize>,
    upcalls: Vec<Upcall>,
}

impl Search {
    fn leads_to(self, history: &History) -> bool {
        let lanes = &history.plan.lanes;
        let mut done = true;
        for (index, (lane, ops)) in lanes.iter().enumerate() {
            let next = self.next[index];
            let Some(op) = ops.get(next) else {
                continue;
            };
            done = false;
            let mut branch = self.clone();
            branch.next[index] += 1;
            let step = Step {
                lane: *lane,
                op: *op,
            };
            if branch.makes(step, &history.results[index][next]) && branch.leads_to(history) {
                return true;
            }
        }
        done && self.ends_as(history)
    }

    /// Makes a call; whether it has this result.
    fn makes(&mut self, step: Step, result: &Outcome) -> bool {
        let seen = self.model.apply(step).seen;
        self.upcalls
            .extend(seen.upcalls.into_iter().filter(is_of_a_cancel));
        seen.outcome == *result
    }

    /// Whether the callbacks and the end are the history's.
    fn ends_as(mut self, history: &History) -> bool {
        let mut ops = history.plan.lanes.iter().flat_map(|(_, ops)| ops);
        let taken_out =
            ops.any(|op| matches!(op, Op::RequestRelease { .. } | Op::ClearOnCancel { .. }));
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
            && history.end.iter().all(|(step, seen)| {
                let expected = self.model.apply(*step).seen;
                without_freedom(expected.outcome) == without_freedom(seen.outcome.clone())
            })
    }
}

/// Records are told at another moment than the ends that they are of.
fn is_of_a_cancel(upcall: &Upcall) -> bool {
    upcall.told == Told::Cancel
}

fn same_callback(expected: &Upcall, seen: &Upcall) -> bool {
    (&expected.told, &expected.inside) == (&seen.told, &seen.inside)
}

/// A result without what is free: the order of events, the ordinals that it gives their payloads, and
/// how long a busy machine made a call last.
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

    /// A call and what it led to.
    type Made = (Op, Result<(), courier_core::Word>);

    /// One kept request, and these calls with these results.
    fn possible(lanes: &[(u8, &[Made])]) -> bool {
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
        let result = |result: &Result<(), _>| match result {
            Ok(()) => Outcome::Done,
            Err(word) => Outcome::Refused(*word),
        };
        let history = History {
            plan: Plan {
                beginning: Vec::new(),
                lanes: lanes
                    .iter()
                    .map(|(lane, calls)| (*lane, calls.iter().map(|(op, _)| *op).collect()))
                    .collect(),
            },
            results: lanes
                .iter()
                .map(|(_, calls)| calls.iter().map(|(_, end)| result(end)).collect())
                .collect(),
            upcalls: Vec::new(),
            end: Vec::new(),
        };
        explained(&history, &model)
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
}
