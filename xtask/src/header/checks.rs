//! Tests of the generated files, for the engine layout: `cgolab.toml` names them.
//!
//! The three views of the layout are texts of one form, one name a line (`field courier_event.kind 0 4`).
//! Rust's comes from the example `layout` of `courier-ffi`, C's from `ffi/tests/c/layout.c`, Go's from the
//! test `TestABI03GoLayout`, which prints its lines after `layout: `.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cgolab::host::child;
use cgolab::host::progress::Progress;
use cgolab::host::workspace::Workspace;
use cgolab_note::tool;

use super::generate::{self, CAPI, Generated, INCLUDE, NATIVE_LIBRARIES, View};

/// Strict enough that a header which passes compiles in anybody's project.
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];
/// The C program that prints what a compiler makes of the headers.
const PRINTER: &str = "ffi/tests/c/layout.c";

/// The struct of the planted bug, and the two fields that are swapped: of different sizes, so that offsets
/// move.
const CANARY_STRUCT: &str = "courier_event";
const CANARY_FIELDS: [&str; 2] = ["kind", "session"];

fn workspace() -> Workspace {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Workspace::at(&root.canonicalize().unwrap()).with_go_dir("go-harness")
}

/// The generated files that `which` says yes to are those in the checkout.
fn are_current(which: fn(&Generated) -> bool) {
    let scratch = tempfile::tempdir().unwrap();
    let workspace = workspace();
    let mut files = generate::generate(&workspace, &Progress::new(), scratch.path()).unwrap();
    files.retain(which);
    let differences = generate::differences(&workspace, &files);
    assert!(
        differences.is_empty(),
        "{}; run `cargo lab header`",
        differences.join("; ")
    );
}

#[test]
fn abi_02_header_is_current() {
    // The copies and the list have checks of their own.
    are_current(|file| {
        let copy = file.path.starts_with(CAPI) && file.path.ends_with(".h");
        !copy && file.path != NATIVE_LIBRARIES
    });
}

#[test]
fn abi_07_native_libraries_are_current() {
    are_current(|file| file.path == NATIVE_LIBRARIES);
}

#[test]
fn abi_02_copy_is_equal() {
    for header in headers() {
        let name = header.file_name().unwrap();
        let copy = workspace().path(CAPI).join(name);
        assert!(
            fs::read(&header).unwrap() == fs::read(copy).unwrap(),
            "{CAPI}/{0} differs from {INCLUDE}/{0}; run `cargo lab header`",
            name.display()
        );
    }
}

#[test]
fn abi_02_header_compiles_as_c11() {
    compiles(&c_compiler(), &["-std=c11"]);
}

#[test]
fn abi_02_header_compiles_in_clang() {
    if let Some(clang) = tool::clang() {
        compiles(&clang.display().to_string(), &["-std=c11"]);
    }
}

#[test]
fn abi_02_header_compiles_as_cpp17() {
    let found = || tool::cxx().map(|it| it.display().to_string());
    if let Some(compiler) = env::var("CXX").ok().or_else(found) {
        compiles(&compiler, &["-std=c++17", "-x", "c++"]);
    }
}

#[test]
fn abi_03_rust_and_c_agree() {
    assert_eq!(
        difference("C", &c_text(&workspace().path(INCLUDE)), &rust_text()),
        None
    );
}

#[test]
fn abi_03_go_agrees() {
    let output = Command::new("go")
        .args(["test", "-count=1", "-run", "^TestABI03GoLayout$", "-v"])
        .arg("./courier/internal/capi")
        .current_dir(workspace().go_dir())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let go = go_lines(&text);
    assert!(!go.is_empty(), "no layout was printed: {text}{errors}");
    assert_eq!(difference("Go", &go, &rust_text()), None);
    assert!(output.status.success(), "{text}{errors}");
}

