//! `cgolab triage` on programs that die or hang in each of the ways that it tells apart.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use cgolab_note::tool::tool;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

/// A test that dies, the class of its end, and what the report must name in native code and in Go.
struct Case {
    test: &'static str,
    class: &'static str,
    native: Option<&'static str>,
    go: Option<&'static str>,
}

const fn case(
    test: &'static str,
    class: &'static str,
    native: Option<&'static str>,
    go: Option<&'static str>,
) -> Case {
    Case {
        test,
        class,
        native,
        go,
    }
}

const CASES: [Case; 10] = [
    case(
        "TestSegfault",
        "fault-on-go-thread",
        Some("read_at"),
        Some("segfault"),
    ),
    case(
        "TestSegfaultOnAThread",
        "fault-on-foreign-thread",
        Some("read_at"),
        None,
    ),
    case(
        "TestAbort",
        "abort-on-go-thread",
        Some("c_aborts"),
        Some("aborts"),
    ),
    case(
        "TestException",
        "cxx-exception",
        Some("cxx_throws"),
        Some("throws"),
    ),
    case(
        "TestStackOverflow",
        "native-stack-overflow",
        Some("c_recurses"),
        Some("overflowsTheStack"),
    ),
    case("TestGoPanic", "go-panic", None, Some("TestGoPanic")),
    case(
        "TestPanicInACallback",
        "panic-in-callback",
        None,
        Some("TestPanicInACallback.func1"),
    ),
    case(
        "TestOutOfMemory",
        "out-of-memory",
        None,
        Some("TestOutOfMemory"),
    ),
    case(
        "TestRustPanic",
        "rust-panic",
        Some("triage::"),
        Some("rustPanics"),
    ),
    case(
        "TestGoStackOverflow",
        "go-stack-overflow",
        None,
        Some("recurses"),
    ),
];

/// Tools and programs that the tests work with.
struct Programs {
    /// The test program of `tests/triage`.
    test: PathBuf,
    folder: tempfile::TempDir,
}

static PROGRAMS: LazyLock<Programs> = LazyLock::new(build);

fn build() -> Programs {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/triage");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    run(Command::new(rustc)
        .args([
            "--edition=2024",
            "--crate-type=staticlib",
            "--crate-name=triage",
            "-g",
            "-o",
        ])
        .arg(folder.path().join("libaborts.a"))
        .arg(source.join("aborts.rs")));
    let test = folder.path().join("triage.test");
    let mut flags = std::ffi::OsString::from(folder.path().join("libaborts.a"));
    flags.push(" -ldl");
    run(Command::new("go")
        .args(["test", "-c", "-tags=rust", "-o"])
        .arg(&test)
        .arg(".")
        .env("CGO_LDFLAGS", flags)
        .env("CGO_LDFLAGS_ALLOW", ".*")
        .current_dir(source));
    Programs { test, folder }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The programs; `None` without a tool that makes them or looks into them.
fn programs() -> Option<&'static Programs> {
    let able = ["go", "gcc", "g++", "gdb"]
        .into_iter()
        .all(|name| tool(name).is_some());
    able.then(|| &*PROGRAMS)
}

/// `cgolab triage`, with reports in a folder of its own.
fn triage(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cgolab"));
    command
        .args(["triage", "--out"])
        .arg(folder)
        .args(args)
        .stdin(Stdio::null());
    command
}

