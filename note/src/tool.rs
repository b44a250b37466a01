//! Tools that a test needs.
//!
//! A machine that lacks one stays green, and is told what was left out. Where [`DEMANDED`] names the tool, as it does in
//! continuous integration, the test fails instead: nobody reads there what was skipped.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Note;

/// Name of the variable that lists tools which must be there, with commas between.
pub const DEMANDED: &str = "CGOLAB_DEMAND";

/// Names of clang, in the order in which they are tried: Debian's have the number of the release in them.
pub fn clang_names() -> impl Iterator<Item = String> {
    let numbered = (14..=24).rev().map(|release| format!("clang-{release}"));
    ["clang".to_owned()].into_iter().chain(numbered)
}

/// Finds clang on `PATH`.
pub fn clang_on_path() -> Option<PathBuf> {
    clang_names().find_map(on_path)
}

/// Finds clang on `PATH`, without which a test does nothing; prints a note if it is not there.
///
/// # Panics
/// If it is not there and is demanded.
pub fn clang() -> Option<PathBuf> {
    clang_on_path().or_else(|| missing("clang"))
}

/// Finds a compiler of C++ on `PATH`, without which a test does nothing; prints a note if there is none.
///
/// # Panics
/// If there is none and `c++` is demanded.
pub fn cxx() -> Option<PathBuf> {
    let mut names = ["c++", "g++", "clang++"].iter();
    names.find_map(on_path).or_else(|| missing("c++"))
}

/// Finds a tool on `PATH`, without which a test does nothing; prints a note if it is not there.
///
/// # Panics
/// If it is not there and is demanded.
pub fn tool(name: &str) -> Option<PathBuf> {
    on_path(name).or_else(|| missing(name))
}

/// Reports whether `pkg-config` knows a library, without which a test does nothing; prints a note if it does not.
///
/// # Panics
/// If it does not and the library is demanded.
pub fn library(name: &str) -> bool {
    let known = on_path("pkg-config").is_some_and(|it| {
        let status = Command::new(it).args(["--exists", name]).status();
        status.is_ok_and(|it| it.success())
    });
    if !known {
        lacking(name, &format!("no {name} known to pkg-config"));
    }
    known
}

fn on_path(name: impl AsRef<Path>) -> Option<PathBuf> {
    which::which(name.as_ref()).ok()
}

fn missing(name: &str) -> Option<PathBuf> {
    lacking(name, &format!("no {name} on PATH"));
    None
}

fn lacking(name: &str, why: &str) {
    let demanded = env::var(DEMANDED).unwrap_or_default();
    println!("{}", skip(name, why, &demanded));
}

/// The note of a test that lacks a tool.
fn skip(name: &str, why: &str, demanded: &str) -> Note {
    let is_demanded = demanded.split(',').any(|it| it.trim() == name);
    assert!(!is_demanded, "{why}, and {DEMANDED} asks for it");
    Note::skipped(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_without_its_tool_is_skipped_aloud() {
        for demanded in ["", "gdb", "clang-19, gdb"] {
            let why = "no clang on PATH";
            assert_eq!(skip("clang", why, demanded), Note::skipped(why));
        }
        assert!(!library("cgolab-no-such-library"));
        assert_eq!(tool("cgolab-no-such-tool"), None);
    }

    #[test]
    #[should_panic(expected = "no clang on PATH, and CGOLAB_DEMAND asks for it")]
    fn a_test_without_a_demanded_tool_fails() {
        skip("clang", "no clang on PATH", "gdb, clang");
    }

    #[test]
    fn the_newest_clang_comes_first_behind_the_one_without_a_number() {
        let names: Vec<String> = clang_names().take(3).collect();
        assert_eq!(names, ["clang", "clang-24", "clang-23"]);
    }
}
