use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use courier_core::{
    Courier, Decision, Error, EventKind, HostMemory, Id, Level, LoadOptions, Logger, Provider,
    Response, RuntimeOptions, Wait, Word, WorkerKind,
};

static COURIER: LazyLock<Courier> = LazyLock::new(Courier::new);

/// Objects, by the order in which they came to be.
static RUNTIMES: Ids = Mutex::new(Vec::new());
static SESSIONS: Ids = Mutex::new(Vec::new());
static REQUESTS: Ids = Mutex::new(Vec::new());
static BLOBS: Ids = Mutex::new(Vec::new());
static SOURCES: Ids = Mutex::new(Vec::new());

/// The callbacks since the last step.
static UPCALLS: Mutex<String> = Mutex::new(String::new());

type Ids = Mutex<Vec<Id>>;

/// An object; null where there is none.
fn at(all: &Ids, ordinal: usize) -> Id {
    all.lock()
        .unwrap()
        .get(ordinal)
        .copied()
        .unwrap_or(Id::NULL)
}

fn add(all: &Ids, id: Id) -> usize {
    let mut all = all.lock().unwrap();
    let known = all.iter().position(|known| *known == id);
    known.unwrap_or_else(|| {
        all.push(id);
        all.len() - 1
    })
}

fn result<T>(result: Result<T, Error>, text: impl FnOnce(T) -> String) -> String {
    match result {
        Ok(value) => text(value),
        Err(error) => format!("refused {}", error.word().as_str()),
    }
}

fn done(of: Result<(), Error>) -> String {
    result(of, |()| "ok".to_owned())
}

