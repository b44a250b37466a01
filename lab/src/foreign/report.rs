//! A report of a detector, and the frames of it that are shown.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::module::Module;
use crate::host::out::one_line;
use crate::triage::stopped::Frame;
use crate::triage::traceback;

/// The line before the goroutine that has called C, where tests are built to print it.
pub(super) const CALL_OF_C: &str = "cgolab: the call of C came from:";

/// A report of a detector, or a failed test of an engine that shows mistakes by failed tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    /// The kind of mistake, such as `heap-use-after-free`, `data race`, `leak`.
    pub(super) class: String,
    /// The test that ran when it was printed; unknown for leaks, which are reported at the end.
    pub(super) test: Option<String>,
    /// The first own frame in C, or the one nearest to it.
    pub(super) c: Option<Place>,
    /// The first own frame in Go.
    pub(super) go: Option<Place>,
    /// The other access of a data race, in Go.
    #[serde(default)]
    pub(super) other: Option<Place>,
    /// The report itself, without its less useful lines.
    pub(super) text: String,
}

impl Report {
    /// What the program itself has said, [`readable`]: the message of a panic, or the first line that a failed test has
    /// logged.
    pub(super) fn says(&self) -> Option<String> {
        let line = match self.class.as_str() {
            PANIC => self.text.lines().find_map(|it| it.strip_prefix("panic: ")),
            FAILED => complaint(&self.text),
            _ => None,
        };
        line.map(readable)
    }

    /// Reports whether it is about memory that was never freed. It is told when the program ends, and names no caller
    /// in Go.
    pub(super) fn is_leak(&self) -> bool {
        [LEAK, LEAK_BY_GO].contains(&self.class.as_str())
    }
}

/// What a program has said, as one line of at most 120 characters. It may hold what a fuzzer has made: what moves the
/// cursor or turns text is escaped.
pub(super) fn readable(said: &str) -> String {
    let escaped = |c: char| match c {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            c.escape_default().to_string()
        }
        _ if c.is_control() => c.escape_default().to_string(),
        _ => c.to_string(),
    };
    one_line(&said.chars().map(escaped).collect::<String>(), 120)
}

/// The first words with which a test fails, from its output: Go puts file and line before them.
pub(super) fn complaint(output: &str) -> Option<&str> {
    let says = |line: &&str| {
        line.split_once(": ")
            .and_then(|(place, _)| place.rsplit_once(':'))
            .is_some_and(|(file, line)| file.ends_with(".go") && line.parse::<u32>().is_ok())
    };
    output.lines().find(says).map(str::trim)
}

/// A report in one line: its class, places and test.
pub(super) fn shown(report: &Report) -> String {
    let mut text = report.class.clone();
    for (word, place) in [("in", &report.c), ("in Go in", &report.go)] {
        if let Some(place) = place {
            text = format!("{text} {word} {}", place.shown());
        }
    }
    match &report.test {
        Some(test) => format!("{text}, {test}"),
        None => text,
    }
}

/// A function, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) function: String,
    /// The file; its path is relative to the module if it lies in the module.
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    /// True if it belongs to the module.
    pub(super) own: bool,
}

impl Place {
    /// The place in the form `function (file:line)`.
    pub(super) fn shown(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{} ({file}:{line})", self.function),
            _ => self.function.clone(),
        }
    }
}

pub(super) const PANIC: &str = "panic";
pub(super) const FAILED: &str = "test failed";
pub(super) const LEAK: &str = "leak";
const LEAK_BY_GO: &str = "leak of C.CString, C.CBytes or C.malloc";

/// The class of a leak, by the stack of its allocation.
pub(super) fn leak_class(stack: &[Place]) -> &'static str {
    let by_go = stack
        .iter()
        .any(|it| it.function.contains("Cfunc__Cmalloc") || it.function.contains("_cgo_cmalloc"));
    match by_go {
        true => LEAK_BY_GO,
        false => LEAK,
    }
}

/// The first frame that is code of the module.
pub(super) fn first_own(stack: Vec<Place>, module: &Module) -> Option<Place> {
    stack.into_iter().find_map(|place| {
        let of_module = place
            .function
            .strip_prefix(&module.path)
            .is_some_and(|rest| rest.starts_with(['.', '/', '_']));
        let glue = place.function.contains("._Cfunc_") || place.function.starts_with("_cgoexp_");
        let created = place.function.starts_with("created by ");
        let own_file = place
            .file
            .as_ref()
            .is_some_and(|file| Path::new(file).starts_with(&module.root));
        ((of_module || own_file) && !glue && !created).then(|| Place {
            function: without_closures(&place.function),
            file: place
                .file
                .map(|file| relative(Path::new(&file), &module.root)),
            own: true,
            ..place
        })
    })
}

