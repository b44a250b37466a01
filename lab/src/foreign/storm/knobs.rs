//! The conditions of a storm: a table, and those that a module describes.

use anyhow::{Result, ensure};

use crate::engine::overlay::COLLECTS;
use crate::engine::way::{self, CALM, COLLECTS_OFTEN, GENTLE_ASAN, NO_STRANGER, Way, says, silent};
use crate::foreign::engines::{Engine, ROW};
use crate::subject::file::{self, KnobBuild};

/// The knob that is the measure of all others.
pub(super) const NONE: &str = "none";
/// The knob under which other threads want the processors.
pub(super) const LOAD: &str = "load";

/// Knobs with a detector that change nothing about the order of events on purpose.
pub(super) const WATCHING: [&str; 2] = ["race", "cgocheck2"];

/// Conditions, the plainest first.
pub(super) const KNOBS: [Engine; 10] = [
    Engine {
        id: NONE,
        what: "the tests as they are",
        way: Way {
            canaries: &[
                silent("TestTheCollectorRests"),
                says("TestFails", "canary: a failing test"),
            ],
            ..CALM
        },
        ..PLAIN
    },
    Engine {
        id: LOAD,
        what: "two busy threads for each processor want it, too",
        ..PLAIN
    },
    Engine {
        id: "collector",
        what: "the collector runs all the time",
        way: COLLECTOR,
        ..PLAIN
    },
    Engine {
        id: "collector, one CPU",
        what: "the same, and all threads share one processor",
        way: way::STORM,
        ..PLAIN
    },
    Engine {
        id: "GOMAXPROCS=1",
        what: "one goroutine runs at a time",
        way: Way {
            env: &[("GOMAXPROCS", "1")],
            canaries: &[says(
                "TestGoroutinesRunSideBySide",
                "canary: one goroutine at a time",
            )],
            ..CALM
        },
        ..PLAIN
    },
    Engine {
        id: "GOGC=1, clobberfree",
        what: "the collector runs often, and overwrites what it frees",
        way: way::OVERWRITES,
        ..PLAIN
    },
    Engine {
        id: "race",
        what: "Go's race detector",
        builds_as: "race",
        way: way::RACE,
        ..ROW
    },
    Engine {
        id: "cgocheck2",
        what: "checks of every Go pointer that is stored in memory of C",
        builds_as: "cgocheck2",
        way: way::CGOCHECK2,
        ..ROW
    },
    Engine {
        id: "asan, GOGC=1",
        what: "AddressSanitizer, and the collector runs often",
        way: Way {
            env: &[GENTLE_ASAN, ("GOGC", "1")],
            one_processor: false,
            canaries: &[
                COLLECTS_OFTEN,
                says(
                    "TestUsesFreedMemory",
                    "AddressSanitizer: heap-use-after-free",
                ),
            ],
            ..way::STORM_ASAN
        },
        ..ASAN
    },
    Engine {
        id: "asan, collector, one CPU",
        what: "AddressSanitizer, the collector runs all the time, on one processor",
        ..ASAN
    },
];

const COLLECTOR: Way = Way {
    env: &[COLLECTS],
    canaries: &[
        says(
            "TestTheCollectorRests",
            "canary: the collector does not rest",
        ),
        NO_STRANGER,
    ],
    ..CALM
};

const PLAIN: Engine = Engine {
    builds_as: "storm",
    way: CALM,
    ..ROW
};

const ASAN: Engine = Engine {
    builds_as: "storm-asan",
    way: way::STORM_ASAN,
    ..ROW
};

/// All knobs of a module: the table, and its own behind it.
///
/// # Errors
/// Two have one name.
pub(super) fn all(own: &[file::Knob]) -> Result<Vec<&'static Engine>> {
    let mut knobs: Vec<&'static Engine> = KNOBS.iter().collect();
    for knob in own {
        ensure!(
            knobs.iter().all(|it| it.id != knob.name),
            "cgolab.toml: knob: there is another one named `{}`; choose a name of its own",
            knob.name
        );
        knobs.push(described(knob));
    }
    Ok(knobs)
}

/// A knob that a module describes. It is kept as long as the program, as the rows of the table are.
fn described(knob: &file::Knob) -> &'static Engine {
    let base = match knob.build {
        KnobBuild::Plain => PLAIN,
        KnobBuild::Race => find("race"),
        KnobBuild::Cgocheck2 => find("cgocheck2"),
        KnobBuild::Asan => ASAN,
    };
    let mut env: Vec<(&'static str, &'static str)> = Vec::new();
    if knob.build == KnobBuild::Asan {
        env.push(GENTLE_ASAN);
    }
    for (key, value) in &knob.env {
        env.push((kept(key), kept(value)));
    }
    Box::leak(Box::new(Engine {
        id: kept(&knob.name),
        what: "a knob of the module's own",
        way: Way {
            env: Box::leak(env.into_boxed_slice()),
            one_processor: knob.one_processor,
            // The build is proven by a knob of the table.
            canaries: &[],
            ..base.way
        },
        ..base
    }))
}

fn find(id: &str) -> Engine {
    let row = KNOBS.iter().find(|knob| knob.id == id);
    *row.expect("it is in the table")
}

fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::foreign::engines::ENGINES;
    use crate::subject::file::SubjectFile;

    #[test]
    fn the_first_knob_changes_nothing_and_all_are_told_apart() {
        let none = &KNOBS[0].way;
        assert_eq!(KNOBS[0].id, NONE);
        assert!(none.env.is_empty() && !none.one_processor && none.options.is_empty());
        let ids: BTreeSet<&str> = KNOBS.iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), KNOBS.len());
    }

    #[test]
    fn every_knob_but_load_is_proven_by_a_canary() {
        for knob in &KNOBS {
            assert!(
                knob.id == LOAD || !knob.way.canaries.is_empty(),
                "{}",
                knob.id
            );
        }
    }

    #[test]
    fn builds_are_those_of_engines_by_whose_names_false_alarms_are_known() {
        for knob in &KNOBS {
            assert!(
                ENGINES.iter().any(|it| it.id == knob.builds_as),
                "{}",
                knob.id
            );
        }
    }

    #[test]
    fn knobs_that_only_watch_turn_nothing_else() {
        for knob in WATCHING.map(find) {
            assert!(
                knob.way.env.is_empty() && knob.way.overlay.is_none() && !knob.way.one_processor
            );
        }
    }

    #[test]
    fn a_knob_of_a_module_is_its_build_and_its_variables() {
        let text = "[[knob]]\nname = \"two\"\nbuild = \"asan\"\none-processor = true\n\
                    env = { GOMAXPROCS = \"2\" }\n";
        let file = SubjectFile::parse(text).unwrap();
        let knobs = all(&file.knob).unwrap();
        let own = knobs.last().unwrap();
        assert_eq!(knobs.len(), KNOBS.len() + 1);
        assert_eq!((own.id, own.builds_as), ("two", "storm-asan"));
        assert_eq!(own.way.env, [GENTLE_ASAN, ("GOMAXPROCS", "2")]);
        assert!(own.way.one_processor);
        let twice = [file.knob.clone(), file.knob].concat();
        let error = all(&twice).unwrap_err().to_string();
        assert!(error.contains("another one named `two`"), "{error}");
    }
}
