//! The engines of modules as a table of [`Way`]s. One row serves every module.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::module::{Module, counted};
use crate::engine::way::{self, Way};

/// A way to run the tests of a module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Engine {
    pub(super) id: &'static str,
    /// A name for the build. Rows with the same name share their programs.
    pub(super) builds_as: &'static str,
    /// A description for people.
    pub(super) what: &'static str,
    /// The way in which it builds and runs them.
    pub(super) way: Way,
    /// Tests run under valgrind.
    pub(super) valgrind: bool,
    /// It runs only where it is named.
    pub(super) on_request: bool,
    /// The number of runs of all tests.
    pub(super) repeat: u32,
    /// The same build and as slow, without what brings mistakes out, if some show by nothing but a failed test: one
    /// that fails here and not there is a finding.
    pub(super) control: Option<&'static Engine>,
    /// True if it reads source and runs nothing. Its canaries are mistakes in source.
    pub(super) reads: bool,
}

/// The row from which the others differ.
pub(super) const ROW: Engine = Engine {
    id: "",
    builds_as: "",
    what: "",
    way: way::PLAIN,
    valgrind: false,
    on_request: false,
    repeat: 1,
    control: None,
    reads: false,
};

/// The control of storm.
static CALM: Engine = Engine {
    id: "storm",
    builds_as: "storm",
    what: "the collector is left alone, on one processor",
    way: way::ONE_PROCESSOR,
    ..ROW
};

/// All engines, in the order in which they run: plain first.
pub(super) const ENGINES: [Engine; 8] = [
    Engine {
        id: "plain",
        builds_as: "plain",
        what: "go test, three times: what fails here is blamed on no other engine",
        repeat: 3,
        ..ROW
    },
    Engine {
        id: "vet",
        builds_as: "vet",
        what: "analyzers that read Go code which calls C",
        reads: true,
        ..ROW
    },
    Engine {
        id: "asan",
        builds_as: "asan",
        what: "AddressSanitizer in Go, C and C++, and leaks at exit",
        way: way::ASAN,
        ..ROW
    },
    Engine {
        id: "race",
        builds_as: "race",
        what: "Go's race detector",
        way: way::RACE,
        ..ROW
    },
    Engine {
        id: "cgocheck2",
        builds_as: "cgocheck2",
        what: "checks of every Go pointer that is stored in memory of C",
        way: way::CGOCHECK2,
        ..ROW
    },
    Engine {
        id: "storm",
        builds_as: "storm",
        what: "the collector runs all the time, on one processor",
        way: way::STORM,
        control: Some(&CALM),
        ..ROW
    },
    Engine {
        id: "storm-asan",
        builds_as: "storm-asan",
        what: "the same under AddressSanitizer",
        way: way::STORM_ASAN,
        ..ROW
    },
    Engine {
        id: "valgrind",
        builds_as: "valgrind",
        what: "valgrind's memcheck, to which Go tells its memory: uninitialised memory of C, and leaks",
        way: way::VALGRIND,
        valgrind: true,
        on_request: true,
        ..ROW
    },
];

impl Engine {
    pub(super) fn is_plain(&self) -> bool {
        self.id == "plain"
    }
}

/// Fails for a name that no engine has.
pub(super) fn ensure_known(name: &str) -> Result<()> {
    if ENGINES.iter().any(|engine| engine.id == name) {
        return Ok(());
    }
    let known: Vec<&str> = ENGINES.iter().map(|engine| engine.id).collect();
    bail!(
        "engine `{name}` is unknown for a module without contracts and suites; choose from {}",
        known.join(", ")
    )
}

/// The engines of these names, in the order of [`ENGINES`], always with plain before them; those that need not be
/// asked for if there are no names.
pub(super) fn select(only: &[String]) -> Result<Vec<&'static Engine>> {
    for name in only {
        ensure_known(name)?;
    }
    let wanted = |engine: &&Engine| {
        let named = only.iter().any(|name| name == engine.id);
        named || engine.is_plain() || (only.is_empty() && !engine.on_request)
    };
    Ok(ENGINES.iter().filter(wanted).collect())
}

/// A line that says how often C is compiled, if there is any, which is what takes long: for each build, because the C of a package
/// is compiled with its Go files, and every build has other flags for them or another file beside the tests.
pub(super) fn cost(engines: &[&Engine], module: &Module) -> String {
    let names: Vec<&str> = engines.iter().map(|engine| engine.id).collect();
    let run = engines.iter().filter(|it| !it.reads);
    let builds: BTreeSet<&str> = run.map(|it| it.builds_as).collect();
    format!(
        "{}: {}; {} {}, for {}, and kept in Go's build cache",
        counted(engines.len(), "engine"),
        names.join(" "),
        match module.has_cgo() {
            true => "C is compiled",
            false => "tests are built",
        },
        match builds.len() {
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
    fn plain_is_first_and_every_row_says_what_it_is() {
        assert!(ENGINES[0].is_plain());
        assert!(ENGINES.iter().all(|engine| !engine.what.is_empty()));
    }

    #[test]
    fn plain_comes_before_whatever_was_asked_for() {
        let ids = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|it| (*it).to_owned()).collect();
            select(&only).map(|found| found.iter().map(|it| it.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["race"]).unwrap(), ["plain", "race"]);
        assert_eq!(ids(&["valgrind"]).unwrap(), ["plain", "valgrind"]);
        let unasked = ENGINES.iter().filter(|it| !it.on_request);
        let unasked: Vec<&str> = unasked.map(|it| it.id).collect();
        assert_eq!(ids(&[]).unwrap(), unasked);
        assert!(!unasked.contains(&"valgrind"));
        assert!(
            ids(&["rase"])
                .unwrap_err()
                .to_string()
                .contains("plain, vet, asan, race")
        );
    }
}
