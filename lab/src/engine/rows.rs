//! The engines that are a way to build and run Go tests, one row each.
//!
//! | engine | what it sees |
//! |---|---|
//! | guard | memory that is touched after its loan has ended |
//! | leak | native memory that an operation takes and does not give back; goroutines that stay |
//! | process | how a whole process ends, and what it does with signals, threads and stacks |
//! | go | what plain tests see |
//! | race | accesses of Go memory that nothing orders |
//! | cgocheck2 | Go pointers stored into memory that is not Go's |
//! | asan | bad accesses of the native heap, and of Go memory from C |
//!
//! A row knows no subject: packages, tags and builds of the native library are its description's. To add an
//! engine, add a row, and its canary in `lab/canaries`.

use super::native::ASAN_MARK;
use crate::host::tools::Need;

/// As many as make goroutines take turns, run side by side, and outnumber small machines.
const PROCESSORS: &[u32] = &[1, 2, 4];

/// A way to build and run Go tests.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// One line for people about what runs.
    pub(super) what: &'static str,
    pub(super) tests: Tests,
    /// Every test runs in each of these builds.
    pub(super) builds: &'static [Build],
    /// The experiment of Go's that is the engine: it is turned on, beside those of the user.
    pub(super) experiment: Option<&'static str>,
    /// The kind of build of the native library that is linked, if the subject has one; else the plain one.
    pub(super) native: Native,
    /// Shuffled, repeated and on several numbers of processors, so that rare orders are less rare.
    pub(super) repeated: bool,
    /// The conditions that the tests go through besides.
    pub(super) storms: &'static [Storm],
    /// The releases of Go that the subject promises have their turn.
    pub(super) releases: bool,
    pub(super) canary: Planted,
    pub(super) limit: Option<Limit>,
    pub(super) word: Word,
}

/// The tests of the subject that an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tests {
    /// Its suites for the engine; every package of its modules if there are none.
    All,
    /// Its suites for the engine, which is left out if there are none: their tests are written for it.
    Suites,
}

/// A build of tests.
pub(super) struct Build {
    /// Added to the names of logs.
    pub(super) log: &'static str,
    /// Options of `go test`.
    pub(super) options: &'static [&'static str],
}

/// The native library that an engine links.
pub(super) struct Native {
    pub(super) kind: &'static str,
    /// What is in a library of this kind and in no other.
    pub(super) mark: Option<&'static str>,
}

/// The tests once more, shuffled and repeated, where rare orders of events are less rare.
pub(super) struct Storm {
    pub(super) check: &'static str,
    pub(super) log: &'static str,
    /// All threads of the process share one, unlike those of one P.
    pub(super) one_processor: bool,
    pub(super) env: &'static [(&'static str, &'static str)],
    pub(super) processors: &'static [u32],
}

/// The bugs in a folder of `lab/canaries`.
pub(super) struct Planted {
    /// What was planted, as a check name.
    pub(super) check: &'static str,
    pub(super) folder: &'static str,
    pub(super) bugs: &'static [Bug],
    /// A test without a bug. Where it does not build or run, the engine is not possible.
    pub(super) sound: Option<&'static str>,
    /// The bugs must pass without the engine's experiment: only the engine can be what ends them.
    pub(super) silent_without: bool,
}

/// Bugs of one run.
pub(super) struct Bug {
    /// Pattern of the tests.
    pub(super) run: &'static str,
    /// What the reports say.
    pub(super) says: &'static [&'static str],
}

/// A bug that the engine is stated not to see.
pub(super) struct Limit {
    pub(super) test: &'static str,
    /// Its report if it were seen.
    pub(super) says: &'static str,
    pub(super) unseen: &'static str,
    pub(super) seen: &'static str,
}

