//! The cause of a program's end: its class, its place, and the threads and goroutines that wait for each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::collector::Collected;
use super::messages::{Message, MessageKind};
use super::stopped::{Frame, Goroutine, Stopped, Thread, Why, known};
use crate::host::out::one_line;

/// The number of calls of one function in a row from which on a segmentation fault counts as an overflow of
/// the stack.
const RECURSION: usize = 40;

/// The kind of a program's end. Each has a section in `docs/triage.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    Sanitizer,
    DataRace,
    CxxException,
    RustPanic,
    CLibraryCheck,
    PanicInCallback,
    GoPanic,
    OutOfMemory,
    GoStackOverflow,
    GoFatalError,
    NativeStackOverflow,
    FaultOnGoThread,
    FaultOnForeignThread,
    AbortOnGoThread,
    AbortOnForeignThread,
    /// A circle of waits that the report can name.
    Deadlock,
    /// The program made no progress; no circle of waits was seen.
    Hang,
    /// The user stopped it; no circle of waits was seen.
    Interrupted,
    /// Ended from outside, with SIGKILL for example.
    Killed,
    /// The debugger did not see how the program ended.
    Lost,
    /// The program runs on, and was described at one moment.
    Snapshot,
}

impl Class {
    /// The class in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Class::Sanitizer => "error reported by a sanitizer",
            Class::DataRace => "data race reported by Go's race detector",
            Class::CxxException => "C++ exception that nobody caught",
            Class::RustPanic => "panic in Rust",
            Class::CLibraryCheck => "check of the C library failed",
            Class::PanicInCallback => "Go panic in a callback from C",
            Class::GoPanic => "Go panic",
            Class::OutOfMemory => "out of memory",
            Class::GoStackOverflow => "stack overflow in Go",
            Class::GoFatalError => "fatal error of Go's runtime",
            Class::NativeStackOverflow => "stack overflow in native code",
            Class::FaultOnGoThread => "memory fault in native code that Go called",
            Class::FaultOnForeignThread => "memory fault on a native thread that Go does not know",
            Class::AbortOnGoThread => "abort in native code that Go called",
            Class::AbortOnForeignThread => "abort on a native thread that Go does not know",
            Class::Deadlock => "deadlock",
            Class::Hang => "hang",
            Class::Interrupted => "stopped by Ctrl-C",
            Class::Killed => "ended from outside",
            Class::Lost => "end unknown, because gdb lost the program",
            Class::Snapshot => "look at a running program",
        }
    }
}

/// The summary at the head of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Story {
    pub(super) class: Class,
    /// Class, signal and place in one line.
    pub(super) headline: String,
    pub(super) signal: Option<String>,
    /// The thread of the operating system that died.
    pub(super) thread: Option<u64>,
    /// The goroutine that it ran.
    pub(super) goroutine: Option<u64>,
    /// The stack that matters, innermost first: native frames, then the Go frames that called them.
    pub(super) stack: Vec<Frame>,
    /// The first frame of native code on it that belongs neither to Go's runtime nor to a system library.
    pub(super) native: Option<Frame>,
    /// The first such frame of Go code.
    pub(super) go: Option<Frame>,
    /// A sentence for each thread or goroutine that waits for another one.
    pub(super) waits: Vec<String>,
}

