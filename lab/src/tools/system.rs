//! The tools that a machine must bring: C and C++ compilers, objdump, Go.

use std::env;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::Program;
use crate::record::one_line;
use crate::workspace::Workspace;

/// The oldest Go that has `runtime.Pinner`.
const GO_MINOR: u32 = 21;

/// The C++ compiler, for libFuzzer and for one check of the header.
pub(crate) fn find_cxx() -> Option<Program> {
    named_by("CXX", &["c++", "g++", "clang++"])
}

/// The error for a missing C++ compiler.
pub(crate) fn no_cxx() -> anyhow::Error {
    anyhow!(
        "no C++ compiler (c++, g++, clang++) on PATH, and libFuzzer is C++; install g++ or clang, \
         or set CXX to the one you have"
    )
}

pub(crate) fn find_c() -> Result<Program> {
    named_by("CC", &["cc", "gcc", "clang"]).ok_or_else(|| match env::var("CC") {
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

pub(crate) fn find_objdump() -> Result<Program> {
    named_by("OBJDUMP", &["objdump", "llvm-objdump"]).ok_or_else(|| {
        anyhow!(
            "no objdump (objdump, llvm-objdump) on PATH; install binutils or llvm, or set OBJDUMP \
             to the one you have"
        )
    })
}

/// The program that `variable` names (which may bring arguments), or the first of `names`.
fn named_by(variable: &str, names: &[&str]) -> Option<Program> {
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

pub(crate) fn find_go(workspace: &Workspace) -> Result<Program> {
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
}
