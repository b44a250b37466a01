//! Tools of one exact version: nextest, whose JUnit output the lab reads, and cargo-fuzz.
//!
//! Taken from `PATH` at exactly that version, else from the user's cache, else built into that
//! cache: without optimisation and without what the lab does not use of them, because they do little
//! but wait for their children, and building them is most of a first run.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use etcetera::BaseStrategy as _;

use super::Program;
use crate::host::child::{self, Task};
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;

/// A subcommand of Cargo that is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinned {
    /// The package, and the program.
    pub name: &'static str,
    /// The word after `cargo`.
    pub subcommand: &'static str,
    /// The exact version.
    pub version: &'static str,
    /// Options of `cargo install` that leave out parts.
    less: &'static [&'static str],
    /// The time that building it takes, for people.
    pub(crate) patience: &'static str,
}

/// The test runner whose JUnit output the lab reads.
pub const NEXTEST: Pinned = Pinned {
    name: "cargo-nextest",
    subcommand: "nextest",
    version: "0.9.148",
    // It does not replace itself by another version.
    less: &["--no-default-features"],
    patience: "2 to 4 minutes on 2 cores",
};

/// The builder and runner of fuzz targets.
pub const CARGO_FUZZ: Pinned = Pinned {
    name: "cargo-fuzz",
    subcommand: "fuzz",
    version: "0.13.2",
    less: &[],
    patience: "1 minute on 2 cores",
};

/// Every pinned tool.
pub const ALL: [Pinned; 2] = [NEXTEST, CARGO_FUZZ];

impl Pinned {
    /// The tool, installed if need be.
    pub fn find_or_install(&self, workspace: &Workspace, progress: &Progress) -> Result<Program> {
        if let Some(program) = self.find()? {
            return Ok(program);
        }
        let path = self.cached()?;
        self.install(workspace, progress)?;
        ensure!(
            self.is(&path),
            "{} was installed and does not say that it is {}; remove that folder and try again",
            path.display(),
            self.version
        );
        Ok(self.program(path))
    }

    /// The tool on `PATH` or in the cache, at the right version.
    pub fn find(&self) -> Result<Option<Program>> {
        if let Ok(path) = which::which(self.name)
            && self.is(&path)
        {
            return Ok(Some(Program {
                shown: "cargo".into(),
                ..self.program(path)
            }));
        }
        let path = self.cached()?;
        Ok(self.is(&path).then(|| self.program(path)))
    }

    /// The command that people type to install it by hand.
    pub fn install_command(&self) -> String {
        format!(
            "cargo install {} --locked --version {}",
            self.name, self.version
        )
    }

    fn program(&self, path: PathBuf) -> Program {
        Program {
            shown: below_home(&path),
            path,
            args: vec![self.subcommand.to_owned()],
        }
    }

    fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// Its place in the cache, if it is there.
    fn cached(&self) -> Result<PathBuf> {
        Ok(self.bin(&cache()?.join("tools").join(self.folder())))
    }

    fn bin(&self, root: &Path) -> PathBuf {
        root.join("bin")
            .join(format!("{}{}", self.name, env::consts::EXE_SUFFIX))
    }

    /// Returns true if this program is the tool at the right version.
    fn is(&self, path: &Path) -> bool {
        version(path, self.subcommand).as_deref() == Some(self.version)
    }

