//! What a driver that is written in Go is told, and what it answers: lines of text.
//!
//! The driver is `go-harness/internal/scenario`. First comes a line with the [`setup`], then a [`line`](fn@line) for
//! each step, to each of which it gives an [`answer`] in JSON.

use std::time::Duration;

use cgolab_explore::Stopped;
use cgolab_explore::text::Line;
use courier::{COURIER_EVENT_CANCELLED, COURIER_EVENT_COMPLETED, COURIER_EVENT_FAILED};
use courier_core::{Level, Wait, Word};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{FAR, content, decision, failure, failure_text};
use crate::fixture::{ANSWER, ANSWER_ERROR, SERVED};
use crate::op::{
    Answer, BRIEFLY, Behaviour, Budget, Deadline, FILL, Limit, MaxLoads, Op, Pause, Reaction, Root,
    SOON, Size, Step, Url, surface_address,
};
use crate::outcome::{End, Event, Observation, Outcome, Unasked, Upcall, UpcallKind};
use crate::state::Next;

/// The setup, which comes before the first step: one line of JSON with lists that both sides must agree on.
/// `root` is the root of a [`Fixture`](crate::fixture::Fixture).
pub fn setup(root: &str) -> String {
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
    let setup = json!({
        "Values": values,
        "Calls": {
            "reaction": table(Reaction::ALL, |reaction| calls(&reaction.calls(OWN))),
            "behaviour": table(Behaviour::ALL, |behaviour| calls(&behaviour.calls(OWN, OWN))),
        },
        "Numbers": {
            "Briefly": milliseconds(BRIEFLY),
            "Surface": surface_address(1),
            "Fill": FILL,
        },
    });
    setup.to_string()
}

/// The line that has the driver carry a step out.
pub fn line(step: &Step) -> String {
    Line(step).to_string()
}

/// Reads the line with which it answers.
///
/// # Errors
/// It is no answer; or it tells of something that no result of the library's can be.
pub fn answer(line: &str) -> Result<Observation, Stopped> {
    let seen: JsonObservation = serde_json::from_str(line).map_err(|error| Stopped {
        contract: None,
        text: format!("an answer of Go is none: {error}: {line}"),
        hung: true,
    })?;
    // The second is told by a panic, as in the other drivers.
    std::panic::catch_unwind(|| seen.observation()).map_err(|payload| Stopped::of_panic(&*payload))
}

/// The ordinal that stands for the callback's own object, in the calls that it makes.
const OWN: u8 = u8::MAX;

fn calls(calls: &[Op]) -> Value {
    let call = |op: &Op| {
        let line = line(&Step { lane: 0, op: *op });
        let call = line.strip_prefix("0: ").expect("a line has its lane");
        call.replace(&format!("={OWN}"), "=own")
    };
    calls.iter().map(call).collect()
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