/// The story of a program, or `None` if it ended by itself and no detector reported anything.
pub(super) fn of(program: &Collected) -> Option<Story> {
    let stopped = &program.stopped;
    let waits = Waits::of(stopped);
    let class = class(program, &waits)?;
    let stuck = matches!(
        class,
        Class::Deadlock | Class::Hang | Class::Interrupted | Class::Snapshot
    );
    let culprit = stopped.culprit().filter(|_| !stuck);
    let goroutine = match culprit {
        Some(thread) if stopped.knows_go => stopped.goroutine_of(thread.id),
        // Go itself prints the goroutine that died first.
        _ if !stuck => stopped.goroutines.first().map(|it| it.id),
        _ => None,
    };
    let stack = stack(stopped, culprit, goroutine);
    let own = |frame: &&Frame| {
        !frame.is_of_go_itself() && !frame.is_of_a_system_library() && frame.function.is_some()
    };
    let native = stack
        .iter()
        .filter(own)
        .find(|frame| !is_go(frame))
        .cloned();
    let go = stack.iter().filter(own).find(|frame| is_go(frame)).cloned();
    let signal = signal(program);
    let mut story = Story {
        class,
        headline: String::new(),
        signal,
        thread: culprit.map(|it| it.id),
        goroutine,
        stack,
        native,
        go,
        waits: match stuck
            || program
                .messages
                .iter()
                .any(|it| it.kind == MessageKind::TestTimeout)
        {
            true => waits.sentences(stopped),
            false => Vec::new(),
        },
    };
    story.headline = headline(&story, &program.messages);
    if matches!(class, Class::Hang | Class::Interrupted) {
        let tests = running_tests(stopped);
        story.headline += &match (tests.as_slice(), class) {
            ([], Class::Hang) => String::new(),
            ([], _) => " while it ran".to_owned(),
            (tests, _) => format!(" while {} ran", tests.join(", ")),
        };
    }
    Some(story)
}

/// The functions of the tests that were running: package testing calls them.
fn running_tests(stopped: &Stopped) -> Vec<&str> {
    fn called(goroutine: &Goroutine) -> Option<&str> {
        let frames = &goroutine.frames;
        // One that waits for its subtests is not where it hangs.
        let waits = frames.iter().any(|it| it.name() == "testing.(*T).Run");
        let runner = frames.iter().position(|it| it.name() == "testing.tRunner");
        let test = frames.get(runner?.checked_sub(1)?)?;
        (!waits && !test.is_of_go_itself()).then(|| test.name())
    }
    stopped.goroutines.iter().filter_map(called).collect()
}

