//! The Rust toolchain for fuzzing: its compiler options are nightly's.
//!
//! An installed nightly is taken if it is as new as the project asks for. Otherwise the stable
//! toolchain is told to accept nightly's options (`RUSTC_BOOTSTRAP=1`), in the fuzzing child only.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::host::child::Task;
use crate::host::workspace::Workspace;

/// Which toolchain fuzzes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForFuzzing {
    /// rustup's `nightly`.
    Nightly,
    /// The one that runs us, with `RUSTC_BOOTSTRAP=1`.
    Stable,
}

impl ForFuzzing {
    /// Lets this child of cargo-fuzz build with the toolchain.
    pub fn prepare(&self, task: Task) -> Task {
        match self {
            ForFuzzing::Nightly => task.env("RUSTUP_TOOLCHAIN", "nightly"),
            ForFuzzing::Stable => task.env("RUSTC_BOOTSTRAP", "1"),
        }
    }

    /// The first words of a command of cargo-fuzz, when it is on `PATH`.
    pub fn plain(&self) -> &'static str {
        match self {
            ForFuzzing::Nightly => "cargo +nightly fuzz",
            ForFuzzing::Stable => "RUSTC_BOOTSTRAP=1 cargo fuzz",
        }
    }
}

/// The toolchain for fuzzing in this checkout.
pub fn for_fuzzing(workspace: &Workspace) -> ForFuzzing {
    match nightly() {
        Some(version) if version >= minimum(workspace) => ForFuzzing::Nightly,
        _ => ForFuzzing::Stable,
    }
}

/// Major and minor number of a Rust version.
pub type Version = (u32, u32);

/// The version of the installed nightly, if rustup has one.
pub fn nightly() -> Option<Version> {
    let list = answer("rustup", &["toolchain", "list"])?;
    // Asking for one that is not installed could install it.
    has_nightly(&list).then_some(())?;
    rust_version(&answer(
        "rustup",
        &["run", "nightly", "rustc", "--version"],
    )?)
}

/// The oldest Rust that builds the project.
pub fn minimum(workspace: &Workspace) -> Version {
    let manifest = fs::read_to_string(workspace.path("Cargo.toml")).unwrap_or_default();
    rust_version_of(&manifest).unwrap_or((0, 0))
}

/// The path of rustup.
pub fn rustup() -> Option<PathBuf> {
    which::which("rustup").ok()
}

/// Standard output of a program that succeeds.
pub fn answer(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns true if `rustup toolchain list` names the nightly that `+nightly` means, and not a dated one.
fn has_nightly(list: &str) -> bool {
    list.lines().any(|line| {
        let name = line.split_whitespace().next().unwrap_or_default();
        match name.strip_prefix("nightly") {
            Some("") => true,
            Some(rest) => rest
                .strip_prefix('-')
                .is_some_and(|host| !host.starts_with(|c: char| c.is_ascii_digit())),
            None => false,
        }
    })
}

/// 1.97 of `rustc 1.97.0-nightly (1234abcd 2026-01-01)`.
pub fn rust_version(output: &str) -> Option<Version> {
    let word = output.strip_prefix("rustc ")?.split_whitespace().next()?;
    version(word)
}

fn version(word: &str) -> Option<Version> {
    let mut numbers = word.split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// `rust-version` of a workspace's manifest.
fn rust_version_of(manifest: &str) -> Option<Version> {
    #[derive(Deserialize)]
    struct Manifest {
        workspace: Workspace,
    }
    #[derive(Deserialize)]
    struct Workspace {
        package: Package,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Package {
        rust_version: String,
    }
    let manifest: Manifest = toml::from_str(manifest).ok()?;
    version(&manifest.workspace.package.rust_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_undated_nightly_counts() {
        assert!(has_nightly(
            "stable-x86_64-unknown-linux-gnu (default)\nnightly-x86_64-unknown-linux-gnu\n"
        ));
        assert!(has_nightly("nightly (override)"));
        for list in [
            "",
            "no installed toolchains",
            "1.95.0-x86_64-unknown-linux-gnu (active)",
            "nightly-2026-01-01-x86_64-unknown-linux-gnu",
            "nightlyish-x86_64",
        ] {
            assert!(!has_nightly(list), "{list}");
        }
    }

    #[test]
    fn versions() {
        assert_eq!(
            rust_version("rustc 1.97.0-nightly (abc 2026-04-01)"),
            Some((1, 97))
        );
        assert_eq!(rust_version("rustc 1.95.0 (abc 2026-03-01)"), Some((1, 95)));
        assert_eq!(rust_version("cargo 1.95.0"), None);
        let manifest = "[workspace]\nmembers = []\n[workspace.package]\nrust-version = \"1.95\"\n";
        assert_eq!(rust_version_of(manifest), Some((1, 95)));
        assert_eq!(rust_version_of("[workspace]\n"), None);
        assert!((1, 100) > (1, 95));
    }

    #[test]
    fn both_toolchains_are_typed_as_people_do() {
        assert_eq!(ForFuzzing::Nightly.plain(), "cargo +nightly fuzz");
        assert_eq!(ForFuzzing::Stable.plain(), "RUSTC_BOOTSTRAP=1 cargo fuzz");
    }
}
