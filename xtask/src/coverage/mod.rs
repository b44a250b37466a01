//! `cargo lab coverage`: which statements of the Go binding its tests run, and why not the others.
//!
//! A statement that no test runs has a reason in `go-harness/unreached.toml`, or the command is
//! red. So it is if a reason is there for a statement that is run, or that is gone.

mod profile;
mod reasons;

use std::fs;

use anyhow::{Context as _, Result, ensure};

use self::profile::Profile;
use cgolab::host::child::Task;
use cgolab::host::out;
use cgolab::host::progress::Progress;
use cgolab::host::tools::{Need, Tools};
use cgolab::host::workspace::Workspace;

/// The binding's packages, which count, by folders of `go-harness`.
const PACKAGES: [&str; 5] = [
    "courier",
    "courier/internal/capi",
    "courier/internal/handle",
    "courier/internal/token",
    "guard",
];

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
    let Some(profile) = measure(workspace, &progress)? else {
        return Ok(false);
    };
    progress.finish();
    for package in PACKAGES {
        let (run, all) = profile.statements(package);
        ensure!(all > 0, "no test is built with package {package}");
        let percent = 100.0 * f64::from(run) / f64::from(all);
        out::line(format_args!(
            "{package:<24} {run:>4} of {all:>4} statements  {percent:>5.1} %"
        ))?;
    }
    let unreached = profile.unreached(|file| {
        let path = workspace.go_dir().join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    })?;
    let judged = reasons::judge(&unreached, &reasons);
    out::print(&judged)?;
    Ok(judged.is_green())
}

/// The profile of all tests, or `None` if one failed, which has been said then.
fn measure(workspace: &Workspace, progress: &Progress) -> Result<Option<Profile>> {
    let tools = Tools::find(workspace, &[Need::C, Need::Go], progress)?;
    let folder = workspace.lab().join("coverage");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}; is it writable?", folder.display()))?;
    let run = |what: &str, task: Task| -> Result<bool> {
        progress.step(what);
        let finished = task.run(progress, failure)?;
        if !finished.success() {
            let log = workspace.shown(&finished.log);
            out::line(format_args!(
                "FAILED: {what} ({}; log: {log})",
                finished.how()
            ))?;
        }
        Ok(finished.success())
    };
    let native = Task::cargo(workspace, &folder.join("native.log"));
    let native = native.args(["build", "--release", "-p", "courier-ffi"]);
    if !run("building the native library", native)? {
        return Ok(None);
    }
    let mut profile = Profile::default();
    for tests in &TESTS {
        let written = folder.join(format!("{}.out", tests.name));
        let task = tools
            .go()?
            .task(workspace, &folder.join(format!("{}.log", tests.name)))
            .dir(&workspace.go_dir())
            .args(["test", tests.option, "-count=1"])
            .args([format!("-coverprofile={}", written.display())])
            .args([format!("-coverpkg={}", packages())])
            .args(tests.packages);
        let what = format!("go test {} {}", tests.option, tests.packages.join(" "));
        if !run(&what, task)? {
            return Ok(None);
        }
        let text = fs::read_to_string(&written)
            .with_context(|| format!("cannot read {}", written.display()))?;
        profile
            .add(&text)
            .with_context(|| format!("{} is no coverage profile", written.display()))?;
    }
    Ok(Some(profile))
}

/// The part of a test's output that is shown.
fn failure(line: &str) -> Option<String> {
    line.contains("FAIL").then(|| line.to_owned())
}

fn packages() -> String {
    PACKAGES
        .map(|package| format!("{}{package}", profile::MODULE))
        .join(",")
}
