//! The tools that a machine must bring: C and C++ compilers, Go.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::Program;
use crate::host::child;
use crate::host::out::one_line;
use crate::host::workspace::Workspace;

/// The oldest Go that has `runtime.Pinner`.
const GO_MINOR: u32 = 21;

/// The C++ compiler, for libFuzzer and for one check of the header.
pub fn find_cxx() -> Result<Program> {
    find_compiler("C++", "CXX", &["c++", "g++", "clang++"], "g++ or clang")
}

/// The C compiler, after it has shown that it can make a program.
pub fn find_c() -> Result<Program> {
    let found = find_compiler("C", "CC", &["cc", "gcc", "clang"], "gcc or clang")?;
    compiles(&found)?;
    Ok(found)
}

/// The compiler that `variable` names, or else the first of `names`.
fn find_compiler(
    language: &str,
    variable: &str,
    names: &[&str],
    packages: &str,
) -> Result<Program> {
    named_by(variable, names).ok_or_else(|| {
        let names = names.join(", ");
        match env::var(variable) {
            Ok(wish) if !wish.is_empty() => anyhow!(
                "the {language} compiler of {variable}={wish} was not found; install it, or unset \
                 {variable} to use one of {names}"
            ),
            _ => anyhow!(
                "no {language} compiler ({names}) on PATH; install {packages}, or set {variable} \
                 to the one you have"
            ),
        }
    })
}

/// Compiles and links a program of one line, because a compiler may come without a C library.
fn compiles(c: &Program) -> Result<()> {
    const PROBE: &str =
        "#include <stdint.h>\n#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n";
    let dir = tempfile::tempdir()?;
    fs::write(dir.path().join("probe.c"), PROBE)?;
    let output = Command::new(&c.path)
        .args(&c.args)
        .args(["probe.c", "-o", "probe"])
        .current_dir(dir.path())
        // Its errors are read.
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", c.path.display()))?;
    ensure!(
        !child::interrupted(),
        "interrupted while the C compiler was tried"
    );
    if output.status.success() && dir.path().join("probe").is_file() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let why = match first_error(&said) {
        Some(line) => one_line(line, 200),
        None if output.status.success() => "it wrote no program".to_owned(),
        None => format!("it says nothing ({})", output.status),
    };
    bail!(
        "the C compiler {} cannot compile a program of one line: {why}; install a complete one \
         (Debian: gcc and libc6-dev), or set CC to the one you have",
        [&c.shown.to_string_lossy().into_owned()]
            .into_iter()
            .chain(&c.args)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    )
}

/// The line of a compiler's errors that tells most.
fn first_error(said: &str) -> Option<&str> {
    // What the linker says comes before the driver's word that it failed.
    let driver = |line: &str| line.starts_with("collect2:");
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next()?;
    let error = lines.find(|line| line.contains("error"));
    Some(error.filter(|line| !driver(line)).unwrap_or(first))
}

/// The program that `variable` names (which may bring arguments), or the first of `names`.
fn named_by(variable: &str, names: &[&str]) -> Option<Program> {
    let wish = env::var(variable).unwrap_or_default();
    let mut words = wish.split_whitespace().map(str::to_owned);
    match words.next() {
        Some(name) => named(name, words.collect()),
        None => names
            .iter()
            .find_map(|name| named((*name).to_owned(), Vec::new())),
    }
}

/// The program of this name on `PATH`.
fn named(name: String, args: Vec<String>) -> Option<Program> {
    Some(Program {
        path: which::which(&name).ok()?,
        args,
        shown: name.into(),
    })
}

/// Go with cgo, of a release that the project supports.
pub fn find_go(workspace: &Workspace) -> Result<Program> {
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

/// The minor number of a release of Go: 26 of `go1.26.8`, `go1.27rc1` or `go1.26.8 X:cgocheck2`. A development
/// version has none.
pub(crate) fn go_minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_that_cannot_compile_is_quoted() {
        let refused = |path: &str| {
            let program = Program {
                path: which::which(path).unwrap(),
                args: vec!["-c".to_owned()],
                shown: path.into(),
            };
            compiles(&program).unwrap_err().to_string()
        };
        let error = refused("false");
        assert!(
            error.starts_with("the C compiler false -c cannot compile"),
            "{error}"
        );
        assert!(error.contains("exit status: 1"), "{error}");
        assert!(refused("true").contains("it wrote no program"));
        // `sh -c probe.c`: something that is no compiler.
        assert!(refused("sh").contains("probe.c"));
    }

    #[test]
    fn the_first_error_is_found() {
        let gcc = "In file included from /usr/lib/gcc/stdint.h:9,\n                 from probe.c:1:\n\
                   stdint-wrap.h:1:15: fatal error: stdint.h: No such file\n  1 | #include\n";
        assert_eq!(
            first_error(gcc),
            Some("stdint-wrap.h:1:15: fatal error: stdint.h: No such file")
        );
        let ld = "/usr/bin/ld: cannot find crt1.o: No such file\ncollect2: error: ld returned 1\n";
        assert_eq!(
            first_error(ld),
            Some("/usr/bin/ld: cannot find crt1.o: No such file")
        );
        assert_eq!(first_error("\n"), None);
    }

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
