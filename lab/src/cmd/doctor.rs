//! `cargo lab doctor`: the tools of this machine, and instructions to get missing ones.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use cgolab_note::tool::clang_on_path;

use crate::host::machine::ours;
use crate::host::out;
use crate::host::out::one_line;
use crate::host::tools::pinned::{self, Pinned, below_home};
use crate::host::tools::rust::{self, ForFuzzing};
use crate::host::tools::{Program, system};
use crate::host::workspace::Workspace;

/// The state of a tool on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Installed, in a version that works.
    Found { version: String, place: String },
    /// Not installed; the lab brings it, or works without it.
    Optional { note: String },
    /// Not installed, or unusable: engines cannot run. `help` says how to get it.
    Missing { help: String },
}

/// One line of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    tool: &'static str,
    /// The purpose that the tool serves here.
    purpose: &'static str,
    state: State,
}

/// Prints the tools of this machine, and returns `true` if nothing is missing.
pub(crate) fn doctor(workspace: &Workspace) -> Result<bool> {
    let findings = look(workspace)?;
    out::print(show(&findings))?;
    out::print(path_help(&pinned_folders()?))?;
    Ok(!findings
        .iter()
        .any(|finding| matches!(finding.state, State::Missing { .. })))
}

fn look(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = vec![rustup(), cargo(), rustc(workspace), nightly(workspace)];
    for tool in pinned::ALL {
        findings.push(pinned_tool(tool)?);
    }
    let finding = |tool, purpose, found: Result<Program>, version: &[&str]| Finding {
        tool,
        purpose,
        state: match found {
            Ok(program) => State::Found {
                version: version_of(&program, version),
                place: place(&program.path),
            },
            Err(error) => State::Missing {
                help: one_line(&format!("{error:#}"), 300),
            },
        },
    };
    findings.extend([
        finding(
            "go",
            "Go engines",
            system::find_go(workspace),
            &["env", "GOVERSION"],
        ),
        finding(
            "C compiler",
            "cgo, layout",
            system::find_c(),
            &["--version"],
        ),
    ]);
    let mut cxx = finding(
        "C++ compiler",
        "libFuzzer, layout",
        system::find_cxx(),
        &["--version"],
    );
    if let State::Missing { help } = cxx.state {
        cxx.state = State::Optional {
            note: format!("{help}; without it `{}` skips fuzz-abi", ours("run")),
        };
    }
    findings.extend([cxx, clang()]);
    Ok(findings)
}

fn clang() -> Finding {
    let found = clang_on_path();
    Finding {
        tool: "clang",
        purpose: "fuzz-go, layout",
        state: match found {
            Some(path) => ran(&path, "install it anew"),
            None => State::Optional {
                note: format!("not found; without it `{}` skips fuzz-go", ours("run")),
            },
        },
    }
}

fn rustup() -> Finding {
    let state = match rust::rustup() {
        Some(path) => State::Found {
            version: rust::answer("rustup", &["--version"])
                .map_or_else(|| "no version".to_owned(), |text| number(&text)),
            place: place(&path),
        },
        None => State::Optional {
            note: "not found; without it the Rust on PATH is used".to_owned(),
        },
    };
    Finding {
        tool: "rustup",
        purpose: "toolchains",
        state,
    }
}

fn cargo() -> Finding {
    let path = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Finding {
        tool: "cargo",
        purpose: "everything",
        state: ran(Path::new(&path), "install Rust from https://rustup.rs"),
    }
}

fn rustc(workspace: &Workspace) -> Finding {
    // The one beside the Cargo that runs us; a plain `rustc` otherwise.
    let beside = env::var_os("CARGO")
        .map(|cargo| Path::new(&cargo).with_file_name(format!("rustc{}", env::consts::EXE_SUFFIX)))
        .filter(|path| path.is_file())
        .unwrap_or_else(|| "rustc".into());
    let (major, minor) = rust::minimum(workspace);
    let help = format!("install Rust {major}.{minor} or newer from https://rustup.rs");
    Finding {
        tool: "rustc",
        purpose: "everything",
        state: ran(&beside, &help),
    }
}

/// The state of a program that must run and print its version; `help` says how to get it.
fn ran(path: &Path, help: &str) -> State {
    let found = which::which(path).ok();
    let version = found
        .as_ref()
        .and_then(|path| rust::answer(&path.to_string_lossy(), &["--version"]));
    match (found, version) {
        (Some(path), Some(text)) => State::Found {
            version: number(&text),
            place: place(&path),
        },
        _ => State::Missing {
            help: help.to_owned(),
        },
    }
}

fn nightly(workspace: &Workspace) -> Finding {
    let state = match (rust::nightly(), rust::for_fuzzing(workspace)) {
        (Some((major, minor)), ForFuzzing::Nightly) => State::Found {
            version: format!("{major}.{minor}"),
            place: "rustup".to_owned(),
        },
        (Some((major, minor)), ForFuzzing::Stable) => State::Optional {
            note: format!(
                "{major}.{minor} is too old; fuzzing uses stable with RUSTC_BOOTSTRAP=1, or: \
                 rustup update nightly"
            ),
        },
        (None, _) => State::Optional {
            note: "not installed; fuzzing uses stable with RUSTC_BOOTSTRAP=1, or: rustup \
                   toolchain install nightly --profile minimal"
                .to_owned(),
        },
    };
    Finding {
        tool: "nightly",
        purpose: "fuzzing",
        state,
    }
}

