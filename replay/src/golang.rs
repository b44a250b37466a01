//! Drives the Go binding, in a process of its own.
//!
//! The program is `go-harness/internal/scenario`: it reads a line of setup and one step a line, and answers
//! each with a line of JSON. It may die in the middle of a step, or never answer: both end the step.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use courier::{COURIER_EVENT_CANCELLED, COURIER_EVENT_COMPLETED, COURIER_EVENT_FAILED};
use courier_core::{Level, Wait, Word};
use courier_scenario::driver::{FAR, content, decision, failure, failure_text};
use courier_scenario::explore::text::Line;
use courier_scenario::explore::{Driver, Stopped};
use courier_scenario::fixture::{ANSWER, ANSWER_ERROR, Fixture, SERVED};
use courier_scenario::model::Model;
use courier_scenario::op::{
    Answer, BRIEFLY, Behaviour, Budget, Deadline, FILL, Limit, MaxLoads, Op, Pause, Reaction, Root,
    SOON, Size, Step, Url, surface_address,
};
use courier_scenario::outcome::{End, Event, Observation, Outcome, Unasked, Upcall, UpcallKind};
use courier_scenario::replay::Replay;
use courier_scenario::state::{Next, State};
use courier_scenario::through::{Interface, Through};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wait_timeout::ChildExt as _;

use crate::lines::lines_of;

/// Time after which a step counts as hung, as for the lanes of the other drivers.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The most that is kept of what the program prints on standard error, in bytes.
const KEPT: usize = 64 << 10;

/// Words in the first line of a detector's report, and those with which Go's last words begin.
const REPORTS: [&str; 2] = ["Sanitizer: ", "WARNING: DATA RACE"];
const LAST_WORDS: [&str; 2] = ["fatal error: ", "panic: "];

/// The lines that are shown of it.
const SHOWN: usize = 24;

/// The binding, on lanes that are goroutines, each locked to its thread. For one scenario.
#[derive(Debug)]
pub struct GoDriver {
    process: Child,
    steps: Option<ChildStdin>,
    answers: Receiver<String>,
    errors: Option<JoinHandle<Vec<u8>>>,
    patience: Duration,
    _fixture: Fixture,
}

/// Builds the library that programs in C and Go link.
///
/// # Errors
/// It does not build.
pub fn build_library(workspace: &Path) -> Result<()> {
    run(Command::new("cargo")
        .args(["build", "--release", "-q", "-p", "courier-ffi"])
        .current_dir(workspace))
}

/// Runs a command, which must succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let status = command
        .status()
        .with_context(|| format!("cannot start {name}: is it on PATH?"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}

impl GoDriver {
    /// Starts the program. A step counts as hung when it has not ended after `patience`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut program: Command, patience: Duration) -> Result<GoDriver> {
        let fixture = Fixture::new()?;
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {:?}", program.get_program()))?;
        let steps = child.stdin.take();
        let answers = lines_of(child.stdout.take().expect("it is piped"));
        let mut stderr = child.stderr.take().expect("it is piped");
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut part) {
                text.extend_from_slice(&part[..length]);
                if text.len() > KEPT {
                    // Of a flood the middle goes.
                    text.drain(KEPT / 2..text.len() - KEPT / 2);
                }
            }
            text
        });
        let mut driver = GoDriver {
            process: child,
            steps,
            answers,
            errors: Some(errors),
            patience,
            _fixture: fixture,
        };
        let setup = setup(&driver._fixture.root())?;
        driver.send(&setup.to_string());
        Ok(driver)
    }

    /// A program that has gone takes nothing, which is seen when its answer does not come.
    fn send(&mut self, line: &str) {
        if let Some(steps) = &mut self.steps {
            let _ = writeln!(steps, "{line}");
        }
    }

    fn answer(&mut self) -> Result<String, Stopped> {
        match self.answers.recv_timeout(self.patience) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.process.kill();
                Err(Stopped {
                    contract: None,
                    text: format!(
                        "the call through Go has not returned after {:?}",
                        self.patience
                    ),
                    hung: true,
                })
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }

    fn died(&mut self) -> Stopped {
        self.steps = None;
        let how = match self.process.wait_timeout(self.patience) {
            Ok(Some(status)) => status.to_string(),
            Ok(None) => "it has closed its output and hangs".to_owned(),
            Err(error) => error.to_string(),
        };
        // Its errors end with it.
        let _ = self.process.kill();
        let errors = self.errors.take().map(JoinHandle::join);
        let errors = errors.and_then(Result::ok).unwrap_or_default();
        Stopped {
            contract: None,
            text: format!(
                "the process with the Go binding ended ({how}): {}",
                report(&String::from_utf8_lossy(&errors))
            ),
            hung: true,
        }
    }
}

