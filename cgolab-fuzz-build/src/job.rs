//! The build that Cargo asks a build script for.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// The build that Cargo asks for, as far as Go must know of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// Folder of the fuzz crate.
    pub(crate) manifest_dir: PathBuf,
    /// Folder for what is built.
    pub(crate) out_dir: PathBuf,
    /// The target in the words of rustc.
    pub(crate) target: String,
    /// Its architecture in the words of Go.
    pub(crate) goarch: &'static str,
    /// True if the build has AddressSanitizer.
    pub(crate) address: bool,
}

impl Job {
    /// Reads the variables that Cargo sets for build scripts.
    pub(crate) fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Job> {
        let wanted = |name: &str| {
            variable(name)
                .with_context(|| format!("{name} is not set: call this from a build script"))
        };
        let target = wanted("TARGET")?;
        let os = wanted("CARGO_CFG_TARGET_OS")?;
        let libc = variable("CARGO_CFG_TARGET_ENV").unwrap_or_default();
        let goarch = match wanted("CARGO_CFG_TARGET_ARCH")?.as_str() {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            _ => "",
        };
        if os != "linux" || libc != "gnu" || goarch.is_empty() {
            bail!(
                "Go has no counters for {target} in a program of Rust: fuzz on Linux with glibc, on x86_64 or aarch64"
            );
        }
        Ok(Job {
            manifest_dir: wanted("CARGO_MANIFEST_DIR")?.into(),
            out_dir: wanted("OUT_DIR")?.into(),
            target,
            goarch,
            address: address(&sanitizers(
                &variable("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default(),
                &variable("CARGO_CFG_SANITIZE").unwrap_or_default(),
            ))?,
        })
    }
}

/// The sanitizers that rustc is told of by its flags, and those that it tells of by `cfg(sanitize)`, which only nightly
/// does.
fn sanitizers(encoded_rustflags: &str, cfg: &str) -> Vec<String> {
    let mut lists = vec![cfg];
    let mut flags = encoded_rustflags.split('\u{1f}');
    while let Some(flag) = flags.next() {
        let option = match flag {
            "-Z" | "-C" | "--codegen" => flags.next().unwrap_or_default(),
            _ => ["-Z", "-C", "--codegen="]
                .iter()
                .find_map(|start| flag.strip_prefix(start))
                .unwrap_or_default(),
        };
        lists.extend(option.strip_prefix("sanitizer="));
    }
    let mut found: Vec<String> = lists
        .iter()
        .flat_map(|list| list.split(','))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Returns true for AddressSanitizer and false for none; all others are refused.
fn address(sanitizers: &[String]) -> Result<bool> {
    let why = match sanitizers.iter().find(|name| *name != "address") {
        None => return Ok(!sanitizers.is_empty()),
        Some(name) => match name.as_str() {
            "thread" => "thread: Go's accesses would be unknown to it; `go test -race` has its own",
            "memory" => {
                "memory: what Go writes would count as not set; `cgolab fuzz --sanitizer memory` has it for C"
            }
            "leak" => {
                "leak: what only Go's memory points to would be reported; address looks for leaks, too"
            }
            name => name,
        },
    };
    bail!(
        "a program with Go in it cannot be built with sanitizer {why}. Use `cargo fuzz run --sanitizer address` or \
        `--sanitizer none`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(changed: &[(&str, &str)]) -> Result<Job> {
        let plain = [
            ("TARGET", "x86_64-unknown-linux-gnu"),
            ("CARGO_CFG_TARGET_OS", "linux"),
            ("CARGO_CFG_TARGET_ENV", "gnu"),
            ("CARGO_CFG_TARGET_ARCH", "x86_64"),
            ("CARGO_MANIFEST_DIR", "/fuzz"),
            ("OUT_DIR", "/out"),
        ];
        Job::of(|name| {
            let mut all = changed.iter().chain(&plain);
            all.find(|(it, _)| *it == name)
                .map(|(_, value)| value.to_string())
        })
    }

    #[test]
    fn a_plain_build_has_no_sanitizer() {
        let plain = job(&[("CARGO_ENCODED_RUSTFLAGS", "-Cpasses=sancov-module")]).unwrap();
        assert!(!plain.address);
        assert_eq!(plain.goarch, "amd64");
        assert_eq!(plain.out_dir, PathBuf::from("/out"));
        assert!(!job(&[]).unwrap().address);
    }

    #[test]
    fn the_sanitizer_is_read_from_all_forms_of_the_flag() {
        for flags in [
            "-Zsanitizer=address",
            "-Csanitizer=address",
            "-Cpasses=sancov-module\u{1f}-Z\u{1f}sanitizer=address",
            "-C\u{1f}sanitizer=address\u{1f}-g",
            "--codegen\u{1f}sanitizer=address",
            "--codegen=sanitizer=address",
        ] {
            assert!(
                job(&[("CARGO_ENCODED_RUSTFLAGS", flags)]).unwrap().address,
                "{flags}"
            );
        }
        assert!(job(&[("CARGO_CFG_SANITIZE", "address")]).unwrap().address);
        assert_eq!(
            sanitizers("-Zsanitizer=address,leak", "address"),
            ["address", "leak"]
        );
        // An option of another name, and a cfg of the user's.
        let other = "-Zsanitizer-recover=address\u{1f}--cfg\u{1f}sanitizer=\"address\"";
        assert!(sanitizers(other, "").is_empty());
    }

    #[test]
    fn other_sanitizers_are_refused_with_what_to_use() {
        for name in ["thread", "memory", "leak", "hwaddress"] {
            let flag = format!("-Zsanitizer={name}");
            let error = job(&[("CARGO_ENCODED_RUSTFLAGS", &flag)]).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("sanitizer {name}")), "{text}");
            assert!(text.contains("--sanitizer address"), "{text}");
        }
    }

    #[test]
    fn targets_on_which_go_has_no_counters_are_refused() {
        for (name, value, target) in [
            ("CARGO_CFG_TARGET_OS", "macos", "x86_64-apple-darwin"),
            ("CARGO_CFG_TARGET_ENV", "musl", "x86_64-unknown-linux-musl"),
            (
                "CARGO_CFG_TARGET_ARCH",
                "riscv64",
                "riscv64gc-unknown-linux-gnu",
            ),
        ] {
            let error = job(&[(name, value), ("TARGET", target)]).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(target) && text.contains("glibc"), "{text}");
        }
    }

    #[test]
    fn outside_of_a_build_script_the_message_says_so() {
        let text = Job::of(|_| None).unwrap_err().to_string();
        assert_eq!(text, "TARGET is not set: call this from a build script");
    }
}
