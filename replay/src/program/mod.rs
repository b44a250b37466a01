//! Scenarios as programs, which a maintainer runs without the lab.
//!
//! Each program has a helper for each call, the same in all programs of a language, and then one line for each
//! step: the call, and what must be seen of it. The model says that beforehand, so that the program needs none.

mod c;
mod go;
mod rust;

use courier_core::Level;
use courier_scenario::driver::FAR;
use courier_scenario::explore::Model as _;
use courier_scenario::explore::text::{Line, Scenario};
use courier_scenario::fixture::{ANSWER, ANSWER_ERROR, SERVED, UNKNOWN_DECISION};
use courier_scenario::model::Model;
use courier_scenario::op::{
    Answer, BRIEFLY, Behaviour, Deadline, Op, Pause, Reaction, Root, SOON, Step, surface_address,
};
use courier_scenario::outcome::{Content, End, Event, Observation, Outcome, Unasked, UpcallKind};
use courier_scenario::state::Next;
use courier_scenario::through::Interface;

pub use c::to_c;
pub use go::to_go;
pub use rust::to_rust;

/// A step of a program.
struct Planned {
    lane: u8,
    /// The step as text.
    line: String,
    call: Call,
    /// What must be seen; `*` stands for any text.
    expected: String,
}

/// A call of a helper.
struct Call {
    name: &'static str,
    arguments: Vec<Argument>,
}

enum Argument {
    /// An ordinal, or another number.
    Number(i64),
    /// The ordinal of the callback's own request.
    Own,
    /// A text, or bytes.
    Text(Vec<u8>),
    /// The folder with files.
    Fixture,
    /// No folder.
    Nothing,
    /// Calls that a callback makes.
    Calls(Vec<Call>),
    /// The kind of a response: bytes, an error, one that nobody knows, or bytes without a place.
    Kind(Kind),
    /// The decision of a provider.
    Decision(Decision),
    /// The level of a log.
    Level(Level),
}

#[derive(Clone, Copy)]
enum Kind {
    Bytes,
    Error,
    Unknown,
    Nowhere,
}

#[derive(Clone, Copy)]
enum Decision {
    Pass,
    Handle,
    Fail,
    Number(i32),
    Panic,
}

/// Rounds of a teardown, as the judge makes them.
const TEARDOWNS: usize = 4;

/// The ordinal that stands for a callback's own request.
const OWN: u8 = u8::MAX;

/// Objects that came to be so far.
#[derive(Default)]
struct Made {
    runtimes: usize,
    sessions: usize,
    requests: usize,
    blobs: usize,
    sources: usize,
}

impl Made {
    fn after(&mut self, op: Op, seen: &Observation) {
        for upcall in &seen.upcalls {
            self.requests += usize::from(matches!(upcall.kind, UpcallKind::Provide(..)));
        }
        match (&seen.outcome, op) {
            (Outcome::Created(_), Op::RuntimeCreate { .. }) => self.runtimes += 1,
            (Outcome::Created(_), Op::SessionCreate { .. }) => self.sessions += 1,
            (Outcome::Created(_), _) => self.sources += 1,
            (Outcome::Snapshot(..), _) => self.blobs += 1,
            (Outcome::Drained(events), _) => {
                self.blobs += events.iter().filter(|event| event.blob.is_some()).count();
            }
            _ => {}
        }
    }
}

/// The scenario and its teardown, as an interface takes it.
fn plan(scenario: &Scenario<Op>, interface: Interface) -> Vec<Planned> {
    let mut model = Model::new(interface);
    let mut made = Made::default();
    let mut planned = Vec::new();
    let mut take = |model: &mut Model, step: Step| {
        let step = model.settle(step, true).step;
        let call = call(step.op, &made);
        let seen = model.apply(step).observation;
        made.after(step.op, &seen);
        planned.push(Planned {
            lane: step.lane,
            line: Line(&step).to_string(),
            call,
            expected: observation(&seen),
        });
    };
    for step in &scenario.steps {
        take(&mut model, *step);
    }
    for _ in 0..TEARDOWNS {
        for step in model.teardown() {
            take(&mut model, step);
        }
    }
    planned
}

fn calls(ops: &[Op], made: &Made) -> Argument {
    Argument::Calls(ops.iter().map(|op| call(*op, made)).collect())
}

fn number(number: impl TryInto<i64>) -> Argument {
    Argument::Number(number.try_into().unwrap_or(i64::MAX))
}

