//! Programs in C.

use courier_scenario::Op;
use courier_scenario::explore::text::Scenario;
use courier_scenario::through::Interface;

use super::{Argument, Call, Decision, Kind, plan};

/// The scenario as a program in C.
pub fn to_c(scenario: &Scenario<Op>) -> String {
    let mut program = Program::default();
    let mut steps = String::new();
    for (at, step) in plan(scenario, Interface::C).iter().enumerate() {
        let call = program.call(&step.call);
        program.functions += &format!("static char *step_{at}(void) {{ return {call}; }}\n");
        steps += &format!(
            "  run({}, {}, {}, step_{at});\n",
            step.lane,
            literal(step.line.as_bytes()),
            literal(step.expected.as_bytes())
        );
    }
    let lines: String = scenario
        .to_string()
        .lines()
        .map(|line| format!("// {line}\n"))
        .collect();
    format!(
        "{lines}//\n// {COMMAND}\n// Exit code 1: a step is not as it must be.\n#define _GNU_SOURCE\n{}\n{}\nint \
         main(void) {{\n{steps}  puts(\"every step is as it must be\");\n  return 0;\n}}\n",
        include_str!("prelude.c"),
        program.functions
    )
}

/// The command that builds and runs it, in a checkout after `cargo build --release -p courier-ffi`.
const COMMAND: &str = "cc -I ffi/include reproduce.c target/release/libcourier.a \
                       $(cat ffi/native-libs.txt) -o reproduce && ./reproduce";

/// Functions that come before the steps.
#[derive(Default)]
struct Program {
    functions: String,
    callbacks: usize,
}

impl Program {
    fn call(&mut self, call: &Call) -> String {
        let arguments: Vec<_> = call.arguments.iter().map(|it| self.argument(it)).collect();
        format!("{}({})", call.name, arguments.join(", "))
    }

    fn argument(&mut self, argument: &Argument) -> String {
        match argument {
            Argument::Number(number) => number.to_string(),
            Argument::Own => "own".to_owned(),
            Argument::Text(text) => literal(text),
            Argument::Fixture => "fixture()".to_owned(),
            Argument::Nothing => "NULL".to_owned(),
            Argument::Calls(calls) if calls.is_empty() => "nothing".to_owned(),
            Argument::Calls(calls) => {
                let calls: Vec<_> = calls.iter().map(|it| self.call(it)).collect();
                let name = format!("callback_{}", self.callbacks);
                self.callbacks += 1;
                let made: String = calls
                    .iter()
                    .map(|call| format!("  made_inside = both(made_inside, {call});\n"))
                    .collect();
                self.functions += &format!(
                    "static char *{name}(int own) {{\n  char *made_inside = \"\";\n{made}  return \
                     made_inside;\n}}\n"
                );
                name
            }
            Argument::Kind(Kind::Bytes) => "COURIER_RESPONSE_BYTES".to_owned(),
            Argument::Kind(Kind::Error) => "COURIER_RESPONSE_ERROR".to_owned(),
            Argument::Kind(Kind::Nowhere) => "NOWHERE".to_owned(),
            Argument::Kind(Kind::Unknown) => "COURIER_RESPONSE_ERROR + 1".to_owned(),
            Argument::Decision(decision) => match decision {
                Decision::Pass => "COURIER_DECISION_PASS".to_owned(),
                Decision::Handle => "COURIER_DECISION_HANDLE".to_owned(),
                // C cannot panic.
                Decision::Fail | Decision::Panic => "COURIER_DECISION_FAIL".to_owned(),
                Decision::Number(number) => number.to_string(),
            },
            Argument::Level(level) => (*level as i32).to_string(),
        }
    }
}

/// Bytes as a string of C, without an escape that could take in what follows it.
fn literal(bytes: &[u8]) -> String {
    super::literal(bytes, |byte| format!("\\{byte:03o}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(literal(b"a\"\\\n1\xff"), "\"a\\\"\\\\\\0121\\377\"");
    }
}
