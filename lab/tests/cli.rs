//! The command from outside: bad input, and what it leaves behind.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CONTRACT: &str = "\
title = \"Requests\"

[[contract]]
id = \"REQ-04\"
sentence = \"The C side also refuses a second completion, without effect.\"
layer = [\"native\"]
source = [\"S9\"]
claimed = [\"race\"]
planned = [\"loom\"]
";

const RECORD: &str = r#"{"kind":"check","engine":"proptest","contract":"REQ-04","check":"x","outcome":"pass","reason":null,"seconds":0.1,"executions":7,"evidence":{"command":"c","log":null,"scenario":null}}"#;

/// A C compiler that makes an empty program of everything: its last argument is the output.
const COMPILER: &str = r#"for last; do :; done; : > "$last""#;

/// The description of a subject with a suite for each engine that needs one.
fn description() -> String {
    let mut text = "contracts = [\"contracts\"]\n[[go]]\ndir = \"go-harness\"\n\
                    [native.plain]\nrun = [\"cargo\", \"build\"]\n"
        .to_owned();
    for engine in ["guard", "leak", "process"] {
        text.push_str(&format!(
            "[[suite]]\nengine = \"{engine}\"\nrunner = \"go\"\n"
        ));
    }
    for engine in ["layout", "proptest", "loom", "shuttle"] {
        text.push_str(&format!(
            "[[suite]]\nengine = \"{engine}\"\nrunner = \"nextest\"\nwhat = \"tests\"\n\
             package = \"p\"\ncanary = {{ test = \"canary\", says = \"planted\" }}\n"
        ));
    }
    text + "[[suite]]\nengine = \"fuzz-abi\"\nrunner = \"libfuzzer\"\nwhat = \"inputs\"\n\
            symbol = \"x\"\ntargets = { a = 1 }\n\
            canary = { target = \"c\", says = \"planted\", input = \"BUG!\" }\n"
}

/// A checkout with a catalogue, earlier results and nothing else.
fn checkout() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    fs::create_dir(root.join("contracts")).unwrap();
    fs::write(root.join("contracts/req.toml"), CONTRACT).unwrap();
    fs::create_dir(root.join("go-harness")).unwrap();
    fs::write(root.join("go-harness/go.mod"), "module x\n").unwrap();
    fs::write(root.join("cgolab.toml"), description()).unwrap();
    fs::create_dir_all(root.join("target/lab/latest")).unwrap();
    fs::write(root.join("target/lab/latest/results.jsonl"), RECORD).unwrap();
    dir
}

fn lab(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cgolab"));
    command.current_dir(root).args(args);
    command
}

/// The command with two tools in a folder: a C compiler that makes an empty program of everything, and a Go
/// that is this script.
fn lab_with(tools: &Path, go: &str, root: &Path, args: &[&str]) -> Command {
    script(&tools.join("cc"), COMPILER);
    script(&tools.join("go"), go);
    let mut command = lab(root, args);
    command
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
        .env("CC", tools.join("cc"));
    command
}

/// Expects one line of error with these words, exit code 2, and untouched results.
fn assert_refused(root: &Path, output: &Output, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is not in: {stderr}");
    }
    let results = fs::read_to_string(root.join("target/lab/latest/results.jsonl")).unwrap();
    assert_eq!(results, RECORD);
    assert!(!root.join("target/lab/runs").exists());
}

#[test]
fn an_unknown_engine_is_refused() {
    let dir = checkout();
    let output = lab(dir.path(), &["run", "--only", "race,rac"]).output();
    let words = [
        "engine `rac` is unknown",
        "vet, guard, leak, process, go, race, cgocheck2, asan, layout, proptest, loom, shuttle, fuzz-abi",
    ];
    assert_refused(dir.path(), &output.unwrap(), &words);
}

#[test]
fn a_fault_that_is_not_there_or_breaks_nothing_known_is_refused() {
    let dir = checkout();
    let fault = dir.path().join("faults/known");
    fs::create_dir_all(&fault).unwrap();
    fs::write(fault.join("fault.patch"), "").unwrap();
    let about = |contract: &str| {
        format!(
            "contract = \"{contract}\"\nlayer = \"native\"\nengines = [\"loom\"]\nwhy = \"x\"\n"
        )
    };
    for (contract, words) in [
        ("REQ-04", ["there is no fault `unknown`", "faults/"]),
        ("REQ-99", ["faults/known", "REQ-99 is not in the catalogue"]),
    ] {
        fs::write(fault.join("fault.toml"), about(contract)).unwrap();
        for args in [
            &["faults", "unknown"][..],
            &["faults", "--list", "unknown"],
            &["faults", "refresh", "unknown"],
        ] {
            let output = lab(dir.path(), args).output().unwrap();
            assert_refused(dir.path(), &output, &words);
        }
    }
    fs::write(fault.join("fault.toml"), about("REQ-04")).unwrap();
    let listed = lab(dir.path(), &["faults", "--list"]).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.status.success(), "{text}");
    assert!(
        text.contains("known") && text.contains("faults: 1"),
        "{text}"
    );
}

#[test]
fn a_malformed_catalogue_is_refused_by_every_command_that_reads_it() {
    let dir = checkout();
    let broken = CONTRACT.replace("\"loom\"", "\"lom\"");
    fs::write(dir.path().join("contracts/req.toml"), broken).unwrap();
    for args in [&["run"][..], &["contracts", "--json"]] {
        let output = lab(dir.path(), args).output().unwrap();
        assert_refused(
            dir.path(),
            &output,
            &["contracts/req.toml", "REQ-04", "`lom`"],
        );
    }
}

#[test]
fn a_missing_tool_is_named_with_what_to_install() {
    let dir = checkout();
    let empty = tempfile::tempdir().unwrap();
    let output = lab(dir.path(), &["run", "--only", "race"])
        .env("PATH", empty.path())
        .env_remove("CC")
        .output()
        .unwrap();
    assert_refused(dir.path(), &output, &["C compiler", "install gcc or clang"]);

    script(&empty.path().join("cc"), COMPILER);
    let output = lab(dir.path(), &["run", "--only", "race"])
        .env("PATH", empty.path())
        .env_remove("CC")
        .output()
        .unwrap();
    assert_refused(dir.path(), &output, &["go was not found", "Go 1.21"]);
}

#[test]
fn without_a_cpp_compiler_a_run_goes_on_and_says_what_it_skipped() {
    let dir = checkout();
    let claimed = CONTRACT.replace("\"race\"", "\"fuzz-abi\"");
    fs::write(dir.path().join("contracts/req.toml"), claimed).unwrap();
    let bin = tempfile::tempdir().unwrap();
    // Enough to be found, and no more: the engines that run are red.
    script(&bin.path().join("cc"), COMPILER);
    script(&bin.path().join("go"), "echo go1.26.8; echo 1");
    script(&bin.path().join("cargo"), "exit 1");
    script(
        &bin.path().join("cargo-nextest"),
        r#"[ "$2" = --version ] && echo cargo-nextest 0.9.148"#,
    );
    let run = |args: &[&str]| {
        lab(dir.path(), &[&["run"], args].concat())
            .env("PATH", bin.path())
            .env("CARGO", bin.path().join("cargo"))
            .env_remove("CC")
            .env_remove("CXX")
            .output()
            .unwrap()
    };
    // Asked for by name.
    let output = run(&["--only", "fuzz-abi"]);
    assert_refused(dir.path(), &output, &["no C++ compiler", "install g++"]);

    fs::remove_dir_all(dir.path().join("target")).unwrap();
    let output = run(&[]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    for words in [
        "fuzz-abi  skipped",
        "skipped: fuzz-abi\n    no C++ compiler",
    ] {
        assert!(stdout.contains(words), "`{words}` is not in: {stdout}");
    }
    assert!(!stdout.contains("REQ-04 fuzz-abi"), "{stdout}");
    let latest = dir.path().join("target/lab/latest");
    let results = fs::read_to_string(latest.join("results.jsonl")).unwrap();
    let fuzz: Vec<&str> = results.lines().filter(|l| l.contains("fuzz-abi")).collect();
    assert_eq!(fuzz.len(), 1, "{results}");
    assert!(fuzz[0].contains(r#""outcome":"skipped""#), "{results}");
}

#[test]
fn a_tool_that_cannot_be_built_stops_its_engines_only_and_is_in_the_headline() {
    let dir = checkout();
    fs::remove_dir_all(dir.path().join("target")).unwrap();
    let tools = tempfile::tempdir().unwrap();
    let cargo = tools.path().join("fake-cargo");
    script(&cargo, "echo 'error: no network' >&2; exit 1");
    let output = lab_with(
        tools.path(),
        "echo go1.26.8; echo 1",
        dir.path(),
        &["run", "--only", "race,proptest"],
    )
    .env("CARGO", &cargo)
    .env("XDG_CACHE_HOME", tools.path())
    .output()
    .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let headline = "RED: race OFF, proptest not run; left out: 11 engines not asked for";
    assert!(stdout.contains(headline), "{stdout}");
    assert!(
        stdout.contains("installing cargo-nextest 0.9.148 failed"),
        "{stdout}"
    );
    // Said before anything runs, and built when its engine's turn comes.
    let at = |words: &str| {
        stderr
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {stderr}"))
    };
    assert!(at("built once: cargo-nextest") < at("race: canary"));
    assert!(at("race: canary") < at("installing cargo-nextest"));
}

#[test]
fn outside_of_a_checkout_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for (command, says) in [
        (
            "contracts",
            "no cgolab.toml with `contracts` or a `[[suite]]` in",
        ),
        ("run", "is in no Go module"),
    ] {
        let output = lab(dir.path(), &[command]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr.contains(says), "{stderr}");
    }
}

/// A contract in what `contracts --json` prints.
fn contract<'a>(json: &'a serde_json::Value, id: &str) -> &'a serde_json::Value {
    let mut all = json.as_array().unwrap().iter();
    all.find(|contract| contract["id"] == id).unwrap()
}

#[test]
fn contracts_as_json_has_states_from_the_last_run() {
    let dir = checkout();
    let below = dir.path().join("go-harness");
    let output = lab(&below, &["contracts", "--json"]).output().unwrap();
    assert!(output.status.success());
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        *contract(&json, "REQ-04"),
        serde_json::json!({
            "id": "REQ-04",
            "sentence": "The C side also refuses a second completion, without effect.",
            "layer": ["native"],
            "source": ["S9"],
            "engines": {"proptest": "exercised", "race": "claimed", "loom": "planned"},
        })
    );
    // One of any binding, which nobody claims here.
    assert_eq!(contract(&json, "VAL-04")["engines"], serde_json::json!({}));
}

