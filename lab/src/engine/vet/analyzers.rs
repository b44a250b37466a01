//! The analyzers of `go-harness/vet`, which are part of the command: builds them with the installed Go, runs them,
//! and reads what they print.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use crate::engine::canaries;
use crate::host::child::{self, Finished, Task, read_lossy};
use crate::host::file::{collect, lay_out};
use crate::host::lock::lock;
use crate::host::out::one_line;
use crate::host::progress::Progress;
use crate::host::tools::pinned::cache;
use crate::host::workspace::Workspace;

/// The module of the analyzers.
static SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../go-harness/vet");

/// The name of the program.
const PROGRAM: &str = "cgolab-vet";

/// The build tag of the planted mistakes, which keeps them from other tools.
const PLANTED: &str = "planted";

/// The output of `cgolab-vet -json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Printed {
    pub(crate) findings: Vec<Found>,
    /// The rules that ran.
    pub(crate) rules: Vec<RuleRun>,
    pub(crate) not_analysed: Vec<NotAnalysed>,
    /// The number of packages that call C or own native memory.
    pub(crate) native: usize,
    /// A package could not be loaded or analysed at all.
    pub(crate) failed: bool,
}

/// A finding of a rule.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) rule: String,
    pub(crate) severity: Severity,
    pub(crate) contracts: Vec<String>,
    pub(crate) package: String,
    pub(crate) file: PathBuf,
    /// The function that it is in, if it is in one.
    #[serde(default)]
    pub(crate) function: String,
    pub(crate) line: u32,
    pub(crate) message: String,
}

/// The weight of a finding, as the rules have it. What an engine saw happen is an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    #[default]
    Error,
    /// A leak, or a mistake in some programs only.
    Warning,
    /// A policy that a project may have.
    Note,
}

impl Severity {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A rule that ran over all packages.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleRun {
    pub(crate) name: String,
    /// The contracts that it guards.
    pub(crate) contracts: Vec<String>,
    /// It is a policy, for those who want it.
    pub(crate) on_request: bool,
    /// The number of findings that comments in the source accept, with a reason.
    pub(crate) accepted: usize,
}

/// Code that was left unread.
#[derive(Debug, Deserialize)]
pub(crate) struct NotAnalysed {
    pub(crate) package: String,
    /// Nothing of the package was read.
    pub(crate) whole: bool,
    pub(crate) reason: String,
}

impl NotAnalysed {
    /// It as one line.
    pub(crate) fn shown(&self) -> String {
        format!("{}: {}", self.package, self.reason)
    }
}

impl Printed {
    /// Says why these rules prove nothing, if one of them missed its planted mistake.
    pub(super) fn missed(&self) -> Option<String> {
        if self.rules.is_empty() {
            return Some("no rule ran".to_owned());
        }
        let finds = |rule: &RuleRun| self.findings.iter().any(|it| it.rule == rule.name);
        let blind = self.rules.iter().find(|rule| !finds(rule))?;
        let unread = self.not_analysed.first();
        let unread = unread.map(|it| format!(": {}", it.shown()));
        Some(format!(
            "the rule {} missed its planted mistake{}",
            blind.name,
            unread.unwrap_or_default()
        ))
    }
}

/// A run of the analyzers over packages.
pub(crate) struct Analysed {
    /// What they printed, or the line with which they say why there is nothing.
    pub(crate) printed: Result<Printed, String>,
    pub(crate) finished: Finished,
}

impl Analysed {
    /// Says why the rules prove nothing, after a run over the planted mistakes.
    pub(crate) fn missed(&self) -> Option<String> {
        match &self.printed {
            Ok(printed) => printed.missed(),
            Err(why) => Some(why.clone()),
        }
    }
}

/// Packages in a folder, and how to read them.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) dir: PathBuf,
    pub(crate) env: Vec<(String, OsString)>,
    pub(crate) tags: Vec<String>,
    pub(crate) packages: Vec<String>,
    /// Rules that are policies run, too.
    pub(crate) policies: bool,
    /// The time after which they are ended, if it differs from the limit of all children.
    pub(crate) limit: Option<Duration>,
}

