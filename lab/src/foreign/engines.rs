//! The engines as a table: flags, environment, canaries. One row serves every module.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::module::{Module, counted};

/// A file that is added to the tests of a package while they are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlay {
    /// A last test that runs the collector, so that memory which only dead objects held shows as leaked.
    Settle,
    /// Code that runs the collector all the time, if [`COLLECTS`] is set.
    Storm,
}

/// A planted mistake, as a test of the canaries' module.
pub(super) struct Canary {
    pub(super) test: &'static str,
    pub(super) must: Must,
}

/// The required result of a planted mistake.
pub(super) enum Must {
    /// The test fails and its output has this text.
    Say(&'static str),
    /// The test passes: a known false alarm of the engine is silenced.
    StaySilent,
    /// The test passes although it has a mistake, because the engine cannot see it. Every view states this
    /// limit in these words.
    Miss(&'static str),
}

/// A way to run the tests of a module.
pub(super) struct Engine {
    pub(super) id: &'static str,
    /// A name for the build. Rows with the same name share their programs.
    pub(super) builds_as: &'static str,
    /// A description for people.
    pub(super) what: &'static str,
    /// Options of `go test -c`.
    pub(super) flags: &'static [&'static str],
    /// Variables of the build.
    pub(super) env: &'static [(&'static str, &'static str)],
    /// Words added to the user's own compiler flags.
    pub(super) compiler: &'static [(&'static str, &'static str)],
    /// Words that are added for gcc only.
    pub(super) gcc: &'static [(&'static str, &'static str)],
    /// Variables of the tests.
    pub(super) run_env: &'static [(&'static str, &'static str)],
    pub(super) overlay: Option<Overlay>,
    /// True if all threads of the process share one processor.
    pub(super) one_cpu: bool,
    /// The number of times that all tests run.
    pub(super) repeat: u32,
    /// True if a test that fails here and not in the plain run is a finding: some engines show a mistake by
    /// nothing but a failed test.
    pub(super) failing_is_seeing: bool,
    /// True if it reads source and runs nothing. Its canaries name rules.
    pub(super) reads: bool,
    /// True if C is compiled with other flags than in a plain build, so that all of it is compiled again.
    pub(super) compiles_c: bool,
    pub(super) canaries: &'static [Canary],
}

const fn says(test: &'static str, text: &'static str) -> Canary {
    Canary {
        test,
        must: Must::Say(text),
    }
}

/// The row from which the others differ.
pub(super) const ROW: Engine = Engine {
    id: "",
    builds_as: "",
    what: "",
    flags: &[],
    env: &[],
    compiler: &[],
    gcc: &[],
    run_env: &[],
    overlay: None,
    one_cpu: false,
    repeat: 1,
    failing_is_seeing: false,
    reads: false,
    compiles_c: false,
    canaries: &[],
};

/// Flags that turn off gcc's checks of the stack. When a panic unwinds frames of C, gcc's marks of these frames
/// remain on the stack, and later code that is sound would be reported.
pub(super) const NO_STACK: &[(&str, &str)] = &[
    ("CGO_CFLAGS", "--param asan-stack=0"),
    ("CGO_CXXFLAGS", "--param asan-stack=0"),
];

/// Flags that instrument C++, too, because `go test -asan` instruments only C. Frame pointers let the
/// sanitizer's fast stack walk, which it uses at each allocation, reach the end; without tail calls no function
/// is missing.
pub(super) const COMPILER: &[(&str, &str)] = &[
    (
        "CGO_CFLAGS",
        "-fno-omit-frame-pointer -fno-optimize-sibling-calls",
    ),
    (
        "CGO_CXXFLAGS",
        "-fsanitize=address -fno-omit-frame-pointer -fno-optimize-sibling-calls",
    ),
];

/// Variable that makes the overlay of storms run the collector all the time.
pub(super) const COLLECTS: (&str, &str) = ("CGOLAB_STORM", "collect");

/// Options of AddressSanitizer without the report of leaks, because a storm looks for orders of events.
pub(super) const GENTLE_ASAN: (&str, &str) = ("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=0");

/// Options of AddressSanitizer. With abort_on_error Go prints its goroutines behind the report, whose C stack
/// ends at the call from Go.
const ASAN_OPTIONS: (&str, &str) = ("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=1");

const NO_CANARY_STACK: Canary = Canary {
    test: "TestPanicsOverC",
    must: Must::StaySilent,
};

/// All engines, in the order in which they run: plain first.
pub(super) const ENGINES: [Engine; 7] = [
    Engine {
        id: "plain",
        builds_as: "plain",
        what: "go test, three times: what fails here is blamed on no other engine",
        repeat: 3,
        canaries: &[says("TestFails", "canary: a failing test")],
        ..ROW
    },
    Engine {
        id: "vet",
        builds_as: "vet",
        what: "analyzers that read Go code which calls C",
        reads: true,
        canaries: &[says("keepalive", "")],
        ..ROW
    },
    Engine {
        id: "asan",
        builds_as: "asan",
        what: "AddressSanitizer in Go, C and C++, and leaks at exit",
        flags: &["-asan"],
        compiler: COMPILER,
        gcc: NO_STACK,
        run_env: &[ASAN_OPTIONS],
        overlay: Some(Overlay::Settle),
        compiles_c: true,
        canaries: &[
            says(
                "TestReadsBehindASlice",
                "AddressSanitizer: use-after-poison",
            ),
            says(
                "TestUsesFreedMemory",
                "AddressSanitizer: heap-use-after-free",
            ),
            says(
                "TestCxxReadsTooFar",
                "AddressSanitizer: heap-buffer-overflow",
            ),
            says("TestLosesMemory", "LeakSanitizer: detected memory leaks"),
            says(
                "TestLosesMemoryInGo",
                "LeakSanitizer: detected memory leaks",
            ),
            NO_CANARY_STACK,
        ],
        ..ROW
    },
    Engine {
        id: "race",
        builds_as: "race",
        what: "Go's race detector",
        flags: &["-race"],
        compiles_c: true,
        canaries: &[
            says("TestRace", "WARNING: DATA RACE"),
            Canary {
                test: "TestRaceAcrossC",
                must: Must::Miss(
                    "a race is not reported if both sides call C in between: a call counts as synchronisation",
                ),
            },
        ],
        ..ROW
    },
    Engine {
        id: "cgocheck2",
        builds_as: "cgocheck2",
        what: "checks of every Go pointer that is stored in memory of C",
        env: &[("GOEXPERIMENT", "cgocheck2")],
        canaries: &[says(
            "TestStoresGoPointer",
            "unpinned Go pointer stored into non-Go memory",
        )],
        ..ROW
    },
    Engine {
        id: "storm",
        builds_as: "storm",
        what: "the collector runs all the time, on one processor",
        overlay: Some(Overlay::Storm),
        run_env: &[COLLECTS],
        one_cpu: true,
        failing_is_seeing: true,
        canaries: &[says("TestFreedUnderACall", "canary: freed under a call")],
        ..ROW
    },
    Engine {
        id: "storm-asan",
        builds_as: "storm-asan",
        what: "the same under AddressSanitizer",
        flags: &["-asan"],
        compiler: COMPILER,
        gcc: NO_STACK,
        run_env: &[GENTLE_ASAN, COLLECTS],
        overlay: Some(Overlay::Storm),
        one_cpu: true,
        canaries: &[
            says(
                "TestFreedUnderACall",
                "AddressSanitizer: heap-use-after-free",
            ),
            NO_CANARY_STACK,
        ],
        ..ROW
    },
];

impl Engine {
    pub(super) fn is_plain(&self) -> bool {
        self.id == "plain"
    }
}

/// The engines of these names, in the order of [`ENGINES`], always with plain before them; all if there
/// are no names.
pub(super) fn select(only: &[String]) -> Result<Vec<&'static Engine>> {
    for name in only {
        if !ENGINES.iter().any(|engine| engine.id == name) {
            let known: Vec<&str> = ENGINES.iter().map(|engine| engine.id).collect();
            bail!(
                "engine `{name}` is unknown for a module; choose from {}",
                known.join(", ")
            );
        }
    }
    let wanted = |engine: &&Engine| {
        only.is_empty() || engine.is_plain() || only.iter().any(|name| name == engine.id)
    };
    Ok(ENGINES.iter().filter(wanted).collect())
}

