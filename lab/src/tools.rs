//! The tools that engines need: finds them, and brings the ones that Cargo can build.
//!
//! Go and the C compiler must be there. nextest is pinned: taken from `PATH` at exactly that
//! version, else from the user's cache, else built into that cache.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use etcetera::BaseStrategy as _;

use crate::child::{self, Task};
use crate::progress::Progress;
use crate::record::one_line;
use crate::workspace::Workspace;

/// The nextest whose JUnit output the lab reads.
pub(crate) const NEXTEST: &str = "0.9.148";

/// The oldest Go that has `runtime.Pinner`.
const GO_MINOR: u32 = 21;

/// What an engine or command cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// A C compiler; cgo needs it too.
    C,
    /// Go with cgo.
    Go,
    /// The pinned nextest. Last: it may take minutes.
    Nextest,
}

/// A program, and the arguments that always come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<String>,
    /// How people call it.
    pub(crate) shown: OsString,
}

impl Program {
    /// A child that runs it in the root of the checkout.
    pub(crate) fn task(&self, workspace: &Workspace, log: &Path) -> Task {
        Task::new(workspace, &self.path, log)
            .shown_as(&self.shown)
            .args(&self.args)
    }
}

/// The tools that were asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tools {
    c: Option<Program>,
    go: Option<Program>,
    nextest: Option<Program>,
}

impl Tools {
    /// Finds every tool in `needs`, or says what is missing and how to get it.
    pub(crate) fn find(
        workspace: &Workspace,
        needs: &[Need],
        progress: &Progress,
    ) -> Result<Tools> {
        let mut tools = Tools::default();
        let mut needs = needs.to_vec();
        needs.sort();
        for need in needs {
            match need {
                Need::C if tools.c.is_none() => tools.c = Some(find_c()?),
                Need::Go if tools.go.is_none() => tools.go = Some(find_go(workspace)?),
                Need::Nextest if tools.nextest.is_none() => {
                    tools.nextest = Some(find_nextest(workspace, progress)?);
                }
                _ => {}
            }
        }
        Ok(tools)
    }

    pub(crate) fn c(&self) -> Result<&Program> {
        self.c.as_ref().ok_or_else(|| undeclared("C"))
    }

    pub(crate) fn go(&self) -> Result<&Program> {
        self.go.as_ref().ok_or_else(|| undeclared("Go"))
    }

    pub(crate) fn nextest(&self) -> Result<&Program> {
        self.nextest.as_ref().ok_or_else(|| undeclared("nextest"))
    }
}

fn undeclared(tool: &str) -> anyhow::Error {
    anyhow!("this engine uses {tool} without declaring that it needs it; this is a bug in the lab")
}

/// The C++ compiler, which only one check wants.
pub(crate) fn find_cxx() -> Option<Program> {
    compiler("CXX", &["c++", "g++", "clang++"])
}

fn find_c() -> Result<Program> {
    compiler("CC", &["cc", "gcc", "clang"]).ok_or_else(|| match env::var("CC") {
        Ok(cc) if !cc.is_empty() => anyhow!(
            "the C compiler of CC={cc} was not found; install it, or unset CC to use cc, gcc or \
             clang"
        ),
        _ => anyhow!(
            "no C compiler (cc, gcc, clang) on PATH; install gcc or clang, or set CC to the one \
             you have"
        ),
    })
}

/// The compiler that `variable` names (which may bring arguments), or the first of `names`.
fn compiler(variable: &str, names: &[&str]) -> Option<Program> {
    let wish = env::var(variable).unwrap_or_default();
    let mut words = wish.split_whitespace().map(str::to_owned);
    let found = match words.next() {
        Some(name) => which::which(&name).ok().map(|path| (path, name)),
        None => names
            .iter()
            .find_map(|name| Some((which::which(name).ok()?, (*name).to_owned()))),
    };
    let (path, name) = found?;
    Some(Program {
        path,
        args: words.collect(),
        shown: name.into(),
    })
}

