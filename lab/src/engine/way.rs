//! Ways to build and run Go tests so that mistakes show, each with the planted mistakes that it must see.
//!
//! The engines of contracts ([`super::rows`]), those of modules and the knobs of storms are made of these.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::overlay::{COLLECTS, Overlay, SETTLES};
use crate::host::tools::system::go_minor;

/// A way to build and run Go tests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// Options of `go test`.
    pub(crate) options: &'static [&'static str],
    /// Build tags, before those of the package.
    pub(crate) tags: &'static [&'static str],
    /// The experiment of Go's that is turned on, beside those of the user.
    pub(crate) experiment: Option<&'static str>,
    /// Words added to the user's own compiler flags, by variable.
    pub(crate) compiler: &'static [(&'static str, &'static str)],
    /// The same for gcc only.
    pub(crate) gcc: &'static [(&'static str, &'static str)],
    /// Variables of the tests while they run.
    pub(crate) env: &'static [(&'static str, &'static str)],
    pub(crate) overlay: Option<Overlay>,
    /// All threads of the process share one processor.
    pub(crate) one_processor: bool,
    /// Tests of the package `detectors` of the canaries.
    pub(crate) canaries: &'static [Canary],
}

/// A test with a planted mistake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canary {
    pub(crate) test: &'static str,
    pub(crate) must: Must,
}