fn made(all: &Ids, of: Result<Id, Error>) -> String {
    result(of, |id| format!("made {}", add(all, id)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Calls that a callback makes, of its own request.
type Calls = fn(usize) -> Vec<String>;

fn nothing(_: usize) -> Vec<String> {
    Vec::new()
}

fn called(calls: Calls, own: usize, kind: &str) {
    let inside = calls(own).join("; ");
    *UPCALLS.lock().unwrap() += &format!(" / {kind} {{{inside}}}");
}

/// A folder with the files that scenarios load.
fn fixture() -> Option<PathBuf> {
    use std::os::unix::fs::symlink;
    let outer = std::env::temp_dir().join(format!("courier-{}", std::process::id()));
    let root = outer.join("root");
    std::fs::create_dir_all(root.join("dir")).unwrap();
    std::fs::write(root.join("hello.txt"), "hello, world\n").unwrap();
    std::fs::write(root.join("empty"), "").unwrap();
    std::fs::write(root.join("dir/na\u{ef}ve name"), b"\x00\xff\n").unwrap();
    std::fs::write(outer.join("secret"), "secret").unwrap();
    symlink("hello.txt", root.join("link-inside")).unwrap();
    symlink("../secret", root.join("link-outside")).unwrap();
    symlink("..", root.join("up")).unwrap();
    Some(root)
}

fn runtime_create(root: Option<PathBuf>, max_loads: u32) -> String {
    let options = RuntimeOptions {
        workers: WorkerKind::Stepped,
        root,
        max_loads: NonZeroU32::new(max_loads).unwrap(),
    };
    made(&RUNTIMES, COURIER.runtime_create(&options))
}

fn runtime_destroy(runtime: usize) -> String {
    done(COURIER.runtime_destroy(at(&RUNTIMES, runtime)))
}

fn pump(runtime: usize, milliseconds: i64, budget: usize) -> String {
    let wait = match u64::try_from(milliseconds) {
        Ok(0) => Wait::No,
        Ok(limit) => Wait::AtMost(Duration::from_millis(limit)),
        Err(_) => Wait::Forever,
    };
    let unread = COURIER.runtime_pump(at(&RUNTIMES, runtime), wait, budget);
    result(unread, |unread| format!("unread {unread}"))
}

fn step(runtime: usize) -> String {
    let ran = COURIER.runtime_step(at(&RUNTIMES, runtime));
    result(ran, |ran| if ran { "ran" } else { "idle" }.to_owned())
}

fn drain(runtime: usize, limit: usize) -> String {
    let events = COURIER.runtime_drain_events(at(&RUNTIMES, runtime), limit);
    result(events, |events| {
        let mut drained = "drained".to_owned();
        for event in events {
            let (kind, failure, payload) = match event.kind {
                EventKind::Completed(blob) => (1, 0, Some(blob)),
                EventKind::Failed(failure, blob) => (2, failure as i32, Some(blob)),
                EventKind::Cancelled => (3, 0, None),
            };
            let session = add(&SESSIONS, event.session);
            drained += &format!(" [{session} {} {kind} {failure}", event.load);
            if let Some(blob) = payload {
                let blob = add(&BLOBS, blob);
                drained += &format!(" made {blob} {}", blob_read(blob));
            }
            drained += "]";
        }
        drained
    })
}

/// A provider, with what it answers.
struct Scripted(Calls, fn() -> Decision);

impl Provider for Scripted {
    fn provide(&self, request: Id, url: &str) -> Decision {
        let own = add(&REQUESTS, request);
        called(self.0, own, &format!("provide {own} {url}"));
        (self.1)()
    }
}

fn set_provider(runtime: usize, calls: Calls, decision: fn() -> Decision) -> String {
    let provider = Box::new(Scripted(calls, decision));
    done(COURIER.runtime_set_provider(at(&RUNTIMES, runtime), provider))
}

fn clear_provider(runtime: usize) -> String {
    done(COURIER.runtime_clear_provider(at(&RUNTIMES, runtime)))
}

fn set_wake(runtime: usize, calls: Calls) -> String {
    let wake = Box::new(move || called(calls, 0, "wake"));
    done(COURIER.runtime_set_on_work(at(&RUNTIMES, runtime), Some(wake)))
}

fn clear_wake(runtime: usize) -> String {
    done(COURIER.runtime_set_on_work(at(&RUNTIMES, runtime), None))
}

struct Log(Calls);

impl Logger for Log {
    fn log(&self, level: Level, _: &str) {
        called(self.0, 0, &format!("log {}", level as i32));
    }
}

fn set_log(limit: i32, calls: Calls) -> String {
    let limit = Level::ALL.into_iter().find(|level| *level as i32 == limit);
    done(COURIER.set_logger(Some((limit.unwrap(), Box::new(Log(calls))))))
}

fn clear_log() -> String {
    done(COURIER.set_logger(None))
}

fn wake_source_create(runtime: usize) -> String {
    made(
        &SOURCES,
        COURIER.runtime_wake_source(at(&RUNTIMES, runtime)),
    )
}

fn signal_source(source: usize) -> String {
    done(COURIER.wake_source_signal(at(&SOURCES, source)))
}

fn wake_source_release(source: usize) -> String {
    done(COURIER.wake_source_release(at(&SOURCES, source)))
}

fn session_create(runtime: usize) -> String {
    made(&SESSIONS, COURIER.session_create(at(&RUNTIMES, runtime)))
}

fn session_destroy(session: usize) -> String {
    done(COURIER.session_destroy(at(&SESSIONS, session)))
}

/// A deadline below 0 is none.
fn load(session: usize, url: &str, milliseconds: i64) -> String {
    let deadline = u64::try_from(milliseconds).ok().map(Duration::from_millis);
    let load = COURIER.session_load(at(&SESSIONS, session), url, &LoadOptions { deadline });
    result(load, |load| format!("load {load}"))
}

fn cancel(session: usize, load: u64) -> String {
    done(COURIER.session_cancel(at(&SESSIONS, session), load))
}

struct Memory(Vec<u8>);

impl HostMemory for Memory {
    fn capacity(&self) -> usize {
        self.0.len()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0[..bytes.len()].copy_from_slice(bytes);
    }

    fn read(&self, len: usize) -> Vec<u8> {
        self.0[..len].to_vec()
    }
}

fn attach(session: usize, size: usize) -> String {
    let memory = Box::new(Memory(vec![0xee; size]));
    done(COURIER.session_attach_buffer(at(&SESSIONS, session), memory))
}

fn detach(session: usize) -> String {
    let memory = COURIER.session_detach_buffer(at(&SESSIONS, session));
    result(memory, |memory| {
        format!("buffer {}", hex(&memory.read(memory.capacity())))
    })
}

fn snapshot(session: usize) -> String {
    let blob = COURIER.session_snapshot(at(&SESSIONS, session));
    result(blob, |id| {
        let blob = add(&BLOBS, id);
        format!("made {blob} {}", blob_read(blob))
    })
}

fn set_surface(session: usize, surface: usize) -> String {
    done(COURIER.session_set_surface(at(&SESSIONS, session), surface))
}

fn surface(request: usize) -> String {
    let surface = COURIER.request_surface(at(&REQUESTS, request));
    result(surface, |surface| format!("surface {surface}"))
}

fn next_wait(runtime: usize) -> String {
    let wait = COURIER.runtime_next_wait(at(&RUNTIMES, runtime));
    result(wait, |wait| {
        let wait = match wait {
            Wait::No => "now",
            Wait::AtMost(limit) if limit <= Duration::from_millis(1) => "soon",
            Wait::AtMost(_) => "later",
            Wait::Forever => "never",
        };
        format!("wait {wait}")
    })
}

fn was_cancelled(cancelled: bool) -> String {
    if cancelled {
        "cancelled"
    } else {
        "not cancelled"
    }
    .to_owned()
}

fn on_cancel(request: usize, calls: Calls) -> String {
    let hook = Box::new(move || called(calls, request, "cancel"));
    result(
        COURIER.request_on_cancel(at(&REQUESTS, request), hook),
        was_cancelled,
    )
}

fn clear_on_cancel(request: usize) -> String {
    done(COURIER.request_clear_on_cancel(at(&REQUESTS, request)))
}

fn complete(request: usize, response: Result<Response, Error>) -> String {
    done(COURIER.request_complete(at(&REQUESTS, request), response))
}

fn bytes(bytes: &[u8]) -> Result<Response, Error> {
    Ok(Response::Bytes(bytes.to_vec()))
}

fn error(text: &[u8]) -> Result<Response, Error> {
    match String::from_utf8(text.to_vec()) {
        Ok(text) => Ok(Response::Error(text)),
        Err(_) => Err(Error::new(Word::NotUtf8, "malformed on purpose")),
    }
}

fn unknown(_: &[u8]) -> Result<Response, Error> {
    Err(Error::new(Word::BadValue, "malformed on purpose"))
}

fn nowhere(_: &[u8]) -> Result<Response, Error> {
    Err(Error::new(Word::NullPointer, "malformed on purpose"))
}

fn is_cancelled(request: usize) -> String {
    result(
        COURIER.request_is_cancelled(at(&REQUESTS, request)),
        was_cancelled,
    )
}

fn request_release(request: usize) -> String {
    done(COURIER.request_release(at(&REQUESTS, request)))
}

fn blob_read(blob: usize) -> String {
    let bytes = COURIER.blob_read(at(&BLOBS, blob), <[u8]>::to_vec);
    result(bytes, |bytes| format!("content {}", hex(&bytes)))
}

fn blob_release(blob: usize) -> String {
    done(COURIER.blob_release(at(&BLOBS, blob)))
}

/// `*` stands for any text.
fn like(expected: &str, seen: &str) -> bool {
    match expected.split_once('*') {
        None => expected == seen,
        Some((before, after)) => seen.strip_prefix(before).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(end, _)| end).chain([rest.len()]);
            ends.any(|end| like(after, &rest[end..]))
        }),
    }
}

type Task = (fn() -> String, Sender<String>);

/// Lanes are threads, kept from step to step.
static LANES: Mutex<[Option<Sender<Task>>; 4]> = Mutex::new([const { None }; 4]);

fn run(lane: usize, line: &str, expected: &str, task: fn() -> String) {
    UPCALLS.lock().unwrap().clear();
    let tasks = LANES.lock().unwrap()[lane]
        .get_or_insert_with(|| {
            let (tasks, queue) = channel::<Task>();
            std::thread::spawn(move || {
                for (task, outcome) in queue {
                    outcome.send(task()).unwrap();
                }
            });
            tasks
        })
        .clone();
    let (outcome, told) = channel();
    tasks.send((task, outcome)).unwrap();
    let seen = told.recv().expect("a call panicked") + &UPCALLS.lock().unwrap();
    if !like(expected, &seen) {
        println!("{line}\n  expected: {expected}\n  seen:     {seen}");
        std::process::exit(1);
    }
}
