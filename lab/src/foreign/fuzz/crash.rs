//! The report on an input that ended the process, from what the process printed.

use super::super::findings;
use super::super::module::{Module, Package};
use super::super::report::{FAILED, Place, Report, own_frame, relative};
use crate::host::child::Finished;
use crate::triage::stopped::Frame;
use crate::triage::traceback;

/// What libFuzzer says, and the class of such a crash. Whoever aborts is asked first: a test that failed, a panic.
const OF_LIBFUZZER: [(&str, &str); 5] = [
    ("ERROR: libFuzzer: timeout after", TIMEOUT),
    ("ERROR: libFuzzer: out-of-memory", MEMORY),
    ("ERROR: libFuzzer: fuzz target exited", "exit called by C"),
    (
        "ERROR: libFuzzer: fuzz target overwrites its const input",
        "write into the input",
    ),
    ("ERROR: libFuzzer: deadly signal", "abort"),
];

/// The function that runs an input.
const INPUT: &str = "testdeps.cgolabInput";

pub(super) const TIMEOUT: &str = "timeout";
pub(super) const MEMORY: &str = "out of memory";

/// Classes of reports that need no debugger: the process has printed all stacks, or has not died.
pub(super) const PRINTED: [&str; 3] = [TIMEOUT, MEMORY, FAILED];

/// The number of lines of a report that are kept.
const LINES: usize = 40;

/// Reads the report of a process that an input ended.
pub(super) fn report(
    text: &str,
    finished: &Finished,
    test: &str,
    package: &Package,
    module: &Module,
) -> Report {
    let mut report = findings::read(text, module)
        .into_iter()
        .next()
        .or_else(|| of_libfuzzer(text, &OF_LIBFUZZER[..2], module))
        .or_else(|| findings::death(text, module))
        .or_else(|| failure(text, test, package, module))
        .or_else(|| of_libfuzzer(text, &OF_LIBFUZZER[2..], module))
        .unwrap_or_else(|| Report {
            class: format!("end of the process: {}", finished.how()),
            test: None,
            c: None,
            go: None,
            other: None,
            text: excerpt(text.lines()),
        });
    report.test = Some(test.to_owned());
    report
}

/// A report of libFuzzer itself: it has the stack of C, and of Go what was printed before.
fn of_libfuzzer(text: &str, known: &[(&str, &str)], module: &Module) -> Option<Report> {
    let (line, class) = known.iter().find_map(|(says, class)| {
        let line = text.lines().position(|line| line.contains(says))?;
        Some((line, *class))
    })?;
    let stack: Vec<Place> = text
        .lines()
        .skip(line)
        .skip_while(|line| !line.trim_start().starts_with("#0 "))
        .take_while(|line| line.trim_start().starts_with('#'))
        .filter_map(|line| findings::c_frame(line, &module.root))
        .filter(|place| place.own)
        .collect();
    // All goroutines were printed: that of the input is meant, if it is among them.
    let runs = |frame: &Frame| frame.name().contains(INPUT);
    let (of_input, others): (Vec<_>, Vec<_>) = traceback::goroutines(text)
        .into_iter()
        .partition(|it| it.frames.iter().any(runs));
    let mut goroutines = of_input.into_iter().chain(others);
    Some(Report {
        class: class.to_owned(),
        test: None,
        c: stack.into_iter().next(),
        go: goroutines.find_map(|it| own_frame(it.frames, module)),
        other: None,
        text: excerpt(text.lines().skip(line)),
    })
}

