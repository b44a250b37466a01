//! Reads the reports of detectors from the output of a test program.

use std::path::Path;

use super::module::Module;
use super::report::{
    CALL_OF_C, PANIC, Place, Report, culprit, first_own, goroutine, leak_class, relative,
};
use super::valgrind;

/// The class of what Go's race detector reports.
pub(super) const RACE: &str = "data race";

/// The number of lines of a report that are kept.
const LINES: usize = 40;

/// The words with which reports of clang's sanitizers begin. libFuzzer brings the second, for signals, where there is no
/// other; the last is of memory that nobody has set.
const SANITIZERS: [&str; 4] = [
    "ERROR: AddressSanitizer: ",
    "ERROR: UndefinedBehaviorSanitizer: ",
    "ERROR: MemorySanitizer: ",
    "WARNING: MemorySanitizer: ",
];

/// All reports in an output.
pub(super) fn read(output: &str, module: &Module) -> Vec<Report> {
    let lines: Vec<&str> = output.lines().collect();
    let calls = valgrind::Calls::read(&lines);
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let test = || running(&lines[..at], &lines[at..]);
        if line.contains("WARNING: DATA RACE") {
            let end = block_end(&lines, at, |line| line.starts_with("=================="));
            found.push(race(&lines[at..end], test(), module));
            at = end;
        } else if line.contains("ERROR: LeakSanitizer: detected memory leaks") {
            let end = block_end(&lines, at, |line| {
                line.starts_with("SUMMARY: AddressSanitizer:")
            });
            found.extend(leaks(&lines[at..end], module));
            at = end;
        } else if let Some((_, rest)) = SANITIZERS.iter().find_map(|it| line.split_once(it)) {
            found.push(sanitizer(&lines[at..], class_of(rest), test(), module));
            at += 1;
        } else if line.contains("AddressSanitizer: CHECK failed: ") {
            let mut report = sanitizer(&lines[at..], "CHECK failed", test(), module);
            report.class = "CHECK failed".to_owned();
            found.push(report);
            at += 1;
        } else if line.starts_with("fatal error: unpinned Go pointer") {
            // The line before says which pointer.
            let from = at.saturating_sub(1);
            found.push(fatal(
                &lines[from..],
                "unpinned Go pointer stored in C memory",
                test(),
                module,
            ));
            at += 1;
        } else if line.contains(valgrind::BEGIN) {
            let end = block_end(&lines, at, |line| line.contains(valgrind::END));
            match valgrind::report(&lines[at..end], at, test(), &calls, module) {
                Some(report) => {
                    found.push(report);
                    at = end;
                }
                None => at += 1,
            }
        } else {
            at += 1;
        }
    }
    found
}

/// The death of a test program that no detector explains: a signal, a panic, a fatal error of Go.
pub(super) fn death(output: &str, module: &Module) -> Option<Report> {
    let lines: Vec<&str> = output.lines().collect();
    let at = death_at(&lines)?;
    let class = match lines[at].split_once(": ") {
        Some(("panic", _)) => PANIC,
        Some(("fatal error", what)) => what,
        Some((signal, _)) => signal,
        None => "crash",
    };
    let test = running(&lines[..at], &lines[at..]);
    Some(fatal(&lines[at..], class, test, module))
}

/// The place of the line with which Go begins to tell of a death.
pub(super) fn death_at(lines: &[&str]) -> Option<usize> {
    lines.iter().position(|line| {
        line.starts_with("panic: ")
            || line.starts_with("fatal error: ")
            || (line.starts_with("SIG") && line.contains(": "))
    })
}

/// The class of AddressSanitizer's report, from the words behind its name.
fn class_of(words: &str) -> &str {
    if words.starts_with("attempting double-free") {
        "double-free"
    } else if words.starts_with("attempting free on address") {
        "bad-free"
    } else {
        words.split([' ', ':']).next().unwrap_or(words)
    }
}

/// The test that a report is about which comes after these lines.
fn running(before: &[&str], report: &[&str]) -> Option<String> {
    let mut open = Open::default();
    for line in before {
        open.read(line);
    }
    open.about(report).map(str::to_owned)
}

/// The tests that have begun and not ended. The one that went on last is at the end.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Open(pub(super) Vec<String>);