fn class(program: &Collected, waits: &Waits) -> Option<Class> {
    let stopped = &program.stopped;
    let message = |kind: MessageKind| program.messages.iter().find(|it| it.kind == kind);
    let stuck = match waits.circle.is_empty() {
        true if program.interrupted => Class::Interrupted,
        true => Class::Hang,
        false => Class::Deadlock,
    };
    if program.hung || program.interrupted {
        return Some(stuck);
    }
    if stopped.why == Why::Attached {
        return Some(match stuck {
            Class::Deadlock => Class::Deadlock,
            _ => Class::Snapshot,
        });
    }
    let ended_well = program.exit_code == Some(0);
    let died = program.signal.is_some() || matches!(stopped.why, Why::Dies | Why::Signal);
    // A test may print the words of a detector, and a program may live on after them.
    if ended_well {
        return None;
    }
    let detectors = [
        (MessageKind::Sanitizer, Class::Sanitizer),
        (MessageKind::Race, Class::DataRace),
    ];
    if let Some((_, class)) = detectors.into_iter().find(|(it, _)| message(*it).is_some()) {
        return Some(class);
    }
    let go_died = message(MessageKind::GoPanic)
        .or(message(MessageKind::GoFatal))
        .or(message(MessageKind::TestTimeout));
    if !died && go_died.is_none() {
        return program.exit_code.is_none().then_some(Class::Lost);
    }
    let native = [
        (MessageKind::Exception, Class::CxxException),
        (MessageKind::RustPanic, Class::RustPanic),
        (MessageKind::CLibrary, Class::CLibraryCheck),
    ];
    if let Some((_, class)) = native.into_iter().find(|(it, _)| message(*it).is_some()) {
        return Some(class);
    }
    if message(MessageKind::TestTimeout).is_some() {
        return Some(stuck);
    }
    if let Some(fatal) = message(MessageKind::GoFatal) {
        return Some(match fatal.text.as_str() {
            text if text.contains("out of memory") || text.contains("cannot allocate memory") => {
                Class::OutOfMemory
            }
            text if text.contains("stack exceeds") || text.contains("stack overflow") => {
                Class::GoStackOverflow
            }
            text if text.contains("all goroutines are asleep") => Class::Deadlock,
            _ => Class::GoFatalError,
        });
    }
    let culprit = stopped.culprit();
    if message(MessageKind::GoPanic).is_some() {
        let goroutine = stopped.goroutines.first().map(|it| &it.frames);
        let frames = culprit.map(|it| &it.frames).or(goroutine);
        let from_c = frames.is_some_and(|it| {
            it.iter()
                .any(|frame| frame.name().starts_with("runtime.cgocallback"))
        });
        return Some(match from_c {
            true => Class::PanicInCallback,
            false => Class::GoPanic,
        });
    }
    let on_go = match culprit.filter(|_| stopped.knows_go) {
        Some(thread) => {
            let glue = |frame: &Frame| {
                frame.name() == "runtime.asmcgocall" || frame.name() == "runtime.cgocall"
            };
            thread.frames.iter().any(glue)
                || stopped.goroutine_of(thread.id).is_some_and(|id| {
                    // A signal on a foreign thread is told on a goroutine that is made for callbacks.
                    stopped.goroutine(id).is_some_and(|it| it.frames.len() > 1)
                })
        }
        None => stopped.goroutines.first().is_some_and(|it| {
            it.frames
                .iter()
                .any(|frame| frame.name() == "runtime.cgocall")
        }),
    };
    Some(match signal(program).as_deref() {
        Some("SIGSEGV" | "SIGBUS") if culprit.is_some_and(recurses) => Class::NativeStackOverflow,
        Some("SIGSEGV" | "SIGBUS" | "SIGILL" | "SIGFPE") if on_go => Class::FaultOnGoThread,
        Some("SIGSEGV" | "SIGBUS" | "SIGILL" | "SIGFPE") => Class::FaultOnForeignThread,
        Some("SIGABRT") if on_go => Class::AbortOnGoThread,
        Some("SIGABRT") => Class::AbortOnForeignThread,
        _ => Class::Killed,
    })
}

/// The signal that came first, as Go prints it. The signal that ends the process is mostly SIGABRT.
fn signal(program: &Collected) -> Option<String> {
    let told = program
        .messages
        .iter()
        .find(|it| it.kind == MessageKind::Signal);
    let told = told
        .and_then(|it| it.text.split(':').next())
        .map(str::to_owned);
    told.or_else(|| program.stopped.signal.clone())
        .or_else(|| program.signal.clone())
}

/// Reports whether a thread died in a deep recursion.
fn recurses(thread: &Thread) -> bool {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for frame in thread.struck() {
        *counts.entry(frame.name()).or_default() += 1;
    }
    counts.remove("(no name)");
    counts.values().any(|count| *count >= RECURSION)
}

/// Native frames of the thread, then those of the goroutine that called them.
fn stack(stopped: &Stopped, thread: Option<&Thread>, goroutine: Option<u64>) -> Vec<Frame> {
    let go = goroutine
        .and_then(|id| stopped.goroutine(id))
        .map_or(&[][..], |it| &it.frames);
    let Some(thread) = thread else {
        return go.to_vec();
    };
    let native = thread.struck();
    let mut stack = known(native).to_vec();
    let changes = stack.len() < native.len();
    if changes {
        stack.pop();
    }
    // A stack that is too deep to be read whole, or has no names, may have been called by Go, too.
    if changes || thread.more > 0 || !stopped.knows_go {
        stack.extend_from_slice(go);
    }
    stack
}

/// Reports whether a frame is Go code. Its name has a package in it. The file alone does not tell: C
/// code of a preamble is in a Go file, too.
fn is_go(frame: &Frame) -> bool {
    let name = frame.name();
    let of_a_compiler = [".part.", ".constprop.", ".isra.", ".cold", ".llvm."];
    name.contains('.')
        && !name.contains("::")
        && !of_a_compiler.iter().any(|it| name.contains(it))
        && frame.file.as_ref().is_none_or(|file| file.ends_with(".go"))
}