fn find_go(workspace: &Workspace) -> Result<Program> {
    let path = which::which("go").map_err(|_| {
        anyhow!(
            "go was not found on PATH; install Go 1.{GO_MINOR} or newer (https://go.dev/dl/ or \
             your package manager)"
        )
    })?;
    let dir = workspace.go_dir();
    ensure!(
        dir.is_dir(),
        "{} is missing; is this a complete checkout?",
        dir.display()
    );
    let output = Command::new(&path)
        .args(["env", "GOVERSION", "CGO_ENABLED"])
        .current_dir(&dir)
        .output()
        .with_context(|| format!("cannot start {}", path.display()))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`go env` fails in {}: {}; correct the Go installation or GOTOOLCHAIN",
        dir.display(),
        one_line(&stderr, 200)
    );
    check_go(&String::from_utf8_lossy(&output.stdout))?;
    Ok(Program {
        path,
        args: Vec::new(),
        shown: "go".into(),
    })
}

/// Checks what `go env GOVERSION CGO_ENABLED` printed.
fn check_go(answer: &str) -> Result<()> {
    let mut lines = answer.lines().map(str::trim);
    let version = lines.next().unwrap_or_default();
    let cgo = lines.next().unwrap_or_default();
    match go_minor(version) {
        Some(minor) if minor >= GO_MINOR => {}
        Some(_) => bail!(
            "{version} is too old, Go 1.{GO_MINOR} or newer is needed; install one \
             (https://go.dev/dl/), or unset GOTOOLCHAIN if it asks for the old one"
        ),
        // A development version: new enough, and its tests tell otherwise.
        None if version.starts_with("devel") => {}
        None => bail!("`go env GOVERSION` says `{version}`, which is no Go version; reinstall Go"),
    }
    ensure!(
        cgo == "1",
        "cgo is off (CGO_ENABLED={cgo}); unset CGO_ENABLED, and see that a C compiler is on PATH"
    );
    Ok(())
}

/// 26 of `go1.26.8`, `go1.27rc1` or `go1.26.8 X:cgocheck2`.
fn go_minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn find_nextest(workspace: &Workspace, progress: &Progress) -> Result<Program> {
    if let Ok(path) = which::which("cargo-nextest")
        && has_version(&path)
    {
        return Ok(Program {
            path,
            args: vec!["nextest".to_owned()],
            shown: "cargo".into(),
        });
    }
    let tools = cache()?.join("tools");
    let home = tools.join(format!("cargo-nextest-{NEXTEST}"));
    let path = home.join("bin").join(exe("cargo-nextest"));
    if !has_version(&path) {
        install_nextest(workspace, progress, &tools, &home)?;
        ensure!(
            has_version(&path),
            "{} was installed and does not say that it is {NEXTEST}; remove that folder and try \
             again",
            path.display()
        );
    }
    Ok(Program {
        shown: below_home(&path),
        path,
        args: vec!["nextest".to_owned()],
    })
}

/// The path as people type it: `~/…` where that is the same.
fn below_home(path: &Path) -> OsString {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    match home.and_then(|home| Some(path.strip_prefix(home).ok()?.to_path_buf())) {
        Some(below) => Path::new("~").join(below).into(),
        None => path.into(),
    }
}

fn exe(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

fn cache() -> Result<PathBuf> {
    let base = etcetera::base_strategy::choose_base_strategy()
        .context("no cache folder; set HOME or XDG_CACHE_HOME")?;
    Ok(base.cache_dir().join("cgolab"))
}

fn has_version(path: &Path) -> bool {
    Command::new(path)
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| {
            output.status.success()
                && nextest_version(&String::from_utf8_lossy(&output.stdout)) == Some(NEXTEST)
        })
}

/// 0.9.148 of `cargo-nextest 0.9.148 (1234abcd 2026-01-01)`.
fn nextest_version(output: &str) -> Option<&str> {
    let mut words = output.lines().next()?.split_whitespace();
    (words.next()? == "cargo-nextest").then_some(())?;
    words.next()
}

