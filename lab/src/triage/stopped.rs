//! The debugger's description of a stopped program, which `collect.py` writes.

use serde::{Deserialize, Serialize};

/// A program that stopped or ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Stopped {
    pub(crate) why: Why,
    /// The debugger's own words, if it could not start or follow the program.
    pub(crate) reason: Option<String>,
    /// The signal, such as `SIGSEGV`. Go raises SIGABRT at its end, whatever came first.
    pub(crate) signal: Option<String>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) go_threads: Vec<GoThread>,
    pub(crate) goroutines: Vec<Goroutine>,
    /// Goroutines that were not written down because there were too many.
    pub(crate) more_goroutines: usize,
    pub(crate) go_version: Option<String>,
    /// The debugger knows Go's runtime. It does not in a stripped program.
    pub(crate) knows_go: bool,
}

/// The cause of a stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Why {
    /// The debugger could not start the program or follow it to its end, or died.
    #[default]
    Lost,
    /// It ended by itself.
    Ended,
    /// Go's runtime is about to end it.
    Dies,
    /// A signal came that it does not handle.
    Signal,
    /// We stopped it.
    Asked,
    /// It runs on; this is a description of it at one moment.
    Attached,
}

/// A thread of the operating system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Thread {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    /// The thread that made the program stop.
    pub(crate) selected: bool,
    /// Innermost first.
    pub(crate) frames: Vec<Frame>,
    /// Frames further out that were not written down.
    pub(crate) more: usize,
    /// The mutex of C that it waits for.
    pub(crate) mutex: Option<Mutex>,
}

/// A `pthread_mutex_t`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Mutex {
    pub(crate) address: u64,
    /// The name of the variable, if the mutex is a variable.
    pub(crate) name: Option<String>,
    /// The thread that holds it; 0 if glibc does not know.
    pub(crate) owner: u64,
}

/// One call on a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Frame {
    pub(crate) function: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    /// The shared library that it is in.
    pub(crate) library: Option<String>,
    /// True for the frame that the kernel made to deliver a signal. The next frame is where the signal struck.
    pub(crate) signal: bool,
}

/// A thread that Go's scheduler knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GoThread {
    /// [`Thread::id`]; 0 for one that waits for a callback from C.
    pub(crate) thread: u64,
    /// The goroutine that it runs.
    pub(crate) goroutine: Option<u64>,
    /// The goroutine that is bound to it, running or not.
    pub(crate) locked: Option<u64>,
}

/// A goroutine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Goroutine {
    pub(crate) id: u64,
    /// Go's own word for what it waits for, or for its status.
    pub(crate) state: String,
    /// Innermost first.
    pub(crate) frames: Vec<Frame>,
    /// The channels that it waits on; several in a select.
    pub(crate) channels: Vec<Channel>,
}

/// A channel that a goroutine waits on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Channel {
    pub(crate) address: u64,
    pub(crate) length: u64,
    pub(crate) capacity: u64,
    /// The goroutine waits to receive; else to send.
    pub(crate) receives: bool,
    /// Goroutines that have the channel on their stacks, itself included.
    pub(crate) on_stack_of: Vec<u64>,
}

impl Stopped {
    /// The thread that made the program stop.
    pub(crate) fn culprit(&self) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.selected)
    }

    /// The goroutine that a thread runs, or that is bound to it.
    pub(crate) fn goroutine_of(&self, thread: u64) -> Option<u64> {
        let machine = self
            .go_threads
            .iter()
            .find(|it| it.thread == thread && thread != 0)?;
        machine.goroutine.or(machine.locked)
    }

    /// The thread that runs a goroutine, or that is bound to it.
    pub(crate) fn thread_of(&self, goroutine: u64) -> Option<u64> {
        let mut machines = self.go_threads.iter().filter(|it| it.thread != 0);
        machines
            .find(|it| it.goroutine == Some(goroutine) || it.locked == Some(goroutine))
            .map(|it| it.thread)
    }

    /// A goroutine by its number.
    pub(crate) fn goroutine(&self, id: u64) -> Option<&Goroutine> {
        self.goroutines.iter().find(|it| it.id == id)
    }
}