/// The reports in a folder.
fn reports(folder: &Path) -> Vec<(Value, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|it| it == "json"));
    files.sort();
    let read = |file: PathBuf| {
        let json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        (json, fs::read_to_string(file.with_extension("md")).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// Runs one test of the program under triage; gives what it left and its only report, if there is one.
fn watched(programs: &Programs, test: &str, more: &[&str]) -> (Output, Option<(Value, String)>) {
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let pattern = format!("-test.run=^{test}$");
    let program = programs.test.to_str().unwrap();
    let args = [more, &["--", program, &pattern, "-test.v"]].concat();
    let output = triage(folder.path(), &args).output().unwrap();
    let mut reports = reports(folder.path());
    assert!(reports.len() <= 1);
    (output, reports.pop())
}

#[test]
fn each_way_to_die_has_its_class_and_names_the_culprit() {
    let Some(programs) = programs() else { return };
    for Case {
        test,
        class,
        native,
        go,
    } in CASES
    {
        let (output, report) = watched(programs, test, &[]);
        let (json, markdown) = report.unwrap_or_else(|| panic!("{test}: no report: {output:?}"));
        let story = &json["story"];
        assert_eq!(story["class"], class, "{test}: {markdown}");
        for (side, name) in [("native", native), ("go", go)] {
            let found = story[side]["function"].as_str();
            match name {
                Some(name) => assert!(
                    found.is_some_and(|it| it.contains(name)),
                    "{test}: {side} is {found:?}: {markdown}"
                ),
                None if side == "native" => assert_eq!(found, None, "{test}: {markdown}"),
                None => {}
            }
        }
        if class.ends_with("-foreign-thread") {
            assert_eq!(story["goroutine"], Value::Null, "{markdown}");
        }
        assert!(
            output.status.code().is_some_and(|code| code > 128),
            "{test}: {output:?}"
        );
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(
            out.contains(&format!("=== RUN   {test}")),
            "{test}: output is lost: {out}"
        );
    }
}

/// Builds the test program of `tests/triage` with a flag.
fn built_with(folder: &Path, flag: &str) -> PathBuf {
    let program = folder.join("flag.test");
    run(Command::new("go")
        .args(["test", "-c", flag, "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/triage")));
    program
}

#[test]
fn what_a_detector_reports_has_its_class() {
    let Some(programs) = programs() else { return };
    for (flag, test, class, named) in [
        (
            "-asan",
            "TestFreedMemory",
            "sanitizer",
            "heap-use-after-free",
        ),
        ("-race", "TestRace", "data-race", "data race"),
    ] {
        let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
        let program = built_with(folder.path(), flag);
        let pattern = format!("-test.run=^{test}$");
        let args = ["--", program.to_str().unwrap(), &pattern];
        let output = triage(folder.path(), &args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let (json, markdown) = reports(folder.path()).pop().unwrap();
        assert_eq!(json["story"]["class"], class, "{markdown}");
        let headline = json["story"]["headline"].as_str().unwrap();
        assert!(headline.contains(named), "{headline}");
    }
}

#[test]
fn without_dwarf_no_function_of_go_is_taken_for_native_code() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let program = built_with(folder.path(), "-ldflags=-w");
    let args = ["--", program.to_str().unwrap(), "-test.run=^TestSegfault$"];
    triage(folder.path(), &args).output().unwrap();
    let (json, markdown) = reports(folder.path()).pop().unwrap();
    assert_eq!(json["story"]["class"], "fault-on-go-thread", "{markdown}");
    assert_eq!(json["story"]["native"], Value::Null, "{markdown}");
    assert!(markdown.contains("and -ldflags=-w"), "{markdown}");
}

#[test]
fn values_of_variables_in_the_command_are_left_out() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let program = programs.test.to_str().unwrap();
    let args = [
        "--",
        "env",
        "TOKEN=hunter3",
        program,
        "-test.run=^TestGoPanic$",
    ];
    triage(folder.path(), &args).output().unwrap();
    let (json, markdown) = reports(folder.path()).pop().unwrap();
    assert!(markdown.contains("| command | `env TOKEN=… "), "{markdown}");
    assert!(!format!("{json}{markdown}").contains("hunter3"));
}

#[test]
fn go_test_that_runs_no_program_has_no_report() {
    let Some(programs) = programs() else { return };
    for (source, code) in [("package p\n", 0), ("package p\n\nfunc f() int {}\n", 1)] {
        let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
        fs::write(folder.path().join("go.mod"), "module p\n\ngo 1.21\n").unwrap();
        fs::write(folder.path().join("p.go"), source).unwrap();
        let output = triage(&folder.path().join("out"), &["--", "go", "test", "."])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("no program ran; no report"), "{error}");
    }
}

