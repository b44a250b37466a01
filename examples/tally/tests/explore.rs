//! The library against a model, in all short scenarios, and threads that count at the same time.
//!
//! A whole subject of `cgolab-explore` on one page: operations, a model, a driver.

use std::ffi::{CStr, c_int, c_void};
use std::fmt;
use std::sync::{Arc, Mutex};

use cgolab_explore::bytes::from_hex;
use cgolab_explore::linearizability::{Lane, NotLinearizable, Specification, linearization};
use cgolab_explore::text::Scenario;
use cgolab_explore::{
    Contract, ContractCounts, Driver, Generator, Lanes, Model, Operation, Prediction, Step,
    Stopped, operations, run, shrink, text, values,
};
use tally::{tally_add, tally_free, tally_message, tally_new, tally_read};

operations! {
    /// The functions of `tally.h`. A tally is named by its ordinal.
    enum Op {
        older: [],
        row: (),
        /// Makes a tally.
        New = 0, () => {
            /// The number that it counts to.
            limit: u8 = 0,
        },
        /// Counts.
        Add = 1, () => {
            /// The tally.
            tally: u8 = 0,
            /// The number to add.
            n: u8 = 1,
            /// The callback.
            each: Each = 2,
        },
        /// Reads the count.
        Read = 2, () => {
            /// The tally.
            tally: u8 = 0,
        },
        /// Ends a tally.
        Free = 3, () => {
            /// The tally.
            tally: u8 = 0,
        },
        /// Reads the thread's message.
        Message = 4, (),
    }
}

values! {
    /// A callback of `tally_add`.
    enum Each {
        known: [],
        /// Null.
        Absent,
        /// One that only listens.
        Listens,
        /// One that reads the tally from inside.
        Reads,
        /// One that ends the tally from inside.
        Frees,
    }
}

impl Each {
    /// The call from inside.
    fn call(self, tally: u8) -> Option<Op> {
        match self {
            Each::Absent | Each::Listens => None,
            Each::Reads => Some(Op::Read { tally }),
            Each::Frees => Some(Op::Free { tally }),
        }
    }
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// The ordinal of a new tally.
    New(usize),
    /// Done, with the numbers that the callback was given and the result of its call.
    Done(Vec<(u64, Option<Outcome>)>),
    Count(u64),
    Message(String),
    UnknownTally,
    Full,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

// ---- the model ---------------------------------------------------------------------------------

/// The tallies by ordinal, with count and limit while they live, and the message of each lane.
#[derive(Clone, Default)]
struct Tallies {
    tallies: Vec<Option<(u64, u64)>>,
    messages: [&'static str; 4],
}

impl Tallies {
    fn find(&mut self, tally: u8) -> Option<&mut (u64, u64)> {
        self.tallies.get_mut(usize::from(tally))?.as_mut()
    }
}

impl Specification for Tallies {
    type Op = Op;
    type Outcome = Outcome;

    fn call(&mut self, step: Step<Op>) -> Outcome {
        let outcome = match step.op {
            Op::New { limit } => {
                self.tallies.push(Some((0, limit.into())));
                Outcome::New(self.tallies.len() - 1)
            }
            Op::Add { tally, n, each } => match self.find(tally) {
                None => Outcome::UnknownTally,
                Some((count, limit)) if *count + u64::from(n) > *limit => Outcome::Full,
                Some((count, _)) => {
                    let first = *count + 1;
                    *count += u64::from(n);
                    let told = (first..=*count).filter(|_| each != Each::Absent);
                    let inside = told.map(|count| {
                        let op = each.call(tally);
                        (count, op.map(|op| self.call(Step { op, ..step })))
                    });
                    Outcome::Done(inside.collect())
                }
            },
            Op::Read { tally } => match self.find(tally) {
                Some((count, _)) => Outcome::Count(*count),
                None => Outcome::UnknownTally,
            },
            Op::Free { tally } => match self.find(tally) {
                Some(_) => {
                    self.tallies[usize::from(tally)] = None;
                    Outcome::Done(Vec::new())
                }
                None => Outcome::UnknownTally,
            },
            Op::Message => Outcome::Message(self.messages[usize::from(step.lane)].to_owned()),
        };
        match outcome {
            Outcome::UnknownTally => self.messages[usize::from(step.lane)] = "no such tally",
            Outcome::Full => self.messages[usize::from(step.lane)] = "the tally is full",
            _ => {}
        }
        outcome
    }
}

impl Model for Tallies {
    type Op = Op;
    type Observation = Outcome;
    type State = Vec<Option<u64>>;
    type Encounter = &'static str;
    type Grounds = ();