    /// Builds it in a temporary folder of the cache, and moves it to its place when it is
    /// complete: a folder with its name is never half an installation.
    fn install(&self, workspace: &Workspace, progress: &Progress) -> Result<()> {
        let Pinned { name, version, .. } = self;
        let tools = cache()?.join("tools");
        let home = tools.join(self.folder());
        let create = || -> Result<(File, tempfile::TempDir)> {
            fs::create_dir_all(&tools)?;
            let lock = File::create(tools.join("lock"))?;
            if lock.try_lock().is_err() {
                progress.step("waiting for another run that installs these tools");
                lock.lock()?;
            }
            Ok((lock, tempfile::tempdir_in(&tools)?))
        };
        let (_lock, scratch) = create().with_context(|| {
            format!(
                "cannot write {}; set XDG_CACHE_HOME to a folder that you may write",
                tools.display()
            )
        })?;
        if self.is(&self.bin(&home)) {
            return Ok(()); // The other one installed it.
        }
        let log = tools.join(format!("{}.log", self.folder()));
        progress.step(format!(
            "installing {name} {version} into the user's cache (once, {})",
            self.patience
        ));
        let root = scratch.path().join("root");
        let finished = Task::cargo(workspace, &log)
            .args(["install", name, "--locked", "--version", version, "--debug"])
            .args(self.less)
            .args([OsStr::new("--root"), root.as_os_str()])
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", scratch.path().join("target"))
            .limit(Duration::from_secs(60 * 60))
            .run(progress, child::quiet)?;
        if child::interrupted() {
            bail!("interrupted while {name} was being installed; run the command again");
        }
        ensure!(
            finished.success(),
            "installing {name} {version} failed ({}); this needs the network once: read {}, or \
             put {name} {version} on PATH",
            last_error(&finished.log_text()),
            log.display()
        );
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        fs::rename(&root, &home).with_context(|| format!("cannot create {}", home.display()))?;
        progress.line(&format!(
            "installed {name} {version} in {:.0} s",
            finished.seconds
        ));
        Ok(())
    }
}

/// The version that a subcommand of Cargo prints.
pub fn version(path: &Path, subcommand: &str) -> Option<String> {
    let output = Command::new(path)
        .args([subcommand, "--version"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output
        .status
        .success()
        .then(|| version_in(&text, subcommand).map(str::to_owned))?
}

/// 0.9.148 of `cargo-nextest 0.9.148 (1234abcd 2026-01-01)`.
fn version_in<'a>(output: &'a str, subcommand: &str) -> Option<&'a str> {
    let mut words = output.lines().next()?.split_whitespace();
    let name = words.next()?.strip_prefix("cargo-")?;
    (name == subcommand).then_some(())?;
    words.next()
}

/// The path as people type it: `~/…` where that is the same.
pub fn below_home(path: &Path) -> OsString {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    match home.and_then(|home| Some(path.strip_prefix(home).ok()?.to_path_buf())) {
        Some(below) => Path::new("~").join(below).into(),
        None => path.into(),
    }
}

pub(crate) fn cache() -> Result<PathBuf> {
    let base = etcetera::base_strategy::choose_base_strategy()
        .context("no cache folder; set HOME or XDG_CACHE_HOME")?;
    Ok(base.cache_dir().join("cgolab"))
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
    fn versions() {
        let nextest = |output| version_in(output, "nextest");
        assert_eq!(
            nextest("cargo-nextest 0.9.148 (1234 2026-01-01)\nrelease: 0.9.148\n"),
            Some("0.9.148")
        );
        assert_eq!(version_in("cargo-fuzz 0.13.2\n", "fuzz"), Some("0.13.2"));
        assert_eq!(nextest("cargo-fuzz 0.13.2"), None);
        assert_eq!(nextest("cargo 1.95.0"), None);
        assert_eq!(nextest(""), None);
    }

    #[test]
    fn half_an_installation_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!NEXTEST.is(&dir.path().join("bin/cargo-nextest")));
        fs::write(dir.path().join("cargo-nextest"), "not a program").unwrap();
        assert!(!NEXTEST.is(&dir.path().join("cargo-nextest")));
    }

    #[test]
    fn the_last_error_is_the_one_to_show() {
        assert_eq!(last_error("error: a\nerror: b\nnote\n"), "error: b");
        assert_eq!(last_error(""), "no message");
    }

    #[test]
    fn a_script_installs_the_version_that_the_lab_runs() {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
        // A published crate has none.
        let Ok(scripts) = fs::read_dir(scripts) else {
            return;
        };
        let texts: Vec<String> = scripts
            .map(|it| fs::read_to_string(it.unwrap().path()).unwrap())
            .collect();
        let words = texts.iter().flat_map(|it| it.split_whitespace());
        for tool in ALL {
            let at = format!("{}@", tool.name);
            let mut versions = words.clone().filter_map(|it| it.strip_prefix(&at));
            assert!(versions.clone().next().is_some(), "none installs {at}");
            assert!(versions.all(|it| it == tool.version), "{at}");
        }
    }
}