#[test]
fn a_command_is_named_as_it_is_called_where_cargo_is_not() {
    let dir = checkout();
    fs::remove_dir_all(dir.path().join("target")).unwrap();
    for (cargo, says) in [(true, "`cargo lab run`"), (false, "`cgolab run`")] {
        let mut command = lab(dir.path(), &["report"]);
        match cargo {
            true => command.env("CARGO", "cargo"),
            false => command.env_remove("CARGO"),
        };
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn an_unknown_family_names_the_known_ones() {
    let dir = checkout();
    let output = lab(dir.path(), &["contracts", "--family", "xyz"]).output();
    assert_refused(dir.path(), &output.unwrap(), &["`XYZ`", "REQ"]);
}

/// A script that stands in for a program.
fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn nextest_is_installed_once_and_never_by_halves() {
    let dir = checkout();
    let cache = tempfile::tempdir().unwrap();
    let cargo = cache.path().join("fake-cargo");
    let run = || {
        lab(dir.path(), &["run", "--only", "proptest"])
            .env("PATH", "/usr/bin:/bin")
            .env("CARGO", &cargo)
            .env("XDG_CACHE_HOME", cache.path())
            .output()
            .unwrap()
    };
    let installs = |output: &Output| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        stderr.contains("installing cargo-nextest 0.9.148 into the user's cache (once, 2 to 4")
    };
    // It dies after it wrote something.
    script(
        &cargo,
        r#"while [ "$1" != --root ]; do shift; done
        mkdir -p "$2/bin"; echo broken > "$2/bin/cargo-nextest"; echo "error: no network" >&2; exit 101"#,
    );
    let output = run();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(installs(&output), "{stderr}");
    assert!(stderr.contains("error: no network"), "{stderr}");
    assert!(stderr.contains("cargo-nextest-0.9.148.log"), "{stderr}");
    let tools = cache.path().join("cgolab/tools");
    assert!(!tools.join("cargo-nextest-0.9.148").exists());
    assert_eq!(
        fs::read_to_string(dir.path().join("target/lab/latest/results.jsonl")).unwrap(),
        RECORD
    );

    script(
        &cargo,
        r#"while [ "$1" != --root ]; do shift; done
        mkdir -p "$2/bin"
        printf '#!/bin/sh\necho "cargo-nextest 0.9.148 (x 2026-01-01)"\n' > "$2/bin/cargo-nextest"
        chmod +x "$2/bin/cargo-nextest""#,
    );
    // The stand-in for nextest fails nothing, so the canary is missed and the run is red.
    fs::remove_dir_all(dir.path().join("target")).unwrap();
    let output = run();
    assert!(installs(&output));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        tools
            .join("cargo-nextest-0.9.148/bin/cargo-nextest")
            .is_file()
    );
    let output = run();
    assert!(
        !installs(&output),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let left = fs::read_dir(&tools).unwrap().count();
    assert_eq!(left, 3, "the tool, its log, and the lock");
}

#[test]
fn a_report_is_made_again_from_what_lies_in_the_folder() {
    let dir = checkout();
    let output = lab(dir.path(), &["report"]).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, "target/lab/latest/report/index.html\n");
    let page = dir.path().join("target/lab/latest/report/index.html");
    let html = fs::read_to_string(page).unwrap();
    assert!(html.contains("id=\"REQ-04.proptest\""), "{html}");
    assert!(html.contains("refuses a second completion"), "{html}");

    // A folder from elsewhere brings its own catalogue.
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(other.path().join("contracts")).unwrap();
    let sentence = CONTRACT.replace("without effect", "as it was then");
    fs::write(other.path().join("contracts/req.toml"), sentence).unwrap();
    fs::write(other.path().join("results.jsonl"), RECORD).unwrap();
    let folder = other.path().to_str().unwrap();
    let output = lab(dir.path(), &["report", folder]).output().unwrap();
    assert!(output.status.success());
    let html = fs::read_to_string(other.path().join("report/index.html")).unwrap();
    assert!(html.contains("as it was then"), "{html}");

    let output = lab(dir.path(), &["report", "yesterday"]).output().unwrap();
    assert_refused(dir.path(), &output, &["`yesterday` is no run"]);
}