/// The planted bug: a header with two fields of a struct in each other's place. The views must differ, and
/// say in which field.
#[test]
#[ignore = "a planted bug: it must fail"]
fn canary_two_fields_swapped() {
    let scratch = tempfile::tempdir().unwrap();
    // Freshly generated ones: a stale header in the checkout is for the checks to find.
    let files = generate::generate(&workspace(), &Progress::new(), scratch.path()).unwrap();
    let mut planted = false;
    for file in files.iter().filter(|file| file.path.starts_with(INCLUDE)) {
        let [one, other] = CANARY_FIELDS;
        let swapped = swap_fields(&file.text, CANARY_STRUCT, one, other);
        planted |= swapped.is_some();
        let name = Path::new(&file.path).file_name().unwrap();
        fs::write(
            scratch.path().join(name),
            swapped.as_ref().unwrap_or(&file.text),
        )
        .unwrap();
    }
    if !planted {
        // It passes then, which is a bug that was not caught.
        return;
    }
    assert_eq!(difference("C", &c_text(scratch.path()), &rust_text()), None);
}

fn c_compiler() -> String {
    env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// A compiler with the options that belong to its name, as in `CC="clang -m64"`.
fn program(compiler: &str) -> Command {
    let mut words = compiler.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(workspace().root());
    command
}

/// Compiles each header alone and all of them twice.
fn compiles(compiler: &str, language: &[&str]) {
    let scratch = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    let mut write = |name: &str, text: &str| {
        let path = scratch.path().join(format!("{name}.c"));
        // A header of macros alone would leave nothing to compile.
        fs::write(&path, format!("{text}typedef int cgolab_not_empty;\n")).unwrap();
        sources.push(path);
    };
    let mut both = String::new();
    for header in headers() {
        let file = header.file_name().unwrap().display().to_string();
        let line = format!("#include \"{file}\"\n");
        write(&file, &line);
        both.push_str(&line);
    }
    write("twice", &both.repeat(2));
    run(program(compiler)
        .args(language)
        .args(WARNINGS)
        .args(["-fsyntax-only", "-I", INCLUDE])
        .args(&sources));
}

/// Runs a command that must succeed, and returns what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn headers() -> Vec<PathBuf> {
    let entries = fs::read_dir(workspace().path(INCLUDE)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut headers: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "h"))
        .collect();
    headers.sort();
    assert!(!headers.is_empty(), "{INCLUDE} holds no header");
    headers
}

fn rust_text() -> String {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out");
    let finished =
        generate::layout_task(&workspace(), View::Text, &scratch.path().join("layout.log"))
            .stdout_to(&out)
            .run(&Progress::new(), child::quiet)
            .unwrap();
    assert!(finished.success(), "{}", finished.log_text());
    child::read_lossy(&out)
}

/// Compiles the printer against the headers in `include` and runs it.
fn c_text(include: &Path) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let printer = scratch.path().join("printer");
    run(program(&c_compiler())
        .args(["-std=c11", "-I"])
        .arg(include)
        .args([PRINTER, "-o"])
        .arg(&printer));
    run(&mut Command::new(&printer))
}

/// The layout lines in the output of the Go test.
fn go_lines(log: &str) -> String {
    log.lines()
        .filter_map(|line| Some(line.split_once("layout: ")?.1.to_owned() + "\n"))
        .collect()
}