/// The report in what a program printed before it died, or the last lines.
fn report(errors: &str) -> String {
    let lines: Vec<&str> = errors.trim().lines().collect();
    let begins = |line: &&str| {
        REPORTS.iter().any(|words| line.contains(words))
            || LAST_WORDS.iter().any(|words| line.starts_with(words))
    };
    let first = lines.iter().position(begins);
    let first = first.unwrap_or(lines.len().saturating_sub(SHOWN));
    let end = lines.len().min(first + SHOWN);
    lines[first..end].join("\n")
}

impl Drop for GoDriver {
    fn drop(&mut self) {
        // Nothing is to be kept of it, whatever it is doing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Driver for GoDriver {
    type Model = Model;

    fn model(&self) -> Model {
        Model::new(Interface::Go)
    }

    fn apply(&mut self, step: Step) -> Result<Observation, Stopped> {
        self.send(&Line(&step).to_string());
        let line = self.answer()?;
        let seen: JsonObservation = serde_json::from_str(&line).map_err(|error| Stopped {
            contract: None,
            text: format!("an answer of the Go process is none: {error}: {line}"),
            hung: true,
        })?;
        // What no result of the library's can be is told by a panic, as in the other drivers.
        std::panic::catch_unwind(|| seen.observation())
            .map_err(|payload| Stopped::of_panic(&*payload))
    }

    /// The state is the library's own, in the other process.
    fn state(&self) -> Option<State> {
        None
    }

    fn replay(&self) -> &'static str {
        Replay::COMMAND
    }

    fn scenario(&self, steps: &[Step]) -> String {
        Through::Go.scenario(steps)
    }
}

// ---- the setup: what both sides agree on -------------------------------------------------------

fn setup(root: &Path) -> Result<Value> {
    let Some(root) = root.to_str() else {
        bail!("the temporary directory {root:?} is not UTF-8");
    };
    let text = |bytes: &[u8]| json!({ "Bytes": hex(bytes) });
    let error = |bytes: &[u8]| json!({ "Error": hex(bytes) });
    let values = json!({
        "root": table(Root::ALL, |root_of| match root_of {
            Root::Fixture => json!(root),
            Root::Absent => Value::Null,
            Root::Empty => json!(""),
            Root::Missing => json!("/nowhere/at/all"),
        }),
        "max_loads": table(MaxLoads::ALL, |limit| json!(limit.number())),
        "budget": table(Budget::ALL, |budget| json!(budget.number())),
        "wait": table(Pause::ALL, |wait| json!(match wait {
            Pause::No => 0,
            Pause::Briefly => milliseconds(BRIEFLY),
            Pause::Forever => -1,
            Pause::Long => milliseconds(FAR),
        })),
        "deadline": table(Deadline::ALL, |deadline| match deadline {
            Deadline::Absent | Deadline::None => Value::Null,
            Deadline::Now => json!(0),
            Deadline::Far => json!(milliseconds(FAR)),
            Deadline::Soon => json!(milliseconds(SOON)),
        }),
        "limit": table(Limit::ALL, |limit| json!(limit.level() as i32)),
        "size": table(Size::ALL, |size| json!(size.bytes())),
        "url": table(Url::ALL, |url| json!(url.text())),
        "answer": table(Answer::ALL, |answer| match answer {
            Answer::Bytes => text(ANSWER),
            Answer::Served => text(SERVED),
            Answer::Empty => text(b""),
            Answer::Error => error(ANSWER_ERROR.as_bytes()),
            // The others become this one: see `Op::in_go`.
            Answer::NotText | Answer::Malformed | Answer::NullView => error(b"a\xff"),
        }),
        "behaviour": table(Behaviour::ALL, |behaviour| json!({
            "Decision": decision(behaviour),
            "Panics": behaviour == Behaviour::Panic,
        })),
    });
    Ok(json!({
        "Values": values,
        "Calls": {
            "reaction": table(Reaction::ALL, |reaction| lines(&reaction.calls(OWN))),
            "behaviour": table(Behaviour::ALL, |behaviour| lines(&behaviour.calls(OWN, OWN))),
        },
        "Numbers": {
            "Briefly": milliseconds(BRIEFLY),
            "Surface": surface_address(1),
            "Fill": FILL,
        },
    }))
}