    fn apply(&mut self, step: Step<Op>) -> Prediction<Outcome, &'static str, ()> {
        let outcome = self.call(step);
        let contracts = match &outcome {
            Outcome::New(_) => vec!["HDL-05"],
            // An old id has not reached a newer tally.
            Outcome::UnknownTally if self.tallies.iter().any(Option::is_some) => vec!["HDL-05"],
            Outcome::Done(inside) if !inside.is_empty() => vec!["CBK-09"],
            Outcome::Message(_) => vec!["STA-03"],
            _ => vec![],
        };
        Prediction {
            observation: outcome,
            contracts,
            encounters: Vec::new(),
            grounds: (),
        }
    }

    fn state(&self) -> Vec<Option<u64>> {
        let count = |tally: &Option<(u64, u64)>| tally.map(|(count, _)| count);
        self.tallies.iter().map(count).collect()
    }

    fn teardown(&self) -> Vec<Step<Op>> {
        let live = (0u8..)
            .zip(&self.tallies)
            .filter(|(_, each)| each.is_some());
        let free = |(tally, _)| Step {
            lane: 0,
            op: Op::Free { tally },
        };
        live.map(free).collect()
    }

    fn remains(&self) -> Option<String> {
        let live = self.tallies.iter().flatten().count();
        (live > 0).then(|| format!("{live} tallies"))
    }

    fn is_refused(observed: &Outcome) -> bool {
        matches!(observed, Outcome::UnknownTally | Outcome::Full)
    }

    fn no_trace(_: Op, predicted: &Outcome) -> Option<Contract> {
        Self::is_refused(predicted).then_some("STA-12")
    }
}

// ---- the driver --------------------------------------------------------------------------------

/// The library through its C ABI, on threads of its own.
struct Library {
    lanes: Lanes,
    ids: Arc<Mutex<Vec<u64>>>,
}

impl Library {
    fn new() -> Library {
        Library {
            lanes: Lanes::start(),
            ids: Arc::default(),
        }
    }
}

impl Driver for Library {
    type Model = Tallies;

    fn model(&self) -> Tallies {
        Tallies::default()
    }

    fn apply(&mut self, step: Step<Op>) -> Result<Outcome, Stopped> {
        let ids = Arc::clone(&self.ids);
        self.lanes.run(step.lane, move || call(&ids, step.op))
    }

    /// Asked on the test's own thread: a message there is nobody's.
    fn state(&self) -> Option<Vec<Option<u64>>> {
        let ids = self.ids.lock().unwrap();
        let mut count = 0;
        let read = |id: &u64| {
            // SAFETY: `count` lives during the call.
            let status = unsafe { tally_read(*id, &raw mut count) };
            (status == 0).then_some(count)
        };
        Some(ids.iter().map(read).collect())
    }

    fn replay(&self) -> &'static str {
        "sh -c 'SCENARIO=$0 cargo test replay -- --ignored'"
    }
}

/// The arguments of a callback, and the results of its calls.
struct Script<'a> {
    ids: &'a Mutex<Vec<u64>>,
    op: Option<Op>,
    inside: Vec<(u64, Option<Outcome>)>,
}