/// A test that has failed: the first line that it logged names the place.
fn failure(text: &str, test: &str, package: &Package, module: &Module) -> Option<Report> {
    let head = format!("--- FAIL: {test}");
    let lines: Vec<&str> = text.lines().skip_while(|line| *line != head).collect();
    if lines.is_empty() {
        return None;
    }
    let place = lines.iter().find_map(|line| {
        let (file, rest) = line.trim_start().split_once(".go:")?;
        let number = rest.split(':').next()?.parse().ok()?;
        let file = package.dir.join(format!("{file}.go"));
        Some(Place {
            function: format!("{}.{test}", package.path),
            file: Some(relative(&file, &module.root)),
            line: Some(number),
            own: true,
        })
    });
    Some(Report {
        class: FAILED.to_owned(),
        test: None,
        c: None,
        go: place,
        other: None,
        text: excerpt(lines.into_iter()),
    })
}

fn excerpt<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.take(LINES).collect::<Vec<_>>().join("\n")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;
    use crate::host::child::End;

    fn read(text: &str) -> Report {
        let module = Module {
            root: "/m".into(),
            path: "a/b".to_owned(),
            ..Module::default()
        };
        let package = Package {
            path: "a/b/p".to_owned(),
            dir: "/m/p".into(),
            ..Package::default()
        };
        let finished = Finished {
            end: End::Exited(ExitStatus::from_raw(3 << 8)),
            seconds: 1.0,
            command: String::new(),
            log: "log".into(),
        };
        report(text, &finished, "FuzzX", &package, &module)
    }

    fn shown(text: &str) -> String {
        crate::foreign::report::shown(&read(text))
    }

    const SIGNAL: &str = "==7== ERROR: libFuzzer: deadly signal\n    #0 0x1 in __sanitizer_print_stack_trace x\n\
        \u{20}   #1 0x2 in c_abort /m/p/c.c:10:2\n    #2 0x3 in main\n";

    #[test]
    fn a_failed_test_has_the_line_that_it_logged() {
        let text = format!(
            "--- FAIL: FuzzX\n--- FAIL: FuzzX (0.00s)\n    x_test.go:12: wrong\n\n{SIGNAL}"
        );
        assert_eq!(
            shown(&text),
            "test failed in Go in a/b/p.FuzzX (p/x_test.go:12), FuzzX"
        );
    }

    #[test]
    fn a_panic_that_the_test_has_recovered_is_one() {
        let text = format!(
            "panic: boom\n\ngoroutine 17 [running, locked to thread]:\nruntime/debug.Stack()\n\t/go/stack.go:1 +0x1\n\
             a/b/p.parse(0x1)\n\t/m/p/p.go:9 +0x1\n\n--- FAIL: FuzzX\n    testing.go:1: panic: boom\n{SIGNAL}"
        );
        assert_eq!(shown(&text), "panic in Go in a/b/p.parse (p/p.go:9), FuzzX");
    }

    #[test]
    fn what_libfuzzer_says_is_the_class_and_c_has_the_place() {
        assert_eq!(shown(SIGNAL), "abort in c_abort (p/c.c:10), FuzzX");
        let text = "cgolab: an input has run for 1s; all goroutines:\ngoroutine 7 [running]:\n\
            testing/internal/testdeps.watch(0x1)\n\t/go/x.go:1 +0x1\n\ngoroutine 9 [select (no cases)]:\n\
            a/b/p.FuzzX(0x1)\n\t/m/p/x_test.go:4 +0x1\n\ngoroutine 17 [running, locked to thread]:\n\
            a/b/p.loop(0x1)\n\t/m/p/p.go:4 +0x1\ntesting/internal/testdeps.cgolabInput(0x1)\n\t/x.go:1 +0x1\n\n==7== ERROR: libFuzzer: timeout after 2 seconds\n";
        assert_eq!(shown(text), "timeout in Go in a/b/p.loop (p/p.go:4), FuzzX");
        assert_eq!(
            read("==7== ERROR: libFuzzer: out-of-memory (used: 9Mb; limit: 8Mb)\n").class,
            MEMORY
        );
    }

    #[test]
    fn an_end_without_a_word_has_the_exit_code() {
        assert_eq!(
            shown("INFO: Seed: 1\n"),
            "end of the process: exit status: 3, FuzzX"
        );
    }
}
