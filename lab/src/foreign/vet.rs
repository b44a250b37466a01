//! The engine that reads source: the analyzers of `go-harness/vet`, which are part of the command and are built
//! with the installed Go.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::outcome::{EngineOutcome, Finding, Severity, State, Trouble};
use super::report::{Place, Report};
use super::trial::Trial;
use crate::host::child::{self, Task, interrupted, read_lossy};
use crate::host::lock::lock;
use crate::host::out::one_line;
use crate::host::progress::Progress;
use crate::host::tools::pinned::cache;
use crate::host::workspace::Workspace;

/// The module of the analyzers.
static SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../go-harness/vet");

/// The name of the program.
const PROGRAM: &str = "cgolab-vet";

/// The output of `cgolab-vet -json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Printed {
    findings: Option<Vec<Found>>,
    not_analysed: Option<Vec<NotAnalysed>>,
    native: usize,
}

#[derive(Debug, Deserialize)]
struct Found {
    rule: String,
    severity: Severity,
    #[serde(default)]
    contracts: Vec<String>,
    package: String,
    file: PathBuf,
    line: u32,
    message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NotAnalysed {
    package: String,
    /// The file; empty for the whole package.
    file: PathBuf,
    reason: String,
}

/// A question to the analyzers.
struct Asked<'a> {
    dir: &'a Path,
    env: &'a [(&'static str, &'static str)],
    tags: &'a [&'a str],
    packages: &'a [&'a str],
    /// The name of what they print.
    log: &'a str,
}

impl Trial<'_> {
    /// Builds the analyzers, and checks that they find the canary.
    pub(super) fn prove_vet(&self, outcome: &mut EngineOutcome) -> Result<()> {
        self.progress.step("vet: building the analyzers");
        let program = match program(self.workspace, &self.vet_folder(), self.progress)? {
            Ok(program) => program,
            Err(why) => {
                outcome.state = State::Unsupported(why);
                return Ok(());
            }
        };
        for canary in self.engine.way.canaries {
            let package = self.canaries()?;
            let asked = Asked {
                dir: &package.dir,
                env: package.env,
                tags: &[],
                packages: &["./..."],
                log: "canary",
            };
            let (printed, how) = self.analyse(&program, &asked)?;
            let rules = printed.findings.unwrap_or_default();
            if !rules.iter().any(|it| it.rule == canary.test) {
                outcome.state = match interrupted() {
                    true => State::NotRun("interrupted".to_owned()),
                    false => State::Off(format!(
                        "the rule {} missed its planted mistake: {how}",
                        canary.test
                    )),
                };
                return Ok(());
            }
        }
        Ok(())
    }

    fn vet_folder(&self) -> PathBuf {
        self.folder.join("cache")
    }

    /// Runs the analyzers on the module.
    pub(super) fn vet(&self, outcome: &mut EngineOutcome) -> Result<()> {
        let program = self.vet_folder().join(PROGRAM);
        self.progress.step(format!("vet: {}", self.module.path));
        let tags: Vec<&str> = self
            .module
            .packages
            .iter()
            .flat_map(|it| &it.tags)
            .map(String::as_str)
            .collect();
        let wanted: Vec<&str> = match self.module.wanted.as_slice() {
            [] => vec!["./..."],
            some => some.iter().map(String::as_str).collect(),
        };
        let asked = Asked {
            dir: &self.module.root,
            env: &[],
            tags: &tags,
            packages: &wanted,
            log: "module",
        };
        let (printed, how) = self.analyse(&program, &asked)?;
        if interrupted() {
            return Ok(());
        }
        if printed.native == 0 && printed.findings.is_none() {
            outcome.trouble.push(Trouble::words(
                &self.module.path,
                &format!("nothing was analysed: {how}"),
            ));
            return Ok(());
        }
        // It counts packages: an engine that reads runs no test.
        outcome.tests = printed.native;
        for found in printed.findings.unwrap_or_default() {
            outcome.findings.push(self.of_rule(found));
        }
        for left in printed.not_analysed.unwrap_or_default() {
            let file = left
                .file
                .strip_prefix(&self.module.root)
                .unwrap_or(&left.file);
            let what = match file.as_os_str().is_empty() {
                true => left.package,
                false => file.display().to_string(),
            };
            outcome.left_unread.push(format!("{what}: {}", left.reason));
        }
        Ok(())
    }

    fn of_rule(&self, found: Found) -> Finding {
        let file = found
            .file
            .strip_prefix(&self.module.root)
            .unwrap_or(&found.file)
            .display()
            .to_string();
        let guards = match found.contracts.as_slice() {
            [] => String::new(),
            some => format!(" ({})", some.join(", ")),
        };
        Finding {
            engine: self.engine.id.to_owned(),
            package: found.package,
            severity: found.severity,
            tests: Vec::new(),
            known: None,
            command: format!(
                "cgolab vet -only {0} ./...; about it: cgolab vet -explain {0}",
                found.rule
            ),
            report: Report {
                test: None,
                c: None,
                go: Some(Place {
                    function: found.message.clone(),
                    file: Some(file),
                    line: Some(found.line),
                    own: true,
                }),
                text: format!("{}{guards}", found.message),
                class: found.rule,
            },
        }
    }

    fn analyse(&self, program: &Path, asked: &Asked<'_>) -> Result<(Printed, String)> {
        let file = |ending| {
            self.vet_folder()
                .join(format!("vet.{}.{ending}", asked.log))
        };
        let out = file("json");
        let mut task = Task::new(self.workspace, program, &file("log"))
            .dir(asked.dir)
            .args(["-json"]);
        for (key, value) in asked.env {
            task = task.env(key, value);
        }
        if !asked.tags.is_empty() {
            task = task.args([format!("-tags={}", asked.tags.join(","))]);
        }
        let finished = task
            .args(asked.packages)
            .stdout_to(&out)
            .run(self.progress, child::quiet)?;
        let printed = serde_json::from_str(&read_lossy(&out)).unwrap_or_default();
        let text = finished.log_text();
        let says = text
            .lines()
            .next()
            .map_or_else(|| finished.how(), str::to_owned);
        Ok((printed, one_line(&says, 160)))
    }
}