/// A frame as `function (file:line)`.
pub(super) fn shown(frame: &Frame) -> String {
    let at = match (&frame.file, frame.line, &frame.library) {
        (Some(file), Some(line), _) => format!(" ({file}:{line})"),
        (_, _, Some(library)) => format!(" ({})", library.rsplit('/').next().unwrap_or(library)),
        _ => String::new(),
    };
    format!("{}{at}", frame.name())
}

fn headline(story: &Story, messages: &[Message]) -> String {
    let place = match (&story.native, &story.go) {
        (Some(native), Some(go)) => format!(" in {}, called by {}", native.name(), go.name()),
        (Some(frame), None) | (None, Some(frame)) => format!(" in {}", frame.name()),
        (None, None) => String::new(),
    };
    // What the program said itself; else the signal.
    let kind = match story.class {
        Class::Sanitizer => Some(MessageKind::Sanitizer),
        Class::CxxException => Some(MessageKind::Exception),
        Class::RustPanic => Some(MessageKind::RustPanic),
        Class::CLibraryCheck => Some(MessageKind::CLibrary),
        Class::GoPanic | Class::PanicInCallback => Some(MessageKind::GoPanic),
        Class::GoFatalError | Class::OutOfMemory | Class::GoStackOverflow => {
            Some(MessageKind::GoFatal)
        }
        _ => None,
    };
    let text = kind
        .and_then(|kind| messages.iter().find(|it| it.kind == kind))
        .map(|it| {
            let text = it.text.split("Sanitizer: ").last().unwrap_or(&it.text);
            let text = text.split(" on address").next().unwrap_or(text);
            let text = text
                .trim_start_matches("panic: ")
                .trim_start_matches("fatal error: ");
            format!(": {}", one_line(text, 90))
        });
    let signal = match story.class {
        Class::Deadlock | Class::Hang | Class::Interrupted | Class::Snapshot | Class::DataRace => {
            None
        }
        _ => story.signal.as_ref().map(|signal| format!(" ({signal})")),
    };
    match story
        .waits
        .first()
        .filter(|_| story.class == Class::Deadlock)
    {
        Some(first) => format!("{}: {first}", story.class.words()),
        None => format!(
            "{}{}{place}",
            story.class.words(),
            text.or(signal).unwrap_or_default()
        ),
    }
}

/// A goroutine, or a thread that runs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    Goroutine(u64),
    Thread(u64),
}

/// One party that waits for another one.
#[derive(Debug, Clone)]
struct Wait {
    who: Party,
    whom: Party,
    sentence: String,
}

/// All waits of threads and goroutines for each other.
struct Waits {
    all: Vec<Wait>,
    /// The parties of a circle, in order.
    circle: Vec<Party>,
}

impl Waits {
    /// Reads the waits for locks of C, which know their owner, and for channels. Who else uses a channel is known
    /// only from the stacks.
    fn of(stopped: &Stopped) -> Waits {
        let mut all = Vec::new();
        for thread in &stopped.threads {
            let Some(mutex) = &thread.mutex else { continue };
            if mutex.owner == 0 {
                continue;
            }
            let who = party(stopped, thread.id);
            let whom = party(stopped, mutex.owner);
            let lock = match &mutex.name {
                Some(name) => format!("the lock `{name}`"),
                None => format!("the lock at {:#x}", mutex.address),
            };
            let at = outside_the_lock(&thread.frames);
            all.push(Wait {
                who,
                whom,
                sentence: format!(
                    "{} waits for {lock}{}, which {} holds",
                    described(stopped, who),
                    at.map(|it| format!(" in {}", shown(it)))
                        .unwrap_or_default(),
                    described(stopped, whom)
                ),
            });
        }
        for goroutine in &stopped.goroutines {
            for channel in &goroutine.channels {
                for holder in channel.on_stack_of.iter().filter(|id| **id != goroutine.id) {
                    let who = Party::Goroutine(goroutine.id);
                    let whom = Party::Goroutine(*holder);
                    let what = if channel.receives {
                        "receive from"
                    } else {
                        "send to"
                    };
                    all.push(Wait {
                        who,
                        whom,
                        sentence: format!(
                            "{} waits to {what} the channel at {:#x} ({}); {} has it on its stack",
                            described(stopped, who),
                            channel.address,
                            match channel.capacity {
                                0 => "unbuffered".to_owned(),
                                capacity => format!("{} of {capacity}", channel.length),
                            },
                            described(stopped, whom)
                        ),
                    });
                }
            }
        }
        let circle = circle(&all);
        Waits { all, circle }
    }

