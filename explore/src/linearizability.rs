//! Linearizability of short concurrent histories: is there an order of the calls in which a sequential
//! specification gives these results?
//!
//! The search tries the orders that keep each lane's own, on copies of the specification, and gives up a
//! branch at the first result that differs: Wing and Gong, "Testing and Verifying Concurrent Objects"
//! (1993), without their times of call and return. It takes exponential time, and is for a few calls.

use std::fmt;

use cgolab_note::Note;

use crate::Contract;
use crate::operation::{Operation, Step};

/// A sequential specification: a [`Model`](crate::Model), and what else its calls lead to.
pub trait Specification: Clone {
    /// The operations.
    type Op: Operation;
    /// The result of a call.
    type Outcome: PartialEq;

    /// Makes a call.
    fn call(&mut self, step: Step<Self::Op>) -> Self::Outcome;
}

/// Calls that one lane made, one after the other, and their results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane<Op, Outcome> {
    /// The thread.
    pub lane: u8,
    /// The calls.
    pub calls: Vec<(Op, Outcome)>,
}

/// An order of the lanes' calls that gives their results, from the state `before` them, and after which the
/// specification `ends` as it should. None if there is no such order: then the history is not linearizable.
pub fn linearization<S: Specification>(
    before: &S,
    lanes: &[Lane<S::Op, S::Outcome>],
    ends: impl Fn(S) -> bool,
) -> Option<Vec<Step<S::Op>>> {
    let mut order = Vec::new();
    let next = vec![0; lanes.len()];
    search(before, lanes, &next, &mut order, &ends).then_some(order)
}

/// Tries all orders that begin with `order`, after which `state` was reached and each lane is at its `next`
/// call. Leaves the first that explains the history in `order`.
fn search<S: Specification>(
    state: &S,
    lanes: &[Lane<S::Op, S::Outcome>],
    next: &[usize],
    order: &mut Vec<Step<S::Op>>,
    ends: &impl Fn(S) -> bool,
) -> bool {
    let mut done = true;
    for (index, Lane { lane, calls }) in lanes.iter().enumerate() {
        let Some((op, outcome)) = calls.get(next[index]) else {
            continue;
        };
        done = false;
        let step = Step {
            lane: *lane,
            op: *op,
        };
        let mut after = state.clone();
        if after.call(step) != *outcome {
            continue;
        }
        let mut next = next.to_vec();
        next[index] += 1;
        order.push(step);
        if search(&after, lanes, &next, order, ends) {
            return true;
        }
        order.pop();
    }
    done && ends(state.clone())
}

/// A history that no order explains. Displays as a report with the lines by which a test tells the lab what
/// broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotLinearizable<Op, Outcome> {
    /// A sentence.
    pub why: String,
    /// The contracts in question, the most likely one first.
    pub contracts: Vec<Contract>,
    /// Steps before the concurrent part.
    pub beginning: Vec<Step<Op>>,
    /// Calls that ran at the same time.
    pub lanes: Vec<Lane<Op, Outcome>>,
    /// Words for anything else that was seen meanwhile.
    pub meanwhile: String,
    /// Steps after the concurrent part, with their results.
    pub end: Vec<(Step<Op>, String)>,
}

impl<Op: Operation, Outcome: fmt::Debug> fmt::Display for NotLinearizable<Op, Outcome> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.why)?;
        writeln!(f, "  first, one after the other:")?;
        for step in &self.beginning {
            writeln!(f, "    lane {}  {:?}", step.lane, step.op)?;
        }
        writeln!(f, "  then at the same time:")?;
        for Lane { lane, calls } in &self.lanes {
            for (op, outcome) in calls {
                writeln!(f, "    lane {lane}  {op:?}  ->  {outcome:?}")?;
            }
        }
        if !self.meanwhile.is_empty() {
            writeln!(f, "    {}", self.meanwhile)?;
        }
        writeln!(f, "  and in the end:")?;
        for (step, observed) in &self.end {
            writeln!(f, "    lane {}  {:?}  ->  {observed}", step.lane, step.op)?;
        }
        for contract in &self.contracts {
            writeln!(f, "{}", Note::broken(contract))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter::{Counter, Op};

    const TAKE: Op = Op::Take { counter: 0 };

    /// A counter of one that was made, and lanes that take from it with these results.
    fn order(lanes: &[&[Option<u8>]], left: u8) -> Option<Vec<Step<Op>>> {
        let mut before = Counter::default();
        before.call(Step {
            lane: 0,
            op: Op::Make { count: 1 },
        });
        let lanes: Vec<_> = (1..)
            .zip(lanes)
            .map(|(lane, results)| Lane {
                lane,
                calls: results.iter().map(|result| (TAKE, *result)).collect(),
            })
            .collect();
        linearization(&before, &lanes, |after| after.counts() == [Some(left)])
    }

    #[test]
    fn one_taker_is_possible_and_two_are_not() {
        assert_eq!(order(&[&[Some(0)], &[None]], 0).unwrap()[0].lane, 1);
        assert_eq!(order(&[&[None], &[Some(0)]], 0).unwrap()[0].lane, 2);
        assert_eq!(order(&[&[Some(0)], &[Some(0)]], 0), None);
        assert_eq!(order(&[&[None], &[None]], 0), None);
    }

    #[test]
    fn lanes_keep_their_order_and_the_end_is_looked_at() {
        assert!(order(&[&[Some(0), None]], 0).is_some());
        assert_eq!(order(&[&[None, Some(0)]], 0), None);
        assert_eq!(order(&[&[Some(0), Some(0)]], 0), None);
        assert_eq!(order(&[&[Some(0), None]], 1), None);
    }

    #[test]
    fn an_order_that_ends_wrong_is_taken_back() {
        let lane = |lane, count| Lane {
            lane,
            calls: vec![(Op::Make { count }, Some(count))],
        };
        let lanes = [lane(1, 7), lane(2, 8)];
        let ends = |after: Counter| after.counts() == [Some(8), Some(7)];
        let order = linearization(&Counter::default(), &lanes, ends).unwrap();
        let order: Vec<u8> = order.into_iter().map(|step| step.lane).collect();
        assert_eq!(order, [2, 1]);
    }

    #[test]
    fn a_report_shows_the_history() {
        let report = NotLinearizable {
            why: "no order of these calls gives their results:".to_owned(),
            contracts: vec!["REQ-04"],
            beginning: vec![Step {
                lane: 0,
                op: Op::Make { count: 1 },
            }],
            lanes: vec![Lane {
                lane: 1,
                calls: vec![(TAKE, Some(0))],
            }],
            meanwhile: "callbacks: none".to_owned(),
            end: vec![(Step { lane: 0, op: TAKE }, "empty".to_owned())],
        };
        assert_eq!(
            report.to_string(),
            "no order of these calls gives their results:\n  \
             first, one after the other:\n    lane 0  Make { count: 1 }\n  \
             then at the same time:\n    lane 1  Take { counter: 0 }  ->  Some(0)\n    \
             callbacks: none\n  \
             and in the end:\n    lane 0  Take { counter: 0 }  ->  empty\n\
             cgolab: broken=REQ-04\n"
        );
    }
}