#[test]
fn a_red_run_has_a_report_too() {
    let dir = checkout();
    fs::remove_dir_all(dir.path().join("target")).unwrap();
    let tools = tempfile::tempdir().unwrap();
    // A Go that can answer what it is, and nothing else.
    let output = lab_with(
        tools.path(),
        r#"[ "$1" = env ] && { echo go1.26.8; echo 1; exit; }; echo "<b>no</b>"; exit 2"#,
        dir.path(),
        &["run", "--only", "race"],
    )
    .output()
    .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(
        stdout.contains("report: target/lab/latest/report/index.html"),
        "{stdout}"
    );
    let latest = dir.path().join("target/lab/latest");
    let html = fs::read_to_string(latest.join("report/index.html")).unwrap();
    assert!(html.contains("RED: race OFF"), "{html}");
    assert!(!html.contains("<b>no</b>"), "{html}");
    let identity: serde_json::Value =
        serde_json::from_slice(&fs::read(latest.join("run.json")).unwrap()).unwrap();
    assert_eq!(identity["engines"][0]["name"], "race");
    assert!(identity["seconds"].is_number(), "{identity}");
}

/// A Go with which nothing can be built for AddressSanitizer.
const NO_ASAN: &str = r#"case "$1 $2" in "env -json") echo {};; env*) echo go1.26.8; echo 1;; version*) echo go;;
    *) echo "-asan requires a newer compiler" >&2; exit 1;; esac"#;

