//! Programs in Rust.

use courier_scenario::Op;
use courier_scenario::explore::text::Scenario;
use courier_scenario::through::Interface;

use super::{Argument, Call, Decision, Kind, plan};

/// The command that runs it, in a checkout.
const COMMAND: &str =
    "cp reproduce.rs runtime/examples/ && cargo run --release -p courier-core --example reproduce";

/// The scenario as a program in Rust.
pub fn to_rust(scenario: &Scenario<Op>) -> String {
    let mut steps = String::new();
    for step in plan(scenario, Interface::Rust) {
        steps += &format!(
            "    run({}, {:?}, {:?}, || {});\n",
            step.lane,
            step.line,
            step.expected,
            call(&step.call)
        );
    }
    let lines = scenario.to_string();
    let lines: String = lines.lines().map(|line| format!("//! {line}\n")).collect();
    format!(
        "{lines}//!\n//! {COMMAND}\n//! Exit code 1: a step is not as it must be.\n#![allow(dead_code)]\n\n{}\nfn \
         main() {{\n{steps}    println!(\"every step is as it must be\");\n}}\n",
        include_str!("prelude.rs")
    )
}

fn call(it: &Call) -> String {
    let mut arguments: Vec<_> = it.arguments.iter().map(argument).collect();
    if let [_, Argument::Kind(_), _] = it.arguments[..] {
        let body = arguments.pop().unwrap_or_default();
        if let Some(kind) = arguments.last_mut() {
            *kind += &format!("(b{body})");
        }
    }
    if let [Argument::Text(root), _] = &it.arguments[..] {
        let root = String::from_utf8_lossy(root);
        arguments[0] = format!("Some(PathBuf::from({root:?}))");
    }
    format!("{}({})", it.name, arguments.join(", "))
}

fn argument(argument: &Argument) -> String {
    match argument {
        Argument::Number(number) => number.to_string(),
        Argument::Own => "own".to_owned(),
        Argument::Text(text) => format!("\"{}\"", text.escape_ascii()),
        Argument::Fixture => "fixture()".to_owned(),
        Argument::Nothing => "None".to_owned(),
        Argument::Calls(calls) if calls.is_empty() => "nothing".to_owned(),
        Argument::Calls(calls) => {
            let calls: Vec<_> = calls.iter().map(call).collect();
            format!("|own| {{ let _ = own; vec![{}] }}", calls.join(", "))
        }
        Argument::Kind(Kind::Bytes) => "bytes".to_owned(),
        Argument::Kind(Kind::Error) => "error".to_owned(),
        Argument::Kind(Kind::Unknown) => "unknown".to_owned(),
        Argument::Kind(Kind::Nowhere) => "nowhere".to_owned(),
        Argument::Decision(decision) => match decision {
            Decision::Pass => "|| Decision::Pass".to_owned(),
            Decision::Handle => "|| Decision::Handle".to_owned(),
            Decision::Fail => "|| Decision::Fail(\"scripted\".to_owned())".to_owned(),
            Decision::Number(number) => format!("|| Decision::Unknown({number})"),
            Decision::Panic => "|| std::panic::resume_unwind(Box::new(\"scripted\"))".to_owned(),
        },
        Argument::Level(level) => (*level as i32).to_string(),
    }
}