fn pinned_tool(tool: Pinned) -> Result<Finding> {
    let state = match tool.find()? {
        Some(program) => State::Found {
            version: tool.version.to_owned(),
            place: place(&program.path),
        },
        None => {
            // Another version on PATH is left alone; people wonder about it.
            let other = which::which(tool.name)
                .ok()
                .and_then(|path| pinned::version(&path, tool.subcommand))
                .map_or_else(String::new, |version| format!("PATH has {version}; "));
            State::Optional {
                note: format!(
                    "{other}`{}` builds {} into its cache ({}); by hand: {}",
                    ours("run"),
                    tool.version,
                    tool.patience,
                    tool.install_command()
                ),
            }
        }
    };
    Ok(Finding {
        tool: tool.name,
        purpose: match tool.subcommand {
            "fuzz" => "fuzzing",
            _ => "tests",
        },
        state,
    })
}

/// The folders of pinned tools that are installed and not on `PATH`.
fn pinned_folders() -> Result<Vec<OsString>> {
    let mut folders = Vec::new();
    for tool in pinned::ALL {
        let Some(program) = tool.find()? else {
            continue;
        };
        let on_path = which::which(tool.name).is_ok_and(|path| path == program.path);
        if let (false, Some(folder)) = (on_path, program.path.parent()) {
            folders.push(below_home(folder));
        }
    }
    Ok(folders)
}

/// The shell line that puts the folders on `PATH`, so that the plain commands work.
fn path_help(folders: &[OsString]) -> String {
    if folders.is_empty() {
        return String::new();
    }
    let mut text =
        String::from("\nTo use the pinned tools by themselves, put their folders on PATH:\n");
    // A tilde in quotes or after a colon is not expanded by every shell.
    let folders: Vec<String> = folders
        .iter()
        .map(|folder| folder.to_string_lossy().replacen('~', "$HOME", 1))
        .collect();
    let _ = writeln!(text, "  export PATH=\"{}:$PATH\"", folders.join(":"));
    text
}

fn show(findings: &[Finding]) -> String {
    out::columns(findings.iter().map(|finding| {
        let (version, rest) = match &finding.state {
            State::Found { version, place } => (version.as_str(), place),
            State::Optional { note } => ("-", note),
            State::Missing { help } => ("MISSING", help),
        };
        [finding.tool, version, finding.purpose, rest]
    }))
}

fn place(path: &Path) -> String {
    below_home(path).to_string_lossy().into_owned()
}

/// The version that a program prints about itself.
fn version_of(program: &Program, args: &[&str]) -> String {
    rust::answer(&program.path.to_string_lossy(), args)
        .map_or_else(|| "no version".to_owned(), |text| number(&text))
}

/// The first word that is a version, such as 12.2.0 in `gcc (Debian 12.2.0-14) 12.2.0`, or go1.26.8.
fn number(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|word| word.trim_matches(['(', ')', ',']))
        .find(|word| {
            let digits = word.strip_prefix("go").unwrap_or(word);
            digits.contains('.') && digits.starts_with(|c: char| c.is_ascii_digit())
        })
        // Without what distributions add.
        .and_then(|word| word.split(['-', '+']).next())
        .unwrap_or("no version")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(number("cargo 1.95.0 (abc 2026-03-21)"), "1.95.0");
        assert_eq!(number("go1.26.8"), "go1.26.8");
        assert_eq!(number("gcc (Debian 12.2.0-14) 12.2.0\nCopyright"), "12.2.0");
        assert_eq!(number("Debian clang version 19.1.7 (3)"), "19.1.7");
        assert_eq!(number("hello"), "no version");
        assert_eq!(number(""), "no version");
    }

    #[test]
    fn what_is_missing_stands_out_with_its_help() {
        let finding = |state| Finding {
            tool: "go",
            purpose: "Go engines",
            state,
        };
        let text = show(&[
            finding(State::Found {
                version: "go1.26.8".to_owned(),
                place: "~/go/bin/go".to_owned(),
            }),
            finding(State::Missing {
                help: "install Go".to_owned(),
            }),
            finding(State::Optional {
                note: "is brought".to_owned(),
            }),
        ]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "go  go1.26.8  Go engines  ~/go/bin/go");
        assert!(lines[1].contains("MISSING") && lines[1].ends_with("install Go"));
        assert!(lines[2].ends_with("is brought"));
    }

    #[test]
    fn folders_are_written_as_a_shell_reads_them() {
        assert_eq!(path_help(&[]), "");
        let text = path_help(&["~/.cache/a/bin".into(), "/opt/b".into()]);
        assert!(
            text.ends_with("export PATH=\"$HOME/.cache/a/bin:/opt/b:$PATH\"\n"),
            "{text}"
        );
    }
}