#[test]
fn an_engine_that_this_machine_cannot_run_is_in_every_headline() {
    let dir = checkout();
    fs::remove_dir_all(dir.path().join("target")).unwrap();
    let tools = tempfile::tempdir().unwrap();
    let output = lab_with(
        tools.path(),
        NO_ASAN,
        dir.path(),
        &["run", "--only", "asan"],
    )
    .output()
    .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let headline = "NOTHING RAN; left out: asan skipped, 12 engines not asked for";
    assert!(
        stdout.contains(&format!("\n{headline}; results in ")),
        "{stdout}"
    );
    assert!(
        stdout.contains("-asan requires a newer compiler"),
        "{stdout}"
    );
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let report = dir.path().join("target/lab/latest/report");
    for view in ["index.html", "report.md", "junit.xml"] {
        let text = fs::read_to_string(report.join(view)).unwrap();
        assert!(text.contains(headline), "{view}: {text}");
    }
}

#[test]
fn a_compiler_that_cannot_compile_is_refused_before_anything_runs() {
    let dir = checkout();
    let broken = tempfile::tempdir().unwrap();
    let cc = broken.path().join("cc");
    script(
        &cc,
        r#"echo "In file included from probe.c:1:" >&2
        echo "probe.c:1:10: fatal error: stdint.h: No such file or directory" >&2; exit 1"#,
    );
    for (cc, word) in [
        (cc.to_str().unwrap(), "fatal error: stdint.h: No such file"),
        ("false", "exit status: 1"),
    ] {
        let output = lab(dir.path(), &["run", "--only", "race"])
            .env("CC", cc)
            .output()
            .unwrap();
        let words = ["cannot compile a program of one line", word];
        assert_refused(dir.path(), &output, &words);
    }
}