/// Runs the analyzers with arguments of their own, and returns their exit code.
///
/// # Errors
/// They cannot be built here.
pub(crate) fn command(args: &[OsString]) -> Result<u8> {
    which::which("go").context("Go is not on PATH; install it from https://go.dev/dl/")?;
    let here = env::current_dir().context("the current folder cannot be read")?;
    let progress = Progress::new();
    let folder = cache()?.join("vet");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Another command may be building them.
    let building = lock(&folder.join("lock"), || Ok(()))?;
    let built = program(&Workspace::at(&here), &folder, &progress)?;
    drop(building);
    progress.finish();
    let program = built.map_err(|why| anyhow!("the analyzers do not build here: {why}"))?;
    let status = Command::new(program)
        .args(args)
        .status()
        .context("cannot start the analyzers")?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}

/// Builds the analyzers in a folder. The inner error is the compiler's line.
fn program(
    workspace: &Workspace,
    folder: &Path,
    progress: &Progress,
) -> Result<Result<PathBuf, String>> {
    let source = folder.join("vet-source");
    write(&SOURCE, &source)?;
    let program = folder.join(PROGRAM);
    let finished = Task::new(workspace, "go", &folder.join("vet.build.log"))
        .dir(&source)
        // Its own module, whatever the user's is: no workspace, no vendor folder.
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=mod")
        .args(["build", "-o"])
        .args([&program])
        .args(["./cmd/cgolab-vet"])
        .run(progress, child::quiet)?;
    if finished.success() {
        return Ok(Ok(program));
    }
    let text = finished.log_text();
    if text.contains("requires go >=") || text.contains("invalid go version") {
        let needed = SOURCE.get_file("go.mod").and_then(|it| it.contents_utf8());
        let needed = needed
            .and_then(|text| text.lines().find(|line| line.starts_with("go ")))
            .unwrap_or("a newer go");
        return Ok(Err(format!(
            "the analyzers need {needed} to be built; set GOTOOLCHAIN=auto, or install it"
        )));
    }
    let line = text
        .lines()
        .find(|line| !line.starts_with('#') && !line.starts_with("go: downloading"));
    Ok(Err(one_line(
        line.unwrap_or("go build gives no reason"),
        160,
    )))
}

/// Writes the files of a folder that a build needs, where they have changed.
fn write(from: &Dir<'_>, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for file in from.files() {
        let name = file.path().file_name().unwrap_or_default();
        if name.to_string_lossy().ends_with("_test.go") {
            continue;
        }
        let path = to.join(name);
        if fs::read(&path).is_ok_and(|old| old == file.contents()) {
            continue;
        }
        fs::write(&path, file.contents())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    for folder in from.dirs() {
        let name = folder.path().file_name().unwrap_or_default();
        if name != "testdata" {
            write(folder, &to.join(name))?;
        }
    }
    Ok(())
}