/// The end that a test with a planted mistake must come to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Must {
    /// It fails, and its output has this text.
    Say(&'static str),
    /// The same with this minor release of Go and newer ones. With an older one it may pass, and every view
    /// says so.
    SayFrom(u32, &'static Limit),
    /// The same with compilers of C other than gcc. With gcc it may pass, and every view says so.
    SayWithoutGcc(&'static Limit),
    /// It passes: a known false alarm is silenced.
    StaySilent,
    /// It passes although it has a mistake, and every view says so.
    Miss(&'static Limit),
}

/// What decides which planted mistakes are seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tools {
    /// The minor release of Go.
    pub(crate) minor: u32,
    /// The C compiler is gcc.
    pub(crate) gcc: bool,
}

impl Tools {
    /// The settings that [`Tools::read`] needs beside those of [`Compilers`].
    pub(crate) const RELEASE: &str = "GOVERSION";

    /// Reads the text of `go env -json`, and asks the C compiler who it is.
    pub(crate) fn read(text: &str) -> Result<Tools> {
        let settings: BTreeMap<String, String> =
            serde_json::from_str(text).context("go env says what cannot be read")?;
        let release = settings.get(Tools::RELEASE);
        Ok(Tools {
            minor: minor(release.context("go env names no release")?),
            gcc: Compilers::of(settings).gcc,
        })
    }
}

/// A known limit: a planted bug that the engine does not detect.
#[derive(Debug)]
pub(crate) struct Limit {
    /// The report, if it were seen.
    pub(crate) says: &'static str,
    pub(crate) unseen: &'static str,
    pub(crate) seen: &'static str,
}

impl Canary {
    /// The statement that it is not seen with these tools, if there is one.
    pub(crate) fn limit(&self, tools: Tools) -> Option<&'static Limit> {
        match self.must {
            Must::Miss(limit) => Some(limit),
            Must::SayFrom(first, limit) => (tools.minor < first).then_some(limit),
            Must::SayWithoutGcc(limit) => tools.gcc.then_some(limit),
            Must::Say(_) | Must::StaySilent => None,
        }
    }

    /// The reason why the end of its test does not prove the way on, if it does not.
    pub(crate) fn missed(
        &self,
        passed: bool,
        text: &str,
        how: &str,
        tools: Tools,
    ) -> Option<String> {
        let says = match self.must {
            _ if self.limit(tools).is_some() => return None,
            Must::StaySilent if passed => return None,
            Must::StaySilent => return Some(format!("a test without a mistake fails: {how}")),
            Must::Say(says) => says,
            Must::SayFrom(_, limit) | Must::SayWithoutGcc(limit) | Must::Miss(limit) => limit.says,
        };
        match passed {
            true => Some("the planted mistake passed".to_owned()),
            false if text.contains(says) => None,
            false => Some(format!("it ended without `{says}`: {how}")),
        }
    }
}

/// A canary that must be reported in these words.
pub(crate) const fn says(test: &'static str, text: &'static str) -> Canary {
    Canary {
        test,
        must: Must::Say(text),
    }
}

/// A canary that must not be reported.
pub(crate) const fn silent(test: &'static str) -> Canary {
    Canary {
        test,
        must: Must::StaySilent,
    }
}

/// `go test` as it is.
pub(crate) const PLAIN: Way = Way {
    options: &[],
    tags: &[],
    experiment: None,
    compiler: &[],
    gcc: &[],
    env: &[],
    overlay: None,
    one_processor: false,
    canaries: &[says("TestFails", "canary: a failing test")],
};

/// Go's race detector. It takes each call of C for a release and an acquire of one lock that all calls
/// share, and so it orders accesses of Go memory that nothing else orders.
pub(crate) const RACE: Way = Way {
    options: &["-race"],
    canaries: &[
        says("TestRace", DATA_RACE),
        STRADDLES,
        Canary {
            test: "TestRaceAcrossC",
            must: Must::Miss(&Limit {
                says: DATA_RACE,
                unseen: "a race is not reported if both sides call C in between: a call counts as \
                         synchronisation",
                seen: "this Go reports a race also if both sides call C in between, which is more than \
                       is stated",
            }),
        },
    ],
    ..PLAIN
};

const DATA_RACE: &str = "WARNING: DATA RACE";

/// The beginning of reports by Go's checks of unsafe pointers, which are on with the detectors that change what
/// the compiler writes for each access.
pub(crate) const CHECKPTR: &str = "checkptr: ";

const STRADDLES: Canary = says(
    "TestPointsToMoreThanThereIs",
    "fatal error: checkptr: converted pointer straddles multiple allocations",
);

/// A check before every store of a pointer, which the compiler writes.
pub(crate) const CGOCHECK2: Way = Way {
    experiment: Some("cgocheck2"),
    canaries: &[says("TestStoresGoPointer", STORED)],
    ..PLAIN
};

/// The report of cgocheck2, after "unpinned " since Go 1.21.
pub(crate) const STORED: &str = "Go pointer stored into non-Go memory";

/// AddressSanitizer in Go, C and C++, and leaks at exit.
///
/// `go test -asan` instruments C and not C++. With frame pointers the sanitizer's fast walk over a stack,
/// which it takes for each allocation, comes to its end; without tail calls no function is missing on it.
/// gcc leaves marks of dead frames on the stack when a panic goes over them, and finds them later.
pub(crate) const ASAN: Way = Way {
    options: &["-asan"],
    compiler: &[
        (
            "CGO_CFLAGS",
            "-fno-omit-frame-pointer -fno-optimize-sibling-calls",
        ),
        (
            "CGO_CXXFLAGS",
            "-fsanitize=address -fno-omit-frame-pointer -fno-optimize-sibling-calls",
        ),
    ],
    gcc: &[
        ("CGO_CFLAGS", "--param asan-stack=0"),
        ("CGO_CXXFLAGS", "--param asan-stack=0"),
    ],
    // With abort_on_error Go prints its goroutines behind the report: C's stack ends at the call.
    env: &[("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=1")],
    overlay: Some(Overlay::Settle),
    canaries: &[
        says(
            "TestReadsBehindASlice",
            "AddressSanitizer: use-after-poison",
        ),
        says(
            "TestUsesFreedMemory",
            "AddressSanitizer: heap-use-after-free",
        ),
        // It is Go that reads here: a Go value that still refers to C memory is seen, too.
        says(
            "TestGoReadsFreedMemory",
            "AddressSanitizer: heap-use-after-free",
        ),
        says(
            "TestCxxReadsTooFar",
            "AddressSanitizer: heap-buffer-overflow",
        ),
        leaks("TestLosesMemory"),
        leaks("TestLosesMemoryInGo"),
        Canary {
            test: "TestReadsBehindItsStack",
            must: Must::SayWithoutGcc(&Limit {
                says: "AddressSanitizer: stack-buffer-overflow",
                unseen: "what C reads or writes behind arrays on its stack is not reported: with gcc, marks of \
                         frames that a panic has unwound would be false alarms",
                seen: "what C reads behind an array on its stack is reported, which is more than is stated",
            }),
        },
        STRADDLES,
        PANIC_OVER_C,
    ],
    ..PLAIN
};

/// A planted leak. Older releases of Go end a program without asking LeakSanitizer.
const fn leaks(test: &'static str) -> Canary {
    Canary {
        test,
        must: Must::SayFrom(
            25,
            &Limit {
                says: "LeakSanitizer: detected memory leaks",
                unseen: "leaks are not reported: Go does so from 1.25 on",
                seen: "this Go reports leaks, which is more than is stated",
            },
        ),
    }
}

const PANIC_OVER_C: Canary = silent("TestPanicsOverC");

/// The build of storms without one. What lies beside the tests does nothing without its variable.
pub(crate) const CALM: Way = Way {
    overlay: Some(Overlay::Storm),
    canaries: &[],
    ..PLAIN
};

/// The collector runs often, and leaves nothing to read in what it has freed.
pub(crate) const OVERWRITES: Way = Way {
    env: &[("GOGC", "1"), ("GODEBUG", "clobberfree=1")],
    canaries: &[
        COLLECTS_OFTEN,
        says(
            "TestReadsCollectedMemory",
            "canary: collected memory is overwritten",
        ),
    ],
    ..CALM
};

/// The canary of `GOGC=1`.
pub(crate) const COLLECTS_OFTEN: Canary = says("TestCollectsSeldom", "canary: GOGC is 1");

/// Threads of a library and threads in C have to take turns, too.
pub(crate) const ONE_PROCESSOR: Way = Way {
    one_processor: true,
    canaries: &[says("TestHasSeveralProcessors", "canary: one processor")],
    ..CALM
};

/// The collector runs all the time, and all threads share one processor: of all conditions that were
/// tried, the one under which most rare orders of events are frequent.
pub(crate) const STORM: Way = Way {
    env: &[COLLECTS],
    canaries: &[
        says("TestFreedUnderACall", "canary: freed under a call"),
        NO_STRANGER,
    ],
    ..ONE_PROCESSOR
};

/// Tests that count goroutines do not count that of the collector.
pub(crate) const NO_STRANGER: Canary = silent("TestSeesNoStranger");

/// The report of leaks at the end is off in storms: they are about the order of events.
pub(crate) const GENTLE_ASAN: (&str, &str) = ("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=0");

/// The same under AddressSanitizer.
pub(crate) const STORM_ASAN: Way = Way {
    env: &[GENTLE_ASAN, COLLECTS],
    overlay: Some(Overlay::Storm),
    one_processor: true,
    canaries: &[
        says(
            "TestFreedUnderACall",
            "AddressSanitizer: heap-use-after-free",
        ),
        NO_STRANGER,
        PANIC_OVER_C,
    ],
    ..ASAN
};

/// Under valgrind, to which Go tells its memory.
pub(crate) const VALGRIND: Way = Way {
    tags: &["valgrind"],
    // Of Go's debug information valgrind reads version 4.
    experiment: Some("nodwarf5"),
    // When it has collected, Go's small objects overlap for valgrind, and its search for leaks ends. Where a
    // signal preempts a goroutine, registers are saved in what valgrind takes for no stack.
    env: &[
        ("GOGC", "off"),
        ("GOMEMLIMIT", "1GiB"),
        ("GODEBUG", "asyncpreemptoff=1"),
    ],
    canaries: &[
        says("TestBranchesOnNothing", "<kind>UninitCondition</kind>"),
        says("TestUsesFreedMemory", "<kind>InvalidRead</kind>"),
        says("TestCxxReadsTooFar", "<kind>InvalidRead</kind>"),
        says("TestFreesTwice", "<kind>InvalidFree</kind>"),
        says("TestLosesMemory", LOST),
        silent("TestHoldsMemoryInGo"),
        silent("TestReadsStrings"),
        Canary {
            test: "TestLosesMemoryInGo",
            must: Must::Miss(&Limit {
                says: LOST,
                unseen: "memory of C that only dead objects of Go hold is not reported: nothing collects \
                         them here",
                seen: "memory of C that only dead objects of Go hold is reported, which is more than is stated",
            }),
        },
        Canary {
            test: "TestReadsBehindASlice",
            must: Must::Miss(&Limit {
                says: "<kind>InvalidRead</kind>",
                unseen: "what C reads behind a slice of Go is not reported: Go tells valgrind no border there",
                seen: "what C reads behind a slice of Go is reported, which is more than is stated",
            }),
        },
    ],
    ..PLAIN
};

const LOST: &str = "<kind>Leak_DefinitelyLost</kind>";

const EXPERIMENT: &str = "GOEXPERIMENT";
/// The variable with words for the linker.
const LINKER: &str = "CGO_LDFLAGS";

impl Way {
    /// The pattern of a test, and of the one that the overlay adds behind it.
    pub(crate) fn pattern(&self, test: &str) -> String {
        match self.overlay {
            Some(Overlay::Settle) => format!("^({test}|{SETTLES})$"),
            Some(Overlay::Storm) | None => format!("^{test}$"),
        }
    }

    /// The option of `go` with its build tags and these, if there are any.
    pub(crate) fn tags_option<'a>(
        &self,
        own: impl IntoIterator<Item = &'a String>,
    ) -> Option<String> {
        let own = own.into_iter().map(String::as_str);
        let tags: Vec<&str> = self.tags.iter().copied().chain(own).collect();
        (!tags.is_empty()).then(|| format!("-tags={}", tags.join(",")))
    }

    /// Variables of its builds, beside the environment of this process. `link` are words for the linker.
    pub(crate) fn build_env(
        &self,
        compilers: &Compilers,
        link: Option<&str>,
    ) -> Vec<(String, String)> {
        let experiment = self.experiment.map(|name| experiment(name, true));
        let mut added: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let gcc = self.gcc.iter().filter(|_| compilers.gcc);
        let link = link.map(|words| (LINKER, words));
        for (key, words) in self.compiler.iter().chain(gcc).copied().chain(link) {
            added.entry(key).or_default().push(words);
        }
        let with_own = |(key, words): (&str, Vec<&str>)| {
            let own = compilers.flags.get(key).map_or("", String::as_str);
            let all = format!("{own} {}", words.join(" "));
            (key.to_owned(), all.trim().to_owned())
        };
        let flags = added.into_iter().map(with_own);
        experiment.into_iter().chain(flags).collect()
    }
}