#[test]
fn a_reader_may_leave_early() {
    let dir = checkout();
    for args in [&["contracts"][..], &["contracts", "--json"], &["doctor"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = lab(dir.path(), args).stdout(writer).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, "", "{args:?}");
        assert!(args == ["doctor"] || output.status.success(), "{args:?}");
    }
}

/// Starts the command, waits until `sign` is there, and presses Ctrl-C.
fn interrupted(command: &mut Command, sign: &Path) -> Output {
    use std::process::Stdio;
    use std::time::{Duration, Instant};
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !sign.exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    child.wait_with_output().unwrap()
}

/// A Go that never ends when it is to do something, and leaves a sign that it has begun.
const ENDLESS: &str = r#"case "$1 $2" in "env -json") echo '{"GOVERSION": "go1.26.8"}';;
    env*) echo go1.26.8; echo 1;; version*) echo go;;
    *) : > "$SIGN"; sleep 600;; esac"#;

/// An engine that is stopped while it looks whether it can run here is not one that cannot.
#[test]
fn an_engine_that_is_stopped_is_not_skipped() {
    let dir = checkout();
    let tools = tempfile::tempdir().unwrap();
    let sign = tools.path().join("started");
    let mut command = lab_with(
        tools.path(),
        ENDLESS,
        dir.path(),
        &["run", "--only", "asan"],
    );
    command.env("SIGN", &sign);
    let output = interrupted(&mut command, &sign);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let headline = "STOPPED before the end; asan not run; left out: 12 engines not asked for";
    assert!(stdout.contains(headline), "{stdout}");
}

#[test]
fn a_run_that_is_stopped_before_any_check_leaves_the_latest_alone() {
    let dir = checkout();
    let tools = tempfile::tempdir().unwrap();
    let sign = tools.path().join("started");
    let mut command = lab_with(
        tools.path(),
        ENDLESS,
        dir.path(),
        &["run", "--only", "race", "--profile", "full"],
    );
    command.env("SIGN", &sign);
    let output = interrupted(&mut command, &sign);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{stdout}");
    let latest = dir.path().join("target/lab/latest");
    let results = fs::read_to_string(latest.join("results.jsonl")).unwrap();
    assert_eq!(results, RECORD);
    assert!(!stdout.contains("target/lab/latest"), "{stdout}");
    let headline = "STOPPED before the end; race not run; left out: 12 engines not asked for";
    assert!(stdout.contains(headline), "{stdout}");

    // What is known is written all the same.
    let runs = fs::read_dir(dir.path().join("target/lab/runs")).unwrap();
    let run = runs.flatten().next().unwrap().path();
    let results = fs::read_to_string(run.join("results.jsonl")).unwrap();
    assert!(results.contains("interrupted"), "{results}");
    assert!(run.join("report/index.html").is_file());
    let name = run.file_name().unwrap().to_str().unwrap();
    let place = format!("target/lab/runs/{name}/results.jsonl");
    assert!(stdout.contains(&place), "{stdout}");
    let identity: serde_json::Value =
        serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap();
    assert_eq!(identity["interrupted"], true);
    assert_eq!(identity["profile"], "full");
}