/// The first frame of a goroutine that is code of the module.
pub(super) fn own_frame(frames: Vec<Frame>, module: &Module) -> Option<Place> {
    let stack = frames.into_iter().map(|frame| Place {
        function: frame.function.unwrap_or_default(),
        file: frame.file,
        line: frame.line,
        own: false,
    });
    first_own(stack.collect(), module)
}

/// The first own frame of the first goroutine in a traceback.
pub(super) fn goroutine(lines: &[&str], module: &Module) -> Option<Place> {
    let goroutines = traceback::goroutines(&lines.join("\n"));
    own_frame(goroutines.into_iter().next()?.frames, module)
}

/// A name without `.func1` or `.func1.2`. cgo wraps calls in closures, whose numbers change.
fn without_closures(name: &str) -> String {
    let mut name = name;
    while let Some((outer, last)) = name.rsplit_once('.') {
        let number = last
            .strip_prefix("func")
            .or(last.strip_prefix("gowrap"))
            .unwrap_or(last);
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        name = outer;
    }
    name.to_owned()
}

/// The path of a file, relative to the module if it lies in it.
pub(super) fn relative(file: &Path, root: &Path) -> String {
    file.strip_prefix(root)
        .unwrap_or(file)
        .display()
        .to_string()
}

/// The frame of a C stack that is shown: the first own one, else the first that belongs neither to an allocator
/// nor to the sanitizer.
pub(super) fn culprit(stack: &[Place]) -> Option<Place> {
    let of_the_system = |it: &&Place| {
        let name = it.function.as_str();
        [
            "malloc",
            "calloc",
            "realloc",
            "free",
            "strdup",
            "posix_memalign",
            "aligned_alloc",
            "operator new",
            "operator delete",
            "libc.so",
            "libstdc++.so",
            "runtime.",
            "_cgo_",
            "x_cgo_",
        ]
        .iter()
        .any(|start| {
            name.trim_start_matches('_')
                .starts_with(start.trim_start_matches('_'))
        }) || name.starts_with("__interceptor")
            || name.starts_with("__asan")
            || name.starts_with("__sanitizer")
            || it.file.as_ref().is_some_and(|file| {
                file.contains("libsanitizer") || file.contains("sanitizer_common")
            })
    };
    let own = stack.iter().find(|it| it.own);
    let named = || stack.iter().find(|it| !of_the_system(it)).cloned();
    own.cloned()
        .or_else(named)
        .or_else(|| stack.iter().find_map(called_by_go))
}

/// The C function that a wrapper of cgo calls, if the optimiser has left it no frame of its own.
fn called_by_go(frame: &Place) -> Option<Place> {
    let (_, function) = frame.function.split_once("_Cfunc_")?;
    (function != "_Cmalloc").then(|| Place {
        function: format!("C.{function}"),
        file: None,
        line: None,
        own: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_are_named_after_their_function() {
        for (name, expected) in [
            ("a/b.(*T).Work.func2", "a/b.(*T).Work"),
            ("a/b.f.func1.2", "a/b.f"),
            ("a/b.f.gowrap1", "a/b.f"),
            ("a/b.func1x", "a/b.func1x"),
            ("gopkg.in/x.v2.f", "gopkg.in/x.v2.f"),
        ] {
            assert_eq!(without_closures(name), expected);
        }
    }

    /// A fuzzer has made some of what a program says.
    #[test]
    fn what_a_program_says_is_one_line_that_a_terminal_can_take() {
        let says = |text: String| {
            let report = Report {
                class: PANIC.to_owned(),
                test: None,
                c: None,
                go: None,
                other: None,
                text,
            };
            report.says().unwrap()
        };
        assert_eq!(says("panic: a\u{1b}[31m\n".to_owned()), "a\\u{1b}[31m");
        assert_eq!(says("panic: \u{202e}é\n".to_owned()), "\\u{202e}é");
        let long = says(format!("panic: {}\n", "long ".repeat(50)));
        assert_eq!(long.chars().count(), 120);
    }
}