impl Open {
    /// Takes the next line of the output of `-test.v`.
    pub(super) fn read(&mut self, line: &str) {
        let goes_on = ["=== RUN   ", "=== CONT  ", "=== NAME  "];
        let name = goes_on.iter().find_map(|it| Some(line.split_once(it)?.1));
        if let Some(name) = name.map(top).filter(|it| !it.is_empty()) {
            self.0.retain(|it| it != name);
            self.0.push(name.to_owned());
        } else if let Some((_, name)) = ended(line) {
            self.0.retain(|it| it != name);
        }
    }

    /// The test that a report is about: of several that are open the one that its goroutines name first, else the one
    /// that went on last.
    pub(super) fn about(&self, report: &[&str]) -> Option<&str> {
        let calls = |line: &str, test: &str| {
            line.contains(&format!(".{test}(")) || line.contains(&format!(".{test}.func"))
        };
        let named = || {
            report
                .iter()
                .find_map(|line| self.0.iter().find(|it| calls(line, it)))
        };
        let test = match self.0.len() {
            0 | 1 => self.0.last(),
            _ => named().or(self.0.last()),
        };
        test.map(String::as_str)
    }
}

/// The name of the test that a subtest belongs to.
pub(super) fn top(name: &str) -> &str {
    name.split('/').next().unwrap_or(name).trim()
}

/// Result and name from a line that reports the end of a test. Lines of subtests are indented and not meant. The
/// test's output may precede the report in its line.
pub(super) fn ended(line: &str) -> Option<(&str, &str)> {
    if line.starts_with("    ") {
        return None;
    }
    let (_, rest) = line.split_once("--- ")?;
    let (word, rest) = rest.split_once(": ")?;
    let name = rest.split(" (").next()?;
    (["PASS", "FAIL", "SKIP"].contains(&word) && !name.contains('/')).then_some((word, name))
}

/// The output of a test that fails, from its beginning to its end.
pub(super) fn of_test(output: &str, test: &str) -> String {
    let begin = format!("=== RUN   {test}");
    let end = format!("--- FAIL: {test} ");
    let lines: Vec<&str> = output
        .lines()
        .skip_while(|line| !line.ends_with(&begin))
        .collect();
    let last = lines.iter().position(|line| line.contains(&end));
    excerpt(&lines[..last.map_or(lines.len(), |it| it + 1)])
}

fn block_end(lines: &[&str], from: usize, is_end: impl Fn(&str) -> bool) -> usize {
    let end = lines[from + 1..].iter().position(|line| is_end(line));
    end.map_or(lines.len(), |end| from + 1 + end + 1)
}

fn excerpt(lines: &[&str]) -> String {
    let mut text = lines
        .iter()
        .take(LINES)
        .copied()
        .collect::<Vec<_>>()
        .join("\n");
    if lines.len() > LINES {
        text.push_str("\n…");
    }
    text
}