/// The variable that turns an experiment of Go's on or off, beside those of the user.
pub(crate) fn experiment(name: &str, on: bool) -> (String, String) {
    let user = env::var_os(EXPERIMENT);
    (EXPERIMENT.to_owned(), beside(user.as_deref(), name, on))
}

fn beside(user: Option<&OsStr>, name: &str, on: bool) -> String {
    let user = user.unwrap_or_default().to_string_lossy();
    let comma = if user.is_empty() { "" } else { "," };
    let no = if on { "" } else { "no" };
    format!("{user}{comma}{no}{name}")
}

/// The minor number of a release of Go. A development version is newer than any.
pub(crate) fn minor(release: &str) -> u32 {
    go_minor(release).unwrap_or(u32::MAX)
}

/// The compilers that cgo calls, as `go env` has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compilers {
    /// The C compiler is gcc: some flags differ.
    pub(crate) gcc: bool,
    /// The user's own flags by the name of their variable, defaults included.
    pub(crate) flags: BTreeMap<String, String>,
}

impl Compilers {
    /// The settings that [`Compilers::of`] reads.
    pub(crate) const SETTINGS: [&str; 5] =
        ["CC", "CGO_CPPFLAGS", "CGO_CFLAGS", "CGO_CXXFLAGS", LINKER];