fn call(op: Op, made: &Made) -> Call {
    let at = |ordinal: u8, count: usize| number(usize::from(ordinal) % count.max(1));
    let runtime = |ordinal| at(ordinal, made.runtimes);
    let session = |ordinal| at(ordinal, made.sessions);
    let source = |ordinal| at(ordinal, made.sources);
    let blob = |ordinal| at(ordinal, made.blobs);
    let request = |ordinal| match ordinal {
        OWN => Argument::Own,
        _ => at(ordinal, made.requests),
    };
    let reacts = |reaction: Reaction| calls(&reaction.calls(OWN), made);
    // Outside a request, "own" is the first.
    let reacts_for_the_first = |reaction: Reaction| calls(&reaction.calls(0), made);
    let ms = |time: std::time::Duration| number(time.as_millis());
    let (name, arguments) = match op {
        Op::RuntimeCreate { root, max_loads } => {
            let root = match root {
                Root::Fixture => Argument::Fixture,
                Root::Absent => Argument::Nothing,
                Root::Empty => Argument::Text(Vec::new()),
                Root::Missing => Argument::Text(b"/nowhere/at/all".to_vec()),
            };
            ("runtime_create", vec![root, number(max_loads.number())])
        }
        Op::RuntimeDestroy { runtime: of } => ("runtime_destroy", vec![runtime(of)]),
        Op::Pump {
            runtime: of,
            wait,
            budget,
        } => {
            let wait = match wait {
                Pause::No => number(0),
                Pause::Briefly => ms(BRIEFLY),
                Pause::Forever => number(-1),
                Pause::Long => ms(FAR),
            };
            ("pump", vec![runtime(of), wait, number(budget.number())])
        }
        Op::Step { runtime: of } => ("step", vec![runtime(of)]),
        Op::Drain { runtime: of, limit } => ("drain", vec![runtime(of), number(limit)]),
        Op::SetProvider {
            runtime: of,
            behaviour,
            reaction,
        } => {
            let own = (usize::from(of) % made.runtimes.max(1)) as u8;
            let mut inside = reaction.calls(OWN);
            inside.extend(behaviour.calls(own, OWN));
            let decision = match behaviour {
                Behaviour::Pass
                | Behaviour::ServeAndPass
                | Behaviour::MisserveAndPass
                | Behaviour::ClearInside => Decision::Pass,
                Behaviour::Keep | Behaviour::Serve | Behaviour::ServeTwice | Behaviour::Drop => {
                    Decision::Handle
                }
                Behaviour::Fail => Decision::Fail,
                Behaviour::Panic => Decision::Panic,
                Behaviour::Unknown => Decision::Number(UNKNOWN_DECISION),
            };
            let decision = Argument::Decision(decision);
            (
                "set_provider",
                vec![runtime(of), calls(&inside, made), decision],
            )
        }
        Op::ClearProvider { runtime: of } => ("clear_provider", vec![runtime(of)]),
        Op::SetWake {
            runtime: of,
            reaction,
        } => (
            "set_wake",
            vec![runtime(of), reacts_for_the_first(reaction)],
        ),
        Op::ClearWake { runtime: of } => ("clear_wake", vec![runtime(of)]),
        Op::SetLog { limit, reaction } => {
            let level = Argument::Level(limit.level());
            ("set_log", vec![level, reacts_for_the_first(reaction)])
        }
        Op::ClearLog => ("clear_log", vec![]),
        Op::WakeSourceCreate { runtime: of } => ("wake_source_create", vec![runtime(of)]),
        Op::Signal { source: of } => ("signal_source", vec![source(of)]),
        Op::WakeSourceRelease { source: of } => ("wake_source_release", vec![source(of)]),
        Op::SessionCreate { runtime: of } => ("session_create", vec![runtime(of)]),
        Op::SessionDestroy { session: of } => ("session_destroy", vec![session(of)]),
        Op::Load {
            session: of,
            url,
            deadline,
        } => {
            let deadline = match deadline {
                Deadline::Absent | Deadline::None => number(-1),
                Deadline::Now => number(0),
                Deadline::Far => ms(FAR),
                Deadline::Soon => ms(SOON),
            };
            let url = Argument::Text(url.text().into());
            ("load", vec![session(of), url, deadline])
        }
        Op::Cancel { session: of, load } => ("cancel", vec![session(of), number(load)]),
        Op::Complete {
            request: of,
            answer,
        } => {
            let (kind, body) = match answer {
                Answer::Bytes => (Kind::Bytes, ANSWER),
                Answer::Served => (Kind::Bytes, SERVED),
                Answer::Empty => (Kind::Bytes, &b""[..]),
                Answer::Error => (Kind::Error, ANSWER_ERROR.as_bytes()),
                Answer::NotText => (Kind::Error, &b"a\xff"[..]),
                Answer::Malformed => (Kind::Unknown, &b""[..]),
                Answer::NullView => (Kind::Nowhere, &b""[..]),
            };
            let body = Argument::Text(body.to_vec());
            ("complete", vec![request(of), Argument::Kind(kind), body])
        }
        Op::IsCancelled { request: of } => ("is_cancelled", vec![request(of)]),
        Op::RequestRelease { request: of } => ("request_release", vec![request(of)]),
        Op::BlobRead { blob: of } => ("blob_read", vec![blob(of)]),
        Op::BlobRelease { blob: of } => ("blob_release", vec![blob(of)]),
        Op::OnCancel {
            request: of,
            reaction,
        } => ("on_cancel", vec![request(of), reacts(reaction)]),
        Op::Attach { session: of, size } => ("attach", vec![session(of), number(size.bytes())]),
        Op::Detach { session: of } => ("detach", vec![session(of)]),
        Op::Snapshot { session: of } => ("snapshot", vec![session(of)]),
        Op::SetSurface {
            session: of,
            surface,
        } => {
            let address = number(surface_address(surface));
            ("set_surface", vec![session(of), address])
        }
        Op::Surface { request: of } => ("surface", vec![request(of)]),
        Op::NextWait { runtime: of } => ("next_wait", vec![runtime(of)]),
        Op::ClearOnCancel { request: of } => ("clear_on_cancel", vec![request(of)]),
    };
    Call { name, arguments }
}

