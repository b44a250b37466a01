//! Facts about where something ran: the machine, the commit, the versions of tools.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::host::tools::Tools;
use crate::host::tools::rust::ForFuzzing;
use crate::host::workspace::Workspace;

/// The commit that was checked out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// The full hash.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// Files differ from the commit, or are not known to it.
    pub dirty: bool,
}

/// The shape of the machine, as far as it can be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Such as `linux`.
    pub os: String,
    /// Name and release of the kernel.
    pub kernel: Option<String>,
    /// Such as `x86_64`.
    pub arch: String,
    /// The model of the processor.
    pub cpu: Option<String>,
    /// Logical processors that this process may use.
    pub cores: Option<usize>,
    /// The memory of the machine.
    pub memory_bytes: Option<u64>,
}

/// A tool that engines used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name for people.
    pub name: String,
    /// The version as the tool prints it, on one line.
    pub version: String,
}

/// The command line as people type it.
pub fn typed() -> String {
    let words = env::args().skip(1);
    [this()]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A command of ours as people type it here, for messages.
pub(crate) fn ours(words: &str) -> String {
    format!("{} {words}", this())
}

/// The name by which people call this program.
fn this() -> String {
    named(env::var_os("CARGO").is_some(), env::args().next())
}

/// The name of a program, or Cargo's alias for it.
fn named(by_cargo: bool, program: Option<String>) -> String {
    let program = program.unwrap_or_default();
    match Path::new(&program).file_name() {
        Some(name) if !by_cargo => name.display().to_string(),
        _ => "cargo lab".to_owned(),
    }
}

/// The standard output of a command, if it succeeds.
pub(crate) fn output_of(
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
pub fn commit(root: &Path) -> Option<Commit> {
    let prefix = output_of(root, "git", &["rev-parse", "--show-prefix"])?;
    if !prefix.trim().is_empty() {
        return None;
    }
    let head = output_of(root, "git", &["log", "-1", "--format=%H%n%s"])?;
    let mut lines = head.lines();
    Some(Commit {
        id: lines.next()?.to_owned(),
        subject: lines.next().unwrap_or_default().to_owned(),
        // If git cannot tell, nothing is promised.
        dirty: output_of(root, "git", &["status", "--porcelain"])
            .is_none_or(|text| !text.is_empty()),
    })
}

/// The versions of the compilers, and of the tools that were asked for.
pub fn versions(workspace: &Workspace, tools: &Tools) -> Vec<Tool> {
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
    add("rustc", output_of(root, "rustc", &["--version"]));
    add("cargo", output_of(root, cargo, &["--version"]));
    if let Ok(go) = tools.go() {
        add("go", output_of(&workspace.go_dir(), &go.path, &["version"]));
    }
    if let Ok(c) = tools.c() {
        add("C compiler", output_of(root, &c.path, &["--version"]));
    }
    if let Ok(nextest) = tools.nextest() {
        let args = ["nextest", "--version"];
        add("nextest", output_of(root, &nextest.path, &args));
    }
    if let Ok(fuzz) = tools.fuzz() {
        add(
            "cargo-fuzz",
            output_of(root, &fuzz.program.path, &["fuzz", "--version"]),
        );
        // Stable is named above already.
        if fuzz.toolchain == ForFuzzing::Nightly {
            let args = ["run", "nightly", "rustc", "--version"];
            add("rustc for fuzzing", output_of(root, "rustup", &args));
        }
    }
    found
}

/// The shape of this machine.
pub fn machine() -> Machine {
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
            output_of(here, "sysctl", &["-n", "machdep.cpu.brand_string"]),
            output_of(here, "sysctl", &["-n", "hw.memsize"])
                .and_then(|text| text.trim().parse().ok()),
        )
    };
    Machine {
        os: env::consts::OS.to_owned(),
        kernel: output_of(here, "uname", &["-sr"]).map(|text| text.trim().to_owned()),
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
    fn commands_are_named_as_people_call_them() {
        let program = || Some("/usr/bin/cgolab".to_owned());
        assert_eq!(named(false, program()), "cgolab");
        assert_eq!(named(true, program()), "cargo lab");
        assert_eq!(named(false, None), "cargo lab");
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
            output_of(dir.path(), "git", &[&who, args].concat())
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