    /// Reads what `go env -json` prints, and asks the C compiler who it is.
    pub(crate) fn of(mut settings: BTreeMap<String, String>) -> Compilers {
        let compiler = settings.remove("CC").unwrap_or_default();
        settings.retain(|key, _| key.ends_with("FLAGS"));
        Compilers {
            gcc: is_gcc(&compiler),
            flags: settings,
        }
    }

    /// Reads the text of `go env -json`.
    pub(crate) fn read(text: &str) -> Result<Compilers> {
        let settings = serde_json::from_str(text).context("go env says what cannot be read")?;
        Ok(Compilers::of(settings))
    }
}

/// True of a compiler that does not call itself clang.
fn is_gcc(compiler: &str) -> bool {
    let mut words = compiler.split_whitespace();
    let output = words.next().and_then(|program| {
        let mut command = Command::new(program);
        command.args(words).arg("--version").output().ok()
    });
    let said = output.map(|it| String::from_utf8_lossy(&it.stdout).to_lowercase());
    !said.unwrap_or_default().contains("clang")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_proven_by_a_canary_that_is_there() {
        let package = super::super::canaries::SOURCES.get_dir("detectors");
        let files = package.unwrap().files();
        let text: String = files.filter_map(|file| file.contents_utf8()).collect();
        let storms = [OVERWRITES, ONE_PROCESSOR, STORM, STORM_ASAN];
        let others = [PLAIN, RACE, CGOCHECK2, ASAN, VALGRIND];
        for way in others.into_iter().chain(storms) {
            let says = |canary: &Canary| matches!(canary.must, Must::Say(_));
            assert!(way.canaries.iter().any(says));
            for canary in way.canaries {
                let head = format!("func {}(t ", canary.test);
                assert!(text.contains(&head), "{}", canary.test);
            }
        }
    }

    #[test]
    fn a_canary_is_missed_if_it_ends_in_another_way() {
        let tools = |minor, gcc| Tools { minor, gcc };
        let with = |canary: Canary, passed, text, tools| canary.missed(passed, text, "", tools);
        let missed = |canary, passed, text| with(canary, passed, text, tools(26, true)).is_some();
        let loud = says("TestX", "a report");
        assert!(missed(loud, true, "a report") && missed(loud, false, "another"));
        assert!(!missed(loud, false, "a report"));
        assert!(missed(PANIC_OVER_C, false, "") && !missed(PANIC_OVER_C, true, ""));
        let leak = leaks("TestX");
        assert!(missed(leak, true, "") && with(leak, true, "", tools(24, true)).is_none());
        assert!(leak.limit(tools(24, true)).is_some() && leak.limit(tools(25, true)).is_none());
        let stack = ASAN.canaries.iter();
        let stack = *stack
            .clone()
            .find(|it| it.test == "TestReadsBehindItsStack")
            .unwrap();
        assert!(with(stack, true, "", tools(26, true)).is_none());
        assert!(with(stack, true, "", tools(26, false)).is_some());
    }

    #[test]
    fn a_development_version_is_newer_than_any() {
        assert_eq!(minor("go1.26.8"), 26);
        assert_eq!(minor("devel go1.28-abc"), u32::MAX);
    }

    #[test]
    fn a_test_under_asan_is_run_with_the_one_that_settles() {
        assert_eq!(ASAN.pattern("TestX"), "^(TestX|Example_zzzCgolabSettles)$");
        assert_eq!(STORM_ASAN.pattern("TestX"), "^TestX$");
        assert_eq!(PLAIN.pattern("TestX"), "^TestX$");
    }

    #[test]
    fn experiments_of_the_user_are_kept() {
        assert_eq!(beside(None, "cgocheck2", true), "cgocheck2");
        assert_eq!(beside(None, "cgocheck2", false), "nocgocheck2");
        let user = OsStr::new("jsonv2,cgocheck2");
        let off = beside(Some(user), "cgocheck2", false);
        assert_eq!(off, "jsonv2,cgocheck2,nocgocheck2");
    }

    #[test]
    fn flags_of_the_user_come_first_and_gcc_has_its_own() {
        let mut compilers = Compilers {
            gcc: false,
            flags: [("CGO_CFLAGS".to_owned(), "-O2 -g".to_owned())].into(),
        };
        let flags = |compilers: &Compilers| {
            let mut env = ASAN.build_env(compilers, None);
            assert_eq!(env[0].0, "CGO_CFLAGS");
            env.swap_remove(0).1
        };
        assert!(flags(&compilers).starts_with("-O2 -g -fno-omit-frame-pointer"));
        assert!(!flags(&compilers).contains("asan-stack"));
        compilers.gcc = true;
        assert!(flags(&compilers).ends_with("--param asan-stack=0"));
        assert!(PLAIN.build_env(&compilers, None).is_empty());
        let own = ("CGO_LDFLAGS".to_owned(), "-L/mine".to_owned());
        compilers.flags.extend([own]);
        let linked = PLAIN.build_env(&compilers, Some("/a.a -lm"));
        assert_eq!(linked[0].1, "-L/mine /a.a -lm");
    }
}