/// A report of Go's race detector: the places of both accesses.
fn race(lines: &[&str], test: Option<String>, module: &Module) -> Report {
    let is_access = |line: &&str| {
        let line = line.trim_start().to_lowercase();
        let line = line.strip_prefix("previous ").unwrap_or(&line);
        ["read at", "write at", "read by", "write by"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    // An access that no own function makes is named by the innermost one.
    let place = |at: usize| {
        let stack = go_stack(&lines[at + 1..]);
        let innermost = stack.first().cloned();
        first_own(stack, module).or(innermost)
    };
    let accesses = lines.iter().enumerate().filter(|(_, it)| is_access(it));
    let mut places: Vec<Place> = accesses.filter_map(|(at, _)| place(at)).collect();
    // Which of them comes first is chance: an own one is told first.
    places.sort_by_key(|it| !it.own);
    let mut places = places.into_iter();
    Report {
        class: RACE.to_owned(),
        test,
        c: None,
        go: places.next(),
        other: places.next(),
        text: excerpt(lines),
    }
}

/// Function and place of the frames that follow, as the race detector prints them.
fn go_stack(lines: &[&str]) -> Vec<Place> {
    let mut found = Vec::new();
    let mut rest = lines.iter();
    while let Some(function) = rest.next().filter(|line| !line.trim().is_empty()) {
        let Some(place) = rest.next() else { break };
        let place = place.trim().split(" +0x").next().unwrap_or_default();
        let Some((file, line)) = place.rsplit_once(':') else {
            break;
        };
        found.push(Place {
            function: function.trim().trim_end_matches("()").to_owned(),
            file: Some(file.to_owned()),
            line: line.parse().ok(),
            own: false,
        });
    }
    found
}

/// A report of AddressSanitizer, and the goroutine that Go prints behind it.
fn sanitizer(lines: &[&str], class: &str, test: Option<String>, module: &Module) -> Report {
    let own_end = lines
        .iter()
        .position(|line| {
            line.contains("ABORTING")
                || line.starts_with("SIGABRT: abort")
                || line.starts_with(CALL_OF_C)
        })
        .unwrap_or(lines.len());
    // The first stack is that of the access; what follows tells of the memory.
    let stack: Vec<Place> = lines[..own_end]
        .iter()
        .skip_while(|line| !line.trim_start().starts_with("#0 "))
        .take_while(|line| line.trim_start().starts_with('#'))
        .filter_map(|line| c_frame(line, &module.root))
        .collect();
    Report {
        class: class.to_owned(),
        test,
        c: culprit(&stack),
        go: goroutine(&lines[own_end..], module),
        other: None,
        text: excerpt(&lines[..own_end]),
    }
}

/// The reports of LeakSanitizer, one for each stack of an allocation.
fn leaks(lines: &[&str], module: &Module) -> Vec<Report> {
    // An indirect leak is held by a direct one. Blocks that hold each other in a ring are all indirect: one stands for
    // them, the first and largest.
    let starts = |words: &str| {
        let lines = lines.iter().enumerate();
        lines
            .filter(|(_, line)| line.starts_with(words))
            .map(|(at, _)| at)
            .collect::<Vec<usize>>()
    };
    let mut starting = starts("Direct leak of ");
    if starting.is_empty() {
        starting = starts("Indirect leak of ");
        starting.truncate(1);
    }
    let mut found = Vec::new();
    for at in starting {
        let block: Vec<&str> = lines[at..]
            .iter()
            .take_while(|line| !line.trim().is_empty())
            .copied()
            .collect();
        let stack: Vec<Place> = block[1..]
            .iter()
            .filter_map(|line| c_frame(line, &module.root))
            .collect();
        found.push(Report {
            class: leak_class(&stack).to_owned(),
            test: None,
            c: culprit(&stack),
            go: None,
            other: None,
            text: excerpt(&block),
        });
    }
    found
}

/// A fatal error or a signal with Go's traceback behind it.
fn fatal(lines: &[&str], class: &str, test: Option<String>, module: &Module) -> Report {
    Report {
        class: class.to_owned(),
        test,
        c: None,
        go: goroutine(lines, module),
        other: None,
        text: excerpt(lines),
    }
}

/// Reads a frame of C: `#1 0x52e in function(int) /a/b.c:12:3`, or `#1 0x52e (/a/libb.so+0x2e)` where the function
/// has no name. The library is the name then.
pub(super) fn c_frame(line: &str, root: &Path) -> Option<Place> {
    let rest = line.trim_start().strip_prefix('#')?;
    let Some((_, rest)) = rest.split_once(" in ") else {
        let (_, library) = rest.split_once(" (")?;
        let (path, _) = library.rsplit_once("+0x")?;
        let path = Path::new(path);
        let function = match path.parent() {
            // It was loaded from memory: its number is another one in each program.
            Some(dir) if dir.ends_with("fd") => "a library without a file".to_owned(),
            _ => path.file_name()?.display().to_string(),
        };
        return Some(Place {
            function,
            file: None,
            line: None,
            own: false,
        });
    };
    // A blank ends the function, and may be in the path of the module.
    let at_root = rest.find(&format!(" {}/", root.display()));
    let split = match at_root {
        Some(at) => Some((&rest[..at], &rest[at + 1..])),
        None => rest.rsplit_once(' '),
    };
    let (function, place) = match split {
        Some((function, place))
            if place.contains('/') || place.contains(':') || place.starts_with('(') =>
        {
            (function, place)
        }
        _ => (rest, ""),
    };
    let mut words = place.split(':');
    let file = words
        .next()
        .filter(|file| !file.is_empty() && !file.starts_with('('));
    let line = words.next().and_then(|line| line.parse().ok());
    let own = file.is_some_and(|file| {
        let path = Path::new(file);
        path.starts_with(root) || (path.is_relative() && root.join(path).exists())
    });
    Some(Place {
        function: of_rust(function).unwrap_or_else(|| function.to_owned()),
        file: file.map(|file| relative(Path::new(file), root)),
        line,
        own: own && !function.starts_with("_cgo_"),
    })
}

/// The name of a function of Rust that a sanitizer shows as if it were of C++: without escapes and without the hash
/// at its end, which is another one with each compiler.
fn of_rust(name: &str) -> Option<String> {
    let parts = name.split("::").map(|part| format!("{}{part}", part.len()));
    let mangled = format!("_ZN{}E", parts.collect::<String>());
    let demangled = rustc_demangle::try_demangle(&mangled).ok()?;
    // Without a hash it is of C++.
    let without = format!("{demangled:#}");
    (without != demangled.to_string()).then_some(without)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_failing_test_ends_with_it_and_its_complaint_has_a_place() {
        use super::super::report::complaint;
        let output = "=== RUN   TestAB\n    a_test.go:1: of another\n--- PASS: TestAB (0.00s)\n\
            === RUN   TestA\nprinted: first\n    a_test.go:7: no answer\n--- FAIL: TestA (0.00s)\nFAIL\n";
        let own = of_test(output, "TestA");
        assert!(own.starts_with("=== RUN   TestA\nprinted"), "{own}");
        assert!(own.ends_with("--- FAIL: TestA (0.00s)"), "{own}");
        assert_eq!(complaint(&own), Some("a_test.go:7: no answer"));
        assert_eq!(complaint("printed: first\na.go:x: no\n"), None);
        assert_eq!(of_test(output, "TestB"), "");
    }

    #[test]
    fn frees_have_the_names_that_people_look_for() {
        for (words, class) in [
            (
                "attempting double-free on 0x602 in thread T0:",
                "double-free",
            ),
            (
                "attempting free on address which was not malloc()-ed: 0x7f",
                "bad-free",
            ),
            (
                "heap-use-after-free on address 0x602",
                "heap-use-after-free",
            ),
            ("SEGV on unknown address", "SEGV"),
        ] {
            assert_eq!(class_of(words), class);
        }
    }

    #[test]
    fn of_parallel_tests_the_one_that_the_report_names_is_meant() {
        let before = [
            "=== RUN   TestA",
            "=== PAUSE TestA",
            "=== RUN   TestB",
            "=== PAUSE TestB",
            "=== RUN   TestC",
            "--- PASS: TestC (0.00s)",
            "=== CONT  TestB",
            "=== CONT  TestA",
        ];
        let of = |report: &[&str]| running(&before, report);
        assert_eq!(of(&["x.TestB(0x1)"]).as_deref(), Some("TestB"));
        assert_eq!(
            of(&["  x.TestB.func1()", "x.TestA(0x1)"]).as_deref(),
            Some("TestB")
        );
        assert_eq!(of(&["x.TestC(0x1)"]).as_deref(), Some("TestA"));
        assert_eq!(running(&before[..6], &[]).as_deref(), Some("TestB"));
    }

    fn module() -> Module {
        Module {
            root: "/m".into(),
            path: "a/b".to_owned(),
            ..Module::default()
        }
    }

    #[test]
    fn a_report_of_the_sanitizer_has_both_sides_and_the_test() {
        let output = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB/sub\n\
            ==5==ERROR: AddressSanitizer: heap-use-after-free on address 0x1 at pc 0x2\n\
            READ of size 1 at 0x1 thread T0\n    #0 0x67 in __interceptor_memcpy ../../libsanitizer/x.inc:1\n\
            \u{20}   #1 0x68 in work(int, char*) /m/c/w.cc:12:3\n    #2 0x69 in _cgo_1_Cfunc_work /tmp/go-build/cgo-gcc-prolog:5\n\n\
            freed by thread T0 here:\n    #0 0x1 in free x:1\n    #1 0x1 in other /m/c/o.c:1\n\
            ==5==ABORTING\nSIGABRT: abort\n\ngoroutine 7 [syscall]:\nruntime.cgocall(0x1)\n\t/go/cgocall.go:1 +0x1\n\
            a/b._Cfunc_work(0x1)\n\t_cgo_gotypes.go:3 +0x1\na/b.(*T).Work(0x1)\n\t/m/t.go:9 +0x1\n";
        let found = read(output, &module());
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].class, "heap-use-after-free");
        assert_eq!(found[0].test.as_deref(), Some("TestB"));
        assert_eq!(
            found[0].c.as_ref().unwrap().shown(),
            "work(int, char*) (c/w.cc:12)"
        );
        assert_eq!(
            found[0].go.as_ref().unwrap().shown(),
            "a/b.(*T).Work (t.go:9)"
        );
    }

    #[test]
    fn leaks_are_one_each_and_those_of_go_are_named() {
        let output = "==5==ERROR: LeakSanitizer: detected memory leaks\n\nDirect leak of 8 byte(s) in 1 object(s) allocated from:\n\
            \u{20}   #0 0x1 in __interceptor_malloc x\n    #1 0x2 in _cgo_1_Cfunc__Cmalloc /tmp/x:3\n\n\
            Direct leak of 9 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in malloc x\n    #1 0x2 in make /m/a.c:7\n\n\
            Direct leak of 3 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in __interceptor_strdup x\n\
            \u{20}   #1 0x2 in _cgo_1_Cfunc_word /tmp/go-build/x:1\n    #2 0x3 in runtime.asmcgocall /go/x.s:1\n\n\
            Indirect leak of 9 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in malloc x\n\n\
            SUMMARY: AddressSanitizer: 17 byte(s) leaked in 2 allocation(s).\n";
        let found = read(output, &module());
        let classes: Vec<&str> = found.iter().map(|it| it.class.as_str()).collect();
        assert_eq!(
            classes,
            ["leak of C.CString, C.CBytes or C.malloc", "leak", "leak"]
        );
        assert_eq!(found[0].c, None);
        // The optimiser has left no frame of `word`.
        assert_eq!(found[2].c.as_ref().unwrap().shown(), "C.word");
        assert_eq!(found[1].c.as_ref().unwrap().shown(), "make (a.c:7)");
    }

    #[test]
    fn of_memory_that_is_lost_in_a_ring_the_first_block_is_told() {
        let output = "==5==ERROR: LeakSanitizer: detected memory leaks\n\nIndirect leak of 80 byte(s) in 1 object(s) allocated from:\n\
            \u{20}   #0 0x1 in malloc x\n    #1 0x2 in make /m/a.c:7\n\n\
            Indirect leak of 9 byte(s) in 1 object(s) allocated from:\n    #0 0x1 in malloc x\n    #1 0x2 in other /m/a.c:9\n\n\
            SUMMARY: AddressSanitizer: 89 byte(s) leaked in 2 allocation(s).\n";
        let found = read(output, &module());
        let places = found.iter().map(|it| it.c.as_ref().unwrap().shown());
        assert_eq!(places.collect::<Vec<_>>(), ["make (a.c:7)"]);
    }

    #[test]
    fn a_race_has_the_first_own_frame_of_both_accesses() {
        let output = "=== RUN   TestR\n==================\nWARNING: DATA RACE\nWrite at 0x1 by goroutine 8:\n\
            \u{20} runtime.mapassign()\n      /go/map.go:1 +0x1\n  a/b.(*T).set()\n      /m/t.go:5 +0x1\n\n\
            Previous write at 0x1 by goroutine 7:\n  a/b.other()\n      /m/t.go:9 +0x1\n\n==================\n";
        let found = read(output, &module());
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].go.as_ref().unwrap().shown(),
            "a/b.(*T).set (t.go:5)"
        );
        assert_eq!(
            found[0].other.as_ref().unwrap().shown(),
            "a/b.other (t.go:9)"
        );
        assert_eq!(found[0].test.as_deref(), Some("TestR"));
    }

    #[test]
    fn a_stored_go_pointer_and_a_signal_have_the_go_caller() {
        let trace = "\ngoroutine 7 [running]:\nruntime.throw(0x1)\n\t/go/panic.go:1 +0x1\na/b.store(0x1)\n\t/m/t.go:5 +0x1\n";
        let stored = format!(
            "=== RUN   TestS\nwrite of unpinned Go pointer 0x1 to non-Go memory 0x2\nfatal error: unpinned Go pointer stored into non-Go memory\n{trace}"
        );
        let found = read(&stored, &module());
        assert_eq!(found[0].class, "unpinned Go pointer stored in C memory");
        assert_eq!(found[0].go.as_ref().unwrap().shown(), "a/b.store (t.go:5)");
        let signal = format!("=== RUN   TestS\nSIGSEGV: segmentation violation\nPC=0x1\n{trace}");
        assert_eq!(read(&signal, &module()), []);
        let death = death(&signal, &module()).unwrap();
        assert_eq!(
            (death.class.as_str(), death.test.as_deref()),
            ("SIGSEGV", Some("TestS"))
        );
    }

    #[test]
    fn a_frame_is_own_by_its_whole_package_and_not_for_what_began_its_goroutine() {
        let caller = |frames: &str| {
            let text = format!("=== RUN   TestS\npanic: no\n\ngoroutine 7 [running]:\n{frames}");
            death(&text, &module()).unwrap().go.map(|it| it.function)
        };
        let place = "\t/elsewhere/t.go:5 +0x1\n";
        assert_eq!(caller(&format!("a/bc.f(0x1)\n{place}")), None);
        assert_eq!(
            caller(&format!("a/b/c.f(0x1)\n{place}")).as_deref(),
            Some("a/b/c.f")
        );
        let began = "created by a/b.begins in goroutine 1\n\t/m/t.go:9 +0x1\n";
        assert_eq!(caller(&format!("other.f(0x1)\n{place}{began}")), None);
    }

    #[test]
    fn an_own_frame_of_c_goes_before_one_of_a_library_that_it_calls() {
        let output = "==5==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n\
            \u{20}   #0 0x67 in inflate /usr/src/zlib/inflate.c:1\n    #1 0x68 in work /m/w.c:12\n";
        let found = read(output, &module());
        assert_eq!(found[0].c.as_ref().unwrap().shown(), "work (w.c:12)");
    }

    #[test]
    fn blanks_are_in_names_of_functions_and_in_the_path_of_a_module() {
        for (root, place) in [
            ("/m", "/m/c/w.cc:12:3"),
            ("/a b/m d", "/a b/m d/c/w.cc:12:3"),
        ] {
            let line = format!("    #1 0x68 in work(int, char*) {place}");
            let frame = c_frame(&line, Path::new(root)).unwrap();
            assert_eq!(frame.shown(), "work(int, char*) (c/w.cc:12)");
            assert!(frame.own);
        }
    }

    #[test]
    fn a_function_without_a_name_is_named_after_its_library() {
        let output = "==5==ERROR: LeakSanitizer: detected memory leaks\n\n\
            Direct leak of 8 byte(s) in 1 object(s) allocated from:\n    \
            #0 0x7f in __interceptor_malloc ../x.cpp:69\n    \
            #1 0x7f  (/lib/libc.so.6+0x2e)\n    #2 0x7f  (/lib/libpcap.so.0.8+0xfbd6)\n\n";
        let found = read(output, &module());
        assert_eq!(found[0].c.as_ref().unwrap().shown(), "libpcap.so.0.8");
        let loaded = c_frame("    #1 0x7f  (/proc/self/fd/4+0x2e)", Path::new("/m"));
        assert_eq!(loaded.unwrap().shown(), "a library without a file");
    }

    #[test]
    fn functions_of_rust_have_no_hash_and_those_of_cxx_stay_as_they_are() {
        let shown = "a::Rooted$LT$T$GT$::_to_owned::h1869d75d167b6b21";
        assert_eq!(of_rust(shown).unwrap(), "a::Rooted<T>::_to_owned");
        for cxx in ["a::work", "work(int, char*)", "main", ""] {
            assert_eq!(of_rust(cxx), None, "{cxx}");
        }
    }

    #[test]
    fn of_tests_that_are_open_the_last_is_the_one_that_runs() {
        let output = "=== RUN   TestA\n=== PAUSE TestA\n=== RUN   TestB\nWARNING: DATA RACE\n";
        assert_eq!(read(output, &module())[0].test.as_deref(), Some("TestB"));
    }

    #[test]
    fn the_go_caller_is_in_the_goroutine_that_died() {
        let one = |number: u32, function: &str| {
            format!("\ngoroutine {number} [running]:\na/b.{function}(0x1)\n\t/m/t.go:5 +0x1\n")
        };
        let text = format!(
            "=== RUN   TestS\npanic: no\n{}{}{}",
            one(7, "dies"),
            one(1, "waits"),
            one(8, "idles")
        );
        let death = death(&text, &module()).unwrap();
        assert_eq!(death.go.unwrap().shown(), "a/b.dies (t.go:5)");
    }

    #[test]
    fn the_end_of_a_test_is_seen_behind_its_output_and_not_for_subtests() {
        assert_eq!(ended("--- PASS: TestA (0.00s)"), Some(("PASS", "TestA")));
        assert_eq!(
            ended("text--- FAIL: TestA (0.00s)"),
            Some(("FAIL", "TestA"))
        );
        assert_eq!(ended("    --- FAIL: TestA/x (0.00s)"), None);
        assert_eq!(ended("--- FAIL: TestA/x (0.00s)"), None);
        assert_eq!(ended("--- a: b"), None);
    }
}