// ---- what must be seen, in the words of the helpers --------------------------------------------

fn observation(seen: &Observation) -> String {
    let mut text = outcome(&seen.outcome);
    for upcall in &seen.upcalls {
        let kind = match &upcall.kind {
            UpcallKind::Provide(request, url) => format!("provide {request} {url}"),
            UpcallKind::Cancel => "cancel".to_owned(),
            UpcallKind::Wake => "wake".to_owned(),
            UpcallKind::Log(level) => format!("log {}", *level as i32),
        };
        let inside: Vec<_> = upcall.inside.iter().map(outcome).collect();
        text += &format!(" / {kind} {{{}}}", inside.join("; "));
    }
    text
}

fn outcome(seen: &Outcome) -> String {
    match seen {
        Outcome::Done => "ok".to_owned(),
        Outcome::Created(ordinal) => format!("made {ordinal}"),
        Outcome::Started(load) => format!("load {load}"),
        Outcome::Pumped { unread, .. } => format!("unread {unread}"),
        Outcome::Next(next) => format!(
            "wait {}",
            match next {
                Next::Now => "now",
                // It may be due by now.
                Next::Soon => "*",
                Next::Later => "later",
                Next::Never => "never",
            }
        ),
        Outcome::Stepped(ran) => if *ran { "ran" } else { "idle" }.to_owned(),
        Outcome::Drained(events) => {
            let events: String = events.iter().map(event).collect();
            format!("drained{events}")
        }
        Outcome::Cancelled(true) => "cancelled".to_owned(),
        Outcome::Cancelled(false) => "not cancelled".to_owned(),
        Outcome::Content(bytes) => content(bytes),
        Outcome::Snapshot(blob, bytes) => format!("made {blob} {}", content(bytes)),
        Outcome::Surface(address) => format!("surface {address}"),
        Outcome::Buffer(bytes) => format!("buffer {}", hex(bytes)),
        Outcome::Refused(word) => format!("refused {}", word.as_str()),
        Outcome::Unasked(Unasked::Closed) => "closed".to_owned(),
        Outcome::Unasked(Unasked::AlreadyCompleted) => "already completed".to_owned(),
        Outcome::Unasked(Unasked::InvalidState) => "invalid state".to_owned(),
    }
}

fn event(event: &Event) -> String {
    let (kind, failure) = match &event.end {
        End::Completed(_) => (1, 0),
        End::Failed(failure, _) => (2, *failure as i32),
        End::Cancelled => (3, 0),
    };
    let mut text = format!(" [{} {} {kind} {failure}", event.session, event.load);
    if let (Some(blob), Some(bytes)) = (event.blob, event.end.content()) {
        text += &format!(" made {blob} {}", content(&bytes));
    }
    text + "]"
}

fn content(content: &Content) -> String {
    match content {
        Content::Exactly(bytes) => format!("content {}", hex(bytes)),
        Content::SomeText => "content *".to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes in double quotes; those that are no printable ASCII as `escape` writes them.
fn literal(bytes: &[u8], escape: impl Fn(u8) -> String) -> String {
    let mut text = "\"".to_owned();
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text += &escape(byte),
        }
    }
    text + "\""
}
