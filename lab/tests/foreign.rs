//! `cgolab run` in modules that it does not know: the planted mistakes of `examples/foreign`, their mended
//! twins, and everything that a module can be besides good.

mod files;
mod modules;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cgolab_note::tool::tool;
use files::copy;
use modules::{CGO, cgolab, module, passing_module, results, run, tests, text, tools, unwrapped};
use serde_json::Value;
use tempfile::TempDir;

/// A copy of an example.
fn example(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/foreign")
        .join(name);
    copy(&source, folder.path());
    let root = folder.path().to_path_buf();
    (folder, root)
}

/// A copy of an example without its mistakes.
fn mended(name: &str) -> (TempDir, PathBuf) {
    let (folder, root) = example(name);
    let patch = Command::new("git")
        .args(["apply", "mend.patch"])
        .current_dir(&root)
        .status()
        .unwrap();
    assert!(patch.success());
    (folder, root)
}

/// The findings of a run, each as `engines: class: places: tests`.
fn findings(root: &Path) -> Vec<String> {
    let words = |list: &Value| -> String {
        let list = list.as_array().unwrap().iter();
        let list: Vec<&str> = list.map(|it| it.as_str().unwrap()).collect();
        list.join(" ")
    };
    let results = results(root);
    let findings = results["findings"].as_array().unwrap().iter();
    let shown = findings.map(|finding| {
        let report = &finding["first"]["report"];
        let places = [&report["c"], &report["go"]].into_iter();
        let places = places.filter(|it| !it.is_null());
        let places = places.map(|it| format!("{}:{}", it["file"].as_str().unwrap(), it["line"]));
        let places: Vec<String> = places.collect();
        let class = report["class"].as_str().unwrap();
        let parts = [
            words(&finding["engines"]),
            class.to_owned(),
            places.join(" "),
            words(&finding["tests"]),
        ];
        parts.join(": ")
    });
    shown.collect()
}

/// An example has these findings, of which `red` make the run red, and its mended twin has none.
fn finds(name: &str, red: usize, expected: &[&str]) {
    if !tools() {
        return;
    }
    let (_folder, root) = example(name);
    let output = run(&root, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(findings(&root), expected);
    let printed = text(&output.stdout);
    assert!(
        printed.contains(&format!("example.com/{name}: {red} findings")),
        "{printed}"
    );
    let (_folder, mended) = mended(name);
    let output = run(&mended, &[]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert_eq!(findings(&mended), [""; 0]);
    assert!(printed.contains(": no finding\n"), "{printed}");
}

#[test]
fn a_binding_of_c_has_its_three_mistakes_named_and_is_clean_when_mended() {
    finds(
        "kv",
        6,
        &[
            "vet: cstring: kv.go:47: ",
            "vet: keepalive: kv.go:68: ",
            "vet: retain: kv_test.go:52: ",
            "asan: leak of C.CString, C.CBytes or C.malloc: : TestCount TestSetAndGet",
            "cgocheck2: unpinned Go pointer stored in C memory: kv.go:73: TestLabel",
            "storm: SIGSEGV: kv.go:68: TestCount",
            "storm-asan: heap-use-after-free: kv.c:50 kv.go:68: TestCount",
        ],
    );
}

#[test]
fn a_binding_of_cxx_has_its_three_mistakes_named_and_is_clean_when_mended() {
    finds(
        "index",
        3,
        &[
            "asan storm-asan: heap-buffer-overflow: index.cc:30 index.go:42: TestBehindTheLast",
            "asan: leak: index.cc:34: TestWord",
            "race: data race: index.go:30: TestManyAtOnce",
        ],
    );
}

#[test]
fn a_binding_of_rust_has_its_three_mistakes_named_and_is_clean_when_mended() {
    finds(
        "words",
        4,
        &[
            "vet: keepalive: words.go:59: ",
            "asan storm-asan: heap-buffer-overflow: src/lib.rs:34 words.go:48: TestLength",
            "asan: leak: src/lib.rs:87: TestWord",
            "storm-asan: heap-use-after-free: src/lib.rs:40 words.go:59: TestLongest",
        ],
    );
}

#[test]
fn a_finding_of_the_baseline_is_not_red_and_a_new_one_is() {
    if !tools() {
        return;
    }
    let (_folder, root) = example("kv");
    let with_baseline = |root: &Path| {
        run(
            root,
            &["--only", "cgocheck2", "--baseline", "baseline.json"],
        )
    };
    assert_eq!(run(&root, &["--only", "cgocheck2"]).status.code(), Some(1));
    fs::copy(
        root.join(".cgolab/latest/results.json"),
        root.join("baseline.json"),
    )
    .unwrap();
    let output = with_baseline(&root);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("example.com/kv: no finding; 1 in the baseline\n"),
        "{printed}"
    );
    // The same mistake in another function.
    let binding = root.join("kv.go");
    let twice = fs::read_to_string(&binding).unwrap()
        + "\nfunc (s *Store) labelAgain() { *C.kv_label(s.c) = unsafe.Pointer(&s.name) }\n";
    fs::write(&binding, twice).unwrap();
    let test = "package kv\n\nimport \"testing\"\n\n\
        func TestLabelAgain(t *testing.T) {\n\ts := open(t)\n\tdefer s.Close()\n\ts.labelAgain()\n}\n";
    fs::write(root.join("again_test.go"), test).unwrap();
    let output = with_baseline(&root);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("example.com/kv: 1 finding; 1 in the baseline\n"),
        "{printed}"
    );
}