#[test]
fn what_ends_by_itself_keeps_its_exit_code_and_has_no_report() {
    let Some(programs) = programs() else { return };
    for (test, code) in [
        ("TestPass", 0),
        ("TestFail", 1),
        ("TestExit", 3),
        ("TestRecoveredNil", 0),
        ("TestOwnSignals", 0),
        ("TestExitsWhileThreadsBegin", 0),
        ("TestExitsWhileThreadsBegin", 0),
        ("TestExitsWhileThreadsBegin", 0),
    ] {
        let (output, report) = watched(programs, test, &[]);
        assert_eq!(output.status.code(), Some(code), "{test}: {output:?}");
        assert!(report.is_none(), "{test}: {report:?}");
    }
}

// gdb 13 loses most programs that do this (internal errors), and hangs in others.
#[test]
fn a_program_that_takes_back_the_stops_of_gdb_is_not_waited_for() {
    let Some(programs) = programs() else { return };
    let (output, report) = watched(programs, "TestContinues", &["--hang", "5m"]);
    let Some((json, markdown)) = report else {
        return assert_eq!(output.status.code(), Some(0), "{output:?}");
    };
    assert_eq!(output.status.code(), Some(1), "{markdown}");
    assert_eq!(json["story"]["class"], "lost", "{markdown}");
    assert!(markdown.contains("gdb lost it: "), "{markdown}");
    assert!(!markdown.contains("it gives no reason"), "{markdown}");
}

#[test]
fn a_deadlock_across_c_names_the_lock_the_channel_and_both_goroutines() {
    let Some(programs) = programs() else { return };
    let (output, report) = watched(programs, "TestDeadlock", &["--hang", "10s"]);
    assert_eq!(output.status.code(), Some(124));
    let (json, markdown) = report.unwrap();
    assert_eq!(json["story"]["class"], "deadlock", "{markdown}");
    let waits = json["story"]["waits"].as_array().unwrap();
    assert_eq!(waits.len(), 2, "{markdown}");
    let lock = waits[0].as_str().unwrap();
    assert!(
        lock.contains("waits for the lock `door` in c_takes_the_lock"),
        "{lock}"
    );
    let channel = waits[1].as_str().unwrap();
    assert!(
        channel.contains("waits to receive from the channel"),
        "{channel}"
    );
    assert!(channel.contains("has it on its stack"), "{channel}");
}

#[test]
fn a_running_process_is_seen_and_runs_on() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let mut process = Command::new(&programs.test)
        .args(["-test.run=^TestWaits$", "-test.v"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It says that it waits, which no time limit could tell.
    let mut line = String::new();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    while !line.contains("waiting for standard input") {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0);
    }
    let pid = process.id().to_string();
    let output = triage(folder.path(), &["--pid", &pid]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (json, markdown) = reports(folder.path()).pop().unwrap();
    assert_eq!(json["story"]["class"], "snapshot");
    assert!(markdown.contains("triage.TestWaits"), "{markdown}");
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
}

/// Writes a shell script.
fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The Markdown about a fault in C where the programs in this folder are all there are; reports go there, too.
fn segfault_seen_by_go(programs: &Programs, folder: &Path) -> String {
    let program = programs.test.to_str().unwrap();
    let output = triage(folder, &["--", program, "-test.run=^TestSegfault$"])
        .env("PATH", folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(134), "{output:?}");
    let (json, markdown) = reports(folder).pop().unwrap();
    assert_eq!(json["story"]["class"], "fault-on-go-thread", "{markdown}");
    markdown
}

#[test]
fn without_gdb_the_report_says_so_and_has_what_go_prints() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let markdown = segfault_seen_by_go(programs, folder.path());
    assert!(markdown.contains("gdb is not installed"), "{markdown}");
    assert!(markdown.contains("triage.segfault"), "{markdown}");
}

