//! The judge, told of courier: counts of what scenarios put to the test, and steps that nobody refuses.

use cgolab_explore::without_refusals as without_refusals_of;

use crate::features::Encounter;
use crate::model::Model;
use crate::op::{Op, Step};
use crate::through::Interface;

pub use cgolab_explore::run;

/// Numbers of checks by contract, of operations, and of features and callbacks that met.
pub type ContractCounts = cgolab_explore::ContractCounts<Encounter>;

/// A step whose result was not what the model says.
pub type Disagreement = cgolab_explore::Disagreement<Op>;

/// Steps that the library accepts, with callbacks that it accepts too.
///
/// Through either interface: in Rust releases say what they meet, and through C a callback may be called
/// where in Rust another one is.
pub fn without_refusals(steps: &[Step]) -> Vec<Step> {
    without_refusals_of([Interface::Rust, Interface::C].map(Model::new), steps)
}

#[cfg(test)]
mod tests {
    use cgolab_explore::{Driver, Stopped};
    use cgolab_note::Note;

    use super::*;
    use crate::bytes::{decode, from_hex};
    use crate::driver::RustDriver;
    use crate::outcome::{Observation, Outcome};
    use crate::replay::Replay;
    use crate::state::State;
    use crate::through::Through;

    /// A driver whose library refuses everything after the first steps, and leaves a trace of it if it is
    /// told to.
    struct Refusing {
        driver: RustDriver,
        accepts: usize,
        leaves_a_trace: bool,
    }

    impl Driver for Refusing {
        type Model = Model;

        fn model(&self) -> Model {
            Model::new(Interface::C)
        }

        fn apply(&mut self, step: Step) -> Result<Observation, Stopped> {
            if let Some(left) = self.accepts.checked_sub(1) {
                self.accepts = left;
                return self.driver.apply(step);
            }
            if self.leaves_a_trace {
                self.driver.apply(Step { lane: 0, ..step })?;
            }
            let outcome = Outcome::Refused(courier_core::Word::WrongThread);
            let upcalls = Vec::new();
            Ok(Observation { outcome, upcalls })
        }

        fn state(&self) -> Option<State> {
            self.driver.state()
        }

        fn replay(&self) -> &'static str {
            Replay::COMMAND
        }

        fn scenario(&self, steps: &[Step]) -> String {
            let (through, steps) = (Through::C, steps.to_vec());
            Replay { through, steps }.to_string()
        }
    }

    /// Runs a create and a session on another lane, which is refused.
    fn report(leaves_a_trace: bool, accepts: usize) -> Disagreement {
        let steps = decode(&[2, 0, 0, 0, 0, 10 | 1 << 5, 0, 0, 0]);
        let mut driver = Refusing {
            driver: RustDriver::new(u32::MAX),
            accepts,
            leaves_a_trace,
        };
        *run(&steps, &mut driver, |_, _| {}).unwrap_err()
    }

    #[test]
    fn a_report_replays_through_the_driver_that_broke() {
        let text = report(false, 0).to_string();
        let command = "  replay:   cargo lab replay --through c 0300000000\n";
        assert!(text.contains(command), "{text}");
        let note = Note::scenario("--through c 03").to_string();
        assert!(text.contains(&note), "{text}");
    }

    #[test]
    fn sta_12_a_refused_call_that_leaves_a_trace_is_seen() {
        let broken = report(true, 1);
        assert_eq!(broken.contracts, ["THR-01", "STA-12"]);
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
        let steps = from_hex(&inside_a_log.concat()).unwrap();
        assert_eq!(without_refusals(&steps).len(), steps.len() - 2);
        let mut outcomes = Vec::new();
        let mut driver = RustDriver::new(u32::MAX);
        let result = run(&valid, &mut driver, |_, observed| {
            outcomes.push(observed.outcome.clone());
        });
        result.unwrap();
        let refused = |outcome: &&Outcome| matches!(outcome, Outcome::Refused(_));
        assert_eq!(outcomes.iter().find(refused), None);
    }
}
