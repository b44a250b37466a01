//! The judge: runs a scenario on a driver and on the model, and compares after each step.

use std::collections::BTreeMap;
use std::fmt;

use crate::bytes::to_hex;
use crate::driver::Driver;
use crate::model::{Contract, Expected, Interface, Model};
use crate::op::{Op, Pause, Step};
use crate::outcome::{Outcome, Seen, Told};

/// How often each contract was put to the test and held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    checks: BTreeMap<Contract, u64>,
    scenarios: u64,
}

impl Ledger {
    /// The contracts that were put to the test.
    pub fn contracts(&self) -> impl Iterator<Item = Contract> {
        self.checks.keys().copied()
    }

    /// Adds another ledger's counts.
    pub fn add(&mut self, other: &Ledger) {
        self.scenarios += other.scenarios;
        for (contract, count) in &other.checks {
            *self.checks.entry(contract).or_default() += count;
        }
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
        writeln!(f, "cgolab: executions={}", self.scenarios)?;
        for (contract, count) in &self.checks {
            writeln!(f, "cgolab: contract={contract} checks={count}")?;
        }
        Ok(())
    }
}

/// A step whose result was not what the model says. Displays as a report with the lines by which a
/// test tells the lab what broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The contract in question, if the model knows one.
    pub contract: Option<Contract>,
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
        let hex = to_hex(&self.steps);
        writeln!(
            f,
            "  replay:   cargo run -q -p courier-scenario --example replay -- {hex}"
        )?;
        if let Some(contract) = self.contract {
            writeln!(f, "cgolab: broken={contract}")?;
        }
        write!(f, "cgolab: scenario={hex}")
    }
}

/// Runs a scenario and a teardown after it, and checks that nothing is left.
///
/// A pump that would park for ever runs without its wait. `watch` sees each step and its result.
///
/// # Errors
/// The first step that went another way than the model says.
pub fn run(
    steps: &[Step],
    driver: &mut impl Driver,
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
        return Err(run.broken(None, "a teardown that leaves nothing".to_owned(), left));
    }
    run.ledger.count_scenario();
    Ok(run.ledger)
}

/// The steps of a scenario that are not refused, and in whose callbacks nothing is.
pub fn without_refusals(steps: &[Step]) -> Vec<Step> {
    // Here releases say what they meet.
    let mut model = Model::new(Interface::Rust);
    let mut kept = Vec::new();
    for step in steps {
        let mut after = model.clone();
        let seen = after.apply(after.without_endless_wait(*step)).seen;
        let inside = seen.upcalls.iter().flat_map(|upcall| &upcall.inside);
        let mut outcomes = inside.chain([&seen.outcome]);
        if !outcomes.any(|outcome| matches!(outcome, Outcome::Refused(_))) {
            kept.push(*step);
            model = after;
        }
    }
    kept
}

struct Run<'a, D> {
    driver: &'a mut D,
    model: Model,
    ledger: Ledger,
    done: Vec<Step>,
    watch: &'a mut dyn FnMut(Step, &Seen),
}

impl<D: Driver> Run<'_, D> {
    fn step(&mut self, step: Step) -> Result<(), Box<Broken>> {
        let mut step = self.model.without_endless_wait(step);
        if let Op::Pump { wait, .. } = &mut step.op
            && *wait == Pause::Briefly
            && !self.driver.waits_briefly()
        {
            *wait = Pause::No;
        }
        self.done.push(step);
        let mut expected = self.model.apply(step);
        let observed = match self.driver.apply(step) {
            Ok(observed) => without_needless_wait(observed, &expected.seen),
            Err(hang) => {
                let contract = expected.contracts.first().copied();
                let mut broken = self.broken(contract, expected.seen.to_string(), hang);
                broken.hung = true;
                return Err(broken);
            }
        };
        (self.watch)(step, &observed);
        if observed != expected.seen {
            let contract = in_question(&expected, &observed);
            return Err(self.broken(contract, expected.seen.to_string(), observed.to_string()));
        }
        let (should, is) = (self.model.live(), self.driver.live());
        if should != is {
            let contract = if should.requests == is.requests {
                expected.contracts.first().copied()
            } else {
                Some("REQ-05")
            };
            return Err(self.broken(contract, format!("{should:?}"), format!("{is:?}")));
        }
        for contract in self.driver.checked() {
            if !expected.contracts.contains(&contract) {
                expected.contracts.push(contract);
            }
        }
        self.ledger.count(&expected.contracts);
        Ok(())
    }

    fn broken(
        &self,
        contract: Option<Contract>,
        expected: String,
        observed: String,
    ) -> Box<Broken> {
        Box::new(Broken {
            contract,
            steps: self.done.clone(),
            expected,
            observed,
            hung: false,
        })
    }
}

