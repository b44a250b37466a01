//! Who ran what, where: `run.json` in the folder of a run.
//!
//! It is written when the run begins, after each engine and at the end, so that a run which was
//! killed still tells what it was.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use crate::tools::Tools;
use crate::tools::rust::ForFuzzing;
use crate::verdict::{End, EngineFacts, Facts};
use crate::workspace::Workspace;

/// The file in the folder of a run.
pub(crate) const FILE: &str = "run.json";

/// Variables that change what engines do; their values are written down.
pub(crate) const VARIABLES: [&str; 18] = [
    "CC",
    "CFLAGS",
    "CGO_CFLAGS",
    "CGO_LDFLAGS",
    "CXX",
    "COURIER_LOOM_BOUND",
    "GOAMD64",
    "GOARCH",
    "GODEBUG",
    "GOEXPERIMENT",
    "GOFLAGS",
    "GOMAXPROCS",
    "GOTOOLCHAIN",
    "PROPTEST_CASES",
    "PROPTEST_RNG_SEED",
    "RUSTFLAGS",
    "CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS",
    "CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS",
];

/// Everything about a run that is not a result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Identity {
    /// RFC 3339, in UTC.
    pub(crate) started: String,
    /// From begin to end; none while it runs, and for ever if it was killed.
    pub(crate) seconds: Option<f64>,
    /// The user asked to stop.
    pub(crate) interrupted: bool,
    /// What was typed.
    pub(crate) command: String,
    /// How deep engines go; none in a run of a version without profiles.
    pub(crate) profile: Option<String>,
    pub(crate) commit: Option<Commit>,
    pub(crate) machine: Machine,
    pub(crate) tools: Vec<Tool>,
    /// Variables that were set and that engines listen to.
    pub(crate) environment: BTreeMap<String, String>,
    /// The engines that were asked for, in the order in which they run.
    pub(crate) engines: Vec<EngineFacts>,
    /// The engines that nobody asked for.
    pub(crate) not_asked: Vec<String>,
}

/// What was checked out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub(crate) id: String,
    /// The first line of its message.
    pub(crate) subject: String,
    /// Files differ from the commit, or are not known to it.
    pub(crate) dirty: bool,
}

/// The shape of the machine, as far as it can be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Machine {
    pub(crate) os: String,
    pub(crate) kernel: Option<String>,
    pub(crate) arch: String,
    pub(crate) cpu: Option<String>,
    /// Logical processors that this process may use.
    pub(crate) cores: Option<usize>,
    pub(crate) memory_bytes: Option<u64>,
}

/// A tool that engines used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// What it says about itself, on one line.
    pub(crate) version: String,
}

impl Identity {
    /// Looks around. What cannot be found out stays empty; that is no reason not to run.
    pub(crate) fn gather(workspace: &Workspace, tools: &Tools, profile: Profile) -> Identity {
        Identity {
            started: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            command: typed(env::args()),
            profile: Some(profile.name().to_owned()),
            commit: commit(workspace.root()),
            machine: machine(),
            tools: versions(workspace, tools),
            environment: VARIABLES
                .into_iter()
                .filter_map(|key| Some((key.to_owned(), env::var(key).ok()?)))
                .collect(),
            ..Identity::default()
        }
    }

    /// The identity of the run in this folder. A run of a version that wrote none has only what
    /// the folder's name tells.
    pub(crate) fn read(folder: &Path) -> Result<Identity> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} was not written by `cargo lab run`", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Identity::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// What the verdict must know of it.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            end: if self.interrupted {
                End::Interrupted
            } else if !self.started.is_empty() && self.seconds.is_none() {
                End::Unknown
            } else {
                End::Complete
            },
            engines: self.engines.clone(),
            not_asked: self.not_asked.clone(),
        }
    }

    /// Writes it into the folder of its run.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The command line as people type it in a checkout.
pub(crate) fn typed(mut args: impl Iterator<Item = String>) -> String {
    let program = args.next().unwrap_or_default();
    let by_cargo = env::var_os("CARGO").is_some();
    let name = match Path::new(&program).file_name() {
        Some(name) if !by_cargo => name.display().to_string(),
        _ => "cargo lab".to_owned(),
    };
    [name].into_iter().chain(args).collect::<Vec<_>>().join(" ")
}

/// The standard output of a command, if it succeeds.
pub(crate) fn said(
    dir: &Path,
    program: impl AsRef<std::ffi::OsStr>,
    args: &[&str],
) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(dir)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The commit of the checkout; none outside of git, and none in a folder of another repository.
pub(crate) fn commit(root: &Path) -> Option<Commit> {
    let prefix = said(root, "git", &["rev-parse", "--show-prefix"])?;
    if !prefix.trim().is_empty() {
        return None;
    }
    let head = said(root, "git", &["log", "-1", "--format=%H%n%s"])?;
    let mut lines = head.lines();
    Some(Commit {
        id: lines.next()?.to_owned(),
        subject: lines.next().unwrap_or_default().to_owned(),
        // If git cannot tell, nothing is promised.
        dirty: said(root, "git", &["status", "--porcelain"]).is_none_or(|text| !text.is_empty()),
    })
}