impl Asked {
    /// The planted mistakes, one for each rule, laid out in a folder as a module of their own.
    pub(crate) fn planted(folder: &Path) -> Result<Asked> {
        Ok(Asked {
            dir: canaries::rules(folder)?,
            // No workspace of the user's has this module.
            env: vec![("GOWORK".to_owned(), "off".into())],
            tags: vec![PLANTED.to_owned()],
            packages: vec![".".to_owned()],
            policies: true,
            limit: None,
        })
    }
}

/// The program, built.
#[derive(Debug, Clone)]
pub(crate) struct Analyzers {
    program: PathBuf,
}

impl Analyzers {
    /// Builds them in a folder. The inner error is the compiler's line.
    pub(crate) fn build(
        workspace: &Workspace,
        folder: &Path,
        progress: &Progress,
    ) -> Result<Result<Analyzers, String>> {
        let files = collect(&SOURCE, is_built)?;
        let source = lay_out("vet-source", &files, folder)?;
        let analyzers = Analyzers::built_in(folder);
        let finished = Task::new(workspace, "go", &folder.join("vet.build.log"))
            .dir(&source)
            // Its own module, whatever the user's is: no workspace, no vendor folder.
            .env("GOWORK", "off")
            .env("GOFLAGS", "-mod=mod")
            .args(["build", "-o"])
            .args([&analyzers.program])
            .args(["./cmd/cgolab-vet"])
            .run(progress, child::quiet)?;
        if finished.success() {
            return Ok(Ok(analyzers));
        }
        Ok(Err(not_built(&finished.log_text())))
    }

    /// Those that were built in a folder before.
    pub(crate) fn built_in(folder: &Path) -> Analyzers {
        Analyzers {
            program: folder.join(PROGRAM),
        }
    }

    /// The file of the program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Runs them over packages. Their words go to a file, and their results to one beside it.
    pub(crate) fn run(
        &self,
        workspace: &Workspace,
        asked: &Asked,
        log: &Path,
        progress: &Progress,
    ) -> Result<Analysed> {
        let out = log.with_extension("json");
        let mut task = Task::new(workspace, &self.program, log)
            .dir(&asked.dir)
            .args(["-json"]);
        for (key, value) in &asked.env {
            task = task.env(key, value);
        }
        if asked.policies {
            task = task.args(["-enable=all"]);
        }
        if !asked.tags.is_empty() {
            task = task.args([format!("-tags={}", asked.tags.join(","))]);
        }
        if let Some(limit) = asked.limit {
            task = task.limit(limit);
        }
        let finished = task
            .args(&asked.packages)
            .stdout_to(&out)
            .run(progress, child::quiet)?;
        let printed = serde_json::from_str(&read_lossy(&out)).map_err(|_| {
            let text = finished.log_text();
            let says = text.lines().next().map(str::to_owned);
            one_line(&says.unwrap_or_else(|| finished.how()), 160)
        });
        Ok(Analysed { printed, finished })
    }
}

/// Builds the analyzers in the user's cache. The inner error is the compiler's line.
pub(crate) fn cached(
    workspace: &Workspace,
    progress: &Progress,
) -> Result<Result<Analyzers, String>> {
    let folder = cache()?.join("vet");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Another command may be building them.
    let _building = lock(&folder.join("lock"), || Ok(()))?;
    Analyzers::build(workspace, &folder, progress)
}

/// The reason why the analyzers do not build, from the output of `go build`.
fn not_built(text: &str) -> String {
    if text.contains("requires go >=") || text.contains("invalid go version") {
        let needed = SOURCE.get_file("go.mod").and_then(|it| it.contents_utf8());
        let needed = needed
            .and_then(|text| text.lines().find(|line| line.starts_with("go ")))
            .unwrap_or("a newer go");
        return format!(
            "the analyzers need {needed} to be built; set GOTOOLCHAIN=auto, or install it"
        );
    }
    let line = text
        .lines()
        .find(|line| !line.starts_with('#') && !line.starts_with("go: downloading"));
    one_line(line.unwrap_or("go build gives no reason"), 160)
}

/// Reports whether a build needs a file or a folder.
fn is_built(path: &Path) -> bool {
    !path.ends_with("testdata") && !path.to_string_lossy().ends_with("_test.go")
}
