//! A host written in C, compiled against the checked-in header and linked with the static library.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Cargo puts the static library where it puts this test.
fn static_library() -> PathBuf {
    let test = env::current_exe().unwrap();
    let library = test.with_file_name("libcourier.a");
    assert!(library.exists(), "{} is missing", library.display());
    library
}

fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

#[test]
fn a_c_program_loads_a_file_and_serves_one() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("hello.txt"), "hello from a file\n").unwrap();
    fs::write(directory.path().join("secret"), "secret").unwrap();

    let program = directory.path().join("load_file");
    let compiler = env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    run(Command::new(compiler)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(manifest.join("include"))
        .arg(manifest.join("tests/c/load_file.c"))
        .arg(static_library())
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(&program));
    let output = run(Command::new(program).arg(&root));
    assert_eq!(output.stdout, b"loaded\n");
}