/// `cgolab` in a folder, with a script in the place of a tool on PATH.
fn with_tool(root: &Path, args: &[&str], tool: &str, script: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let real = which::which(tool).unwrap();
    let path = folder.path().join(tool);
    let script = format!("#!/bin/sh\n{script}\nexec '{}' \"$@\"\n", real.display());
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let others = std::env::var("PATH").unwrap();
    let all = format!("{}:{others}", folder.path().display());
    cgolab(root, args).env("PATH", all).output().unwrap()
}

#[test]
fn an_engine_whose_canary_is_silent_is_off_and_the_run_is_red() {
    if !tools() {
        return;
    }
    let (_folder, root) = example("kv");
    let args = ["run", "--only", "cgocheck2"];
    let output = with_tool(&root, &args, "go", "unset GOEXPERIMENT");
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains(" s  OFF: Test"), "{printed}");
    assert!(
        printed.contains("example.com/kv: no finding; left out: cgocheck2 is OFF\n"),
        "{printed}"
    );
    let junit = fs::read_to_string(root.join(".cgolab/latest/junit.xml")).unwrap();
    assert!(junit.contains("<failure message=\"OFF: Test"), "{junit}");
}

#[test]
fn an_engine_that_cannot_be_built_has_the_compilers_line_and_the_run_goes_on() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let refuses = "*' -fsanitize=address '*) echo 'gcc: error: no such sanitizer' >&2; exit 1 ;;";
    // It is another version: what the real one has compiled is in Go's cache.
    let real = which::which("gcc").unwrap();
    let other = format!(
        "*' -### '*) '{}' \"$@\" 2>&1 | sed 's/gcc version /gcc version 0/' >&2; exit 0 ;;",
        real.display()
    );
    let script = format!("case \" $* \" in {other} {refuses} esac");
    let args = ["run", "--only", "asan,cgocheck2"];
    let output = with_tool(&root, &args, "gcc", &script);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains(" s  unsupported here: gcc: error: no such sanitizer\n"),
        "{printed}"
    );
    assert!(
        printed.contains("example.com/m: no finding; left out: asan is unsupported here\n"),
        "{printed}"
    );
    assert_eq!(results(&root)["engines"][2]["tests"], 1, "{printed}");
}

#[test]
fn what_the_time_leaves_out_is_skipped_with_its_reason_and_not_red() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let output = run(&root, &["--only", "cgocheck2", "--time", "0"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("example.com/m: no finding; left out: cgocheck2 did not run\n"),
        "{printed}"
    );
    assert_eq!(results(&root)["engines"][0]["tests"], 1, "{printed}");
    let junit = fs::read_to_string(root.join(".cgolab/latest/junit.xml")).unwrap();
    assert!(
        junit.contains("<skipped message=\"not run: no time was left\"/>"),
        "{junit}"
    );
}

