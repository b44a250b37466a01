//! The judge: runs a scenario on a driver and on the model, and compares after each step.

use std::collections::BTreeMap;
use std::fmt;

use cgolab_note::Note;

use crate::blame;
use crate::driver::{Driver, Stopped};
use crate::features::Pair;
use crate::model::{Contract, Expected, Interface, Met, Model, Settled};
use crate::op::{Deadline, Op, Pause, SOON, Step};
use crate::outcome::{Outcome, Seen};
use crate::replay::{Replay, Through};
use crate::state::State;

/// How often each contract was put to the test and held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    checks: BTreeMap<Contract, u64>,
    scenarios: u64,
    pairs: BTreeMap<Pair, u64>,
    /// Steps, by how many callbacks deep they were; those without any are not counted.
    depths: BTreeMap<usize, u64>,
    outer_uses: u64,
}

impl Ledger {
    /// The contracts that were put to the test.
    pub fn contracts(&self) -> impl Iterator<Item = Contract> {
        self.checks.keys().copied()
    }

    /// The number of times that two features met.
    pub fn met(&self, pair: Pair) -> u64 {
        self.pairs.get(&pair).copied().unwrap_or_default()
    }

    /// The number of steps that were so many callbacks deep.
    pub fn deep(&self, depth: usize) -> u64 {
        self.depths.get(&depth).copied().unwrap_or_default()
    }

    /// The number of uses of a request from a callback of something else, inside one of its own.
    pub fn outer_uses(&self) -> u64 {
        self.outer_uses
    }

    /// Adds another ledger's counts.
    pub fn add(&mut self, other: &Ledger) {
        self.scenarios += other.scenarios;
        for (contract, count) in &other.checks {
            *self.checks.entry(contract).or_default() += count;
        }
        for (pair, count) in &other.pairs {
            *self.pairs.entry(*pair).or_default() += count;
        }
        for (depth, count) in &other.depths {
            *self.depths.entry(*depth).or_default() += count;
        }
        self.outer_uses += other.outer_uses;
    }

    fn count_met(&mut self, met: &Met) {
        for pair in &met.pairs {
            *self.pairs.entry(*pair).or_default() += 1;
        }
        if met.depth > 0 {
            *self.depths.entry(met.depth).or_default() += 1;
        }
        self.outer_uses += u64::from(met.outer_use);
    }

    /// Counts one check of each.
    pub(crate) fn count(&mut self, contracts: &[Contract]) {
        for contract in contracts {
            *self.checks.entry(contract).or_default() += 1;
        }
    }

    /// Counts one scenario.
    pub(crate) fn count_scenario(&mut self) {
        self.scenarios += 1;
    }
}

/// The lines by which a test tells the lab what it checked.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Note::Executions(self.scenarios))?;
        for (contract, count) in &self.checks {
            writeln!(f, "{}", Note::checked(contract, *count))?;
        }
        for (pair, count) in &self.pairs {
            writeln!(f, "met: {pair}, {count} times")?;
        }
        for (depth, count) in &self.depths {
            writeln!(f, "met: {depth} callbacks deep, {count} times")?;
        }
        if self.outer_uses > 0 {
            let count = self.outer_uses;
            writeln!(f, "met: an outer callback's request used, {count} times")?;
        }
        Ok(())
    }
}

/// A step whose result was not what the model says. Displays as a report with the lines by which a
/// test tells the lab what broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The contracts in question, if the model knows any, the most likely one first.
    pub contracts: Vec<Contract>,
    /// The driver.
    pub through: Through,
    /// The steps so far, the broken one last.
    pub steps: Vec<Step>,
    /// What the model expected.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// The last step did not come back: the driver is of no use any more.
    pub hung: bool,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the library and the model disagree at the last of these steps:"
        )?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {number:3}  lane {}  {:?}", step.lane, step.op)?;
        }
        writeln!(f, "  expected: {}", self.expected)?;
        writeln!(f, "  observed: {}", self.observed)?;
        let replay = Replay {
            through: self.through,
            steps: self.steps.clone(),
        };
        writeln!(
            f,
            "  replay:   cargo run -q -p courier-scenario --example replay -- {replay}"
        )?;
        for contract in &self.contracts {
            writeln!(f, "{}", Note::broken(contract))?;
        }
        write!(f, "{}", Note::scenario(&replay.to_string()))
    }
}

/// Runs a scenario and a teardown after it, and checks that nothing is left.
///
/// A pump that would park for ever waits briefly instead. `watch` sees each step and its result.
///
/// # Errors
/// The first step that went another way than the model says.
pub fn run(
    steps: &[Step],
    driver: &mut (impl Driver + ?Sized),
    mut watch: impl FnMut(Step, &Seen),
) -> Result<Ledger, Box<Broken>> {
    let mut run = Run {
        model: Model::new(driver.interface()),
        driver,
        ledger: Ledger::default(),
        done: Vec::new(),
        watch: &mut watch,
    };
    for step in steps {
        run.step(*step)?;
    }
    for step in run.model.teardown() {
        run.step(step)?;
    }
    for step in run.model.teardown_blobs() {
        run.step(step)?;
    }
    if run.model.pending_loads() > 0 || run.model.live() != courier_core::Live::default() {
        let left = format!("{:?}", run.model.live());
        return Err(run.broken(vec![], "a teardown that leaves nothing".to_owned(), left));
    }
    run.ledger.count_scenario();
    Ok(run.ledger)
}