impl Thread {
    /// The frames from the place where a signal struck, below those of its handler. All frames without a signal.
    pub(crate) fn struck(&self) -> &[Frame] {
        match self.frames.iter().position(|frame| frame.signal) {
            Some(signal) => &self.frames[signal + 1..],
            None => &self.frames,
        }
    }
}

/// The frames up to the switch of stacks, inclusive: a debugger cannot follow it, and frames beyond it are
/// garbage.
pub(crate) fn known(frames: &[Frame]) -> &[Frame] {
    let changes = |frame: &Frame| {
        let names = ["asmcgocall", "mcall", "morestack", "systemstack", "mstart"];
        frame
            .name()
            .strip_prefix("runtime.")
            .is_some_and(|name| names.contains(&name))
    };
    match frames.iter().position(changes) {
        Some(end) => &frames[..=end],
        None => frames,
    }
}

impl Frame {
    /// The function, or a word for one without a name.
    pub(crate) fn name(&self) -> &str {
        self.function.as_deref().unwrap_or("(no name)")
    }

    /// Reports whether it is Go code of the runtime or of package testing, or cgo's glue.
    pub(crate) fn is_of_go_itself(&self) -> bool {
        let name = self.name();
        [
            "runtime.",
            "runtime/",
            "testing.",
            "internal/",
            "sync.",
            "syscall.",
            "reflect.",
            "main.main",
            "_cgo",
            "_cgoexp_",
            "crosscall",
            "x_cgo_",
        ]
        .iter()
        .any(|start| name.starts_with(start))
            || name.contains("._Cfunc_")
            || name == "panic"
                && self
                    .file
                    .as_ref()
                    .is_some_and(|it| it.ends_with("/panic.go"))
    }

    /// Reports whether it belongs to the C or C++ library, a sanitizer or Rust's standard library.
    pub(crate) fn is_of_a_system_library(&self) -> bool {
        let system = |library: &String| {
            let name = library.rsplit('/').next().unwrap_or_default();
            [
                "libc.",
                "libc-",
                "libpthread",
                "libstdc++",
                "libc++",
                "libgcc_s",
                "libasan",
                "libtsan",
                "ld-linux",
                "libm.",
            ]
            .iter()
            .any(|start| name.starts_with(start))
        };
        let name = self.name();
        // The paths of Rust's own library, in a toolchain as it is shipped.
        let of_rust = |file: &String| file.starts_with("/rustc/") || file.contains("/rustlib/src/");
        self.library.as_ref().is_some_and(system)
            || self.file.as_ref().is_some_and(of_rust)
            || [
                "__asan",
                "__interceptor",
                "__sanitizer",
                "std::panicking",
                "core::panicking",
                "__rust",
                "rust_panic",
                "std::terminate",
                "__cxa",
                "__cxxabiv1",
                "abort",
                "__GI_",
            ]
            .iter()
            .any(|start| name.starts_with(start))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A frame with a function and nothing else.
    pub(in crate::triage) fn frame(function: &str) -> Frame {
        Frame {
            function: Some(function.to_owned()),
            ..Frame::default()
        }
    }

    #[test]
    fn the_place_where_a_signal_struck_is_below_its_handling() {
        let mut thread = Thread {
            frames: vec![
                frame("runtime.dieFromSignal"),
                frame("__restore_rt"),
                frame("read_at"),
            ],
            ..Thread::default()
        };
        assert_eq!(thread.struck().len(), 3);
        thread.frames[1].signal = true;
        assert_eq!(thread.struck(), [frame("read_at")]);
    }

    #[test]
    fn a_thread_that_waits_for_callbacks_is_nobodys() {
        let stopped = Stopped {
            go_threads: vec![
                GoThread {
                    thread: 0,
                    goroutine: Some(17),
                    locked: Some(17),
                },
                GoThread {
                    thread: 5,
                    goroutine: None,
                    locked: Some(22),
                },
            ],
            ..Stopped::default()
        };
        assert_eq!(stopped.goroutine_of(0), None);
        assert_eq!(stopped.goroutine_of(5), Some(22));
        assert_eq!(stopped.thread_of(22), Some(5));
        assert_eq!(stopped.thread_of(17), None);
    }
}