/// Runs a script.
///
/// # Safety
/// `user_data` is a [`Script`] that nobody else uses meanwhile.
unsafe extern "C" fn each(count: u64, user_data: *mut c_void) {
    // SAFETY: the caller's promise.
    let script = unsafe { &mut *user_data.cast::<Script<'_>>() };
    let outcome = script.op.map(|op| call(script.ids, op));
    script.inside.push((count, outcome));
}

fn call(ids: &Mutex<Vec<u64>>, op: Op) -> Outcome {
    // Ids are never 0: that is what an ordinal without a tally names.
    let id = |tally: u8| *ids.lock().unwrap().get(usize::from(tally)).unwrap_or(&0);
    let refused_or = |status: c_int, done: Outcome| match status {
        0 => done,
        1 => Outcome::UnknownTally,
        2 => Outcome::Full,
        other => panic!("status {other}"),
    };
    match op {
        Op::New { limit } => {
            let id = tally_new(limit.into());
            assert_ne!(id, 0, "the id of no tally");
            let mut ids = ids.lock().unwrap();
            // An id that was there before still names the older tally.
            let known = ids.iter().position(|known| *known == id);
            Outcome::New(known.unwrap_or_else(|| {
                ids.push(id);
                ids.len() - 1
            }))
        }
        Op::Add {
            tally,
            n,
            each: reaction,
        } => {
            let mut script = (reaction != Each::Absent).then(|| Script {
                ids,
                op: reaction.call(tally),
                inside: Vec::new(),
            });
            let callback = script.is_some().then_some(each as _);
            let user_data = script.as_mut().map_or(std::ptr::null_mut(), |script| {
                std::ptr::from_mut(script).cast::<c_void>()
            });
            // SAFETY: the script lives during the call, and only the callback uses it.
            let status = unsafe { tally_add(id(tally), n.into(), callback, user_data) };
            let inside = script.map(|script| script.inside);
            refused_or(status, Outcome::Done(inside.unwrap_or_default()))
        }
        Op::Read { tally } => {
            let mut count = 0;
            // SAFETY: `count` lives during the call.
            let status = unsafe { tally_read(id(tally), &raw mut count) };
            refused_or(status, Outcome::Count(count))
        }
        Op::Free { tally } => refused_or(tally_free(id(tally)), Outcome::Done(Vec::new())),
        Op::Message => {
            // SAFETY: the library's texts are static.
            let text = unsafe { CStr::from_ptr(tally_message()) };
            Outcome::Message(text.to_str().unwrap().to_owned())
        }
    }
}

// ---- the tests ---------------------------------------------------------------------------------

fn judge(scenario: &[Step<Op>]) -> ContractCounts<&'static str> {
    match run(scenario, &mut Library::new(), |_, _| {}) {
        Ok(checked) => checked,
        Err(broken) => panic!("{broken}"),
    }
}

#[test]
#[ignore = "repeats the scenario of a report, which it takes from the environment"]
fn replay() {
    let scenario = std::env::var("SCENARIO").expect("SCENARIO has the digits of a report");
    judge(&from_hex(&scenario).unwrap());
}

/// The table of operations is all that the text form needs.
#[test]
fn a_scenario_is_a_text_too() {
    let text = "scenario 1\n0: New limit=2\n1: Add tally=0 n=2 each=Frees\n1: Message\nend\n";
    let scenario = text::parse::<Op>(text.as_bytes()).unwrap();
    assert_eq!(scenario.to_string(), text);
    judge(&scenario.steps);
    let wrong = text.replace("Frees", "Freed");
    let mistake = text::parse::<Op>(wrong.as_bytes()).unwrap_err();
    let report = mistake.report("free.scenario", wrong.as_bytes());
    assert!(report.contains("free.scenario:3:"), "{report}");
    assert!(report.contains("did you mean `Frees`?"), "{report}");
}

/// So is a smaller scenario: a tally that is full needs a limit, and somebody who counts beyond it.
#[test]
fn a_scenario_shrinks() {
    let text = "scenario 1\n0: New limit=9\n1: New limit=2\n0: Message\n1: Add tally=1 n=3 each=Reads\n\
                2: Read tally=1\nend\n";
    let is_full = |scenario: &Scenario<Op>| {
        let mut tallies = Tallies::default();
        let mut outcomes = scenario.steps.iter().map(|step| tallies.call(*step));
        outcomes.any(|outcome| outcome == Outcome::Full)
    };
    let smallest = shrink(text::parse(text.as_bytes()).unwrap(), is_full);
    let expected = "scenario 1\n0: New limit=0\n0: Add tally=0 n=1 each=Absent\nend\n";
    assert_eq!(smallest.to_string(), expected);
}