#[test]
fn where_gdb_may_not_trace_the_report_says_so_and_has_what_go_prints() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let gdb = folder.path().join("gdb");
    // Its last remark is not the reason.
    script(
        &gdb,
        "echo 'ptrace: Operation not permitted.' >&2\necho 'Function \"f\" not defined.' >&2\nexit 1",
    );
    let markdown = segfault_seen_by_go(programs, folder.path());
    assert!(
        markdown.contains("- gdb cannot trace here: ptrace: Operation not permitted."),
        "{markdown}"
    );
}

#[test]
fn where_the_kernel_forbids_ptrace_the_report_has_its_words() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/triage/no_ptrace.c");
    let without = folder.path().join("no_ptrace");
    run(Command::new("gcc").arg("-o").arg(&without).arg(source));
    let output = Command::new(without)
        .arg(env!("CARGO_BIN_EXE_cgolab"))
        .args(["triage", "--out"])
        .arg(folder.path())
        .arg("--")
        .arg(&programs.test)
        .arg("-test.run=^TestSegfault$")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(134), "{output:?}");
    let (_, markdown) = reports(folder.path()).pop().unwrap();
    assert!(
        markdown.contains("- gdb cannot trace here: warning: ptrace: Operation not permitted"),
        "{markdown}"
    );
}

#[test]
fn a_program_that_gdb_loses_has_a_report_that_says_so() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    script(
        &folder.path().join("gdb"),
        "echo 1 > \"$CGOLAB_TRIAGE_PID\"",
    );
    let output = triage(folder.path(), &["--", programs.test.to_str().unwrap()])
        .env("PATH", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (json, markdown) = reports(folder.path()).pop().unwrap();
    assert_eq!(json["story"]["class"], "lost", "{markdown}");
    assert!(
        markdown.contains("| end | end unknown: gdb lost the program,"),
        "{markdown}"
    );
    assert!(
        markdown.contains("gdb lost it: it gives no reason"),
        "{markdown}"
    );
}

/// Starts a program that gdb loses at once, and that ends with code 3.
const LOSES: &str = r#"
import gdb, os, types

real = gdb.execute

def execute(command, *args, **named):
    if command != "run":
        return real(command, *args, **named)
    child = os.fork()
    if child == 0:
        os._exit(3)
    with open(os.environ["CGOLAB_TRIAGE_PID"], "w") as file:
        file.write(str(child))
    gdb.selected_inferior = lambda: types.SimpleNamespace(pid=child)
    raise gdb.error("it is lost")

gdb.execute = execute
"#;

#[test]
fn a_program_that_dies_while_gdb_loses_it_keeps_its_exit_code_and_has_no_report() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    fs::write(folder.path().join("loses.py"), LOSES).unwrap();
    let gdb = tool("gdb").unwrap();
    script(
        &folder.path().join("gdb"),
        &format!("exec {} -ix \"${{0%/*}}/loses.py\" \"$@\"", gdb.display()),
    );
    let output = triage(folder.path(), &["--", programs.test.to_str().unwrap()])
        .env("PATH", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(reports(folder.path()).is_empty(), "{output:?}");
}

#[test]
fn a_program_reads_from_its_terminal() {
    let Some(programs) = programs() else { return };
    if tool("script").is_none() {
        return;
    }
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    // As under `go test`, it is not standard input.
    let command = format!(
        "{} triage --out {} -- {} '-test.run=^TestReadsFromTheTerminal$' </dev/null",
        env!("CARGO_BIN_EXE_cgolab"),
        folder.path().display(),
        programs.test.display()
    );
    // It gives the command a terminal, and types what it reads.
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    script.stdin.as_mut().unwrap().write_all(b"x\n").unwrap();
    let output = script.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(reports(folder.path()).is_empty(), "{output:?}");
}

