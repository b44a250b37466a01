//! Replays a scenario and prints each step with its result.
//!
//! Takes the arguments that a failing test prints: the driver, and the scenario in hexadecimal digits.
//! Exit code 0: the library did what the model says; 1: it did not, and the report says where; 2: the
//! arguments name no driver or no scenario.

use std::process::ExitCode;

use courier_scenario::outcome::Observation;
use courier_scenario::replay::Replay;
use courier_scenario::{Step, oracle};

fn main() -> ExitCode {
    let Replay { through, steps } = match Replay::parse(std::env::args().skip(1)) {
        Ok(replay) => replay,
        Err(error) => {
            eprintln!("error: {error}");
            eprintln!("usage: replay {} (as a report prints it)", Replay::USAGE);
            return ExitCode::from(2);
        }
    };
    let watch = |step: Step, observed: &Observation| {
        println!("lane {}  {:?}\n        {observed}", step.lane, step.op);
    };
    match oracle::run(&steps, &mut *through.driver(), watch) {
        Ok(_) => ExitCode::SUCCESS,
        Err(broken) => {
            println!("{broken}");
            ExitCode::FAILURE
        }
    }
}