#[test]
fn words_for_the_linker_come_from_the_user_the_file_and_the_build_alike() {
    if !tools() {
        return;
    }
    let needs = |name: &str| format!("// extern char {name}[];\n");
    let calls = |name: &str| format!("used = {name}; ");
    let names = ["by_file", "by_build"];
    let library = format!(
        "package m\n\n{}// static int one(void) {{ char *volatile used; {}return 1; }}\nimport \"C\"\n\n\
         func one() int {{ return int(C.one()) }}\n",
        names.map(needs).concat(),
        names.map(calls).concat(),
    );
    let body = "func TestA(t *testing.T) { one() }";
    let (_folder, root) = module(&[("m.go", &library), ("m_test.go", &tests("", body))]);
    let defined = |name: &str| format!("-Wl,--defsym={name}=1");
    let file = |env: &str| {
        format!(
            "[[go]]\n{env}\n[native.plain]\nrun = [\"true\"]\nlink = [\"{}\"]\n",
            defined("by_build")
        )
    };
    let by_file = defined("by_file");
    // By the file, and by the user's own variable.
    for (env, user) in [
        (format!("env = {{ CGO_LDFLAGS = \"{by_file}\" }}"), ""),
        (String::new(), &*by_file),
    ] {
        fs::write(root.join("cgolab.toml"), file(&env)).unwrap();
        let output = cgolab(&root, &["run", "--only", "plain"])
            .env("CGO_LDFLAGS", user)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{env}: {}",
            text(&output.stdout)
        );
    }
}

#[test]
fn a_library_that_does_not_build_or_lacks_the_checks_is_told_with_its_build() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let described = |plain: &str, asan: &str| {
        let file = format!(
            "[native.plain]\nrun = {plain}\n[native.asan]\nrun = {asan}\nproducts = [\"m.go\"]\n"
        );
        fs::write(root.join("cgolab.toml"), file).unwrap();
        let output = run(&root, &["--only", "plain,asan"]);
        (output.status.code(), text(&output.stdout))
    };
    let (code, printed) = described("[\"false\"]", "[\"true\"]");
    assert_eq!(code, Some(1), "{printed}");
    assert!(
        printed.contains("example.com/m: native.plain: exit status: 1"),
        "{printed}"
    );
    let (code, printed) = described("[\"true\"]", "[\"true\"]");
    assert_eq!(code, Some(1), "{printed}");
    assert!(
        printed.contains("native.asan: m.go is no library: "),
        "{printed}"
    );
    // Not named *.c, so that cgo does not take it for its own.
    fs::write(root.join("x.txt"), "int x(int *a) { return *a; }\n").unwrap();
    let compile =
        "run = [\"cc\", \"-c\", \"-x\", \"c\", \"x.txt\", \"-o\", \"x.o\"]\nproducts = [\"x.o\"]\n";
    let file = format!("[native.plain]\nrun = [\"true\"]\n[native.asan]\n{compile}");
    fs::write(root.join("cgolab.toml"), file).unwrap();
    let output = run(&root, &["--only", "plain,asan"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("native.asan: nothing in x.o refers to `__asan_report_load`"),
        "{printed}"
    );
}

/// The compiler is the usual one, behind a script that notes each time it compiles the file of C.
#[test]
fn c_is_compiled_as_often_as_is_told_at_the_start() {
    if !tools() {
        return;
    }
    let (folder, root) = passing_module();
    let file = "// Package m is compiled for the first time here.\nint two(void) { return 2; }\n";
    fs::write(
        root.join("two.c"),
        format!("{file}// {}\n", folder.path().display()),
    )
    .unwrap();
    let noted = folder.path().join("noted");
    let compiler = folder.path().join("cc");
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' -c '*two.c*) echo >>'{}' ;; esac\nexec gcc \"$@\"\n",
        noted.display()
    );
    fs::write(&compiler, script).unwrap();
    fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)).unwrap();
    let args = ["run", "--only", "vet,cgocheck2,storm,storm-asan"];
    let output = cgolab(&root, &args).env("CC", &compiler).output().unwrap();
    let errors = unwrapped(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let compiled = fs::read_to_string(&noted).unwrap().lines().count();
    assert!(
        errors.contains(&format!("; C is compiled {compiled} times, for 1 package")),
        "{compiled}: {errors}"
    );
}

