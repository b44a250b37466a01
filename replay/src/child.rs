//! One scenario through one driver, told of step by step on standard output.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use courier_scenario::driver::{AbiDriver, AnyDriver, RustDriver};
use courier_scenario::explore::text::{Line, Scenario};
use courier_scenario::explore::{Contract, Driver, Stopped};
use courier_scenario::linearizability::{self, Plan};
use courier_scenario::model::Model;
use courier_scenario::op::{Op, Step};
use courier_scenario::oracle;
use courier_scenario::outcome::Observation;
use courier_scenario::state::State;
use courier_scenario::through::Through;
use serde::{Deserialize, Serialize};

use crate::golang::{GoDriver, PATIENCE};

/// A line of a child's output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A step begins.
    Step(String),
    /// Its result.
    Saw(String),
    /// The library did what the model says.
    Held,
    /// It did not.
    Broken {
        /// The contracts in question, the most likely one first.
        contracts: Vec<String>,
        /// The report of the judge.
        report: String,
    },
}

/// Prints a line. A reader who is gone wants no more.
fn tell(message: &Message) {
    let line = serde_json::to_string(message).expect("a message has no map and no number");
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Runs a scenario through a driver, and tells of it. `go` is the program that drives the Go binding; `runs`
/// is how often the part behind a barrier is tried, where the lanes meet in another way each time.
///
/// # Errors
/// The driver cannot be started, or has no way to do that.
pub fn run(
    scenario: &Scenario<Op>,
    through: Through,
    go: Option<PathBuf>,
    runs: u64,
) -> Result<()> {
    if !scenario.together.is_empty() {
        return together(scenario, through, runs);
    }
    let driver: Box<AnyDriver> = match through {
        Through::Rust { last_generation } => Box::new(RustDriver::new(last_generation)),
        Through::C => Box::new(AbiDriver::patient()),
        Through::Go => {
            let program = go.context("there is no program that drives the Go binding")?;
            Box::new(GoDriver::start(Command::new(program), PATIENCE)?)
        }
    };
    let saw = |_, observed: &Observation| tell(&Message::Saw(observed.to_string()));
    let result = oracle::run(&scenario.steps, &mut Announced(driver), saw);
    tell(&match result {
        Ok(_) => Message::Held,
        Err(broken) => Message::Broken {
            contracts: broken.contracts.iter().map(ToString::to_string).collect(),
            report: broken.to_string(),
        },
    });
    // A call that hangs is never waited for.
    std::process::exit(0);
}

/// Runs a scenario whose lanes meet at a barrier.
fn together(scenario: &Scenario<Op>, through: Through, runs: u64) -> Result<()> {
    let Through::Rust {
        last_generation: u32::MAX,
    } = through
    else {
        bail!(
            "steps behind a barrier run `--through rust` only: the others have no order to judge"
        );
    };
    let mut plan = Plan {
        beginning: scenario.steps.clone(),
        lanes: Vec::new(),
    };
    for step in &scenario.together {
        match plan.lanes.iter_mut().find(|(lane, _)| *lane == step.lane) {
            Some((_, ops)) => ops.push(step.op),
            None => plan.lanes.push((step.lane, vec![step.op])),
        }
    }
    linearizability::check(&plan).map_err(|why| anyhow::anyhow!("{why}"))?;
    let mut driver = RustDriver::new(u32::MAX);
    for seed in 0..runs {
        driver.reset();
        if let Err(broken) = linearizability::run(&plan, seed, &mut driver) {
            tell(&Message::Broken {
                contracts: broken.contracts.iter().map(ToString::to_string).collect(),
                report: broken.to_string(),
            });
            std::process::exit(0);
        }
    }
    tell(&Message::Held);
    Ok(())
}

/// A driver that says which step begins.
struct Announced(Box<AnyDriver>);

impl Driver for Announced {
    type Model = Model;

    fn model(&self) -> Model {
        self.0.model()
    }

    fn apply(&mut self, step: Step) -> Result<Observation, Stopped> {
        tell(&Message::Step(Line(&step).to_string()));
        self.0.apply(step)
    }

    fn state(&self) -> Option<State> {
        self.0.state()
    }

    fn replay(&self) -> &'static str {
        self.0.replay()
    }

    fn scenario(&self, steps: &[Step]) -> String {
        self.0.scenario(steps)
    }

    fn is_patient(&self) -> bool {
        self.0.is_patient()
    }

    fn checked(&mut self) -> Vec<Contract> {
        self.0.checked()
    }
}