/// What counts as the engine's word that a contract is broken.
pub(super) enum Word {
    /// A check that fails.
    Failure,
    /// A check that fails, and a crash that says this.
    Crash(&'static str),
    /// A report that says this, of the contract of the test in which it appears.
    Report(&'static str),
    /// A report that says this, of one contract, whichever test it interrupts.
    ReportOn(&'static str, &'static str),
}

/// What every row of Go tests needs.
pub(super) const NEEDS: &[Need] = &[Need::C, Need::Go];

const PLAIN: Native = Native {
    kind: "plain",
    mark: None,
};

const BUILD: &[Build] = &[Build {
    log: "",
    options: &[],
}];

const STORMS: &[Storm] = &[
    // It runs all the time, stops the world for it, and leaves nothing to read in what it has freed.
    Storm {
        check: "storm: the collector never rests",
        log: ".collector",
        one_processor: false,
        env: &[("GODEBUG", "clobberfree=1,gcstoptheworld=1"), ("GOGC", "1")],
        processors: PROCESSORS,
    },
    // Threads of the library and threads in C have to take turns, too.
    Storm {
        check: "storm: one processor for all threads",
        log: ".one-cpu",
        one_processor: true,
        env: &[],
        processors: &[],
    },
];

/// The row from which the others differ.
const ROW: Row = Row {
    name: "",
    what: "",
    tests: Tests::All,
    builds: BUILD,
    experiment: None,
    native: PLAIN,
    repeated: false,
    storms: &[],
    releases: false,
    canary: PLANTED,
    limit: None,
    word: Word::Failure,
};

const PLANTED: Planted = Planted {
    check: "",
    folder: "",
    bugs: &[],
    sound: None,
    silent_without: false,
};

const DATA_RACE: &str = "WARNING: DATA RACE";

/// In the order in which they run: those first that say something soon.
pub(super) static ROWS: [Row; 7] = [
    Row {
        name: "guard",
        what: "borrowed memory that nobody can touch when the loan is over",
        tests: Tests::Suites,
        releases: true,
        canary: Planted {
            check: "planted borrowers",
            folder: "guard",
            bugs: &[Bug {
                run: ".",
                says: &[
                    "TestCanaryReadsLater: the child ended with code 2",
                    "TestCanaryReadsTooFar: the child ended with code 2",
                ],
            }],
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
            bugs: &[Bug {
                run: ".",
                says: &[
                    "TestCanaryLost: the C heap has grown",
                    "TestCanaryLostNowAndThen: the C heap has grown",
                    "TestCanaryHeldByGo: the C heap has grown",
                ],
            }],
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
            bugs: &[Bug {
                run: ".",
                says: &["SIGABRT: abort"],
            }],
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
            folder: "failure",
            bugs: &[Bug {
                run: ".",
                says: &["canary: a failing test"],
            }],
            ..PLANTED
        },
        ..ROW
    },
    // For the detector each call of C is a release and an acquire of one lock that all calls share. So it
    // orders accesses of Go memory that nothing else orders, if there are calls between them.
    Row {
        name: "race",
        what: "go test -race over the binding, shuffled, on 1, 2 and 4 processors",
        builds: &[Build {
            log: "",
            options: &["-race"],
        }],
        repeated: true,
        canary: Planted {
            check: "planted race",
            folder: "race",
            bugs: &[Bug {
                run: "^TestCanaryRace$",
                says: &[DATA_RACE],
            }],
            ..PLANTED
        },
        limit: Some(Limit {
            test: "TestLimitRaceAcrossC",
            says: DATA_RACE,
            unseen: "a race is not reported if both sides call C in between: a call counts as \
                     synchronisation",
            seen: "this Go reports a race also if both sides call C in between, which is more than is \
                   stated",
        }),
        ..ROW
    },
    // The compiler puts a check before every store of a pointer. It is built with and without the race
    // detector, because users run it both ways, and because both change what the compiler writes.
    Row {
        name: "cgocheck2",
        what: "go test in a GOEXPERIMENT=cgocheck2 build, without and with -race",
        builds: &[
            Build {
                log: "",
                options: &[],
            },
            Build {
                log: ".race",
                options: &["-race"],
            },
        ],
        experiment: Some("cgocheck2"),
        canary: Planted {
            check: "planted Go pointer",
            folder: "cgocheck",
            bugs: &[Bug {
                run: ".",
                says: &[STORED],
            }],
            silent_without: true,
            ..PLANTED
        },
        word: Word::ReportOn(STORED, "VAL-04"),
        ..ROW
    },
    // Checks in Go and C, and poison in what is left of a Go object's memory. A library that is built for it
    // calls the one runtime that Go's link brings.
    Row {
        name: "asan",
        what: "go test -asan, with the library built for AddressSanitizer if that is described",
        builds: &[Build {
            log: "",
            options: &["-asan"],
        }],
        native: Native {
            kind: "asan",
            mark: Some(ASAN_MARK),
        },
        canary: Planted {
            check: "planted overread",
            folder: "asan",
            // Each report ends the process.
            bugs: &[
                Bug {
                    run: "^TestCanaryAsanReadsTooFar$",
                    says: &["AddressSanitizer: use-after-poison"],
                },
                Bug {
                    run: "^TestCanaryAsanUsesFreedMemory$",
                    says: &["AddressSanitizer: heap-use-after-free"],
                },
            ],
            sound: Some("^TestPlain$"),
            ..PLANTED
        },
        // LeakSanitizer's reports, too, which comes with it.
        word: Word::Report("Sanitizer: "),
        ..ROW
    },
];

/// What the checker says, after "unpinned " since Go 1.21.
const STORED: &str = "Go pointer stored into non-Go memory";

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
            let limit = row.limit.iter().map(|limit| limit.test);
            let runs = row.canary.bugs.iter().map(|bug| bug.run);
            for test in runs.chain(row.canary.sound).chain(limit) {
                let name = test.trim_matches(['^', '$']);
                assert!(
                    name == "." || text.contains(&format!("func {name}(")),
                    "{test}"
                );
            }
            assert!(row.canary.bugs.iter().all(|bug| !bug.says.is_empty()));
            assert!(!row.builds.is_empty() && !row.what.is_empty());
        }
    }
}