/// The ordinal that stands for the callback's own object, in the calls that it makes.
const OWN: u8 = u8::MAX;

fn lines(calls: &[Op]) -> Value {
    let line = |op: &Op| {
        let line = Line(&Step { lane: 0, op: *op }).to_string();
        let call = line.strip_prefix("0: ").expect("a line has its lane");
        call.replace(&format!("={OWN}"), "=own")
    };
    calls.iter().map(line).collect()
}

fn table<T: std::fmt::Debug + Copy>(all: &[T], value: impl Fn(T) -> Value) -> Value {
    let named = |one: &T| (format!("{one:?}"), value(*one));
    Value::Object(all.iter().map(named).collect::<Map<_, _>>())
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).expect("a scenario's times are short")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// ---- the answers -------------------------------------------------------------------------------

#[derive(Deserialize)]
struct JsonObservation {
    outcome: JsonOutcome,
    upcalls: Vec<JsonUpcall>,
}

#[derive(Deserialize)]
struct JsonUpcall {
    callback: usize,
    kind: JsonKind,
    inside: Vec<JsonOutcome>,
}

#[derive(Deserialize)]
enum JsonKind {
    Provide(usize, String),
    Cancel,
    Wake,
    Log(i32),
}

#[derive(Deserialize)]
enum JsonOutcome {
    Done,
    Created(usize),
    Started(u64),
    Pumped { unread: usize, waited: bool },
    Next(i64),
    Stepped(bool),
    Drained(Vec<JsonEvent>),
    Cancelled(bool),
    Content(Digits),
    Snapshot(usize, Digits),
    Surface(usize),
    Buffer(Digits),
    Refused(String),
    Unasked(JsonUnasked),
    Unknown(String),
}

#[derive(Deserialize)]
enum JsonUnasked {
    Closed,
    AlreadyCompleted,
    InvalidState,
}

#[derive(Deserialize)]
struct JsonEvent {
    session: usize,
    load: u64,
    kind: i32,
    failure: i32,
    blob: Option<usize>,
    content: Option<Digits>,
}

/// Bytes as hexadecimal digits.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Digits(Vec<u8>);

impl TryFrom<String> for Digits {
    type Error = String;

    fn try_from(text: String) -> Result<Digits, String> {
        let pairs = text.as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        };
        let bytes = pairs.map(byte).collect::<Option<_>>();
        bytes
            .map(Digits)
            .ok_or_else(|| format!("{text:?} is not hexadecimal"))
    }
}

impl JsonObservation {
    fn observation(self) -> Observation {
        Observation {
            outcome: self.outcome.outcome(),
            upcalls: self.upcalls.into_iter().map(JsonUpcall::upcall).collect(),
        }
    }
}

