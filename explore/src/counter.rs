//! A subject for this crate's own tests: counters that threads take from.

use crate::linearizability::Specification;
use crate::{Contract, Driver, Model, Prediction, Step, Stopped};

crate::operations! {
    /// The operations of a counter.
    pub(crate) enum Op {
        older: [],
        row: (),
        /// Makes a counter.
        Make = 0, () => {
            /// The number that may be taken.
            count: u8 = 0,
        },
        /// Takes one.
        Take = 1, () => {
            /// The counter, by the order in which they were made.
            counter: u8 = 0,
        },
        /// Ends a counter.
        End = 2, () => {
            /// The counter.
            counter: u8 = 0,
        },
    }
}

/// The count of a counter that the teardown does not end.
pub(crate) const FORGOTTEN: u8 = 99;

/// Counters by ordinal; those that were ended are empty places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Vec<Option<u8>>);

impl Counter {
    pub(crate) fn counts(&self) -> &[Option<u8>] {
        &self.0
    }

    fn place(&mut self, counter: u8) -> Option<&mut Option<u8>> {
        self.0.get_mut(usize::from(counter))
    }
}

impl Specification for Counter {
    type Op = Op;
    /// The number that is left, if the call was not refused.
    type Outcome = Option<u8>;

    fn call(&mut self, step: Step<Op>) -> Option<u8> {
        match step.op {
            Op::Make { count } => {
                self.0.push(Some(count));
                Some(count)
            }
            Op::Take { counter } => {
                let count = self.place(counter)?.as_mut()?;
                *count = count.checked_sub(1)?;
                Some(*count)
            }
            Op::End { counter } => self.place(counter)?.take(),
        }
    }
}

/// A result that prints.
#[derive(Debug, PartialEq)]
pub(crate) struct Observation(pub(crate) Option<u8>);

impl std::fmt::Display for Observation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Model for Counter {
    type Op = Op;
    type Observation = Observation;
    type State = Vec<Option<u8>>;
    type Encounter = &'static str;
    type Grounds = ();

    fn apply(&mut self, step: Step<Op>) -> Prediction<Observation, &'static str, ()> {
        let left = self.call(step);
        Prediction {
            observation: Observation(left),
            contracts: vec![if left.is_some() { "CNT-01" } else { "CNT-02" }],
            encounters: left
                .filter(|left| *left == 0)
                .map(|_| "zero")
                .into_iter()
                .collect(),
            grounds: (),
        }
    }

    fn state(&self) -> Vec<Option<u8>> {
        self.0.clone()
    }

    fn teardown(&self) -> Vec<Step<Op>> {
        let live = |count: &Option<u8>| count.is_some_and(|count| count != FORGOTTEN);
        let live = self.0.iter().enumerate().filter(|(_, count)| live(count));
        live.map(|(counter, _)| Step {
            lane: 0,
            op: Op::End {
                counter: counter as u8,
            },
        })
        .collect()
    }

    fn remains(&self) -> Option<String> {
        let live = self.0.iter().flatten().count();
        (live > 0).then(|| format!("{live} live"))
    }

    fn is_refused(observed: &Observation) -> bool {
        observed.0.is_none()
    }

    fn no_trace(_: Op, predicted: &Observation) -> Option<Contract> {
        Self::is_refused(predicted).then_some("CNT-03")
    }
}

/// Mistakes of the library that [`Library`] stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mistake {
    None,
    /// The last one can be taken again and again.
    NeverEmpty,
    /// A refused call makes a counter.
    LeavesATrace,
    /// An operation panics.
    Panics,
}

/// A library that is the model, with a mistake.
pub(crate) struct Library {
    pub(crate) counter: Counter,
    pub(crate) mistake: Mistake,
}

impl Driver for Library {
    type Model = Counter;

    fn model(&self) -> Counter {
        Counter::default()
    }

    fn apply(&mut self, step: Step<Op>) -> Result<Observation, Stopped> {
        let left = self.counter.call(step);
        match self.mistake {
            Mistake::NeverEmpty if matches!(step.op, Op::Take { .. }) => {
                Ok(Observation(left.or(Some(0))))
            }
            Mistake::LeavesATrace if left.is_none() => {
                self.counter.0.push(Some(0));
                Ok(Observation(left))
            }
            Mistake::Panics if matches!(step.op, Op::Take { .. }) => {
                let payload: Box<dyn std::any::Any + Send> = Box::new("out of luck");
                Err(Stopped::of_panic(&*payload))
            }
            _ => Ok(Observation(left)),
        }
    }

    fn state(&self) -> Option<Vec<Option<u8>>> {
        Some(self.counter.0.clone())
    }

    fn replay(&self) -> &'static str {
        "replay"
    }

    fn checked(&mut self) -> Vec<Contract> {
        vec!["CNT-01", "CNT-04"]
    }
}
