//! `cgolab run` and `cgolab storm` where something is in the way: each says so in one line, leaves earlier
//! results and no process behind, and is never green by mistake.

mod modules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cgolab_note::tool::tool;
use modules::{CGO, cgolab, module, passing_module, results, run, tests, text, tools, unwrapped};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The most that is waited for what must come: nothing depends on how soon it does.
const PATIENCE: Duration = Duration::from_secs(600);

/// Expects that a command could not do its work, for a reason that its last line gives.
fn refuses(output: &Output, says: &str) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    let last = error.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("error: ") && last.contains(says),
        "no {says:?}: {error}"
    );
}

/// Expects that a run is red, and that what it printed has these words.
fn red(output: &Output, says: &[&str]) {
    let printed = unwrapped(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for says in says {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
}

/// A module with C and these tests.
fn with_tests(imports: &str, body: &str) -> (TempDir, PathBuf) {
    module(&[CGO, ("m_test.go", &tests(imports, body))])
}

/// A folder of modules `m1`, `m2`, … with one workspace; each but the first uses the one before.
fn workspace(count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut uses = String::new();
    for number in 1..=count {
        let root = folder.path().join(format!("m{number}"));
        fs::create_dir(&root).unwrap();
        let write = |name: &str, text: &str| fs::write(root.join(name), text).unwrap();
        write(
            "go.mod",
            &format!("module example.com/m{number}\n\ngo 1.22\n"),
        );
        let before = match number {
            1 => String::new(),
            _ => format!("import _ \"example.com/m{}\"\n", number - 1),
        };
        write("m.go", &CGO.1.replace("\nfunc", &format!("{before}\nfunc")));
        write(
            "m_test.go",
            &tests("", "func TestA(t *testing.T) { one() }"),
        );
        uses.push_str(&format!("use ./m{number}\n"));
    }
    fs::write(folder.path().join("go.work"), format!("go 1.22\n\n{uses}")).unwrap();
    folder
}

#[test]
fn in_a_workspace_a_module_is_named_or_chosen_by_the_folder() {
    if !tools() {
        return;
    }
    let folder = workspace(10);
    refuses(
        &run(folder.path(), &[]),
        "is in a workspace and in none of its modules; name one: ./m1 ./m2 ./m3",
    );
    let output = run(folder.path(), &["m3", "--only", "plain"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    // It needs another module of the workspace, which is not the one that was asked for.
    let chosen = folder.path().join("m3");
    assert_eq!(results(&chosen)["module"], "example.com/m3");
    assert_eq!(results(&chosen)["summary"][1], "1 package to test: .");
    assert!(!folder.path().join("m1/.cgolab").exists());
    assert!(!folder.path().join("m2/.cgolab").exists());
}

#[test]
fn a_vendor_folder_is_used_as_go_is_told_to() {
    if !tools() {
        return;
    }
    let uses = "package m\n\n// static int one(void) { return 1; }\nimport \"C\"\nimport \"example.com/dep\"\n\n\
                func one() int { return int(C.one()) + dep.Zero }\n";
    let (_folder, root) = module(&[
        ("m.go", uses),
        (
            "m_test.go",
            &tests("", "func TestA(t *testing.T) { one() }"),
        ),
        (
            "go.mod",
            "module example.com/m\n\ngo 1.22\n\nrequire example.com/dep v1.0.0\n",
        ),
        (
            "vendor/example.com/dep/dep.go",
            "package dep\n\nconst Zero = 0\n",
        ),
        (
            "vendor/modules.txt",
            "# example.com/dep v1.0.0\n## explicit; go 1.22\nexample.com/dep\n",
        ),
    ]);
    let output = cgolab(&root, &["run", "--only", "plain,vet"])
        .env("GOFLAGS", "-mod=vendor")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(results(&root)["engines"][0]["tests"], 1);
    assert_eq!(results(&root)["engines"][1]["packages_read"], 1);
}

#[test]
fn a_package_that_cannot_be_loaded_is_no_green() {
    if !tools() {
        return;
    }
    let broken = format!(
        "{}import _ \"example.com/nowhere\"\n",
        "package b\n\nimport \"C\"\n"
    );
    let passing = tests("", "func TestA(t *testing.T) { one() }");
    let (_folder, root) = module(&[
        CGO,
        ("m_test.go", &passing),
        ("b/b.go", &broken),
        ("b/b_test.go", "package b\n"),
    ]);
    let output = run(&root, &["--only", "plain"]);
    red(
        &output,
        &[
            "example.com/m/b does not build: no required module provides package example.com/nowhere",
            "plain tests: 1 not green",
        ],
    );
    assert_eq!(results(&root)["engines"][0]["tests"], 1);
    red(
        &run(&root, &["--only", "plain", "--packages", ".,./nowhere"]),
        &["./nowhere does not build: ", "nowhere: directory not found"],
    );
    refuses(
        &run(&root, &["--packages", "./nowhere"]),
        "nowhere: directory not found",
    );
    refuses(
        &run(&root, &["--packages", "fmt"]),
        "--packages fmt: this module has no such package",
    );
}

#[test]
fn tests_that_do_not_build_are_red() {
    if !tools() {
        return;
    }
    let (_folder, root) = with_tests("", "func TestA(t *testing.T) { two() }");
    red(
        &run(&root, &["--only", "plain,cgocheck2"]),
        &[
            "example.com/m does not build: ./m_test.go:7:28: undefined: two",
            "not run: nothing is left of what plain could not run",
        ],
    );
    assert_eq!(
        results(&root)["engines"][1]["trouble"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn where_no_test_runs_the_reason_is_told_once_and_nothing_is_green() {
    if !tools() {
        return;
    }
    let passes = "func TestA(t *testing.T) { one() }";
    for (imports, body, says) in [
        (
            "",
            "func TestA(t *testing.T) { t.Skip(\"no service\") }".to_owned(),
            "no test ran: all are skipped (1); set what they ask for",
        ),
        (
            "\t\"os\"\n",
            format!("func TestMain(m *testing.M) {{ os.Exit(0) }}\n{passes}"),
            "no test ran: its TestMain ends the program before them",
        ),
        (
            "\t\"os\"\n",
            format!(
                "func TestMain(m *testing.M) {{ println(\"no service\"); os.Exit(1) }}\n{passes}"
            ),
            "no test ran: its program ends before the first one: exit status: 1; no service",
        ),
        (
            "",
            "func helper(t *testing.T) {}".to_owned(),
            "no test ran: its test files have none",
        ),
    ] {
        let (_folder, root) = with_tests(imports, &body);
        let output = run(&root, &["--only", "plain,cgocheck2"]);
        red(
            &output,
            &[
                says,
                "plain tests: 1 not green",
                "nothing is left of what plain could not run",
            ],
        );
        // It is blamed on no other engine.
        let engines = &results(&root)["engines"];
        assert_eq!(engines[1]["trouble"].as_array().unwrap().len(), 0, "{says}");
        assert_eq!(engines[0]["trouble"].as_array().unwrap().len(), 1, "{says}");
    }
}

#[test]
fn a_storm_over_no_test_is_no_success() {
    if !tools() {
        return;
    }
    let (_folder, root) = with_tests("", "func TestA(t *testing.T) { t.Skip(\"no service\") }");
    let storm = |args: &[&str]| {
        let mut command = cgolab(&root, &["storm", "--time", "1s"]);
        command.args(args).output().unwrap()
    };
    refuses(
        &storm(&[]),
        "no test of example.com/m ran: all are skipped (1)",
    );
    refuses(
        &storm(&["--run", "TestA/("]),
        "--run TestA/( is not a pattern of tests: error parsing regexp: missing closing )",
    );
    refuses(
        &storm(&["--run", "TestB"]),
        "no test of example.com/m ran: none fits --run TestB",
    );
    assert!(!root.join(".cgolab/storm.json").exists());
}

#[test]
fn only_the_knobs_that_say_so_have_the_collector_run_all_the_time() {
    if !tools() {
        return;
    }
    let body = "func TestA(t *testing.T) {\n\
        \tone()\n\
        \tvar before, now debug.GCStats\n\
        \tdebug.ReadGCStats(&before)\n\
        \tfor i := 0; i < 200 && now.NumGC < before.NumGC+5; i++ {\n\
        \t\ttime.Sleep(10 * time.Millisecond)\n\t\tdebug.ReadGCStats(&now)\n\t}\n\
        \tif now.NumGC >= before.NumGC+5 {\n\t\tt.Error(\"collects\")\n\t}\n}";
    let (_folder, root) = with_tests("\t\"runtime/debug\"\n\t\"time\"\n", body);
    let output = cgolab(&root, &["storm", "--time", "1s"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let written = fs::read_to_string(root.join(".cgolab/storm.json")).unwrap();
    let storm: Value = serde_json::from_str(&written).unwrap();
    for (knob, packages) in storm["counts"].as_object().unwrap() {
        let count = &packages["example.com/m"];
        let runs = &count["runs"];
        assert!(runs.as_u64() > Some(0), "{knob}: {written}");
        let failed = if knob.contains("collector") {
            runs
        } else {
            &json!(0)
        };
        assert_eq!(&count["failed"], failed, "{knob}: {written}");
    }
}

#[test]
fn a_knob_of_the_module_has_its_turn_and_a_storm_can_end_with_the_first_failure() {
    if !tools() {
        return;
    }
    let body = "func TestA(t *testing.T) {\n\tone()\n\
        \tif os.Getenv(\"NIGHT\") == \"1\" {\n\t\tt.Error(\"dark\")\n\t}\n}";
    let (_folder, root) = with_tests("\t\"os\"\n", body);
    let described = "[[knob]]\nname = \"night\"\nbuild = \"plain\"\nenv = { NIGHT = \"1\" }\n";
    fs::write(root.join("cgolab.toml"), described).unwrap();
    // Without its option it would go on for an hour.
    let args = ["storm", "--time", "1h", "--until-fail"];
    let output = cgolab(&root, &args).output().unwrap();
    red(&output, &["seen: 1 of 1 (21 … 100 %) under night"]);
    let written = fs::read_to_string(root.join(".cgolab/storm.json")).unwrap();
    let storm: Value = serde_json::from_str(&written).unwrap();
    for (knob, packages) in storm["counts"].as_object().unwrap() {
        let failed = u64::from(knob == "night");
        assert_eq!(
            packages["example.com/m"]["failed"], failed,
            "{knob}: {written}"
        );
    }
}

/// The busy threads beside the tests are those of their parent.
#[test]
fn what_fails_beside_busy_threads_alone_is_contention() {
    if !tools() {
        return;
    }
    let body = "func TestA(t *testing.T) {\n\tone()\n\
        \tparent := \"/proc/\" + strconv.Itoa(os.Getppid()) + \"/task/\"\n\
        \tthreads, _ := os.ReadDir(parent)\n\tbusy := 0\n\
        \tfor _, it := range threads {\n\
        \t\tstat, _ := os.ReadFile(parent + it.Name() + \"/stat\")\n\
        \t\tif strings.Contains(string(stat), \") R \") {\n\t\t\tbusy++\n\t\t}\n\t}\n\
        \tif busy > runtime.NumCPU() {\n\t\tt.Error(\"beside others\")\n\t}\n}";
    let imports = "\t\"os\"\n\t\"runtime\"\n\t\"strconv\"\n\t\"strings\"\n";
    let (_folder, root) = with_tests(imports, body);
    let storm = |more: &[&str]| {
        let mut command = cgolab(&root, &["storm", "--time", "2s"]);
        command.args(more).output().unwrap()
    };
    // However slow the machine is, there are enough runs at some time.
    let mut output = storm(&[]);
    for _ in 0..30 {
        if unwrapped(&output.stdout).contains("contention only") {
            break;
        }
        output = storm(&["--resume"]);
    }
    let says = "contention only: it fails on a busy machine, and never alone";
    red(&output, &[says]);
}

#[test]
fn a_test_that_ends_its_program_each_time_hides_no_rare_failure_behind_it() {
    if !tools() {
        return;
    }
    let body = "func TestA(t *testing.T) { one(); panic(\"each time\") }\n\
        func TestExits(t *testing.T) { os.Exit(0) }\n\
        func TestB(t *testing.T) {\n\
        \tif os.Getenv(\"GOMAXPROCS\") == \"1\" {\n\t\tt.Error(\"alone\")\n\t}\n}";
    let (_folder, root) = with_tests("\t\"os\"\n", body);
    let output = cgolab(&root, &["storm", "--time", "1s"]).output().unwrap();
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for says in [
        "TestA: left out after 5 runs: it ended its program each time",
        ", TestA\n   fails without any storm: no rare order is needed\n   seen: 5 of 5 ",
        ", TestB\n   seen under a storm only, ",
        "TestExits: left out after 10 runs: it ended its program each time",
        "ends its program as if all tests had passed, TestExits\n   fails without any storm",
    ] {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
}

/// A test that hangs costs a time limit: it is met once where it is met each time, and told as any other failure.
#[test]
fn tests_that_hang_in_a_storm_are_named_and_hide_no_others() {
    if !tools() {
        return;
    }
    let code = "package m\n\n/*\n#include <pthread.h>\n#include <stdint.h>\n\
        extern void goCall(uintptr_t);\n\
        static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;\n\
        static void with_the_lock(uintptr_t call) {\n\
        \tpthread_mutex_lock(&door);\n\tgoCall(call);\n\tpthread_mutex_unlock(&door);\n}\n\
        static void takes_the_lock(void) { pthread_mutex_lock(&door); pthread_mutex_unlock(&door); }\n\
        */\nimport \"C\"\n\nimport \"runtime/cgo\"\n\n\
        //export goCall\nfunc goCall(call C.uintptr_t) { cgo.Handle(call).Value().(func())() }\n\n\
        func withTheLock(call func()) { C.with_the_lock(C.uintptr_t(cgo.NewHandle(call))) }\n\
        func takesTheLock() { C.takes_the_lock() }\n";
    let body = "func TestHangs(t *testing.T) { select {} }\n\
        func TestDeadlock(t *testing.T) {\n\
        \tif os.Getenv(\"GOMAXPROCS\") != \"1\" {\n\t\ttakesTheLock()\n\t\treturn\n\t}\n\
        \tanswer, inside := make(chan int), make(chan bool)\n\
        \tgo withTheLock(func() { inside <- true; <-answer })\n\
        \t<-inside\n\ttakesTheLock()\n\tanswer <- 1\n}";
    let alone =
        tests("", "func TestAlone(t *testing.T) { select {} }").replace("package m", "package a");
    let (_folder, root) = module(&[
        ("m.go", code),
        ("m_test.go", &tests("\t\"os\"\n", body)),
        ("a/a.go", "package a\n\nimport \"C\"\n"),
        ("a/a_test.go", &alone),
        ("cgolab.toml", "[[go]]\ntimeout = \"5s\"\n"),
    ]);
    let output = cgolab(&root, &["storm", "--time", "1s"]).output().unwrap();
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for says in [
        "does not end, TestHangs\n   fails without any storm: no rare order is needed\n   seen: 1 of 1 ",
        "none: TestHangs: left out after 1 run: it does not end\n",
        "does not end, TestDeadlock\n   time-out only: ",
        "under GOMAXPROCS=1\n",
        "does not end, TestAlone\n   fails without any storm",
        "race: example.com/m/a: no test runs: it hangs without any storm\n",
        "example.com/m: 3 ways to fail in ",
    ] {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
    if tool("gdb").is_none() {
        return;
    }
    let (_, told) = printed.split_once("does not end, TestDeadlock").unwrap();
    let (_, report) = told.split_once("   report: ").expect(&printed);
    let report = fs::read_to_string(root.join(report.lines().next().unwrap())).unwrap();
    assert!(
        report.contains("waits for the lock `door` in takes_the_lock"),
        "{report}"
    );
}

/// The words of a failing test are part of its report: nobody can judge it without them.
#[test]
fn a_test_that_fails_in_a_storm_is_told_with_its_words() {
    if !tools() {
        return;
    }
    let body = "func TestA(t *testing.T) {\n\
        \tone()\n\
        \tif os.Getenv(\"GOMAXPROCS\") == \"1\" {\n\t\tt.Error(\"nobody answers\")\n\t}\n}";
    let (_folder, root) = with_tests("\t\"os\"\n", body);
    let output = cgolab(&root, &["storm", "--time", "1s"]).output().unwrap();
    let printed = text(&output.stdout);
    for says in [
        "1. test fails, TestA\n   seen under a storm only, in too few runs to say that it needs one\n",
        "   it says: m_test.go:11: nobody answers\n",
    ] {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
}

/// What the sanitizer alone would hide: leaks behind a test that fails, tests behind a fatal report, callers in
/// Go, and the test that a leak belongs to.
#[test]
fn neither_a_failing_test_nor_a_fatal_report_hides_what_the_sanitizer_sees_in_others() {
    if !tools() {
        return;
    }
    // Many are lost: the last may still be found in a register or on a stack.
    let mistakes = "package m\n\n// #include <stdlib.h>\n\
        // static void make(void) { for (int i = 0; i < 16; i++) { void *volatile p = malloc(8); } }\n\
        // static void begin(void) { for (int i = 0; i < 16; i++) { void *volatile p = malloc(9); } }\n\
        // static int after_free(void) { volatile char *p = malloc(8); free((void *)p); return p[0]; }\n\
        import \"C\"\n\nfunc init() { C.begin() }\nfunc leaks() { C.make() }\nfunc usesFreed() int { return int(C.after_free()) }\n";
    let body = "func TestA(t *testing.T) { t.Error(\"no\") }\n\
        func TestB(t *testing.T) { usesFreed() }\n\
        func TestC(t *testing.T) { leaks() }\n\
        func TestD(t *testing.T) {}";
    let (_folder, root) = module(&[("m.go", mistakes), ("m_test.go", &tests("", body))]);
    red(
        &run(&root, &["--only", "asan"]),
        &["example.com/m: 3 findings; plain tests: 1 not green"],
    );
    let results = results(&root);
    let asan = &results["engines"][1];
    // TestC and TestD in the run that has come to its end.
    assert_eq!(asan["tests"], 2);
    assert_eq!(asan["trouble"], json!([]));
    let found = |part: &str| {
        let mut findings = results["findings"].as_array().unwrap().iter();
        let fits = |it: &&Value| it["signature"].as_str().unwrap().contains(part);
        findings
            .find(fits)
            .unwrap_or_else(|| panic!("no {part}: {results}"))
    };
    assert_eq!(found("heap-use-after-free")["tests"], json!(["TestB"]));
    let caller = &found("heap-use-after-free")["first"]["report"]["go"]["function"];
    assert_eq!(caller, "example.com/m.usesFreed");
    assert_eq!(found("make")["tests"], json!(["TestC"]));
    // What the package leaks when it begins leaks in each of its tests, and in none of ours.
    assert_eq!(found("begin")["tests"], json!(["TestC", "TestD"]));
}

/// The race detector goes on after a report: what ends the program later has a reason of its own.
#[test]
fn a_death_behind_a_race_is_a_finding_too() {
    if !tools() {
        return;
    }
    let code = "package m\n\nimport \"unsafe\"\n\nfunc races() (shared int) {\n\
        \tdone := make(chan bool)\n\tgo func() { shared++; done <- true }()\n\tshared++\n\t<-done\n\treturn\n}\n\n\
        var sink *[4]int64\n\nfunc straddles() {\n\tsmall := new(int64)\n\tsink = (*[4]int64)(unsafe.Pointer(small))\n}\n";
    let body = "func TestA(t *testing.T) { races() }\nfunc TestB(t *testing.T) { straddles() }";
    let (_folder, root) = module(&[
        ("m.go", code),
        ("c.go", "package m\n\nimport \"C\"\n"),
        ("m_test.go", &tests("", body)),
    ]);
    red(
        &run(&root, &["--only", "race"]),
        &["example.com/m: 2 findings"],
    );
    let results = results(&root);
    let findings = results["findings"].as_array().unwrap();
    let of = |test: &str| {
        let shown = |it: &&Value| it["tests"] == json!([test]);
        let found = findings.iter().find(shown);
        found.unwrap_or_else(|| panic!("nothing of {test}: {results}"))["signature"].clone()
    };
    assert!(of("TestA").as_str().unwrap().starts_with("data race"));
    assert!(of("TestB").as_str().unwrap().contains("straddles"));
}

#[test]
fn a_test_that_fails_now_and_then_is_told_with_how_often() {
    if !tools() {
        return;
    }
    let body = "func TestA(t *testing.T) {\n\
        \tone()\n\
        \tif err := os.Mkdir(os.Getenv(\"SEEN\"), 0o777); err == nil {\n\t\tt.Error(\"the first time\")\n\t}\n}";
    let (folder, root) = with_tests("\t\"os\"\n", body);
    let output = cgolab(&root, &["run", "--only", "plain"])
        .env("SEEN", folder.path().join("seen"))
        .output()
        .unwrap();
    red(&output, &["TestA fails in 1 of 3 runs"]);
}

#[test]
fn a_warning_of_vet_is_listed_and_is_red_where_strictness_is_asked_for() {
    if !tools() {
        return;
    }
    let leaks = "package m\n\n// #include <stdlib.h>\nimport \"C\"\n\n\
                 func leaks() int { s := C.CString(\"x\"); return int(*s) }\n";
    let passing = tests("", "func TestA(t *testing.T) {}");
    let (_folder, root) = module(&[("m.go", leaks), ("m_test.go", &passing)]);
    let output = run(&root, &["--only", "vet"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("1. cstring, seen by vet (warning)"),
        "{printed}"
    );
    assert!(printed.contains(": no finding; 1 warning\n"), "{printed}");
    let strict = run(&root, &["--only", "vet", "--strict"]);
    red(
        &strict,
        &["1. cstring, seen by vet", "example.com/m: 1 finding"],
    );
}

#[test]
fn what_vet_cannot_analyse_is_red_and_what_comments_silence_is_counted() {
    if !tools() {
        return;
    }
    let silenced = "package m\n\n// #include <stdlib.h>\nimport \"C\"\n\n\
        //cgolab:ignore cstring kept for ever, on purpose\n\
        func keeps() int { s := C.CString(\"x\"); return int(*s) }\n";
    let passing = tests("", "func TestA(t *testing.T) {}");
    let (_folder, root) = module(&[("m.go", silenced), ("m_test.go", &passing)]);
    let output = run(&root, &["--only", "vet"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("limit: 1 finding silenced by //cgolab:ignore\n"),
        "{printed}"
    );
    // It has no tests, so that no other engine needs it.
    fs::create_dir(root.join("broken")).unwrap();
    fs::write(
        root.join("broken/b.go"),
        "package broken\n\nvar X int = \"a\"\n",
    )
    .unwrap();
    red(
        &run(&root, &["--only", "vet"]),
        &[
            "vet: not judged example.com/m/broken: does not type-check: ",
            "left out: 1 failure without a report in vet",
        ],
    );
}

#[test]
fn a_test_that_hangs_is_named_and_the_others_are_judged() {
    if !tools() {
        return;
    }
    let (_folder, root) = with_tests(
        "",
        "func TestHangs(t *testing.T) { select {} }\nfunc TestA(t *testing.T) { one() }",
    );
    fs::write(root.join("cgolab.toml"), "[[go]]\ntimeout = \"2s\"\n").unwrap();
    red(
        &run(&root, &["--only", "plain"]),
        &["TestHangs does not end"],
    );
    assert_eq!(results(&root)["engines"][0]["tests"], 1);
}

#[test]
fn what_tests_leave_running_is_ended_with_them() {
    if !tools() {
        return;
    }
    let body = "func TestA(t *testing.T) {\n\
        \tone()\n\
        \tchild := exec.Command(\"sleep\", \"600\")\n\
        \tchild.SysProcAttr = &syscall.SysProcAttr{Setsid: true}\n\
        \tif err := child.Start(); err != nil {\n\t\tt.Fatal(err)\n\t}\n\
        \tos.WriteFile(os.Getenv(\"PID_FILE\"), []byte(strconv.Itoa(child.Process.Pid)), 0o600)\n}";
    let (folder, root) = with_tests(
        "\t\"os\"\n\t\"os/exec\"\n\t\"strconv\"\n\t\"syscall\"\n",
        body,
    );
    let pid = folder.path().join("pid");
    let output = cgolab(&root, &["run", "--only", "plain"])
        .env("PID_FILE", &pid)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_ends(&fs::read_to_string(pid).unwrap());
}

/// Expects that a process ends, or is a zombie until its new parent looks.
fn assert_ends(pid: &str) {
    let stat = Path::new("/proc").join(pid).join("stat");
    let started = Instant::now();
    while fs::read_to_string(&stat).is_ok_and(|it| !it.contains(") Z ")) {
        assert!(started.elapsed() < PATIENCE, "{pid} lives on");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A module whose test starts a process with a session of its own, writes both numbers into a file, does not heed
/// SIGTERM and does not end.
fn stubborn() -> (TempDir, PathBuf) {
    let body = "func TestA(t *testing.T) {\n\
        \tone()\n\
        \tsignal.Ignore(syscall.SIGTERM)\n\
        \tchild := exec.Command(\"sleep\", \"600\")\n\
        \tchild.SysProcAttr = &syscall.SysProcAttr{Setsid: true}\n\
        \tif err := child.Start(); err != nil {\n\t\tt.Fatal(err)\n\t}\n\
        \tnumbers := fmt.Sprintln(os.Getpid(), child.Process.Pid)\n\
        \tos.WriteFile(os.Getenv(\"PID_FILE\")+\".new\", []byte(numbers), 0o600)\n\
        \tos.Rename(os.Getenv(\"PID_FILE\")+\".new\", os.Getenv(\"PID_FILE\"))\n\
        \tselect {}\n}";
    with_tests(
        "\t\"fmt\"\n\t\"os\"\n\t\"os/exec\"\n\t\"os/signal\"\n\t\"syscall\"\n",
        body,
    )
}

/// A test that ends its program in the first run.
const FAILS_ONCE: &str = "package m\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\n\
    func TestFirst(t *testing.T) {\n\
    \tif err := os.Mkdir(os.Getenv(\"PID_FILE\")+\".first\", 0o777); err == nil {\n\t\tpanic(\"the first time\")\n\t}\n}\n";

/// A command on [`stubborn`] that has come to its test, and the numbers of the test's processes.
fn running(folder: &Path, root: &Path, command: &[&str]) -> (Child, Vec<String>) {
    let file = folder.join("pid");
    let mut child = cgolab(root, command)
        .env("PID_FILE", &file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Ok(numbers) = fs::read_to_string(&file) {
            let numbers = numbers.split_whitespace().map(str::to_owned);
            return (child, numbers.collect());
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("the test does not begin");
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn ctrl_c_ends_the_test_keeps_earlier_results_and_is_no_verdict() {
    if !tools() {
        return;
    }
    let (folder, root) = stubborn();
    let latest = root.join(".cgolab/latest");
    fs::create_dir_all(&latest).unwrap();
    fs::write(latest.join("results.json"), "of a run before").unwrap();
    let (child, pids) = running(folder.path(), &root, &["run", "--only", "plain"]);
    // A second run meanwhile.
    refuses(&run(&root, &[]), "another run is at work in");
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{printed}");
    assert!(printed.contains("stopped by Ctrl-C"), "{printed}");
    assert!(!printed.contains("not green"), "{printed}");
    assert!(printed.contains(".cgolab/stopped/report.html"), "{printed}");
    pids.iter().for_each(|pid| assert_ends(pid));
    let kept = fs::read_to_string(latest.join("results.json")).unwrap();
    assert_eq!(kept, "of a run before");
}

#[test]
fn ctrl_c_ends_a_storm_which_keeps_what_it_knows() {
    if !tools() {
        return;
    }
    let (folder, root) = stubborn();
    fs::write(root.join("first_test.go"), FAILS_ONCE).unwrap();
    let (child, pids) = running(folder.path(), &root, &["storm"]);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{printed}");
    for says in ["stopped by Ctrl-C", "1 way to fail in 1 run", "TestFirst"] {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
    pids.iter().for_each(|pid| assert_ends(pid));
    let kept = fs::read_to_string(root.join(".cgolab/storm.json")).unwrap();
    assert!(kept.contains("TestFirst"), "{kept}");
}

#[test]
fn a_second_ctrl_c_leaves_no_process() {
    if !tools() {
        return;
    }
    let (folder, root) = stubborn();
    let (mut child, pids) = running(folder.path(), &root, &["run", "--only", "plain"]);
    interrupt(&child);
    // Whether the command has taken the first for one is not seen from here: go on until it has ended.
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < PATIENCE, "it goes on");
        interrupt(&child);
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    pids.iter().for_each(|pid| assert_ends(pid));
}

#[test]
fn what_go_or_the_compiler_cannot_do_is_told_in_one_line() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let with = |key: &str, value: &str| {
        cgolab(&root, &["run", "--only", "plain"])
            .env(key, value)
            .output()
            .unwrap()
    };
    refuses(&with("CGO_ENABLED", "0"), "cgo is off here (CGO_ENABLED=0)");
    refuses(
        &with("CC", "no-such-cc"),
        "the C compiler no-such-cc is not on PATH; install it, or set CC",
    );
    fs::write(root.join("go.mod"), "garbage here\n").unwrap();
    refuses(&run(&root, &[]), "go.mod:1: unknown directive: garbage");
    fs::write(root.join("go.mod"), "module example.com/m\n\ngo 1.999\n").unwrap();
    refuses(&with("GOTOOLCHAIN", "local"), "go.mod requires go >= 1.999");
    assert!(!root.join(".cgolab").exists());
}

#[test]
fn what_an_old_go_cannot_do_is_left_out_with_its_reason() {
    /// The oldest release that this repository is tried with.
    const OLD: &str = "go1.21.13";
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let there = Command::new("go")
        .arg("version")
        .envs([("GOTOOLCHAIN", OLD), ("GOPROXY", "off")])
        .current_dir(&root)
        .output()
        .unwrap();
    if !there.status.success() {
        eprintln!("skipped: {OLD} is not in Go's module cache");
        return;
    }
    fs::write(root.join("go.mod"), "module example.com/m\n\ngo 1.21\n").unwrap();
    let output = cgolab(&root, &["run", "--only", "vet,asan"])
        .env("GOTOOLCHAIN", OLD)
        .output()
        .unwrap();
    let printed = unwrapped(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    for says in [
        " to be built; set GOTOOLCHAIN=auto, or install it",
        "limit: leaks are not reported: Go does so from 1.25 on",
        "no finding; left out: vet is unsupported here",
    ] {
        assert!(printed.contains(says), "no {says:?}: {printed}");
    }
}

#[test]
fn where_results_cannot_be_written_a_copy_is_asked_for() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    // Root may write into a read-only folder; nobody may make a folder where a file is.
    fs::write(root.join(".cgolab"), "").unwrap();
    refuses(
        &run(&root, &[]),
        "copy the module to a folder that can be written",
    );
}

#[test]
fn a_malformed_description_is_told_with_its_line_before_anything_runs() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    fs::write(root.join("cgolab.toml"), "tags = []\nnot toml [\n").unwrap();
    refuses(&run(&root, &[]), "cgolab.toml:2: ");
    let storm = cgolab(&root, &["storm", "--time", "1s"]).output().unwrap();
    refuses(&storm, "cgolab.toml:2: ");
    let accept = "[[accept]]\nengine = \"rase\"\ntest = \"TestX\"\nreason = \"known\"\n";
    fs::write(root.join("cgolab.toml"), accept).unwrap();
    let says = "cgolab.toml: accept.engine: engine `rase` is unknown for a module without";
    refuses(&run(&root, &[]), says);
    assert!(!root.join(".cgolab").exists());
}

/// A suite makes the description a subject's, contracts or not.
#[test]
fn a_subject_accepts_a_finding_and_is_told_which_build_failed() {
    if !tools() {
        return;
    }
    let fails = "func TestFails(t *testing.T) { t.Error(\"as always\") }\n\nfunc TestPasses(t *testing.T) {}\n";
    let (_folder, root) = with_tests("", fails);
    let suite = "[[suite]]\nengine = \"race\"\nrunner = \"go\"\n";
    let describe = |more: &str| {
        fs::write(root.join("cgolab.toml"), format!("{more}{suite}")).unwrap();
        let output = cgolab(&root, &["run", "--only", "race"]).output().unwrap();
        let printed = unwrapped(&output.stdout);
        (output.status.code(), printed)
    };
    let (code, printed) = describe("");
    assert_eq!(code, Some(1), "{printed}");
    let accept = "[[accept]]\nengine = \"race\"\ntest = \"TestFails\"\nreason = \"known\"\n";
    let (code, printed) = describe(accept);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("accepted: known; "), "{printed}");
    let broken = "[native.plain]\nrun = [\"sh\", \"-c\", \"echo no library here; exit 3\"]\n";
    let (code, printed) = describe(broken);
    assert_eq!(code, Some(1), "{printed}");
    let says = "native.plain: exit status: 3: no library here";
    assert!(printed.contains(says), "{printed}");
}