pub(crate) fn versions(workspace: &Workspace, tools: &Tools) -> Vec<Tool> {
    let root = workspace.root();
    let first_line = |text: String| text.lines().next().unwrap_or_default().trim().to_owned();
    let mut found = Vec::new();
    let mut add = |name: &str, version: Option<String>| {
        if let Some(version) = version.map(first_line).filter(|line| !line.is_empty()) {
            found.push(Tool {
                name: name.to_owned(),
                version,
            });
        }
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    add("rustc", said(root, "rustc", &["--version"]));
    add("cargo", said(root, cargo, &["--version"]));
    if let Ok(go) = tools.go() {
        add("go", said(&workspace.go_dir(), &go.path, &["version"]));
    }
    if let Ok(c) = tools.c() {
        add("C compiler", said(root, &c.path, &["--version"]));
    }
    if let Ok(nextest) = tools.nextest() {
        let args = ["nextest", "--version"];
        add("nextest", said(root, &nextest.path, &args));
    }
    if let Ok(fuzz) = tools.fuzz() {
        add(
            "cargo-fuzz",
            said(root, &fuzz.program.path, &["fuzz", "--version"]),
        );
        // Stable is named above already.
        if fuzz.toolchain == ForFuzzing::Nightly {
            let args = ["run", "nightly", "rustc", "--version"];
            add("rustc for fuzzing", said(root, "rustup", &args));
        }
    }
    found
}

pub(crate) fn machine() -> Machine {
    let here = Path::new("/");
    let (cpu, memory) = if cfg!(target_os = "linux") {
        (
            fs::read_to_string("/proc/cpuinfo")
                .ok()
                .and_then(|text| value(&text, "model name")),
            fs::read_to_string("/proc/meminfo")
                .ok()
                .and_then(|text| kibibytes(&value(&text, "MemTotal")?)),
        )
    } else {
        (
            said(here, "sysctl", &["-n", "machdep.cpu.brand_string"]),
            said(here, "sysctl", &["-n", "hw.memsize"]).and_then(|text| text.trim().parse().ok()),
        )
    };
    Machine {
        os: env::consts::OS.to_owned(),
        kernel: said(here, "uname", &["-sr"]).map(|text| text.trim().to_owned()),
        arch: env::consts::ARCH.to_owned(),
        cpu: cpu.map(|text| text.trim().to_owned()),
        cores: thread::available_parallelism().ok().map(Into::into),
        memory_bytes: memory,
    }
}

/// The value of the first `key : value` line.
fn value(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

/// `8000000 kB` in bytes.
fn kibibytes(text: &str) -> Option<u64> {
    let number: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity {
            started: "2026-01-02T03:04:05Z".to_owned(),
            seconds: Some(1.5),
            command: "cargo lab run".to_owned(),
            commit: Some(Commit {
                id: "abc".to_owned(),
                subject: "x".to_owned(),
                dirty: true,
            }),
            machine: machine(),
            tools: vec![Tool {
                name: "go".to_owned(),
                version: "go version go1.26.8 linux/amd64".to_owned(),
            }],
            ..Identity::default()
        };
        identity.write(dir.path()).unwrap();
        assert_eq!(Identity::read(dir.path()).unwrap(), identity);
    }

    #[test]
    fn the_profile_is_named_as_it_is_typed() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        for (profile, typed) in [(Profile::Quick, "quick"), (Profile::Full, "full")] {
            let identity = Identity::gather(&workspace, &Tools::default(), profile);
            assert_eq!(identity.profile.as_deref(), Some(typed));
            assert!(<Profile as clap::ValueEnum>::from_str(typed, false).is_ok());
        }
    }

    #[test]
    fn an_older_run_has_no_identity_and_a_foreign_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Identity::read(dir.path()).unwrap(), Identity::default());
        fs::write(dir.path().join(FILE), "{}").unwrap();
        assert_eq!(Identity::read(dir.path()).unwrap(), Identity::default());
        fs::write(dir.path().join(FILE), "[").unwrap();
        let error = Identity::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains(FILE), "{error}");
    }

    #[test]
    fn a_folder_without_git_has_no_commit() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(commit(dir.path()), None);
    }

    #[test]
    fn a_commit_is_dirty_when_files_differ() {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
            said(dir.path(), "git", &[&who, args].concat())
        };
        if git(&["init", "-q"]).is_none() {
            return; // No git here: covered by the test above.
        }
        fs::write(dir.path().join("a"), "1").unwrap();
        git(&["add", "a"]).unwrap();
        git(&["commit", "-q", "-m", "one <b>"]).unwrap();
        let clean = commit(dir.path()).unwrap();
        assert_eq!(clean.subject, "one <b>");
        assert!(!clean.dirty);
        fs::write(dir.path().join("a"), "2").unwrap();
        assert!(commit(dir.path()).unwrap().dirty);
        fs::create_dir(dir.path().join("below")).unwrap();
        assert_eq!(commit(&dir.path().join("below")), None);
    }

    #[test]
    fn proc_files_are_read() {
        let text = "MemTotal:        8124592 kB\nMemFree: 1 kB\n";
        let memory = value(text, "MemTotal").unwrap();
        assert_eq!(kibibytes(&memory), Some(8_124_592 * 1024));
        assert_eq!(value(text, "Mem"), None);
        assert_eq!(kibibytes("12"), None);
    }
}
