//! Scenarios as programs: they compile without a warning, pass, and see what is not as it must be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cgolab_note::tool::tool;
use courier_replay::{golang, input, program};
use courier_scenario::Op;
use courier_scenario::explore::text::Scenario;
use tempfile::TempDir;

const SCENARIOS: [&str; 3] = ["late-answer", "callbacks-in-callbacks", "two-owners"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn scenario(name: &str) -> Scenario<Op> {
    let file = format!("scenario/scenarios/{name}.scenario");
    input::read(workspace().join(file).to_str().unwrap(), false).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The program passes; and where it expects something else of a step, it says so.
fn passes_and_can_fail(source: &str, run: impl Fn(&str) -> Output) {
    let passed = run(source);
    let (out, errors) = (text(&passed.stdout), text(&passed.stderr));
    assert_eq!(passed.status.code(), Some(0), "{out}{errors}");
    assert_eq!(out, "every step is as it must be\n", "{errors}");
    let wrong = source.replacen("\"unread 1", "\"unread 7", 1);
    let failed = run(&wrong);
    assert_eq!(failed.status.code(), Some(1));
    let out = text(&failed.stdout);
    for says in ["  expected: unread 7", "  seen:     unread 1"] {
        assert!(out.contains(says), "{out}");
    }
}

#[test]
fn programs_in_c_pass() {
    golang::build_library(&workspace()).unwrap();
    for name in SCENARIOS {
        let source = program::to_c(&scenario(name));
        passes_and_can_fail(&source, |source| {
            let dir = TempDir::new().unwrap();
            let file = dir.path().join("reproduce.c");
            fs::write(&file, source).unwrap();
            let command = "cc -std=c11 -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-parameter -I ffi/include $0 \
                           target/release/libcourier.a $(cat ffi/native-libs.txt) -o $0.out && $0.out";
            let mut shell = Command::new("sh");
            shell.args(["-c", command]).arg(&file);
            shell.current_dir(workspace()).output().unwrap()
        });
    }
}

#[test]
fn programs_in_go_pass() {
    if tool("go").is_none() {
        return;
    }
    golang::build_library(&workspace()).unwrap();
    for name in SCENARIOS {
        let source = program::to_go(&scenario(name));
        passes_and_can_fail(&source, |source| {
            let dir = TempDir::new().unwrap();
            let file = dir.path().join("reproduce.go");
            fs::write(&file, source).unwrap();
            let mut shell = Command::new("sh");
            shell
                .args(["-c", "go build -o $0.out $0 && $0.out"])
                .arg(&file);
            let folder = workspace().join("go-harness");
            shell.current_dir(folder).output().unwrap()
        });
    }
}

/// In a package of its own: an example of the runtime would be a file in the checkout.
#[test]
fn programs_in_rust_pass() {
    for name in SCENARIOS {
        let source = program::to_rust(&scenario(name));
        passes_and_can_fail(&source, |source| {
            let dir = TempDir::new().unwrap();
            let project = dir.path();
            fs::create_dir(project.join("src")).unwrap();
            fs::write(project.join("src/main.rs"), source).unwrap();
            let runtime = workspace().join("runtime").canonicalize().unwrap();
            let manifest = format!(
                "[package]\nname = \"reproduce\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
                 courier-core = {{ path = {runtime:?} }}\n"
            );
            fs::write(project.join("Cargo.toml"), manifest).unwrap();
            // The versions that the checkout has, so that nothing is fetched.
            fs::copy(workspace().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
            let target = workspace().join("target/lab/replay/rust");
            let mut cargo = Command::new("cargo");
            cargo
                .args(["run", "-q", "--offline", "--target-dir"])
                .arg(target);
            cargo.current_dir(project).output().unwrap()
        });
    }
}