impl JsonUpcall {
    fn upcall(self) -> Upcall {
        let inside = self.inside.into_iter().map(JsonOutcome::outcome);
        Upcall {
            callback: self.callback,
            kind: match self.kind {
                JsonKind::Provide(request, url) => UpcallKind::Provide(request, url),
                JsonKind::Cancel => UpcallKind::Cancel,
                JsonKind::Wake => UpcallKind::Wake,
                JsonKind::Log(number) => UpcallKind::Log(
                    Level::ALL
                        .into_iter()
                        .find(|level| *level as i32 == number)
                        .unwrap_or_else(|| panic!("no log level is {number}")),
                ),
            },
            inside: inside.collect(),
        }
    }
}

impl JsonOutcome {
    fn outcome(self) -> Outcome {
        match self {
            JsonOutcome::Done => Outcome::Done,
            JsonOutcome::Created(ordinal) => Outcome::Created(ordinal),
            JsonOutcome::Started(load) => Outcome::Started(load),
            JsonOutcome::Pumped { unread, waited } => Outcome::Pumped { unread, waited },
            JsonOutcome::Next(wait) => Outcome::Next(Next::of(match u64::try_from(wait) {
                Ok(0) => Wait::No,
                Ok(limit) => Wait::AtMost(Duration::from_nanos(limit)),
                Err(_) => Wait::Forever,
            })),
            JsonOutcome::Stepped(ran) => Outcome::Stepped(ran),
            JsonOutcome::Drained(events) => {
                Outcome::Drained(events.into_iter().map(JsonEvent::event).collect())
            }
            JsonOutcome::Cancelled(cancelled) => Outcome::Cancelled(cancelled),
            JsonOutcome::Content(Digits(bytes)) => Outcome::Content(content(bytes)),
            JsonOutcome::Snapshot(blob, Digits(bytes)) => Outcome::Snapshot(blob, content(bytes)),
            JsonOutcome::Surface(address) => Outcome::Surface(address),
            JsonOutcome::Buffer(Digits(bytes)) => Outcome::Buffer(bytes),
            JsonOutcome::Refused(word) => {
                let known = Word::of_diagnostic(&format!("[{word}] "));
                Outcome::Refused(known.unwrap_or_else(|| panic!("no word is {word:?}")))
            }
            JsonOutcome::Unasked(why) => Outcome::Unasked(match why {
                JsonUnasked::Closed => Unasked::Closed,
                JsonUnasked::AlreadyCompleted => Unasked::AlreadyCompleted,
                JsonUnasked::InvalidState => Unasked::InvalidState,
            }),
            JsonOutcome::Unknown(text) => panic!("an error without a word or a category: {text}"),
        }
    }
}

impl JsonEvent {
    fn event(self) -> Event {
        let end = match (self.kind, self.content) {
            (COURIER_EVENT_COMPLETED, Some(Digits(bytes))) => End::Completed(bytes),
            (COURIER_EVENT_FAILED, Some(Digits(text))) => {
                let failure = failure(self.failure);
                End::Failed(failure, failure_text(failure, text))
            }
            (COURIER_EVENT_CANCELLED, None) => End::Cancelled,
            (kind, content) => panic!(
                "an event of kind {kind} {} a payload",
                if content.is_some() { "with" } else { "without" }
            ),
        };
        Event {
            session: self.session,
            load: self.load,
            end,
            blob: self.blob,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_shown_from_its_beginning() {
        let before = "a line\n".repeat(100);
        let after = "goroutine 1\n".repeat(100);
        let shown = report(&format!("{before}==7==ERROR: AddressSanitizer: x\n{after}"));
        assert!(shown.starts_with("==7==ERROR: AddressSanitizer: x\ngoroutine 1"));
        assert_eq!(shown.lines().count(), SHOWN);
        assert_eq!(
            report(&format!("{before}the last\n")).lines().last(),
            Some("the last")
        );
        assert_eq!(report(""), "");
    }
}