/// Lines on which a view differs from Rust's, in one sentence; `None` if there are none.
fn difference(who: &str, text: &str, rust: &str) -> Option<String> {
    let set = |text: &'_ str| -> BTreeSet<String> {
        text.lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    let (theirs, ours) = (set(text), set(rust));
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let mut parts: Vec<String> = ours
        .difference(&theirs)
        .map(|line| {
            let same_name = |other: &&&String| name(other) == name(line);
            match theirs.iter().collect::<Vec<_>>().iter().find(same_name) {
                Some(other) => format!("Rust has `{line}`, {who} has `{other}`"),
                None => format!("`{line}` is missing in {who}"),
            }
        })
        .collect();
    parts.extend(
        theirs
            .iter()
            .filter(|line| !ours.iter().any(|other| name(other) == name(line)))
            .map(|line| format!("`{line}` is only in {who}")),
    );
    if ours.is_empty() {
        parts.push("Rust's layout text is empty".to_owned());
    }
    let more = parts.len().saturating_sub(4);
    parts.truncate(4);
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The text of a header with two fields of a struct in each other's place.
fn swap_fields(header: &str, name: &str, one: &str, other: &str) -> Option<String> {
    let mut lines: Vec<&str> = header.lines().collect();
    let start = lines
        .iter()
        .position(|line| line.contains(&format!("struct {name} {{")))?;
    let length = lines[start..]
        .iter()
        .position(|line| line.trim_start().starts_with('}'))?;
    let field = |field: &str| {
        let end = format!(" {field};");
        lines[start..start + length]
            .iter()
            .position(|line| {
                let code = line.trim();
                code.ends_with(&end) && !code.starts_with(['/', '*'])
            })
            .map(|below| start + below)
    };
    let (one, other) = (field(one)?, field(other)?);
    lines.swap(one, other);
    Some(lines.join("\n") + "\n")
}

#[test]
fn differences_name_both_sides() {
    let rust = "abi 1\nfield courier_event.kind 0 4\nconst COURIER_OK 0\n";
    assert_eq!(difference("C", rust, rust), None);
    assert_eq!(
        difference("C", &rust.replace("kind 0 4", "kind 12 4"), rust).unwrap(),
        "Rust has `field courier_event.kind 0 4`, C has `field courier_event.kind 12 4`"
    );
    assert_eq!(
        difference("Go", "abi 1\nfield courier_event.kind 0 4\n", rust).unwrap(),
        "`const COURIER_OK 0` is missing in Go"
    );
    assert_eq!(
        difference("Go", &format!("{rust}const COURIER_NEW 1\n"), rust).unwrap(),
        "`const COURIER_NEW 1` is only in Go"
    );
    assert!(difference("C", "", "").is_some());
}

#[test]
fn many_differences_are_cut() {
    let rust: String = (0..9).map(|n| format!("const C{n} 0\n")).collect();
    let text = difference("C", "", &rust).unwrap();
    assert!(text.ends_with("; 5 more"), "{text}");
}

const SWAPPED: &str = "\
/* struct courier_event is below; its kind; matters */
typedef struct courier_view {
  size_t session;
} courier_view;

typedef struct courier_event {
  /**
   * Says the kind;
   */
  courier_event_kind kind;
  // The session;
  courier_failure failure;
  courier_session session;
} courier_event;
";

#[test]
fn two_fields_change_places() {
    let swapped = swap_fields(SWAPPED, "courier_event", "kind", "session").unwrap();
    let fields: Vec<_> = swapped
        .lines()
        .filter(|line| line.starts_with("  courier_"))
        .map(str::trim)
        .collect();
    assert_eq!(
        fields,
        [
            "courier_session session;",
            "courier_failure failure;",
            "courier_event_kind kind;"
        ]
    );
    assert_eq!(
        swap_fields(&swapped, "courier_event", "kind", "session").unwrap(),
        SWAPPED
    );
}

#[test]
fn a_swap_that_is_impossible_says_so() {
    assert!(swap_fields(SWAPPED, "courier_nothing", "kind", "session").is_none());
    assert!(swap_fields(SWAPPED, "courier_event", "kind", "nothing").is_none());
    assert!(swap_fields("", "courier_event", "kind", "session").is_none());
}

#[test]
fn layout_lines_are_found_in_logged_and_in_printed_form() {
    let log = "=== RUN   TestABI03GoLayout\n    layout_test.go:20: layout: abi 1\n\
               layout: const COURIER_OK 0\n--- PASS: TestABI03GoLayout (0.00s)\n";
    assert_eq!(go_lines(log), "abi 1\nconst COURIER_OK 0\n");
}
