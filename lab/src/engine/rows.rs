//! The engines that build and run Go tests, one row each.
//!
//! | engine | what it sees |
//! |---|---|
//! | guard | memory that is touched after its loan has ended |
//! | leak | native memory that an operation takes and does not give back; goroutines that stay |
//! | process | the end of a whole process, and its signals, threads and stacks |
//! | go | failures of plain tests |
//! | race | accesses of Go memory that nothing orders |
//! | cgocheck2 | Go pointers stored into memory that is not Go's |
//! | asan | bad accesses of the native heap, and of Go memory from C |
//!
//! A row knows no subject: packages, tags and builds of the native library are its description's. To add an
//! engine, add a row; a [`Way`] if it is another way to build tests; and its canary in `lab/canaries`.

use super::ask::Answer;
use super::canaries::DETECTORS;
use super::native::{ASAN_MARK, Native};
use super::way::{self, Canary, Way, says};
use crate::host::tools::Need;
use crate::subject::file;

/// Numbers of processors for Go: with one goroutines take turns, with two they run side by side, and four are
/// more than small machines have.
const PROCESSORS: &[u32] = &[1, 2, 4];

/// A way to build and run Go tests.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// One line for people about what runs.
    pub(super) what: &'static str,
    pub(super) tests: Tests,
    /// Every test runs in each of these builds.
    pub(super) builds: &'static [Build],
    /// The kind of build of the native library that is linked, if the subject has one; else the plain one.
    pub(super) native: Native,
    /// Tests are shuffled, repeated, and run on several numbers of processors, to provoke rare orders of events.
    pub(super) repeated: bool,
    /// Further conditions that the tests run under.
    pub(super) storms: &'static [Storm],
    /// The tests also run with the releases of Go that the subject promises.
    pub(super) releases: bool,
    pub(super) canary: Planted,
    pub(super) word: Word,
}

/// The tests of the subject that an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tests {
    /// Its suites for the engine; every package of its modules if there are none.
    All,
    /// Its suites for the engine. Without any, the engine is left out: it needs tests that are written for it.
    Suites,
}

/// A build of tests.
pub(super) struct Build {
    /// Added to the names of logs.
    pub(super) log: &'static str,
    pub(super) way: Way,
}

/// A condition that provokes rare orders of events. The tests run under it again, shuffled and repeated.
pub(super) struct Storm {
    pub(super) check: &'static str,
    pub(super) log: &'static str,
    pub(super) way: Way,
    pub(super) processors: &'static [u32],
}

/// The planted mistakes of a package in `lab/canaries`.
pub(super) struct Planted {
    /// Their name as a check.
    pub(super) check: &'static str,
    pub(super) folder: &'static str,
    pub(super) canaries: &'static [Canary],
    /// A test without a mistake. Where it does not build or run, the engine is not possible.
    pub(super) sound: Option<&'static str>,
    /// They must pass without the engine's experiment: only the engine can be what ends them.
    pub(super) silent_without: bool,
}

/// The kind of output that counts as an engine's report of a broken contract.
pub(super) enum Word {
    /// A check that fails.
    Failure,
    /// A check that fails, and a crash that says this.
    Crash(&'static str),
    /// A report that says one of these, of the contract of the test in which it appears.
    Report(&'static [&'static str]),
    /// A report that says this, of one contract, whichever test it interrupts.
    ReportOn(&'static str, &'static str),
}

/// The tools that every row needs.
pub(super) const NEEDS: &[Need] = &[Need::C, Need::Go];

const PLAIN: Native = Native {
    kind: file::PLAIN,
    mark: None,
};

const fn build(log: &'static str, way: Way) -> Build {
    Build { log, way }
}

const STORMS: &[Storm] = &[
    Storm {
        check: "storm: the collector runs often, and overwrites what it frees",
        log: ".overwrites",
        way: way::OVERWRITES,
        processors: PROCESSORS,
    },
    Storm {
        check: "storm: one processor for all threads",
        log: ".one-cpu",
        way: way::ONE_PROCESSOR,
        processors: &[],
    },
    COLLECTOR,
];

const COLLECTOR: Storm = Storm {
    check: "storm: the collector never rests, on one processor for all threads",
    log: ".collector",
    way: way::STORM,
    processors: &[],
};

/// The row from which the others differ.
const ROW: Row = Row {
    name: "",
    what: "",
    tests: Tests::All,
    builds: &[build("", way::PLAIN)],
    native: PLAIN,
    repeated: false,
    storms: &[],
    releases: false,
    canary: PLANTED,
    word: Word::Failure,
};

const PLANTED: Planted = Planted {
    check: "",
    folder: DETECTORS,
    canaries: way::PLAIN.canaries,
    sound: None,
    silent_without: false,
};

