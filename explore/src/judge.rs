//! The judge: runs a scenario on a driver and on the model, and compares after each step.

use std::fmt;

use cgolab_note::Note;

use crate::operation::{Operation, Step};
use crate::subject::{Driver, Model, Prediction, Settled};
use crate::{Contract, ContractCounts, Stopped};

/// Rounds of a teardown. A model that still wants steps then never ends.
const TEARDOWNS: usize = 4;

/// A step whose result was not the predicted one. Displays as a report with the lines by which a test tells
/// the lab what broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement<Op> {
    /// The contracts in question, if the model knows any, the most likely one first.
    pub contracts: Vec<Contract>,
    /// The steps so far, the broken one last.
    pub steps: Vec<Step<Op>>,
    /// The predicted result.
    pub predicted: String,
    /// The observed result.
    pub observed: String,
    /// The last step did not come back: the driver is of no use any more.
    pub hung: bool,
    /// The command that repeats it, without the scenario.
    pub replay: &'static str,
    /// The scenario, as the command takes it.
    pub scenario: String,
}

impl<Op: Operation> fmt::Display for Disagreement<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Disagreement {
            predicted,
            observed,
            replay,
            scenario,
            ..
        } = self;
        writeln!(
            f,
            "the library and the model disagree at the last of these steps:"
        )?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {number:3}  lane {}  {:?}", step.lane, step.op)?;
        }
        writeln!(f, "  expected: {predicted}")?;
        writeln!(f, "  observed: {observed}")?;
        writeln!(f, "  replay:   {replay} {scenario}")?;
        for contract in &self.contracts {
            writeln!(f, "{}", Note::broken(contract))?;
        }
        write!(f, "{}", Note::scenario(scenario))
    }
}

type ModelOf<D> = <D as Driver>::Model;
type OpOf<D> = <ModelOf<D> as Model>::Op;
type ObservationOf<D> = <ModelOf<D> as Model>::Observation;
type StateOf<D> = <ModelOf<D> as Model>::State;
type CountsOf<D> = ContractCounts<<ModelOf<D> as Model>::Encounter>;
type BrokenBy<D> = Box<Disagreement<OpOf<D>>>;
type PredictionOf<M> =
    Prediction<<M as Model>::Observation, <M as Model>::Encounter, <M as Model>::Grounds>;

/// Runs a scenario and a teardown after it, and checks that nothing is left. `watch` sees each step and its
/// result.
///
/// # Errors
/// The first step that went another way than the model says.
pub fn run<D: Driver + ?Sized>(
    steps: &[Step<OpOf<D>>],
    driver: &mut D,
    watch: impl FnMut(Step<OpOf<D>>, &ObservationOf<D>),
) -> Result<CountsOf<D>, BrokenBy<D>> {
    let mut run = Run {
        model: driver.model(),
        driver,
        counts: ContractCounts::default(),
        done: Vec::new(),
        watch,
    };
    for step in steps {
        run.step(*step)?;
    }
    for _ in 0..TEARDOWNS {
        for step in run.model.teardown() {
            run.step(step)?;
        }
    }
    if let Some(remains) = run.model.remains() {
        let nothing = "a teardown that leaves nothing".to_owned();
        return Err(run.disagreement(vec![], nothing, remains));
    }
    run.counts.count_scenario();
    Ok(run.counts)
}

/// Steps that the library accepts, with callbacks that it accepts too, whichever of the models it follows.
pub fn without_refusals<M: Model, const N: usize>(
    mut models: [M; N],
    steps: &[Step<M::Op>],
) -> Vec<Step<M::Op>> {
    let mut kept = Vec::new();
    for step in steps {
        let mut after = models.clone();
        let is_refused = after.each_mut().map(|model| {
            let step = model.settle(*step, true).step;
            M::is_refused(&model.apply(step).observation)
        });
        if is_refused == [false; N] {
            kept.push(*step);
            models = after;
        }
    }
    kept
}

struct Run<'a, D: Driver + ?Sized, W> {
    driver: &'a mut D,
    model: D::Model,
    counts: CountsOf<D>,
    done: Vec<Step<OpOf<D>>>,
    watch: W,
}