    /// A sentence for each wait of the circle; for every wait if there is no circle.
    fn sentences(&self, stopped: &Stopped) -> Vec<String> {
        let in_circle = |wait: &&Wait| {
            let next = |it: &Party| {
                let at = self.circle.iter().position(|party| party == it)?;
                self.circle.get(at + 1).or(self.circle.first()).copied()
            };
            self.circle.is_empty() || next(&wait.who) == Some(wait.whom)
        };
        // Go's own waits of package testing tell nothing.
        let own = |wait: &&Wait| match wait.who {
            Party::Goroutine(id) => stopped.goroutine(id).is_none_or(|it| !is_of_go_itself(it)),
            Party::Thread(_) => true,
        };
        self.all
            .iter()
            .filter(in_circle)
            .filter(own)
            .map(|it| it.sentence.clone())
            .collect()
    }
}

/// The frame that called the C library's function of a lock.
fn outside_the_lock(frames: &[Frame]) -> Option<&Frame> {
    let of_the_lock = |frame: &Frame| {
        let name = frame.name();
        ["mutex_lock", "lll_lock", "lll_mutex_lock", "futex_wait"]
            .iter()
            .any(|it| name.contains(it))
            && frame.file.as_ref().is_none_or(|file| file.contains("nptl"))
    };
    let last = frames.iter().take(8).rposition(of_the_lock)?;
    frames.get(last + 1)
}

/// Reports whether a goroutine belongs to Go's runtime or to package testing.
pub(super) fn is_of_go_itself(goroutine: &Goroutine) -> bool {
    goroutine.frames.iter().all(Frame::is_of_go_itself)
}

/// The party that a thread acts for.
fn party(stopped: &Stopped, thread: u64) -> Party {
    match stopped.goroutine_of(thread) {
        Some(id) => Party::Goroutine(id),
        None => Party::Thread(thread),
    }
}

fn described(stopped: &Stopped, party: Party) -> String {
    match party {
        Party::Thread(id) => {
            let name = stopped
                .threads
                .iter()
                .find(|it| it.id == id)
                .and_then(|it| it.name.clone());
            format!(
                "thread {id}{}",
                name.map(|it| format!(" \"{it}\"")).unwrap_or_default()
            )
        }
        Party::Goroutine(id) => {
            let goroutine = stopped.goroutine(id);
            let at =
                goroutine.and_then(|it| it.frames.iter().find(|frame| !frame.is_of_go_itself()));
            let thread = stopped.thread_of(id).map(|it| format!(" on thread {it}"));
            format!(
                "goroutine {id}{}{}",
                thread.unwrap_or_default(),
                at.map(|it| format!(" [{}]", shown(it))).unwrap_or_default()
            )
        }
    }
}

