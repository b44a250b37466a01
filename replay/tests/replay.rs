//! The program, as people start it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cgolab_note::tool::tool;

/// Scenarios that are checked in. Each has lanes, refusals and callbacks of another kind.
const SCENARIOS: [&str; 4] = [
    "late-answer",
    "callbacks-in-callbacks",
    "two-owners",
    "four-lanes",
];

fn scenario(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenario/scenarios");
    folder.join(name).with_extension("scenario")
}

fn run(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_courier-replay");
    let run = Command::new(program).args(arguments).output();
    run.expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn checked_in_scenarios_hold_in_all_layers() {
    let layers = match tool("go") {
        Some(_) => "rust,c,go",
        None => "rust,c",
    };
    for name in SCENARIOS {
        let path = scenario(name);
        let path = path.to_str().unwrap();
        let ran = run(&["replay", "--through", layers, path]);
        let out = text(&ran.stdout);
        assert_eq!(ran.status.code(), Some(0), "{out}{}", text(&ran.stderr));
        let held = format!("held through {}", layers.replace(',', ", "));
        assert!(out.contains(&held), "{out}");
        // As it is checked in, without its comment.
        let written = std::fs::read_to_string(path).unwrap();
        let lines = written.lines().filter(|line| !line.starts_with('#'));
        let lines: String = lines.map(|line| format!("{line}\n")).collect();
        assert_eq!(text(&run(&["scenario", path]).stdout), lines);
    }
}

/// A detector must see a planted mistake before, so that these are not green for nothing. `asan` builds the library
/// anew: a job of its own runs it.
#[test]
fn scenarios_hold_under_detectors() {
    for (build, needs, through) in [
        ("race", "go", "go"),
        ("cgocheck2", "go", "go"),
        ("valgrind", "valgrind", "rust, c"),
    ] {
        if tool(needs).is_none() {
            continue;
        }
        let path = scenario("late-answer");
        let ran = run(&["replay", "--build", build, path.to_str().unwrap()]);
        let out = text(&ran.stdout);
        assert_eq!(ran.status.code(), Some(0), "{out}{}", text(&ran.stderr));
        assert!(out.contains(&format!("held through {through}")), "{out}");
    }
}

#[test]
fn lanes_meet_at_a_barrier_through_rust() {
    let path = scenario("complete-meets-cancel");
    let path = path.to_str().unwrap();
    let ran = run(&["replay", "--through", "rust", path]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    let refused = run(&["replay", "--through", "c", path]);
    assert_eq!(refused.status.code(), Some(2));
    let error = text(&refused.stderr);
    assert!(error.contains("run `--through rust` only"), "{error}");
}

#[test]
fn bad_input_is_an_error_with_its_cure() {
    for (arguments, cure) in [
        (&["replay", "nowhere.scenario"][..], "there is no file"),
        (&["replay", "0200"], "cut off"),
        (
            &["replay", "02", "--build", "race", "--through", "rust,go"],
            "--build race does not go with `--through rust`",
        ),
        (
            &[
                "replay",
                "02",
                "--through",
                "rust,c",
                "--last-generation",
                "2",
            ],
            "leave --last-",
        ),
        (
            &["replay", "02", "--through", "java"],
            "possible values: rust, c, go",
        ),
    ] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        let error = text(&refused.stderr);
        assert!(error.contains(cure), "{error}");
        assert!(refused.stdout.is_empty());
    }
}