impl<D: Driver + ?Sized, W: FnMut(Step<OpOf<D>>, &ObservationOf<D>)> Run<'_, D, W> {
    fn step(&mut self, step: Step<OpOf<D>>) -> Result<(), BrokenBy<D>> {
        let Settled { step, lets_pass } = self.model.settle(step, self.driver.is_patient());
        if !lets_pass.is_zero() {
            // Makes time pass, and puts nothing in order: it may last longer.
            std::thread::sleep(lets_pass);
        }
        self.done.push(step);
        let before = self.model.state();
        let mut predicted = self.model.apply(step);
        let observed = match self.driver.apply(step) {
            Ok(observed) => D::Model::without_freedom(observed, &predicted.observation),
            Err(Stopped {
                contract,
                text,
                hung,
            }) => {
                let contracts = match contract {
                    Some(contract) => vec![contract],
                    None if hung => D::Model::blame_hang(step.op, &predicted),
                    None => predicted.contracts.first().copied().into_iter().collect(),
                };
                let predicted = predicted.observation.to_string();
                let mut stopped = self.disagreement(contracts, predicted, text);
                stopped.hung = hung;
                return Err(stopped);
            }
        };
        (self.watch)(step, &observed);
        if observed != predicted.observation {
            let contracts = D::Model::blame_observation(step.op, &predicted, &observed);
            let predicted = predicted.observation.to_string();
            return Err(self.disagreement(contracts, predicted, observed.to_string()));
        }
        self.compare_states(step, &before, &mut predicted)?;
        for contract in self.driver.checked() {
            add(&mut predicted.contracts, contract);
        }
        self.counts.count(&predicted.contracts);
        self.counts.count_step(step.op.name(), predicted.encounters);
        Ok(())
    }

    /// Compares what no call shows. A refused call has changed nothing.
    fn compare_states(
        &self,
        step: Step<OpOf<D>>,
        before: &StateOf<D>,
        predicted: &mut PredictionOf<ModelOf<D>>,
    ) -> Result<(), BrokenBy<D>> {
        let Some(is) = self.driver.state() else {
            return Ok(());
        };
        let should = self.model.state();
        let is = D::Model::state_without_freedom(is, &should);
        let no_trace = D::Model::no_trace(step.op, &predicted.observation);
        if let Some(no_trace) = no_trace {
            assert!(should == *before, "the model is wrong about {step:?}");
            predicted.contracts.push(no_trace);
        }
        if is == should {
            return Ok(());
        }
        let contract = D::Model::blame_state(step.op, predicted, &should, &is);
        let contract = contract.or_else(|| predicted.contracts.first().copied());
        let mut contracts: Vec<Contract> = contract.into_iter().collect();
        if let Some(no_trace) = no_trace {
            add(&mut contracts, no_trace);
        }
        let (should, is) = difference(&should, &is);
        Err(self.disagreement(contracts, should, is))
    }

    fn disagreement(
        &self,
        contracts: Vec<Contract>,
        predicted: String,
        observed: String,
    ) -> BrokenBy<D> {
        Box::new(Disagreement {
            contracts,
            steps: self.done.clone(),
            predicted,
            observed,
            hung: false,
            replay: self.driver.replay(),
            scenario: self.driver.scenario(&self.done),
        })
    }
}

fn add(contracts: &mut Vec<Contract>, contract: Contract) {
    if !contracts.contains(&contract) {
        contracts.push(contract);
    }
}