/// Steps that the library accepts, with callbacks that it accepts too.
///
/// Through either interface: in Rust releases say what they meet, and through C a callback may be called
/// where in Rust another one is.
pub fn without_refusals(steps: &[Step]) -> Vec<Step> {
    let mut models = [Interface::Rust, Interface::C].map(Model::new);
    let mut kept = Vec::new();
    for step in steps {
        let mut after = models.clone();
        let is_refused = after.each_mut().map(|model| {
            let seen = model.apply(model.settle(*step).step).seen;
            let inside = seen.upcalls.iter().flat_map(|upcall| &upcall.inside);
            let mut outcomes = inside.chain([&seen.outcome]);
            outcomes.any(|outcome| matches!(outcome, Outcome::Refused(_)))
        });
        if is_refused == [false, false] {
            kept.push(*step);
            models = after;
        }
    }
    kept
}

struct Run<'a, D: ?Sized> {
    driver: &'a mut D,
    model: Model,
    ledger: Ledger,
    done: Vec<Step>,
    watch: &'a mut dyn FnMut(Step, &Seen),
}

impl<D: Driver + ?Sized> Run<'_, D> {
    fn step(&mut self, step: Step) -> Result<(), Box<Broken>> {
        let step = self.settle(step);
        self.done.push(step);
        let before = self.model.state();
        let mut expected = self.model.apply(step);
        let observed = match self.driver.apply(step) {
            Ok(observed) => without_freedom(observed, &expected.seen),
            Err(Stopped {
                contract,
                text,
                hung,
            }) => {
                let contracts = contract.or(expected.contracts.first().copied());
                let contracts = contracts.into_iter().collect();
                let mut broken = self.broken(contracts, expected.seen.to_string(), text);
                broken.hung = hung;
                return Err(broken);
            }
        };
        (self.watch)(step, &observed);
        if observed != expected.seen {
            let contracts = blame::of_result(step.op, &expected, &observed);
            return Err(self.broken(contracts, expected.seen.to_string(), observed.to_string()));
        }
        self.compare_states(step, &before, &mut expected)?;
        for contract in self.driver.checked() {
            add(&mut expected.contracts, contract);
        }
        self.ledger.count(&expected.contracts);
        self.ledger.count_met(&expected.met);
        Ok(())
    }

    /// The step as this driver can run it. Lets deadlines pass, where that is to be before it.
    fn settle(&mut self, mut step: Step) -> Step {
        if let (false, Op::Load { deadline, .. }) = (self.driver.is_patient(), &mut step.op)
            && *deadline == Deadline::Soon
        {
            *deadline = Deadline::Now;
        }
        let Settled {
            mut step,
            lets_deadlines_pass,
        } = self.model.settle(step);
        if let (false, Op::Pump { wait, .. }) = (self.driver.is_patient(), &mut step.op)
            && *wait == Pause::Briefly
        {
            *wait = Pause::No;
        }
        if lets_deadlines_pass {
            // Makes time pass, and puts nothing in order: it may last longer.
            std::thread::sleep(SOON);
        }
        step
    }

    /// Compares what no call shows. A refused call has changed nothing.
    fn compare_states(
        &self,
        step: Step,
        before: &State,
        expected: &mut Expected,
    ) -> Result<(), Box<Broken>> {
        let should = self.model.state();
        let is = self.driver.state().without_passed_time(&should);
        let refused = is_refused(&expected.seen) && expected.seen.upcalls.is_empty();
        if refused && !ends_a_load_malformed(step.op, &expected.seen) {
            assert_eq!(should, *before, "the model is wrong about {step:?}");
            expected.contracts.push(NO_TRACE);
        }
        if is == should {
            return Ok(());
        }
        let contract = blame::of_state(step.op, expected, &should, &is);
        let first = || expected.contracts.first().copied();
        let mut contracts: Vec<Contract> = contract.or_else(first).into_iter().collect();
        if refused {
            add(&mut contracts, NO_TRACE);
        }
        let (should, is) = difference(&should, &is);
        Err(self.broken(contracts, should, is))
    }

    fn broken(&self, contracts: Vec<Contract>, expected: String, observed: String) -> Box<Broken> {
        Box::new(Broken {
            contracts,
            through: self.driver.through(),
            steps: self.done.clone(),
            expected,
            observed,
            hung: false,
        })
    }
}

/// The contract that a refused call leaves everything as it was.
const NO_TRACE: Contract = "STA-12";

fn add(contracts: &mut Vec<Contract>, contract: Contract) {
    if !contracts.contains(&contract) {
        contracts.push(contract);
    }
}

fn is_refused(seen: &Seen) -> bool {
    matches!(seen.outcome, Outcome::Refused(_))
}

