//! `cargo lab coverage`: which statements of the Go binding its tests run, and why not the others.
//!
//! A statement that no test runs has a reason in `go-harness/unreached.toml`, or the command is
//! red. So it is if a reason is there for a statement that is run, or that is gone.

mod reasons;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use self::reasons::Unreached;
use cgolab::host::child::Task;
use cgolab::host::out;
use cgolab::host::progress::Progress;
use cgolab::host::tools::{Need, Tools};
use cgolab::host::workspace::Workspace;

/// The module of the binding, in `go-harness`.
const MODULE: &str = "github.com/cgolab/cgolab/go-harness/";

/// The binding's packages, which count, by folders of `go-harness`.
const PACKAGES: [&str; 5] = [
    "courier",
    "courier/internal/capi",
    "courier/internal/handle",
    "courier/internal/token",
    "guard",
];

/// The output of `go-harness/dev/unreached`.
#[derive(Debug, Deserialize)]
struct Measured {
    packages: BTreeMap<String, Statements>,
    unreached: Vec<Unreached>,
}

#[derive(Debug, Deserialize)]
struct Statements {
    run: u32,
    all: u32,
}

impl Display for Statements {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Statements { run, all } = self;
        let percent = 100.0 * f64::from(*run) / f64::from(*all);
        write!(f, "{run:>4} of {all:>4} statements  {percent:>5.1} %")
    }
}

/// One `go test` that runs the binding. Children of its tests write into its profile, unless a
/// signal ends them or they go on to their end as tests.
struct Tests {
    name: &'static str,
    option: &'static str,
    packages: &'static [&'static str],
}

const TESTS: [Tests; 3] = [
    Tests {
        name: "binding",
        option: "-tags=lab",
        packages: &[
            "./courier/...",
            "./guard",
            "./internal/borrow",
            "./internal/leak",
            "./internal/process",
        ],
    },
    Tests {
        name: "fake",
        option: "-tags=courier_nolink,courier_fake",
        packages: &["./courier/internal/fakecourier"],
    },
    Tests {
        name: "goroutines",
        option: "-C=dev",
        packages: &["./goroutines"],
    },
];

/// Runs the tests, shows what they have not run, and returns whether there is a reason for all.
pub(crate) fn coverage(workspace: &Workspace) -> Result<bool> {
    let progress = Progress::new();
    let reasons = reasons::load(&workspace.go_dir().join(reasons::FILE))?;
    let Some(measured) = measure(workspace, &progress)? else {
        return Ok(false);
    };
    progress.finish();
    for package in PACKAGES {
        let statements = (measured.packages.get(package))
            .with_context(|| format!("no test is built with package {package}"))?;
        out::line(format_args!("{package:<24} {statements}"))?;
    }
    let judged = reasons::judge(&measured.unreached, &reasons);
    out::print(&judged)?;
    Ok(judged.is_green())
}

/// The statements that all tests together have run and have not, or `None` if a test failed, which has been said
/// then.
fn measure(workspace: &Workspace, progress: &Progress) -> Result<Option<Measured>> {
    let tools = Tools::find(workspace, &[Need::C, Need::Go], progress)?;
    let folder = workspace.lab().join("coverage");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}; is it writable?", folder.display()))?;
    let native = Task::cargo(workspace, &folder.join("native.log")).args([
        "build",
        "--release",
        "-p",
        "courier-ffi",
    ]);
    let mut steps = vec![("building the native library".to_owned(), native)];
    let go = |name: &str| -> Result<Task> {
        let log = folder.join(format!("{name}.log"));
        Ok(tools.go()?.task(workspace, &log).dir(&workspace.go_dir()))
    };
    let mut profiles: Vec<PathBuf> = Vec::new();
    for tests in &TESTS {
        let written = folder.join(format!("{}.out", tests.name));
        let task = go(tests.name)?
            .args(["test", tests.option, "-count=1"])
            .args([format!("-coverprofile={}", written.display())])
            .args([format!("-coverpkg={}", packages())])
            .args(tests.packages);
        let what = format!("go test {} {}", tests.option, tests.packages.join(" "));
        steps.push((what, task));
        profiles.push(written);
    }
    let json = folder.join("unreached.json");
    let task = go("unreached")?
        .args(["run", "-C=dev", "./unreached"])
        .args([workspace.go_dir()])
        .args(&profiles)
        .stdout_to(&json);
    steps.push(("reading the profiles".to_owned(), task));
    if !all_succeed(workspace, progress, steps)? {
        return Ok(None);
    }
    let text = fs::read_to_string(&json)?;
    let measured = serde_json::from_str(&text)
        .with_context(|| format!("{} is not what unreached writes", json.display()))?;
    Ok(Some(measured))
}

/// Runs named steps in their order, up to the first that fails, which it names.
fn all_succeed(
    workspace: &Workspace,
    progress: &Progress,
    steps: Vec<(String, Task)>,
) -> Result<bool> {
    for (what, task) in steps {
        progress.step(&what);
        let finished = task.run(progress, failure)?;
        if !finished.success() {
            let log = workspace.shown(&finished.log);
            out::line(format_args!(
                "FAILED: {what} ({}; log: {log})",
                finished.how()
            ))?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// The part of a test's output that is shown.
fn failure(line: &str) -> Option<String> {
    line.contains("FAIL").then(|| line.to_owned())
}

fn packages() -> String {
    PACKAGES
        .map(|package| format!("{}{package}", MODULE))
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_statements_is_a_percentage() {
        let shown = Statements { run: 1, all: 8 }.to_string();
        assert_eq!(shown, "   1 of    8 statements   12.5 %");
    }

    #[test]
    fn a_step_that_fails_is_red_and_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let run = |scripts: &[&str]| {
            let step = |script: &&str| {
                let task = Task::new(&workspace, "sh", &folder.path().join("log"));
                ((*script).to_owned(), task.args(["-c", script]))
            };
            all_succeed(
                &workspace,
                &Progress::new(),
                scripts.iter().map(step).collect(),
            )
            .unwrap()
        };
        assert!(run(&["true", "touch ran"]));
        assert!(!run(&["true", "exit 1", "touch late"]));
        assert!(folder.path().join("ran").exists());
        assert!(!folder.path().join("late").exists());
    }
}
