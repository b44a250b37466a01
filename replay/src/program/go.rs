//! Programs in Go.

use courier_scenario::Op;
use courier_scenario::explore::text::Scenario;
use courier_scenario::through::Interface;

use super::{Argument, Call, Decision, Kind, plan};

/// The command that runs it, in a checkout after `cargo build --release -p courier-ffi`.
const COMMAND: &str = "cd go-harness && go run reproduce.go";

/// The scenario as a program in Go.
pub fn to_go(scenario: &Scenario<Op>) -> String {
    let mut steps = String::new();
    for step in plan(scenario, Interface::Go) {
        steps += &format!(
            "\trun({}, {}, {}, func() string {{ return {} }})\n",
            step.lane,
            literal(step.line.as_bytes()),
            literal(step.expected.as_bytes()),
            call(&step.call)
        );
    }
    let lines = scenario.to_string();
    let lines: String = lines.lines().map(|line| format!("// {line}\n")).collect();
    format!(
        "{lines}//\n// {COMMAND}\n// Exit code 1: a step is not as it must be.\n\n{}\nfunc main() {{\n\
         \tcourier.SetPanicHandler(func(courier.CallbackPanic) {{}})\n{steps}\tfmt.Println(\"every step is as it \
         must be\")\n}}\n",
        include_str!("prelude.go")
    )
}

fn call(it: &Call) -> String {
    let mut arguments: Vec<_> = it.arguments.iter().map(argument).collect();
    let mut name = camel(it.name);
    if let [_, Argument::Kind(kind), _] = it.arguments[..] {
        // Go has a method for each kind of response, and none for one that nobody knows.
        arguments.remove(1);
        if !matches!(kind, Kind::Bytes) {
            "fail".clone_into(&mut name);
        }
    }
    if it.name == "runtime_create" {
        arguments.swap(0, 1);
        if matches!(it.arguments[0], Argument::Nothing) {
            arguments.pop();
        }
    }
    format!("{name}({})", arguments.join(", "))
}

fn argument(argument: &Argument) -> String {
    match argument {
        Argument::Number(number) => number.to_string(),
        Argument::Own => "own".to_owned(),
        Argument::Text(text) => literal(text),
        Argument::Fixture => "fixture()".to_owned(),
        Argument::Nothing | Argument::Kind(_) => String::new(),
        Argument::Calls(calls) if calls.is_empty() => "nothing".to_owned(),
        Argument::Calls(calls) => {
            let calls: Vec<_> = calls.iter().map(call).collect();
            format!(
                "func(own int) []string {{ return []string{{{}}} }}",
                calls.join(", ")
            )
        }
        Argument::Decision(decision) => match decision {
            Decision::Pass => "answers(courier.Pass)".to_owned(),
            Decision::Handle => "answers(courier.Handle)".to_owned(),
            Decision::Fail => "answers(courier.Fail)".to_owned(),
            Decision::Number(number) => format!("answers({number})"),
            Decision::Panic => "panics".to_owned(),
        },
        Argument::Level(level) => (*level as i32).to_string(),
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        camel += &first.to_uppercase();
        camel += rest;
    }
    camel
}

/// Bytes as a string of Go.
fn literal(bytes: &[u8]) -> String {
    super::literal(bytes, |byte| format!("\\x{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(literal(b"a\"\\\n1\xff"), "\"a\\\"\\\\\\x0a1\\xff\"");
    }
}
