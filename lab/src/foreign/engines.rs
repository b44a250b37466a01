//! The engines as a table: flags, environment, canaries. One row serves every module.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::module::{Module, counted};

/// A file that is laid beside the tests of a package while it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlay {
    /// A last test that collects what is dead: what it held shows as leaked.
    Settle,
    /// The collector runs all the time, if [`COLLECTS`] is set.
    Storm,
}

/// A planted mistake, as a test of the canaries' module.
pub(super) struct Canary {
    pub(super) test: &'static str,
    pub(super) must: Must,
}

/// What must come of a planted mistake.
pub(super) enum Must {
    /// The test fails and its output has this text.
    Say(&'static str),
    /// The same with this minor release of Go and newer ones. With an older one it may pass, and every view
    /// says in these words what is not seen.
    SayFrom {
        text: &'static str,
        minor: u32,
        limit: &'static str,
    },
    /// The test passes: a known false alarm of the engine is silenced.
    StaySilent,
    /// The test passes although it has a mistake: the engine cannot see it, and every view says so in
    /// these words.
    Miss(&'static str),
}

/// A way to run the tests of a module.
pub(super) struct Engine {
    pub(super) id: &'static str,
    /// Rows with the same word share their programs.
    pub(super) builds_as: &'static str,
    /// What runs, for people.
    pub(super) what: &'static str,
    /// Options of `go test -c`.
    pub(super) flags: &'static [&'static str],
    /// Variables of the build.
    pub(super) env: &'static [(&'static str, &'static str)],
    /// Words added to the user's own compiler flags.
    pub(super) compiler: &'static [(&'static str, &'static str)],
    /// The same for gcc only.
    pub(super) gcc: &'static [(&'static str, &'static str)],
    /// Variables of the tests.
    pub(super) run_env: &'static [(&'static str, &'static str)],
    pub(super) overlay: Option<Overlay>,
    /// All threads of the process share one processor.
    pub(super) one_cpu: bool,
    /// How often all tests run.
    pub(super) repeat: u32,
    /// A test that fails here, and not plainly, is a finding: failing is how this engine sees.
    pub(super) failing_is_seeing: bool,
    /// It reads source and runs nothing: its canaries name rules.
    pub(super) reads: bool,
    /// C is compiled with other flags than those of a plain build: all of it, anew.
    pub(super) compiles_c: bool,
    pub(super) canaries: &'static [Canary],
}

const fn says(test: &'static str, text: &'static str) -> Canary {
    Canary {
        test,
        must: Must::Say(text),
    }
}

/// What every row changes.
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

/// gcc leaves marks of dead frames on the stack when a panic goes over them, and finds them later.
pub(super) const NO_STACK: &[(&str, &str)] = &[
    ("CGO_CFLAGS", "--param asan-stack=0"),
    ("CGO_CXXFLAGS", "--param asan-stack=0"),
];

/// `go test -asan` instruments C and not C++. With frame pointers the sanitizer's fast walk over a stack,
/// which it takes for each allocation, comes to its end; without tail calls no function is missing on it.
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

/// The overlay of storms has the collector run all the time if this is set.
pub(super) const COLLECTS: (&str, &str) = ("CGOLAB_STORM", "collect");

/// Without the report of leaks at the end: a storm is about the order of events.
pub(super) const GENTLE_ASAN: (&str, &str) = ("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=0");

/// With abort_on_error Go prints its goroutines behind the report: C's stack ends at the call.
const ASAN_OPTIONS: (&str, &str) = ("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=1");

/// A planted leak. Older releases of Go end a program without asking LeakSanitizer.
const fn leaks(test: &'static str) -> Canary {
    Canary {
        test,
        must: Must::SayFrom {
            text: "LeakSanitizer: detected memory leaks",
            minor: 25,
            limit: "leaks are not reported: Go does so from 1.25 on",
        },
    }
}

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
            leaks("TestLosesMemory"),
            leaks("TestLosesMemoryInGo"),
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

/// A line on what the builds will cost.
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
