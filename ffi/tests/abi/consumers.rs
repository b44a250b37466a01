//! Hosts written in C: each file of `tests/c` is compiled against the checked-in header, strictly, linked
//! with the static library and the listed native libraries, and run.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cgolab_note::tool;
use tempfile::TempDir;

use super::{built, c_sources, manifest, native_libraries, output, report, run};

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];
const C11: &[&str] = &["-std=c11"];
const CPP17: &[&str] = &["-std=c++17", "-x", "c++"];

macro_rules! consumers {
    ($($name:ident: $file:literal,)*) => {
        const CONSUMERS: &[&str] = &[$($file),*];

        mod cc {
            $(#[test] fn $name() { super::works_in(super::c_compiler(), super::C11, $file) })*
        }

        mod clang {
            $(#[test] fn $name() { super::works_in_clang($file) })*
        }

        mod cpp {
            $(#[test] fn $name() { super::works_in_cpp($file) })*
        }

        mod valgrind {
            $(#[test] fn $name() { super::is_clean_under_valgrind($file) })*
        }
    };
}

consumers! {
    abi_08_library: "library.c",
    abi_06_abi_10_log: "log.c",
    abi_06_abi_10_runtime: "runtime.c",
    abi_06_abi_10_session: "session.c",
    abi_06_abi_10_provider: "provider.c",
    abi_06_abi_10_request: "request.c",
    abi_06_event: "event.c",
    val_09_blob: "blob.c",
    abi_11_user_data: "user_data.c",
    abi_06_wake: "wake.c",
    load_file: "load_file.c",
}

#[test]
fn every_c_file_is_used() {
    // These two are not for the static library alone.
    let elsewhere = ["layout.c", "two_archives.c"];
    let used: BTreeSet<&str> = CONSUMERS.iter().copied().chain(elsewhere).collect();
    let sources = c_sources();
    let there: BTreeSet<&str> = sources
        .iter()
        .map(|path| path.file_name().and_then(OsStr::to_str).unwrap())
        .collect();
    assert_eq!(used, there);
}

/// The C compiler.
pub(super) fn c_compiler() -> Command {
    wanted("CC").unwrap_or_else(|| Command::new("cc"))
}

/// The command that a variable names, with its arguments.
fn wanted(variable: &str) -> Option<Command> {
    let wish = env::var(variable).unwrap_or_default();
    let mut words = wish.split_whitespace();
    let mut command = Command::new(words.next()?);
    command.args(words);
    Some(command)
}

fn works_in(compiler: Command, language: &[&str], file: &str) {
    let host = Host::compile(compiler, language, file, &manifest().join("include"));
    run(&mut host.command());
}

fn works_in_clang(file: &str) {
    if let Some(clang) = tool::clang() {
        works_in(Command::new(clang), C11, file);
    }
}

fn works_in_cpp(file: &str) {
    if let Some(compiler) = wanted("CXX").or_else(|| tool::cxx().map(Command::new)) {
        works_in(compiler, CPP17, file);
    }
}

fn is_clean_under_valgrind(file: &str) {
    let Some(valgrind) = tool::tool("valgrind") else {
        return;
    };
    let host = Host::compile(c_compiler(), C11, file, &manifest().join("include"));
    // Memory that statics still point to at the end is no leak.
    let kinds = [
        "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
    ];
    let mut valgrind = Command::new(valgrind);
    valgrind
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
        .args(kinds)
        .arg(&host.program)
        .arg(host.root());
    run(&mut valgrind);
}

#[test]
fn abi_08_a_library_of_another_build_is_refused() {
    let changes = [
        (
            "courier.h",
            "COURIER_ABI_VERSION 1",
            "COURIER_ABI_VERSION 2",
        ),
        (
            "courier.h",
            "COURIER_EVENT_FAILED 2",
            "COURIER_EVENT_FAILED 22",
        ),
        ("courier.h", "uint64_t load;\n", "uint32_t load;\n"),
        // As if a prototype had changed.
        (
            "courier_layout.h",
            "_HASH UINT64_C(",
            "_HASH UINT64_C(1) ^ UINT64_C(",
        ),
    ];
    for (changed, from, to) in changes {
        let include = tempfile::tempdir().unwrap();
        for header in ["courier.h", "courier_layout.h"] {
            let text = super::read(&format!("include/{header}"));
            assert!(header != changed || text.contains(from), "{from} is gone");
            let text = if header == changed {
                text.replace(from, to)
            } else {
                text
            };
            fs::write(include.path().join(header), text).unwrap();
        }
        let host = Host::compile(c_compiler(), C11, "library.c", include.path());
        let mut command = host.command();
        let output = output(&mut command);
        assert_eq!(
            output.status.code(),
            Some(3),
            "{to}: {}",
            report(&command, &output)
        );
    }
}

/// A compiled C program.
struct Host {
    directory: TempDir,
    program: PathBuf,
}

impl Host {
    fn compile(mut compiler: Command, language: &[&str], file: &str, include: &Path) -> Host {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("host");
        compiler
            .args(["-g", "-I"])
            .arg(include)
            .args(WARNINGS)
            .args(language)
            .arg(manifest().join("tests/c").join(file));
        if language == CPP17 {
            // Of what follows, nothing is C++.
            compiler.args(["-x", "none"]);
        }
        run(compiler
            .arg(built("libcourier.a"))
            .args(native_libraries())
            .arg("-o")
            .arg(&program));
        Host { directory, program }
    }

    /// A directory with `hello.txt` in it, and a secret beside it.
    fn root(&self) -> PathBuf {
        let root = self.directory.path().join("root");
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("hello.txt"), "hello from a file\n").unwrap();
        fs::write(self.directory.path().join("secret"), "secret").unwrap();
        root
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(self.root());
        command
    }
}
