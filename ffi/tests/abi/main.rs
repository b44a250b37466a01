//! The C ABI from outside: what C programs see, what the header says, what a linker finds.
//!
//! Names of tests carry contract ids; the engine `layout` runs them against the release build.

mod consumers;
mod header;
mod linkage;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of courier-ffi.
fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file in that folder.
fn read(path: &str) -> String {
    let path = manifest().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The C sources beside this test.
fn c_sources() -> Vec<PathBuf> {
    let directory = manifest().join("tests/c");
    let files = fs::read_dir(&directory).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect()
}

/// A library that Cargo built together with this test: it puts both into one folder.
fn built(name: &str) -> PathBuf {
    let library = env::current_exe().unwrap().with_file_name(name);
    assert!(library.exists(), "{} is missing", library.display());
    library
}

/// Libraries that a link with the static library needs beside it: as checked in, and nothing else.
fn native_libraries() -> Vec<String> {
    let text = read("native-libs.txt");
    text.split_whitespace().map(str::to_owned).collect()
}

/// C or C++ without its comments and preprocessor lines.
fn code(source: &str) -> String {
    let mut code = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        code.push_str(line.split("//").next().unwrap());
        code.push('\n');
    }
    assert!(!code.contains("/*"), "a comment that is not looked for");
    code
}

/// The functions of the library that are called or declared: names right before a parenthesis.
fn called(code: &str) -> impl Iterator<Item = &str> {
    code.split('(').filter_map(|text| {
        let start = text.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &text[start.map_or(0, |start| start + 1)..];
        name.starts_with("courier_").then_some(name)
    })
}

/// Runs a command that must succeed.
fn run(command: &mut Command) -> Output {
    let output = output(command);
    assert!(output.status.success(), "{}", report(command, &output));
    output
}

fn output(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The end of a command. Its complaint comes first: reports show one line.
fn report(command: &Command, output: &Output) -> String {
    format!(
        "{}{}\n{}\n{command:?}",
        String::from_utf8_lossy(&output.stderr),
        output.status,
        String::from_utf8_lossy(&output.stdout),
    )
}