/// The result, with a wait forgiven that was longer than it had to be.
fn without_needless_wait(mut observed: Seen, expected: &Seen) -> Seen {
    if let (Outcome::Pumped { waited, .. }, Outcome::Pumped { waited: false, .. }) =
        (&mut observed.outcome, &expected.outcome)
    {
        *waited = false;
    }
    observed
}

/// Ordinals of the objects that a step made.
fn made(seen: &Seen) -> Vec<usize> {
    let requests = seen.upcalls.iter().filter_map(|upcall| match upcall.told {
        Told::Provide(request, _) => Some(request),
        _ => None,
    });
    let mut made: Vec<usize> = requests.collect();
    match &seen.outcome {
        Outcome::Created(ordinal) | Outcome::Snapshot(ordinal, _) => made.push(*ordinal),
        Outcome::Drained(events) => made.extend(events.iter().filter_map(|event| event.blob)),
        _ => {}
    }
    made
}

/// The contract that a wrong result breaks: of drained events and of callbacks, that of the first
/// wrong one.
fn in_question(expected: &Expected, observed: &Seen) -> Option<Contract> {
    let mut pairs = made(&expected.seen).into_iter().zip(made(observed));
    if pairs.any(|(new, is)| is < new) {
        // The id of an older object was issued again, so its holder now reaches the new one.
        return Some("HDL-05");
    }
    let (should, is) = (&expected.seen.upcalls, &observed.upcalls);
    let wrong = (0..should.len().max(is.len())).find(|index| should.get(*index) != is.get(*index));
    if let Some(index) = wrong {
        return Some(match (should.get(index), is.get(index)) {
            (Some(should), Some(is))
                if (should.callback, &should.told) == (is.callback, &is.told) =>
            {
                "CBK-09"
            }
            (Some(should), _) => contract_of_callback(&should.told, expected),
            (None, Some(is)) => contract_of_callback(&is.told, expected),
            (None, None) => unreachable!("one of them is longer"),
        });
    }
    if let (Outcome::Drained(should), Outcome::Drained(is)) =
        (&expected.seen.outcome, &observed.outcome)
    {
        let wrong = should.iter().zip(is).position(|(should, is)| should != is);
        return match wrong {
            Some(index) => expected.events.get(index).copied(),
            None => Some("EVT-02"),
        };
    }
    expected.contracts.first().copied()
}

/// What a callback that is missing, or one too many, breaks.
fn contract_of_callback(told: &Told, expected: &Expected) -> Contract {
    match told {
        Told::Provide(..) => "CBK-01",
        Told::Cancel => "REQ-21",
        Told::Wake if expected.contracts.contains(&"EVT-09") => "EVT-09",
        Told::Wake => "EVT-11",
        Told::Log(_) => "STA-11",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::decode;
    use crate::driver::RustDriver;

    #[test]
    fn in_a_scenario_without_refusals_nothing_is_refused() {
        // A create, one too many, a session, its runtime's destruction, and a load.
        let steps = decode(&[
            2, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 12, 0, 0, 0,
        ]);
        let valid = without_refusals(&steps);
        assert_eq!(valid, [steps[0], steps[2], steps[4]]);
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