/// The rows, in the order in which they run: those that are quick come first.
pub(super) static ROWS: [Row; 7] = [
    Row {
        name: "guard",
        what: "borrowed memory that nobody can touch when the loan is over",
        tests: Tests::Suites,
        releases: true,
        canary: Planted {
            check: "planted borrowers",
            folder: "guard",
            canaries: &[
                says(
                    "TestCanaryReadsLater",
                    "TestCanaryReadsLater: the child ended with code 2",
                ),
                says(
                    "TestCanaryReadsTooFar",
                    "TestCanaryReadsTooFar: the child ended with code 2",
                ),
            ],
            ..PLANTED
        },
        // An access that a page refuses.
        word: Word::Crash(", code 2"),
        ..ROW
    },
    Row {
        name: "leak",
        what: "native allocations minus frees, over rounds of each operation; goroutines left behind",
        tests: Tests::Suites,
        canary: Planted {
            check: "planted leaks",
            folder: "leak",
            canaries: &[
                says("TestCanaryLost", "TestCanaryLost: the C heap has grown"),
                says(
                    "TestCanaryLostNowAndThen",
                    "TestCanaryLostNowAndThen: the C heap has grown",
                ),
                says(
                    "TestCanaryHeldByGo",
                    "TestCanaryHeldByGo: the C heap has grown",
                ),
            ],
            ..PLANTED
        },
        ..ROW
    },
    Row {
        name: "process",
        what: "child processes: exits, panics, signals, threads, stacks",
        tests: Tests::Suites,
        canary: Planted {
            check: "planted abort",
            folder: "process",
            canaries: &[says("TestCanaryProcess", "SIGABRT: abort")],
            ..PLANTED
        },
        ..ROW
    },
    Row {
        name: "go",
        what: "go test over the binding, with the promised releases of Go, and in storms",
        storms: STORMS,
        releases: true,
        canary: Planted {
            check: "planted failure",
            ..PLANTED
        },
        ..ROW
    },
    Row {
        name: "race",
        what: "go test -race over the binding, shuffled, on 1, 2 and 4 processors",
        builds: &[build("", way::RACE)],
        repeated: true,
        canary: Planted {
            check: "planted race",
            canaries: way::RACE.canaries,
            ..PLANTED
        },
        ..ROW
    },
    // It is built with and without the race detector, because users run it both ways, and because both
    // change what the compiler writes.
    Row {
        name: "cgocheck2",
        what: "go test in a GOEXPERIMENT=cgocheck2 build, without and with -race",
        builds: &[
            build("", way::CGOCHECK2),
            build(
                ".race",
                Way {
                    options: way::RACE.options,
                    ..way::CGOCHECK2
                },
            ),
        ],
        canary: Planted {
            check: "planted Go pointer",
            canaries: way::CGOCHECK2.canaries,
            silent_without: true,
            ..PLANTED
        },
        word: Word::ReportOn(way::STORED, "VAL-04"),
        ..ROW
    },
    // Checks in Go, C and C++, and poison in what is left of a Go object's memory. A library that is built
    // for it calls the one runtime that Go's link brings.
    Row {
        name: "asan",
        what: "go test -asan, with the library built for AddressSanitizer if that is described",
        builds: &[build("", way::ASAN)],
        native: Native {
            kind: file::ASAN,
            mark: Some(ASAN_MARK),
        },
        storms: &[Storm {
            way: way::STORM_ASAN,
            ..COLLECTOR
        }],
        canary: Planted {
            check: "planted overread",
            canaries: way::ASAN.canaries,
            sound: Some("TestPasses"),
            ..PLANTED
        },
        // LeakSanitizer's reports, too, which comes with it, and those of Go's checks of pointers.
        word: Word::Report(&["Sanitizer: ", way::CHECKPTR]),
        ..ROW
    },
];

impl Storm {
    /// The answer of a test in this storm, which its plain run has not given.
    pub(super) fn names(&self, mut answer: Answer) -> Answer {
        answer.check = format!("{} ({})", answer.check, self.check);
        answer
    }
}

impl Row {
    /// The numbers of processors that its tests run with; empty leaves it to Go.
    pub(super) fn processors(&self) -> &'static [u32] {
        if self.repeated { PROCESSORS } else { &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_a_bug_that_is_there_and_says_something() {
        for row in &ROWS {
            let folder = super::super::canaries::SOURCES
                .get_dir(row.canary.folder)
                .unwrap_or_else(|| panic!("{}: no folder {}", row.name, row.canary.folder));
            let text: String = folder
                .files()
                .filter_map(|file| file.contents_utf8())
                .collect();
            let tests = row.canary.canaries.iter().map(|canary| canary.test);
            for test in tests.chain(row.canary.sound) {
                assert!(text.contains(&format!("func {test}(t ")), "{test}");
            }
            assert!(!row.builds.is_empty() && !row.what.is_empty());
            // Storms are proven by canaries of their own.
            let unproven = row.storms.iter().filter(|it| it.way.canaries.is_empty());
            assert_eq!(unproven.count(), 0, "{}", row.name);
        }
    }
}