#[test]
fn what_was_left_undone_is_said_after_an_interrupt() {
    let dir = checkout();
    let cache = tempfile::tempdir().unwrap();
    let cargo = cache.path().join("fake-cargo");
    let sign = cache.path().join("started");
    script(&cargo, r#": > "$SIGN"; sleep 600"#);
    let mut command = lab(dir.path(), &["run", "--only", "proptest"]);
    command
        .env("PATH", "/usr/bin:/bin")
        .env("CARGO", &cargo)
        .env("XDG_CACHE_HOME", cache.path())
        .env("SIGN", &sign);
    let output = interrupted(&mut command, &sign);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let errors: Vec<_> = stderr
        .lines()
        .filter(|l| l.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{stderr}");
    assert!(
        errors[0].contains("interrupted while cargo-nextest"),
        "{stderr}"
    );
}

#[test]
fn a_run_of_one_engine_leaves_the_word_of_the_others() {
    let dir = checkout();
    let lab_dir = dir.path().join("target/lab");
    fs::remove_dir_all(&lab_dir).unwrap();
    let race = RECORD.replace("proptest", "race");
    for (name, record) in [("2026-01-01", RECORD), ("2026-01-02", &race)] {
        let run = lab_dir.join("runs").join(name);
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("results.jsonl"), record).unwrap();
    }
    std::os::unix::fs::symlink("runs/2026-01-02", lab_dir.join("latest")).unwrap();
    let output = lab(dir.path(), &["contracts", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let engines = &contract(&json, "REQ-04")["engines"];
    assert_eq!(engines["proptest"], "exercised");
    assert_eq!(engines["race"], "exercised");
}

/// Programs that stand in for what fuzzing needs, and the folder to put on `PATH`.
fn fuzzing_tools(root: &Path, rustup: &str, cargo_fuzz: &str) -> tempfile::TempDir {
    fs::create_dir_all(root.join("fuzz/seeds/parse")).unwrap();
    let manifest = "[package]\nname = \"fuzz\"\n[[bin]]\nname = \"parse\"\n";
    fs::write(root.join("fuzz/Cargo.toml"), manifest).unwrap();
    let bin = tempfile::tempdir().unwrap();
    for compiler in ["cc", "c++"] {
        script(&bin.path().join(compiler), COMPILER);
    }
    script(&bin.path().join("rustup"), rustup);
    let version = r#"[ "$2" = --version ] && echo cargo-fuzz 0.13.2 && exit"#;
    script(
        &bin.path().join("cargo-fuzz"),
        &format!("{version}\n{cargo_fuzz}"),
    );
    bin
}

fn fuzz(root: &Path, bin: &Path, args: &[&str]) -> Output {
    lab(root, &[&["fuzz", "parse"], args].concat())
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTC_BOOTSTRAP")
        .output()
        .unwrap()
}

/// Says how it was called.
const SAYS: &str = r#"echo "called: ${RUSTUP_TOOLCHAIN:-none} ${RUSTC_BOOTSTRAP:-none} $*"
[ "$2" = build ] || echo "Done 12 runs in 1 second(s)""#;

#[test]
fn without_nightly_stable_is_told_to_take_its_options() {
    let dir = checkout();
    for (rustup, toolchain, plain) in [
        ("exit 1", "none 1", "RUSTC_BOOTSTRAP=1 cargo fuzz"),
        (
            r#"case "$1" in toolchain) echo nightly-x;; run) echo rustc 1.97.0-nightly;; esac"#,
            "nightly none",
            "cargo +nightly fuzz",
        ),
    ] {
        let bin = fuzzing_tools(dir.path(), rustup, SAYS);
        let output = fuzz(dir.path(), bin.path(), &["--seconds", "7"]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let run = "run --sanitizer address --target-dir target/fuzz/address parse \
            fuzz/corpus/parse fuzz/seeds/parse -- -max_total_time=7 -len_control=100";
        assert!(stdout.contains(&format!("{plain} {run}\n")), "{stdout}");
        let called = format!("called: {toolchain} fuzz {run}\n");
        assert!(stderr.contains(&called), "{stderr}");
        assert!(
            stdout.contains("nothing found in 12 executions"),
            "{stdout}"
        );
    }
}

#[test]
fn a_nightly_older_than_the_project_is_not_used() {
    let dir = checkout();
    let manifest = "[workspace]\nmembers = []\n[workspace.package]\nrust-version = \"1.95\"\n";
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    let old = r#"case "$1" in toolchain) echo nightly-x;; run) echo rustc 1.90.0-nightly;; esac"#;
    let bin = fuzzing_tools(dir.path(), old, SAYS);
    let output = fuzz(dir.path(), bin.path(), &["--sanitizer", "none"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("called: none 1 fuzz run --sanitizer none"),
        "{stderr}"
    );
}

#[test]
fn what_fuzzing_finds_is_red_and_what_does_not_build_is_refused() {
    let dir = checkout();
    let finds = r#"[ "$2" = build ] && exit 0
        echo "INFO: Seed: 1"; echo "cgolab: broken=REQ-04"; echo "cgolab: scenario=0100"
        echo "thread 'x' panicked at a.rs:1:1:"; echo "second completion accepted"
        echo "Test unit written to $PWD/fuzz/artifacts/parse/crash-1"; exit 1"#;
    let bin = fuzzing_tools(dir.path(), "exit 1", finds);
    let output = fuzz(dir.path(), bin.path(), &[]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    for words in [
        "FOUND: second completion accepted\n",
        "contract: REQ-04\n",
        "scenario: 0100\n",
        "again: RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer address \
         --target-dir target/fuzz/address parse fuzz/artifacts/parse/crash-1\n",
    ] {
        assert!(stdout.contains(words), "`{words}` is not in: {stdout}");
    }

    let broken = "echo 'error: could not compile `fuzz`' >&2; exit 1";
    let bin = fuzzing_tools(dir.path(), "exit 1", broken);
    let output = fuzz(dir.path(), bin.path(), &[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains(
            "the fuzz targets do not build: error: could not compile `fuzz`; read \
            target/lab/fuzz/build.log"
        ),
        "{stderr}"
    );
}

#[test]
fn bad_words_after_fuzz_are_refused() {
    let dir = checkout();
    let output = lab(dir.path(), &["fuzz", "parse"]).output().unwrap();
    assert_refused(dir.path(), &output, &["fuzz/Cargo.toml is missing"]);
    let bin = fuzzing_tools(dir.path(), "exit 1", SAYS);
    let output = lab(dir.path(), &["fuzz", "prase"]).output().unwrap();
    assert_refused(
        dir.path(),
        &output,
        &["`prase` is unknown", "choose from parse"],
    );
    for args in [
        &["--seconds", "0"][..],
        &["--seconds", "soon"],
        &["--sanitizer", "thread"],
    ] {
        let output = fuzz(dir.path(), bin.path(), args);
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(args[1]), "{stderr}");
    }
    fs::remove_file(bin.path().join("c++")).unwrap();
    let output = lab(dir.path(), &["fuzz", "parse"])
        .env("PATH", bin.path())
        .env_remove("CXX")
        .output()
        .unwrap();
    assert_refused(dir.path(), &output, &["no C++ compiler", "install g++"]);
}

#[test]
fn the_doctor_names_what_is_missing_and_how_to_get_it() {
    let dir = checkout();
    let empty = tempfile::tempdir().unwrap();
    let output = lab(dir.path(), &["doctor"])
        .env("PATH", empty.path())
        .env("XDG_CACHE_HOME", empty.path())
        .env_remove("CARGO")
        .env("CC", "") // as if it were not set
        .env_remove("CXX")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    for words in [
        "install Rust from https://rustup.rs",
        "go was not found on PATH",
        "no C compiler",
        "no C++ compiler",
        "skips fuzz-abi",
        "skips fuzz-go",
        "cargo install cargo-fuzz --locked --version 0.13.2",
        "cargo install cargo-nextest --locked --version 0.9.148",
        "fuzzing uses stable with RUSTC_BOOTSTRAP=1",
    ] {
        assert!(stdout.contains(words), "`{words}` is not in: {stdout}");
    }
    assert!(!stdout.contains("export PATH"), "{stdout}");
}

#[test]
fn the_doctor_names_another_version_of_a_pinned_tool_on_the_path() {
    let dir = checkout();
    let tools = tempfile::tempdir().unwrap();
    script(
        &tools.path().join("cargo-nextest"),
        "echo 'cargo-nextest 0.9.1 (abc)'",
    );
    let output = lab(dir.path(), &["doctor"])
        .env("PATH", format!("{}:/usr/bin:/bin", tools.path().display()))
        .env("XDG_CACHE_HOME", tools.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let named: Vec<&str> = stdout
        .lines()
        .filter(|it| it.contains("PATH has"))
        .collect();
    assert_eq!(named.len(), 1, "{stdout}");
    assert!(named[0].starts_with("cargo-nextest"), "{stdout}");
    assert!(named[0].contains("PATH has 0.9.1; "), "{stdout}");
    assert!(
        named[0].contains("builds 0.9.148 into its cache"),
        "{stdout}"
    );
}