/// The lines in which two states differ. Where one has more lines, only those that are equal at the beginning and
/// at the end are left out.
fn difference<S: fmt::Debug>(should: &S, is: &S) -> (String, String) {
    let lines = |state: &S| -> Vec<String> {
        format!("{state:#?}")
            .lines()
            .map(|line| line.trim().to_owned())
            .collect()
    };
    let (mut should, mut is) = (lines(should), lines(is));
    if should.len() == is.len() {
        let both = should.into_iter().zip(is);
        (should, is) = both.filter(|(should, is)| should != is).unzip();
    } else {
        let equal = |(one, other): &(&String, &String)| one == other;
        let first = should.iter().zip(&is).take_while(equal).count();
        should.drain(..first);
        is.drain(..first);
        let last = should.iter().rev().zip(is.iter().rev());
        let last = last.take_while(equal).count();
        should.truncate(should.len() - last);
        is.truncate(is.len() - last);
    }
    let text = |lines: Vec<String>| format!("a state with {}", lines.join(" "));
    (text(should), text(is))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::from_hex;
    use crate::counter::{Counter, FORGOTTEN, Library, Mistake, Observation, Op};

    /// A counter of one, of which two are taken.
    const SCENARIO: &str = "01000100000100000001000000";

    fn judged(mistake: Mistake) -> Result<ContractCounts<&'static str>, Box<Disagreement<Op>>> {
        let counter = Counter::default();
        let steps = from_hex(SCENARIO).unwrap();
        run(&steps, &mut Library { counter, mistake }, |_, _| {})
    }

    #[test]
    fn a_library_that_follows_its_model_is_counted() {
        let counts = judged(Mistake::None).unwrap();
        assert_eq!(
            counts.contracts().collect::<Vec<_>>(),
            ["CNT-01", "CNT-02", "CNT-03", "CNT-04"]
        );
        // The teardown counts, too.
        let ran = ["Make", "Take", "End"].map(|name| counts.operations(name));
        assert_eq!(ran, [1, 2, 1]);
        assert_eq!(counts.encounters(&"zero"), 2);
        assert_eq!(
            counts.to_string(),
            "cgolab: executions=1\n\
             cgolab: contract=CNT-01 checks=4\n\
             cgolab: contract=CNT-02 checks=1\n\
             cgolab: contract=CNT-03 checks=1\n\
             cgolab: contract=CNT-04 checks=4\n\
             ran: End, 1 times\nran: Make, 1 times\nran: Take, 2 times\n\
             met: zero, 2 times\n"
        );
        let mut twice = counts.clone();
        twice.add(&counts);
        assert_eq!(
            twice.to_string(),
            "cgolab: executions=2\n\
             cgolab: contract=CNT-01 checks=8\n\
             cgolab: contract=CNT-02 checks=2\n\
             cgolab: contract=CNT-03 checks=2\n\
             cgolab: contract=CNT-04 checks=8\n\
             ran: End, 2 times\nran: Make, 2 times\nran: Take, 4 times\n\
             met: zero, 4 times\n"
        );
    }

    #[test]
    fn a_wrong_result_is_reported_with_its_contract_and_replay() {
        let broken = judged(Mistake::NeverEmpty).unwrap_err();
        assert_eq!(broken.contracts, ["CNT-02"]);
        assert_eq!(
            broken.to_string(),
            format!(
                "the library and the model disagree at the last of these steps:\n    \
                 0  lane 0  Make {{ count: 1 }}\n    \
                 1  lane 0  Take {{ counter: 0 }}\n    \
                 2  lane 0  Take {{ counter: 0 }}\n  \
                 expected: None\n  observed: Some(0)\n  replay:   replay {SCENARIO}\n\
                 cgolab: broken=CNT-02\ncgolab: scenario={SCENARIO}"
            )
        );
    }

    #[test]
    fn a_refused_call_that_leaves_a_trace_is_seen() {
        let broken = judged(Mistake::LeavesATrace).unwrap_err();
        assert_eq!(broken.contracts, ["CNT-02", "CNT-03"]);
        assert_eq!(broken.steps.len(), 3);
    }

    #[test]
    fn what_a_teardown_leaves_is_reported() {
        let op = Op::Make { count: FORGOTTEN };
        let mut library = Library {
            counter: Counter::default(),
            mistake: Mistake::None,
        };
        let left = run(&[Step { lane: 0, op }], &mut library, |_, _| {}).unwrap_err();
        assert_eq!(left.observed, "1 live");
        assert_eq!(left.contracts, [""; 0]);
    }

    #[test]
    fn only_the_part_of_a_state_that_differs_is_shown() {
        let shown = |should: &[Option<u8>], is: &[Option<u8>]| difference(&should, &is);
        let text = |lines: &str| format!("a state with {lines}");
        assert_eq!(
            shown(&[Some(1), Some(2), Some(3)], &[Some(4), Some(2), Some(5)]),
            (text("1, 3,"), text("4, 5,"))
        );
        assert_eq!(
            shown(&[Some(1), None, Some(3)], &[Some(1), Some(2), Some(3)]),
            (text("None,"), text("Some( 2, ),"))
        );
        assert_eq!(shown(&[None], &[None, None]), (text(""), text("None,")));
    }

    #[test]
    fn a_step_without_a_result_is_reported() {
        let broken = judged(Mistake::Panics).unwrap_err();
        assert_eq!(broken.steps.len(), 2);
        assert_eq!(broken.contracts, ["CNT-01"]);
        assert_eq!(broken.observed, "the call panicked: out of luck");
        assert!(!broken.hung);
    }

    /// A library that hangs; its driver may name the contract.
    struct Hangs(Option<Contract>);

    impl Driver for Hangs {
        type Model = Counter;

        fn model(&self) -> Counter {
            Counter::default()
        }

        fn apply(&mut self, _: Step<Op>) -> Result<Observation, Stopped> {
            Err(Stopped {
                contract: self.0,
                text: "it hangs".to_owned(),
                hung: true,
            })
        }

        fn state(&self) -> Option<Vec<Option<u8>>> {
            None
        }

        fn replay(&self) -> &'static str {
            "replay"
        }
    }

    #[test]
    fn a_contract_that_the_driver_knows_goes_before_those_of_the_prediction() {
        let broken = |known| {
            let steps = from_hex(SCENARIO).unwrap();
            let broken = run(&steps, &mut Hangs(known), |_, _| {}).unwrap_err();
            assert!(broken.hung);
            broken
        };
        assert_eq!(broken(Some("CNT-09")).contracts, ["CNT-09"]);
        let predicted = broken(None).contracts;
        assert!(!predicted.is_empty() && predicted != ["CNT-09"]);
    }

    #[test]
    fn steps_that_one_of_the_models_refuses_are_left_out() {
        let steps = from_hex(SCENARIO).unwrap();
        let kept = without_refusals([Counter::default(), Counter::default()], &steps);
        assert_eq!(kept, steps[..2]);
    }
}
