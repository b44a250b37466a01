//! Replays a scenario and prints each step with its result.
//!
//! Takes the hexadecimal digits that a failing test prints. Exit code 0: the library did what the
//! model says; 1: it did not, and the report says where; 2: the argument is not a scenario.

use std::process::ExitCode;

use courier_scenario::{bytes, driver::RustDriver, oracle};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [hex] = &arguments[..] else {
        eprintln!("usage: replay HEX (the digits after `cgolab: scenario=`)");
        return ExitCode::from(2);
    };
    let steps = match bytes::from_hex(hex) {
        Ok(steps) => steps,
        Err(error) => {
            eprintln!("error: {error}; pass the digits after `cgolab: scenario=`");
            return ExitCode::from(2);
        }
    };
    let mut driver = RustDriver::new(u32::MAX);
    let watch = |step: courier_scenario::Step, seen: &courier_scenario::outcome::Seen| {
        println!("lane {}  {:?}\n        {seen}", step.lane, step.op);
    };
    match oracle::run(&steps, &mut driver, watch) {
        Ok(_) => ExitCode::SUCCESS,
        Err(broken) => {
            println!("{broken}");
            ExitCode::FAILURE
        }
    }
}