#[test]
fn ctrl_c_leaves_no_process_and_a_report_that_names_it() {
    let Some(programs) = programs() else { return };
    for gdb in [true, false] {
        let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
        let pattern = "-test.run=^TestLeavesAChild$";
        let mut command = triage(
            folder.path(),
            &["--", programs.test.to_str().unwrap(), pattern],
        );
        if !gdb {
            let sleep = folder.path().join("sleep");
            std::os::unix::fs::symlink(tool("sleep").unwrap(), sleep).unwrap();
            command.env("PATH", folder.path());
        }
        let mut process = command
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let child = loop {
            let mut line = String::new();
            assert_ne!(out.read_line(&mut line).unwrap(), 0);
            if let Some(child) = line.strip_prefix("child ") {
                break child.trim().to_owned();
            }
        };
        let group = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
        kill_process_group(group, Signal::INT).unwrap();
        assert_eq!(process.wait().unwrap().code(), Some(130), "gdb: {gdb}");
        let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        assert!(
            state.is_empty() || state.contains(") Z "),
            "gdb: {gdb}: {state}"
        );
        let (json, markdown) = reports(folder.path()).pop().unwrap();
        assert_eq!(json["story"]["class"], "interrupted", "{markdown}");
        assert!(
            markdown.contains("| end | stopped by Ctrl-C,"),
            "{markdown}"
        );
        // Which test ran is not always known: the program dies of the same signal.
        let headline = json["story"]["headline"].as_str().unwrap();
        assert!(
            headline.starts_with("stopped by Ctrl-C while "),
            "{headline}"
        );
    }
}

#[test]
fn of_a_stripped_program_the_report_has_what_go_prints_and_says_what_is_missing() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let stripped = folder.path().join("stripped.test");
    run(Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(&programs.test));
    for (test, class, go) in [
        ("TestSegfault", "fault-on-go-thread", Some("segfault")),
        ("TestSegfaultOnAThread", "fault-on-foreign-thread", None),
        ("TestAbort", "abort-on-go-thread", Some("aborts")),
    ] {
        let out = folder.path().join(test);
        let pattern = format!("-test.run=^{test}$");
        let args = ["--", stripped.to_str().unwrap(), &pattern];
        let output = triage(&out, &args).output().unwrap();
        assert_eq!(
            output.status.code().map(|it| it > 128),
            Some(true),
            "{output:?}"
        );
        let (json, markdown) = reports(&out).pop().unwrap();
        assert_eq!(json["story"]["class"], class, "{markdown}");
        let found = json["story"]["go"]["function"].as_str();
        let short = found.and_then(|it| it.rsplit('.').next());
        assert_eq!(short, go, "{markdown}");
        assert!(markdown.contains("the program is stripped"), "{markdown}");
    }
}

#[test]
fn go_test_is_watched_program_by_program() {
    let Some(programs) = programs() else { return };
    let folder = tempfile::tempdir_in(programs.folder.path()).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/triage");
    let output = triage(
        folder.path(),
        &["--", "go", "test", "-run=^TestSegfault$", "."],
    )
    .current_dir(source)
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (json, markdown) = reports(folder.path()).pop().unwrap();
    assert_eq!(json["story"]["native"]["function"], "read_at", "{markdown}");
    assert!(
        markdown.contains("| command | `go test '-run=^TestSegfault$' .` |"),
        "{markdown}"
    );
}

#[test]
fn bad_input_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    for (args, says) in [
        (&[][..], "nothing to watch"),
        (
            &["--", "no-such-program-here"],
            "no program `no-such-program-here`",
        ),
        (
            &["--", "go", "test", "-exec", "x", "./..."],
            "leave -exec out",
        ),
        (&["--pid", "4294967"], "no process 4294967"),
    ] {
        let output = triage(folder.path(), args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(says), "{args:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
