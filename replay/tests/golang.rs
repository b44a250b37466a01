//! Random scenarios through the Go binding, against the model of it; and a Go process that does not do its part.

#[path = "../../scenario/tests/common/mod.rs"]
mod common;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use cgolab_note::tool::tool;
use courier_replay::detector::Detector;
use courier_replay::golang::{GoDriver, PATIENCE};
use courier_scenario::op::{MaxLoads, Op, Root, Step};
use courier_scenario::oracle::{self, ContractCounts, Disagreement};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use common::typed;

/// The program, built once; none without Go.
static PROGRAM: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    tool("go")?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Some(
        Detector::Plain
            .build(&workspace)
            .expect("the program builds"),
    )
});

fn judge(
    program: Command,
    steps: &[Step],
    patience: Duration,
) -> Result<ContractCounts, Box<Disagreement>> {
    let mut driver = GoDriver::start(program, patience).expect("the program starts");
    oracle::run(steps, &mut driver, |_, _| {})
}

#[test]
fn scenarios_through_go_follow_the_model() {
    let Some(program) = &*PROGRAM else { return };
    let mut runner = TestRunner::new(Config {
        cases: 96,
        failure_persistence: None,
        max_shrink_iters: 1024,
        ..Config::default()
    });
    let counts = RefCell::new(ContractCounts::default());
    let result = runner.run(&typed(), |steps| {
        let checked = judge(Command::new(program), &steps, PATIENCE);
        let checked = checked.map_err(|broken| TestCaseError::fail(broken.to_string()))?;
        counts.borrow_mut().add(&checked);
        Ok(())
    });
    match result {
        Ok(()) => println!("{}", counts.into_inner()),
        Err(TestError::Fail(reason, _)) => panic!("{}", reason.message()),
        Err(TestError::Abort(reason)) => panic!("no scenario could be generated: {reason}"),
    }
}

/// The report on a Go process that behaves as this script of a shell does.
fn report(script: &str, patience: Duration) -> Disagreement {
    let create = Op::RuntimeCreate {
        root: Root::Absent,
        max_loads: MaxLoads::Many,
    };
    let steps = [create; 2].map(|op| Step { lane: 0, op });
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    *judge(shell, &steps, patience).unwrap_err()
}

#[test]
fn a_process_that_dies_in_a_step_ends_it() {
    let answer = r#"{"outcome":{"Created":0},"upcalls":[]}"#;
    let script = format!("read a; read b; echo '{answer}'; read c; echo out of luck >&2; exit 3");
    let broken = report(&script, PATIENCE);
    assert_eq!(broken.steps.len(), 2, "{broken}");
    assert_eq!(
        broken.observed,
        "the process with the Go binding ended (exit status: 3): out of luck"
    );
    assert_eq!(broken.contracts, ["THR-04"]);
}

/// It never answers, however long anybody waits.
#[test]
fn a_process_that_hangs_is_ended() {
    // One keeps its output open, and one does not.
    for script in ["exec tail -f /dev/null", "exec sleep infinity >&-"] {
        let broken = report(script, Duration::from_millis(1));
        assert!(broken.hung, "{broken}");
    }
}

#[test]
fn an_answer_that_is_none_is_no_observation() {
    for (answer, says) in [
        (r#"{"outcome":{"Crea"#, "an answer of Go is none"),
        (
            r#"{"outcome":{"Refused":"odd"},"upcalls":[]}"#,
            "no word is \"odd\"",
        ),
        (
            r#"{"outcome":{"Unknown":"odd"},"upcalls":[]}"#,
            "without a word or a category: odd",
        ),
        (
            r#"{"outcome":{"Content":"0g"},"upcalls":[]}"#,
            "is not hexadecimal",
        ),
    ] {
        let broken = report(&format!("read a; read b; echo '{answer}'; cat"), PATIENCE);
        assert!(broken.observed.contains(says), "{broken}");
    }
}