#[test]
fn valgrind_is_asked_for_and_sees_what_no_other_engine_does() {
    if !tools() {
        return;
    }
    if tool("valgrind").is_none() {
        return;
    }
    let library = r#"package m

// #include <stdlib.h>
// static int *made(void) { return malloc(64); }
// static void mends(int *made) { made[3] = 0; }
// static int late(int *made) { free(made); return made[0]; }
import "C"

import "unsafe"

//go:noinline
func large(mend bool) int {
	made := C.made()
	if mend {
		defer C.free(unsafe.Pointer(made))
		C.mends(made)
	}
	if *(*C.int)(unsafe.Add(unsafe.Pointer(made), 12)) > 7 {
		return 1
	}
	return 0
}

//go:noinline
func reads() int { return int(C.late(C.made())) }
"#;
    let of = |mend: bool, more: &str| {
        let body = format!("func TestA(t *testing.T) {{ t.Log(large({mend})) }}\n{more}");
        let tests = tests("\t\"os\"\n\t\"runtime\"\n", &body);
        module(&[("m.go", library), ("m_test.go", &tests)])
    };
    let late = "func TestC(t *testing.T) { t.Log(reads(), os.Args[0]) }\nvar _ = runtime.GC\n";
    let (_folder, root) = of(false, late);
    let output = run(&root, &["--only", "valgrind"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for says in [
        "use of uninitialised memory, seen by valgrind",
        "Go: example.com/m.large (m.go:",
        "leak, seen by valgrind",
        "C: made (m.go:4)",
        "test: TestA",
        // Valgrind's own stack ends where Go calls C.
        "invalid read, seen by valgrind",
        "C: late (m.go:6)",
        "Go: example.com/m.reads (m.go:",
        "test: TestC",
    ] {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
    // A test that fails without a report may be too slow: it is told, and blamed on nothing. One that collects by
    // itself keeps valgrind from its search for leaks.
    let others = "var kept []*byte\n\n\
        func TestB(t *testing.T) {\n\
        \tif os.Getenv(\"GOGC\") == \"off\" {\n\t\tt.Error(\"too slow\")\n\t}\n}\n\
        func TestC(t *testing.T) {\n\
        \tfor round := 0; round < 3; round++ {\n\
        \t\tkept = nil\n\
        \t\tfor i := 0; i < 1000; i++ {\n\t\t\tkept = append(kept, new(byte))\n\t\t}\n\
        \t\truntime.GC()\n\t}\n}\n";
    let (_folder, root) = of(true, others);
    let output = run(&root, &["--only", "valgrind"]);
    let printed = unwrapped(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    for says in [
        "left out: 1 test that may be too slow in valgrind",
        "leaks of 1 package in valgrind",
    ] {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
}

#[test]
fn mistakes_that_only_valgrind_sees_pass_without_it() {
    if !tools() {
        return;
    }
    let detectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("canaries/detectors");
    let pattern =
        "^(TestBranchesOnNothing|TestUsesFreedMemory|TestLosesMemory|TestHoldsMemoryInGo)$";
    let output = Command::new("go")
        .args(["test", "-count=1", "-v", "-run", pattern, "."])
        .current_dir(detectors)
        .output()
        .unwrap();
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert_eq!(printed.matches("--- PASS").count(), 4, "{printed}");
}

#[test]
fn a_storm_makes_a_rare_failure_frequent_and_names_the_knob() {
    if !tools() {
        return;
    }
    let storm = |folder: &Path, more: &[&str]| {
        let args = [&["storm", "--time", "1s"], more].concat();
        let output = cgolab(folder, &args).output().unwrap();
        let errors = text(&output.stderr);
        (output.status.code(), text(&output.stdout), errors)
    };
    let (_folder, root) = example("rare");
    let (code, printed, errors) = storm(&root, &["--run", "TestSum", "--bisect"]);
    assert_eq!(code, Some(1), "{printed}{errors}");
    for words in [
        "heap-use-after-free in sample_sum (rare.c:",
        "seen under a storm only",
        "likeliest under ",
        "smallest, one test, failed in ",
    ] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let of = |printed: &str, knob: &str| {
        let row = printed.lines().find(|line| line.starts_with(knob));
        let row = row.unwrap_or_else(|| panic!("no row {knob}: {printed}"));
        let number = |at: usize| row[26..].split_whitespace().nth(at).unwrap().parse();
        let (runs, failed): (Result<u32, _>, Result<u32, _>) = (number(0), number(1));
        (runs.unwrap(), failed.unwrap())
    };
    let (runs, failed) = of(&printed, "collector, one CPU ");
    assert!(failed * 2 > runs, "{failed} of {runs}: {printed}");
    // What was counted counts on, for the same programs and tests only.
    let (code, again, errors) = storm(&root, &["--run", "TestSum", "--resume"]);
    assert_eq!(code, Some(1), "{again}{errors}");
    let (more, _) = of(&again, "none ");
    assert!(more > of(&printed, "none ").0, "{again}{errors}");
    let (code, _, errors) = storm(&root, &["--run", "TestTick", "--resume"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("begin anew, without --resume"), "{errors}");
    let (_folder, mended) = mended("kv");
    let (code, printed, errors) = storm(&mended, &["--run", "TestCount"]);
    assert_eq!(code, Some(0), "{printed}{errors}");
    assert!(
        printed.contains("example.com/kv: nothing failed in "),
        "{printed}"
    );
}

#[test]
fn where_there_is_nothing_to_run_one_line_says_why() {
    if !tools() {
        return;
    }
    let plain = ("m.go", "package m\n");
    let passing = tests("", "func TestA(t *testing.T) {}");
    let (_no_c, no_c) = module(&[plain, ("m_test.go", &passing)]);
    let (_no_tests, no_tests) = module(&[CGO]);
    let nowhere = tempfile::tempdir().unwrap();
    for (folder, args, says) in [
        (
            no_c.as_path(),
            &[][..],
            "no package of this module has to do with C",
        ),
        (
            &no_tests,
            &[],
            "no tests: of the packages that have to do with C (example.com/m) none has any",
        ),
        (nowhere.path(), &[], "is in no Go module"),
        (&no_tests, &["--only", "rase"], "engine `rase` is unknown"),
        (
            &no_tests,
            &["--baseline", "nothing.json"],
            "cannot read the baseline",
        ),
        (&no_tests, &["no-such-folder"], "is no folder"),
    ] {
        let output = run(folder, args);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        let last = error.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("error: ") && last.contains(says),
            "{args:?}: {error}"
        );
        assert!(!folder.join(".cgolab").exists(), "{says}");
    }
}

#[test]
fn without_go_one_line_says_what_to_install() {
    let (_folder, root) = module(&[CGO]);
    let output = cgolab(&root, &["run"])
        .env("PATH", root.join("nothing"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("Go is not on PATH; install it"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn what_is_not_green_plainly_is_named_and_left_out_of_other_engines() {
    if !tools() {
        return;
    }
    let body = "func TestPasses(t *testing.T) { one() }\n\
        func TestFails(t *testing.T) { t.Error(\"no\") }\n\
        func TestPanics(t *testing.T) { panic(\"no\") }\n\
        func TestExits(t *testing.T) { os.Exit(3) }\n\
        func TestExitsWell(t *testing.T) { os.Exit(0) }\n";
    let (_folder, root) = module(&[CGO, ("m_test.go", &tests("\t\"os\"\n", body))]);
    let output = run(&root, &["--only", "plain,cgocheck2"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for says in [
        "TestFails fails\n",
        "TestPanics ends the process: panic",
        "TestExits ends the process without a word: exit status: 3",
        "TestExitsWell ends the process without a word: exit status: 0",
        "no finding; plain tests: 4 not green",
    ] {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
    let results = results(&root);
    assert_eq!(
        results["engines"][1]["trouble"].as_array().unwrap().len(),
        0,
        "{printed}"
    );
    assert_eq!(results["engines"][1]["tests"], 1);
    // What died has a report with its threads, if they can be seen; what only ended has none.
    let reports = results["engines"][0]["trouble"].as_array().unwrap().iter();
    let reports: Vec<&str> = reports.filter_map(|it| it["report"].as_str()).collect();
    assert_eq!(reports.len(), usize::from(which::which("gdb").is_ok()));
    for report in reports {
        let name = Path::new(report).file_stem().unwrap().to_str().unwrap();
        let report = fs::read_to_string(root.join(report)).unwrap();
        assert!(report.contains("TestPanics"), "{report}");
        // It is a page of the report, too, which can be moved as a whole.
        let latest = root.join(".cgolab/latest");
        let page = fs::read_to_string(latest.join(format!("triage/{name}.html"))).unwrap();
        assert!(page.contains("TestPanics"), "{page}");
        let linked = fs::read_to_string(latest.join("report.html")).unwrap();
        assert!(
            linked.contains(&format!("href=\"triage/{name}.html\"")),
            "{linked}"
        );
    }
}

#[test]
fn a_signal_on_a_thread_of_c_of_which_go_says_nothing_has_a_report() {
    if !tools() {
        return;
    }
    if tool("gdb").is_none() {
        return;
    }
    let library = "package m\n\n// #include <pthread.h>\n\
        // static void *faults(void *at) { *(volatile int *)at = 1; return at; }\n\
        // static void begins(void) {\n//   pthread_t it;\n\
        //   pthread_create(&it, 0, faults, (void *)8);\n//   pthread_join(it, 0);\n// }\n\
        import \"C\"\n\nfunc begins() { C.begins() }\n";
    let body = tests("", "func TestA(t *testing.T) { begins() }");
    let (_folder, root) = module(&[("m.go", library), ("m_test.go", &body)]);
    let output = run(&root, &["--only", "plain"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let results = results(&root);
    let report = results["engines"][0]["trouble"][0]["report"].as_str();
    let report = fs::read_to_string(root.join(report.unwrap())).unwrap();
    assert!(report.contains("`fault-on-foreign-thread`"), "{report}");
}

#[test]
fn a_package_that_does_not_build_is_told_with_the_compilers_line() {
    if !tools() {
        return;
    }
    let broken = "package broken\n\n// #include \"no_such_header.h\"\nimport \"C\"\n";
    let passing = tests("", "func TestA(t *testing.T) { one() }");
    let of_broken = passing
        .replace("package m", "package broken")
        .replace("one()", "");
    let (_folder, root) = module(&[
        CGO,
        ("m_test.go", &passing),
        ("broken/b.go", broken),
        ("broken/b_test.go", &of_broken),
    ]);
    let output = run(&root, &["--only", "plain"]);
    let printed = unwrapped(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("no_such_header.h: No such file"),
        "{printed}"
    );
    assert_eq!(results(&root)["engines"][0]["tests"], 1);
}

#[test]
fn tests_behind_build_tags_are_found() {
    if !tools() {
        return;
    }
    let tagged = format!(
        "//go:build special\n\n{}",
        tests("", "func TestA(t *testing.T) { one() }")
    );
    let (_folder, root) = module(&[CGO, ("m_test.go", &tagged)]);
    let output = run(&root, &["--only", "plain"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(
        text(&output.stderr).contains("-tags=special"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(results(&root)["engines"][0]["tests"], 1);
}

#[test]
fn nothing_but_the_folder_of_results_is_written_and_git_does_not_see_it() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let git = |args: &[&str]| {
        text(
            &Command::new("git")
                .args(args)
                .current_dir(&root)
                .output()
                .unwrap()
                .stdout,
        )
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    let before = git(&["status", "--short"]);
    let output = run(&root, &["--only", "plain"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(git(&["status", "--short"]), before);
    for view in [
        "results.json",
        "report.md",
        "report.html",
        "junit.xml",
        "report.sarif",
    ] {
        assert!(root.join(".cgolab/latest").join(view).is_file(), "{view}");
    }
    let lock = fs::File::open(root.join(".cgolab/lock")).unwrap();
    assert!(lock.try_lock().is_ok(), "the next run would not begin");
}

#[test]
fn a_finding_that_the_module_accepts_is_not_red_and_an_old_entry_is_told() {
    if !tools() {
        return;
    }
    let (_folder, root) = example("kv");
    let accept = "[[accept]]\nengine = \"cgocheck2\"\nframe = \"(*Store).Label\"\nreason = \"for debuggers\"\n\n\
                  [[accept]]\nengine = \"cgocheck2\"\ntest = \"TestOld\"\nreason = \"gone\"\n";
    fs::write(root.join("cgolab.toml"), accept).unwrap();
    let output = run(&root, &["--only", "cgocheck2"]);
    let printed = unwrapped(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("no finding; 1 accepted; accepted and not found: cgocheck2 TestOld"),
        "{printed}"
    );
    assert!(printed.contains("accepted: for debuggers"), "{printed}");
    fs::write(root.join("cgolab.toml"), "pakages = []\n").unwrap();
    let output = run(&root, &["--only", "cgocheck2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("error: cgolab.toml:1: "),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn init_writes_what_it_finds_once() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let init = || cgolab(&root, &["init"]).output().unwrap();
    assert!(init().status.success());
    let written = fs::read_to_string(root.join("cgolab.toml")).unwrap();
    assert!(written.contains("# packages = [\".\"]"), "{written}");
    let again = init();
    assert_eq!(again.status.code(), Some(2));
    assert!(
        text(&again.stderr).contains("exists"),
        "{}",
        text(&again.stderr)
    );
}

#[test]
fn two_runs_in_one_module_do_not_meet() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    fs::create_dir(root.join(".cgolab")).unwrap();
    let held = fs::File::create(root.join(".cgolab/lock")).unwrap();
    held.lock().unwrap();
    let output = run(&root, &["--only", "plain"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("another run"),
        "{}",
        text(&output.stderr)
    );
}