/// Builds nextest in a temporary folder of the cache, and moves it to its place when it is
/// complete: a folder with its name is never half an installation.
fn install_nextest(
    workspace: &Workspace,
    progress: &Progress,
    tools: &Path,
    home: &Path,
) -> Result<()> {
    let create = || -> Result<(File, tempfile::TempDir)> {
        fs::create_dir_all(tools)?;
        let lock = File::create(tools.join("lock"))?;
        if lock.try_lock().is_err() {
            progress.step("waiting for another `cargo lab` that installs its tools");
            lock.lock()?;
        }
        Ok((lock, tempfile::tempdir_in(tools)?))
    };
    let (_lock, scratch) = create().with_context(|| {
        format!(
            "cannot write {}; set XDG_CACHE_HOME to a folder that you may write",
            tools.display()
        )
    })?;
    let bin = home.join("bin").join(exe("cargo-nextest"));
    if has_version(&bin) {
        return Ok(()); // The other one installed it.
    }
    let log = tools.join(format!("cargo-nextest-{NEXTEST}.log"));
    progress.step(format!(
        "installing cargo-nextest {NEXTEST} into the user's cache (once, 5 to 10 minutes on 2 \
         cores)"
    ));
    let root = scratch.path().join("root");
    let finished = Task::cargo(workspace, &log)
        .args(["install", "cargo-nextest", "--locked", "--version", NEXTEST])
        .args([OsStr::new("--root"), root.as_os_str()])
        .env("CARGO_TARGET_DIR", scratch.path().join("target"))
        .limit(Duration::from_secs(60 * 60))
        .run(progress, child::quiet)?;
    if child::interrupted() {
        bail!("interrupted while cargo-nextest was being installed; run the command again");
    }
    ensure!(
        finished.success(),
        "installing cargo-nextest {NEXTEST} failed ({}); this needs the network once: read {}, or \
         put cargo-nextest {NEXTEST} on PATH",
        last_error(&finished.log_text()),
        log.display()
    );
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    fs::rename(&root, home).with_context(|| format!("cannot create {}", home.display()))?;
    progress.line(&format!(
        "installed cargo-nextest {NEXTEST} in {:.0} s",
        finished.seconds
    ));
    Ok(())
}

fn last_error(log: &str) -> &str {
    log.lines()
        .rfind(|line| line.starts_with("error"))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_versions() {
        assert_eq!(go_minor("go1.26.8"), Some(26));
        assert_eq!(go_minor("go1.21"), Some(21));
        assert_eq!(go_minor("go1.27rc1"), Some(27));
        assert_eq!(go_minor("go1.26.8 X:cgocheck2"), Some(26));
        assert_eq!(go_minor("devel +abc"), None);
    }

    #[test]
    fn go_must_be_new_enough_and_have_cgo() {
        let refused = |answer: &str| check_go(answer).unwrap_err().to_string();
        assert!(check_go("go1.21.13\n1\n").is_ok());
        assert!(check_go("devel go1.28-abc\n1\n").is_ok());
        let old = refused("go1.20.14\n1\n");
        assert!(old.contains("go1.20.14 is too old"), "{old}");
        assert!(old.contains("GOTOOLCHAIN"), "{old}");
        assert!(refused("go1.26.8\n0\n").contains("CGO_ENABLED=0"));
        assert!(refused("").contains("no Go version"));
    }

    #[test]
    fn nextest_versions() {
        assert_eq!(
            nextest_version("cargo-nextest 0.9.148 (1234 2026-01-01)\nrelease: 0.9.148\n"),
            Some("0.9.148")
        );
        assert_eq!(nextest_version("cargo 1.95.0"), None);
        assert_eq!(nextest_version(""), None);
    }

    #[test]
    fn half_an_installation_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!has_version(&dir.path().join("bin/cargo-nextest")));
        fs::write(dir.path().join("cargo-nextest"), "not a program").unwrap();
        assert!(!has_version(&dir.path().join("cargo-nextest")));
    }

    #[test]
    fn the_last_error_is_the_one_to_show() {
        assert_eq!(last_error("error: a\nerror: b\nnote\n"), "error: b");
        assert_eq!(last_error(""), "no message");
    }
}