/// The first circle among waits. It must contain a lock of C, or every wait in it must be certain. A circle of
/// channels that goroutines have on their stacks is no proof: programs that work look the same.
fn circle(waits: &[Wait]) -> Vec<Party> {
    let by_lock: BTreeSet<(Party, Party)> = waits
        .iter()
        .filter(|it| it.sentence.contains("waits for the lock"))
        .map(|it| (it.who, it.whom))
        .collect();
    for (who, whom) in &by_lock {
        let mut path = vec![*who];
        if who == whom || walk(waits, *whom, *who, &mut path) {
            return path;
        }
    }
    Vec::new()
}

/// Extends `path` by `from` and the parties that it waits for, until it reaches `to`.
fn walk(waits: &[Wait], from: Party, to: Party, path: &mut Vec<Party>) -> bool {
    if from == to {
        return true;
    }
    if path.contains(&from) {
        return false;
    }
    path.push(from);
    for wait in waits.iter().filter(|it| it.who == from) {
        if walk(waits, wait.whom, to, path) {
            return true;
        }
    }
    path.pop();
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::messages;
    use crate::triage::stopped::tests::frame;
    use crate::triage::stopped::{Channel, GoThread, Mutex};

    /// A program that died, with these frames on the thread that did, and these words.
    fn died(frames: &[&str], output: &str) -> Collected {
        let mut frames: Vec<Frame> = frames.iter().map(|name| frame(name)).collect();
        for frame in &mut frames {
            frame.signal = frame.name() == "__restore_rt";
        }
        Collected {
            signal: Some("SIGABRT".to_owned()),
            messages: messages::found(output),
            stopped: Stopped {
                why: Why::Dies,
                signal: Some("SIGABRT".to_owned()),
                threads: vec![Thread {
                    id: 9,
                    selected: true,
                    frames,
                    ..Thread::default()
                }],
                knows_go: true,
                ..Stopped::default()
            },
            ..Collected::default()
        }
    }

    #[test]
    fn of_a_stripped_program_the_class_is_that_of_the_goroutine_which_go_prints() {
        let mut program = died(&["(no name)"], "SIGSEGV: segmentation violation");
        program.stopped.knows_go = false;
        assert_eq!(of(&program).unwrap().class, Class::FaultOnForeignThread);
        program.stopped.goroutines = vec![Goroutine {
            id: 7,
            frames: vec![frame("runtime.cgocall"), frame("a/b.segfault")],
            ..Goroutine::default()
        }];
        let story = of(&program).unwrap();
        assert_eq!(story.class, Class::FaultOnGoThread);
        assert_eq!(story.goroutine, Some(7));
        assert_eq!(story.go, Some(frame("a/b.segfault")));
    }

    #[test]
    fn an_end_has_the_class_that_its_words_and_frames_tell() {
        let deep = vec!["c_recurses"; RECURSION];
        for (frames, output, expected) in [
            (
                &["read_at", "runtime.asmcgocall"][..],
                "SIGSEGV: segmentation violation",
                Class::FaultOnGoThread,
            ),
            (
                &["read_at", "start_thread"],
                "SIGSEGV: segmentation violation",
                Class::FaultOnForeignThread,
            ),
            (
                &["abort", "runtime.asmcgocall"],
                "SIGABRT: abort",
                Class::AbortOnGoThread,
            ),
            (
                &["abort", "start_thread"],
                "SIGABRT: abort",
                Class::AbortOnForeignThread,
            ),
            (
                &deep,
                "SIGSEGV: segmentation violation",
                Class::NativeStackOverflow,
            ),
            (&["runtime.gopanic", "p.f"], "panic: no", Class::GoPanic),
            (
                &["runtime.gopanic", "p.f", "runtime.cgocallback"],
                "panic: no",
                Class::PanicInCallback,
            ),
            (
                &["runtime.throw"],
                "fatal error: runtime: out of memory",
                Class::OutOfMemory,
            ),
            (
                &["runtime.throw"],
                "fatal error: stack overflow",
                Class::GoStackOverflow,
            ),
            (
                &["runtime.throw"],
                "fatal error: concurrent map writes",
                Class::GoFatalError,
            ),
            (
                &["abort"],
                "terminate called after throwing an instance of 'E'\nSIGABRT: abort",
                Class::CxxException,
            ),
            (
                &["abort"],
                "thread 'x' panicked at a.rs:1:1:\nno",
                Class::RustPanic,
            ),
            (&["abort"], "free(): invalid pointer", Class::CLibraryCheck),
            (
                &["x"],
                "==1==ERROR: AddressSanitizer: heap-use-after-free on address",
                Class::Sanitizer,
            ),
            (&["x"], "WARNING: DATA RACE", Class::DataRace),
            (&["x"], "panic: test timed out after 1s", Class::Hang),
        ] {
            let story = of(&died(frames, output)).unwrap();
            assert_eq!(story.class, expected, "{output}");
            assert!(
                story.headline.starts_with(expected.words()),
                "{}",
                story.headline
            );
        }
    }

    #[test]
    fn a_program_that_ended_by_itself_has_no_story() {
        let mut program = Collected {
            exit_code: Some(1),
            ..Collected::default()
        };
        assert_eq!(of(&program), None);
        // Its words may be those of a test about crashes.
        program.exit_code = Some(0);
        program.messages = messages::found("WARNING: DATA RACE\npanic: x");
        assert_eq!(of(&program), None);
        program.exit_code = Some(66);
        assert_eq!(of(&program).unwrap().class, Class::DataRace);
    }

    #[test]
    fn go_code_is_told_from_c_code_in_a_go_file() {
        let at = |name: &str, file: &str| Frame {
            file: Some(file.to_owned()),
            ..frame(name)
        };
        assert!(is_go(&at("a/b.(*T).f", "/x/b.go")));
        assert!(!is_go(&at("c_function", "/x/b.go")));
        assert!(!is_go(&at("c_function.part.0", "/x/b.go")));
        assert!(!is_go(&at("ns::f", "/x/b.cc")));
        assert!(!is_go(&at("f", "/x/b.c")));
    }

    #[test]
    fn the_headline_names_the_first_own_frames_on_both_sides() {
        let mut program = died(
            &[
                "__restore_rt",
                "read_at",
                "_cgo_1_Cfunc_f",
                "runtime.asmcgocall",
                "x",
            ],
            "SIGSEGV: segmentation violation",
        );
        program.stopped.go_threads = vec![GoThread {
            thread: 9,
            goroutine: Some(4),
            locked: None,
        }];
        let mut own = frame("a/b.use");
        own.file = Some("/a/b.go".to_owned());
        program.stopped.goroutines = vec![Goroutine {
            id: 4,
            frames: vec![frame("runtime.cgocall"), frame("a/b._Cfunc_f"), own],
            ..Goroutine::default()
        }];
        let story = of(&program).unwrap();
        assert_eq!(
            story.headline,
            "memory fault in native code that Go called (SIGSEGV) in read_at, called by a/b.use"
        );
        assert_eq!((story.thread, story.goroutine), (Some(9), Some(4)));
        assert_eq!(story.stack.len(), 5);
    }

    /// Goroutine 21 waits in C for a lock of goroutine 22, which waits for a channel that 21 has.
    fn stuck() -> Collected {
        let channel = Channel {
            address: 0xc000,
            receives: true,
            on_stack_of: vec![21, 22],
            ..Channel::default()
        };
        Collected {
            hung: true,
            stopped: Stopped {
                why: Why::Asked,
                threads: vec![
                    Thread {
                        id: 1,
                        mutex: Some(Mutex {
                            address: 8,
                            name: Some("door".to_owned()),
                            owner: 2,
                        }),
                        ..Thread::default()
                    },
                    Thread {
                        id: 2,
                        selected: true,
                        ..Thread::default()
                    },
                ],
                go_threads: vec![
                    GoThread {
                        thread: 1,
                        goroutine: Some(21),
                        locked: None,
                    },
                    GoThread {
                        thread: 2,
                        goroutine: None,
                        locked: Some(22),
                    },
                ],
                goroutines: vec![
                    Goroutine {
                        id: 21,
                        frames: vec![frame("p.takes")],
                        ..Goroutine::default()
                    },
                    Goroutine {
                        id: 22,
                        frames: vec![frame("p.waits")],
                        channels: vec![channel],
                        ..Goroutine::default()
                    },
                ],
                ..Stopped::default()
            },
            ..Collected::default()
        }
    }

    #[test]
    fn a_hang_names_the_tests_that_ran() {
        let on = |frames: &[&str]| Goroutine {
            frames: frames.iter().map(|name| frame(name)).collect(),
            ..Goroutine::default()
        };
        let mut program = Collected {
            hung: true,
            ..Collected::default()
        };
        assert_eq!(of(&program).unwrap().headline, "hang");
        program.stopped.goroutines = vec![
            on(&[
                "testing.(*T).Run",
                "testing.runTests.func1",
                "testing.tRunner",
            ]),
            on(&["testing.(*T).Run", "p.TestA", "testing.tRunner"]),
            on(&[
                "runtime.gopark",
                "p.wait",
                "p.TestA.func1",
                "testing.tRunner",
            ]),
        ];
        assert_eq!(
            of(&program).unwrap().headline,
            "hang while p.TestA.func1 ran"
        );
        (program.hung, program.interrupted) = (false, true);
        assert_eq!(
            of(&program).unwrap().headline,
            "stopped by Ctrl-C while p.TestA.func1 ran"
        );
        program.stopped.goroutines.clear();
        assert_eq!(
            of(&program).unwrap().headline,
            "stopped by Ctrl-C while it ran"
        );
    }

    #[test]
    fn a_circle_over_a_lock_of_c_and_a_channel_is_a_deadlock() {
        let story = of(&stuck()).unwrap();
        assert_eq!(story.class, Class::Deadlock);
        assert_eq!(
            story.waits,
            [
                "goroutine 21 on thread 1 [p.takes] waits for the lock `door`, which goroutine 22 on thread 2 [p.waits] holds",
                "goroutine 22 on thread 2 [p.waits] waits to receive from the channel at 0xc000 (unbuffered); goroutine 21 on thread 1 [p.takes] has it on its stack",
            ]
        );
    }

    #[test]
    fn a_look_at_a_running_program_tells_waits_and_blames_no_thread() {
        let mut program = stuck();
        program.hung = false;
        program.stopped.why = Why::Attached;
        program.stopped.goroutines[1].channels[0].on_stack_of = vec![22];
        let story = of(&program).unwrap();
        assert_eq!(story.class, Class::Snapshot);
        assert_eq!(story.waits.len(), 1);
        assert_eq!(story.thread, None);
    }

    #[test]
    fn a_stack_that_is_cut_off_goes_on_in_go() {
        let mut program = died(&["f", "g"], "SIGSEGV: segmentation violation\n");
        program.stopped.go_threads = vec![GoThread {
            thread: 9,
            goroutine: Some(4),
            locked: None,
        }];
        program.stopped.goroutines = vec![Goroutine {
            id: 4,
            frames: vec![frame("a/b.use")],
            ..Goroutine::default()
        }];
        let frames = |program: &Collected| of(program).unwrap().stack.len();
        assert_eq!(frames(&program), 2);
        program.stopped.threads[0].more = 100;
        assert_eq!(frames(&program), 3);
    }

    #[test]
    fn without_the_circle_it_is_a_hang_and_the_waits_are_told() {
        let mut program = stuck();
        program.stopped.goroutines[1].channels[0].on_stack_of = vec![22];
        let story = of(&program).unwrap();
        assert_eq!(story.class, Class::Hang);
        assert_eq!(story.waits.len(), 1);
        program.stopped.threads[0].mutex.as_mut().unwrap().owner = 1;
        assert_eq!(of(&program).unwrap().class, Class::Deadlock);
    }
}