/// Scenarios that change as a fuzzer's do. The generator knows the table and the model, and nothing else.
#[test]
fn scenarios_that_change_follow_the_model() {
    let mut generator = Generator::new(1);
    let (mut steps, mut counts) = (Vec::new(), ContractCounts::default());
    for _ in 0..500 {
        generator.mutate(&mut steps, &Tallies::default());
        steps.truncate(24);
        counts.add(&judge(&steps));
    }
    for name in Op::NAMES {
        assert!(counts.operations(name) > 0, "{name} never ran");
    }
}

/// Every scenario of four of these steps.
#[test]
fn all_short_scenarios_follow_the_model() {
    let on = |lane, op| Step { lane, op };
    let add = |n, each| Op::Add { tally: 0, n, each };
    let steps = [
        on(0, Op::New { limit: 2 }),
        on(1, add(1, Each::Absent)),
        on(0, add(2, Each::Reads)),
        on(1, add(2, Each::Frees)),
        on(1, Op::Read { tally: 0 }),
        on(0, Op::Free { tally: 0 }),
        on(0, Op::Message),
        on(1, Op::Message),
    ];
    let mut counts = ContractCounts::default();
    for number in 0..steps.len().pow(4) {
        let digit = |place| steps[number / steps.len().pow(place) % steps.len()];
        let scenario: Vec<Step<Op>> = (0..4).rev().map(digit).collect();
        counts.add(&judge(&scenario));
    }
    for name in Op::NAMES {
        assert!(counts.operations(name) > 0, "{name} never ran");
    }
    println!("{counts}");
}

/// Three threads count at the same time, up to the limit: each number is given out once, and whoever comes
/// too late hears that the tally is full. Callbacks call nothing: their calls would be moments of their own.
#[test]
fn some_order_explains_threads_that_count_together() {
    let make = Step {
        lane: 0,
        op: Op::New { limit: 4 },
    };
    let add = |n| Op::Add {
        tally: 0,
        n,
        each: Each::Listens,
    };
    let plan = [
        (0, vec![add(1), add(1)]),
        (1, vec![add(2), Op::Read { tally: 0 }]),
        (2, vec![add(1), Op::Free { tally: 0 }]),
    ];
    for _ in 0..500 {
        let mut library = Library::new();
        library.apply(make).unwrap();
        let tasks = plan.iter().map(|(lane, ops)| {
            let (ids, ops) = (Arc::clone(&library.ids), ops.clone());
            let task = move || ops.into_iter().map(|op| (op, call(&ids, op))).collect();
            (*lane, task)
        });
        let calls: Vec<Vec<_>> = library.lanes.run_together(tasks.collect()).unwrap();
        let lanes = plan.iter().zip(calls);
        let lanes: Vec<_> = lanes
            .map(|((lane, _), calls)| Lane { lane: *lane, calls })
            .collect();
        let mut before = Tallies::default();
        before.call(make);
        let order = linearization(&before, &lanes, |after| {
            Some(after.state()) == library.state()
        });
        if order.is_none() {
            let report = NotLinearizable {
                why: "no order of these calls gives their results:".to_owned(),
                contracts: vec![],
                beginning: vec![make],
                lanes,
                meanwhile: String::new(),
                end: vec![],
            };
            panic!("{report}");
        }
    }
}

/// The library, but each count that it reads is one too high.
struct Miscounts(Library);

impl Driver for Miscounts {
    type Model = Tallies;

    fn model(&self) -> Tallies {
        self.0.model()
    }

    fn apply(&mut self, step: Step<Op>) -> Result<Outcome, Stopped> {
        Ok(match self.0.apply(step)? {
            Outcome::Count(count) => Outcome::Count(count + 1),
            other => other,
        })
    }

    fn state(&self) -> Option<Vec<Option<u64>>> {
        self.0.state()
    }

    fn replay(&self) -> &'static str {
        "none: the bug is planted;"
    }
}

#[test]
#[ignore = "a planted bug, by which the engine shows that it sees one"]
fn canary_model_mismatch() {
    let steps = [Op::New { limit: 2 }, Op::Read { tally: 0 }];
    let scenario = steps.map(|op| Step { lane: 0, op });
    if let Err(broken) = run(&scenario, &mut Miscounts(Library::new()), |_, _| {}) {
        panic!("canary: {broken}");
    }
}