/// A line that says how often C is compiled, which is what takes long.
pub(super) fn cost(engines: &[&Engine], module: &Module) -> String {
    let names: Vec<&str> = engines.iter().map(|engine| engine.id).collect();
    let builds: BTreeSet<_> = engines
        .iter()
        .filter(|it| it.compiles_c)
        .map(|it| it.flags)
        .collect();
    let builds = 1 + builds.len();
    format!(
        "{}: {}; C is compiled {}, for {}, and kept in Go's build cache",
        counted(engines.len(), "engine"),
        names.join(" "),
        match builds {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            builds => format!("{builds} times"),
        },
        counted(module.packages.len(), "package"),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The row with this name.
    pub(in crate::foreign) fn row(id: &str) -> &'static Engine {
        ENGINES.iter().find(|engine| engine.id == id).unwrap()
    }

    #[test]
    fn every_row_is_proven_by_a_canary() {
        assert!(ENGINES[0].is_plain());
        for engine in &ENGINES {
            assert!(
                engine
                    .canaries
                    .iter()
                    .any(|it| matches!(it.must, Must::Say(_))),
                "{}",
                engine.id
            );
            assert!(!engine.what.is_empty());
        }
    }

    #[test]
    fn plain_comes_before_whatever_was_asked_for() {
        let ids = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|it| (*it).to_owned()).collect();
            select(&only).map(|found| found.iter().map(|it| it.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["race"]).unwrap(), ["plain", "race"]);
        assert_eq!(ids(&[]).unwrap().len(), ENGINES.len());
        assert!(
            ids(&["rase"])
                .unwrap_err()
                .to_string()
                .contains("plain, vet, asan, race")
        );
    }
}