/// The one refusal that has an effect, which the header says: a response whose contents are malformed
/// ends the load.
fn ends_a_load_malformed(op: Op, seen: &Seen) -> bool {
    match (op, &seen.outcome) {
        (Op::Complete { answer, .. }, Outcome::Refused(word)) => answer.malformed() == Some(*word),
        _ => false,
    }
}

/// Two states, without the parts that are equal.
fn difference(should: &State, is: &State) -> (String, String) {
    let lines = |state: &State| -> Vec<String> {
        format!("{state:#?}")
            .lines()
            .map(|line| line.trim().to_owned())
            .collect()
    };
    let (should, is) = (lines(should), lines(is));
    let differing: (Vec<String>, Vec<String>) = should
        .into_iter()
        .zip(is)
        .filter(|(should, is)| should != is)
        .unzip();
    (
        format!("a state with {}", differing.0.join(" ")),
        format!("a state with {}", differing.1.join(" ")),
    )
}

/// The result without what is free: a wait may be longer than it had to be, and what is soon may be due
/// by now.
fn without_freedom(mut observed: Seen, expected: &Seen) -> Seen {
    match (&mut observed.outcome, &expected.outcome) {
        (Outcome::Pumped { waited, .. }, Outcome::Pumped { waited: false, .. }) => *waited = false,
        (Outcome::Next(next), Outcome::Next(expected)) => {
            *next = next.without_passed_time(*expected);
        }
        _ => {}
    }
    observed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::decode;
    use crate::driver::RustDriver;

    /// A driver whose library refuses everything, and leaves a trace of it if it is told to.
    struct Refusing {
        driver: RustDriver,
        leaves_a_trace: bool,
    }

    impl Driver for Refusing {
        fn apply(&mut self, step: Step) -> Result<Seen, Stopped> {
            if self.leaves_a_trace {
                self.driver.apply(Step { lane: 0, ..step })?;
            }
            let outcome = Outcome::Refused(courier_core::Word::WrongThread);
            let upcalls = Vec::new();
            Ok(Seen { outcome, upcalls })
        }

        fn state(&self) -> State {
            self.driver.state()
        }

        fn through(&self) -> Through {
            Through::C
        }

        fn interface(&self) -> Interface {
            Interface::C
        }
    }

    /// Runs a create and a session on another lane, which is refused.
    fn report(leaves_a_trace: bool, first: usize) -> Broken {
        let steps = decode(&[2, 0, 0, 0, 0, 10 | 1 << 5, 0, 0, 0]);
        let mut driver = RustDriver::new(u32::MAX);
        let mut model = Model::new(Interface::C);
        for step in &steps[..first] {
            driver.apply(*step).unwrap();
            model.apply(*step);
        }
        let mut run = Run {
            model,
            driver: &mut Refusing {
                driver,
                leaves_a_trace,
            },
            ledger: Ledger::default(),
            done: steps[..first].to_vec(),
            watch: &mut |_, _| {},
        };
        *run.step(steps[first]).unwrap_err()
    }

    #[test]
    fn a_report_replays_through_the_driver_that_broke() {
        let text = report(false, 0).to_string();
        let (_, command) = text.split_once("--example replay -- ").unwrap();
        let arguments = command
            .lines()
            .next()
            .unwrap()
            .split(' ')
            .map(str::to_owned);
        let replay = Replay::parse(arguments).unwrap();
        assert_eq!((replay.through, replay.steps.len()), (Through::C, 1));
        let note = Note::scenario("--through c 02").to_string();
        assert!(text.contains(&note), "{text}");
    }

    #[test]
    fn sta_12_a_refused_call_that_leaves_a_trace_is_seen() {
        let broken = report(true, 1);
        assert_eq!(broken.contracts, ["THR-01", NO_TRACE]);
        assert!(broken.observed.contains("sessions: 1"), "{broken}");
    }

    #[test]
    fn in_a_scenario_without_refusals_nothing_is_refused() {
        // A create, one too many, a session, its runtime's destruction, and a load.
        let steps = decode(&[
            2, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 12, 0, 0, 0,
        ]);
        let valid = without_refusals(&steps);
        assert_eq!(valid, [steps[0], steps[2], steps[4]]);
        // Through C nothing is logged of a provider that fails, whose request the log callback would meet.
        let inside_a_log = [
            "02", "00000000", "0a000000", "0c000000", "16000200", "05000900", "03000000",
            "0f000000",
        ];
        let steps = crate::bytes::from_hex(&inside_a_log.concat()).unwrap();
        assert_eq!(without_refusals(&steps).len(), steps.len() - 2);
        let mut outcomes = Vec::new();
        let mut driver = RustDriver::new(u32::MAX);
        let result = run(&valid, &mut driver, |_, seen| {
            outcomes.push(seen.outcome.clone());
        });
        result.unwrap();
        let refused = |outcome: &&Outcome| matches!(outcome, Outcome::Refused(_));
        assert_eq!(outcomes.iter().find(refused), None);
    }
}
