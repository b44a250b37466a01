//! `cgolab fuzz` in modules: fuzz tests of all forms, every way to die, and the lines for what cannot be done.

mod files;
#[expect(dead_code, reason = "tests of `cgolab run` need more")]
mod modules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cgolab_note::tool::{clang, library, tool};
use files::copy;
use modules::{cgolab, module, text, unwrapped};
use serde_json::Value;
use tempfile::TempDir;

/// Reports whether fuzzing is possible here; says what is missing.
fn able() -> bool {
    clang().is_some() && tool("go").is_some()
}

/// A copy of a module, from its place in this crate.
fn copied(place: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a module");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(place), &root);
    (folder, root)
}

/// A copy of a module in `tests/fuzz`.
fn sample(name: &str) -> (TempDir, PathBuf) {
    copied(&format!("tests/fuzz/{name}"))
}

fn fuzz(root: &Path, args: &[&str]) -> Output {
    cgolab(root, &["fuzz"]).args(args).output().unwrap()
}

/// The words that fuzz a test of the module's own package, with a time that a finding ends.
fn until_found<'a>(test: &'a str, sanitizer: &'a str) -> [&'a str; 7] {
    [".", "--run", test, "--time", "5m", "--sanitizer", sanitizer]
}

/// The exit code of a command, and all that it printed.
fn ended(output: &Output) -> (Option<i32>, String) {
    (
        output.status.code(),
        text(&output.stderr) + &text(&output.stdout),
    )
}

/// The results of the last command as data.
fn results(root: &Path) -> Value {
    let text = fs::read_to_string(root.join(".cgolab/fuzz/latest/results.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The findings of the last command.
fn findings(root: &Path) -> Vec<Value> {
    results(root)["findings"].as_array().unwrap().clone()
}

fn class_of(finding: &Value) -> &str {
    finding["first"]["report"]["class"].as_str().unwrap()
}

/// The files of a module outside of `.cgolab`.
fn tree(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with(".cgolab") => {}
                true => open.push(path),
                false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn arguments_of_all_types_are_bytes_and_back() {
    if tool("go").is_none() {
        return;
    }
    let output = Command::new("go")
        .args(["test", "./..."])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz"))
        .env_remove("GOFLAGS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stdout));
}

#[test]
fn without_clang_one_line_says_what_to_install() {
    let Some(go) = tool("go") else {
        return;
    };
    let (_folder, root) = sample("forms");
    let bin = tempfile::tempdir().unwrap();
    for (name, target) in [
        ("go", go),
        ("cc", "/bin/true".into()),
        ("gcc", "/bin/true".into()),
    ] {
        std::os::unix::fs::symlink(target, bin.path().join(name)).unwrap();
    }
    let output = cgolab(&root, &["fuzz", ".", "--run", "FuzzClean"])
        .env("PATH", bin.path())
        .env("CC", "gcc")
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("error: cannot fuzz here: no clang on PATH"),
        "{said}"
    );
    assert!(last.contains("libclang-rt-dev"), "{said}");
}

/// Mends the mistakes of an example.
fn mend(root: &Path) {
    let patch = Command::new("git")
        .args(["apply", "mend.patch"])
        .current_dir(root)
        .status();
    assert!(patch.unwrap().success());
}

/// A module with a gate in C and one in Go.
fn gates() -> (TempDir, PathBuf) {
    let gate = "package m\n\n// #include <stdlib.h>\n// static void gate(const char *data, int size) {\n\
        //   if (size > 2 && data[0] == 'C' && data[1] == '7' && data[2] == '7') abort();\n// }\nimport \"C\"\n\n\
        import \"unsafe\"\n\nfunc gate(data []byte) {\n\
        \tC.gate((*C.char)(unsafe.Pointer(unsafe.SliceData(data))), C.int(len(data)))\n}\n";
    let test = "package m\n\nimport \"testing\"\n\nfunc FuzzC(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) { gate(data) })\n}\n\nfunc FuzzGo(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, text string, number int32) {\n\t\tif len(text) > 1 && text[0] == 'G' {\n\
        \t\t\tif text[1] == 'o' {\n\t\t\t\tif number == 0x12345678 {\n\t\t\t\t\tt.Fatal(\"passed\")\n\t\t\t\t}\n\
        \t\t\t}\n\t\t}\n\t})\n}\n";
    module(&[("m.go", gate), ("m_test.go", test)])
}

#[test]
fn gates_in_c_and_in_go_are_passed_and_the_input_is_replayed_by_go_test() {
    if !able() {
        return;
    }
    let (_folder, root) = gates();
    let before = tree(&root);
    for (test, class, place) in [
        ("FuzzC", "abort", "gate"),
        ("FuzzGo", "test failed", "m_test.go"),
    ] {
        let target = until_found(test, "none");
        let output = fuzz(&root, &[&target[..], &["--", "-seed=1"]].concat());
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{said}{printed}");
        assert!(
            said.contains("counters of C: ") && said.contains("C in m.go "),
            "{said}"
        );
        let found = findings(&root);
        assert_eq!(class_of(&found[0]), class, "{found:#?}");
        assert!(found[0].to_string().contains(place), "{found:#?}");
        let folder = root.join("testdata/fuzz").join(test);
        let inputs: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        assert_eq!(inputs.len(), 1);
        let name = inputs[0].file_name().unwrap().to_str().unwrap();
        let command = format!("go test -run '^{test}$/^{name}$' .");
        assert!(printed.contains(&command), "{printed}");
        let again = Command::new("sh")
            .args(["-c", &command])
            .current_dir(&root)
            .env_remove("GOFLAGS")
            .output()
            .unwrap();
        assert!(!again.status.success(), "{}", text(&again.stdout));
    }
    let new: Vec<String> = tree(&root)
        .into_iter()
        .filter(|it| !before.contains(it))
        .collect();
    assert!(
        new.iter().all(|it| it.starts_with("testdata/fuzz/Fuzz")),
        "{new:?}"
    );
}

#[test]
fn a_race_and_memory_that_nobody_has_set_are_findings_with_their_places() {
    if !able() {
        return;
    }
    let code = "package m\n\n// void unset(int given);\nimport \"C\"\n\n\
        func unset(data []byte) {\n\tif len(data) > 0 {\n\t\tC.unset(C.int(data[0]))\n\t}\n}\n\n\
        func raced(data []byte) {\n\tif len(data) > 0 && data[0] == 'D' {\n\t\tboth := 0\n\
        \t\tdone := make(chan bool)\n\t\tgo func() { both++; close(done) }()\n\t\tboth++\n\t\t<-done\n\t}\n}\n";
    // In C++: Go adds the checks for C by itself.
    let unset = "#include <cstdlib>\n\nextern \"C\" void unset(int given) {\n\
        \tvolatile int *number = static_cast<volatile int *>(std::malloc(sizeof *number));\n\
        \tif (given != 'U') *number = 1;\n\tbool is = *number == 77;\n\
        \tstd::free(const_cast<int *>(number));\n\tif (is) std::abort();\n}\n";
    let test = "package m\n\nimport \"testing\"\n\nfunc FuzzUnset(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) { unset(data) })\n}\n\nfunc FuzzRaced(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) { raced(data) })\n}\n";
    // No code of its own: what a sanitizer adds to it has no counters.
    let variable = "int nothing_but_a_variable;\n";
    let (_folder, root) = module(&[
        ("m.go", code),
        ("m_test.go", test),
        ("unset.cc", unset),
        ("variable.c", variable),
    ]);
    let raced = ("FuzzRaced", "data race", "go", "m.raced");
    let unset = ("FuzzUnset", "use-of-uninitialized-value", "c", "unset");
    for (sanitizer, engine, (test, class, side, place)) in [
        ("race", "libfuzzer", raced),
        ("race", "go", raced),
        ("memory", "libfuzzer", unset),
    ] {
        let found_before = root.join("testdata");
        if found_before.exists() {
            fs::remove_dir_all(found_before).unwrap();
        }
        let how = ["--sanitizer", sanitizer, "--engine", engine];
        let args = [&[".", "--run", test, "--time", "5m"], &how[..]].concat();
        let output = fuzz(&root, &args);
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{said}{printed}");
        let found = findings(&root);
        assert!(!found.is_empty(), "{said}{printed}");
        assert_eq!(class_of(&found[0]), class, "{found:#?}");
        let function = found[0]["first"]["report"][side]["function"].as_str();
        assert!(function.is_some_and(|it| it.ends_with(place)), "{found:#?}");
        assert!(
            printed.contains(&format!("--run {test} --sanitizer {sanitizer} ")),
            "{printed}"
        );
    }

    // The stack of C is that of clang's runtime, or, with Go's race detector, our own.
    let (_folder, root) = sample("crash");
    for (sanitizer, (kind, class, place)) in [
        ("none", ("segv", "SEGV", "c_segv")),
        ("memory", ("segv", "SEGV", "c_segv")),
        ("race", ("abort", "abort", "c_abort")),
    ] {
        let input = root.join(kind);
        fs::write(&input, format!("go test fuzz v1\nstring({kind:?})\n")).unwrap();
        let input = input.display().to_string();
        let options = ["replay", ".", "--run", "FuzzRun", "--sanitizer", sanitizer];
        let output = fuzz(&root, &[&options[..], &[&input]].concat());
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let found = findings(&root);
        assert_eq!(class_of(&found[0]), class, "{found:#?}");
        let of_c = &found[0]["first"]["report"]["c"];
        assert_eq!(of_c["function"], place, "{found:#?}");
        assert_eq!(of_c["file"], "crash.c", "{found:#?}");
    }
}

/// libFuzzer's alarm comes every few seconds, while the input runs on the stack of a goroutine.
#[test]
fn no_signal_is_handled_on_the_stack_of_a_goroutine() {
    if !able() {
        return;
    }
    let (_folder, root) = sample("crash");
    fs::write(root.join("handlers"), "handlers").unwrap();
    for sanitizer in ["none", "address"] {
        let options = ["--run", "FuzzRun", "--sanitizer", sanitizer, "handlers"];
        let output = fuzz(&root, &[&["replay", "."][..], &options].concat());
        let printed = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{printed}");
        let counted = root.join("handlers.txt");
        let said = fs::read_to_string(&counted).unwrap();
        assert_eq!(said, "0 on any stack, others: true", "{sanitizer}");
        fs::remove_file(counted).unwrap();
    }
}

#[test]
fn every_form_of_a_fuzz_test_runs_with_its_seeds() {
    if !able() {
        return;
    }
    let (_folder, root) = sample("forms");
    let run = |test: &str, more: &[&str]| {
        let args = [
            &[".", "--run", test, "--sanitizer", "none"],
            more,
            &["--", "-runs=20000"],
        ]
        .concat();
        ended(&fuzz(&root, &args))
    };
    let (code, said) = run("FuzzClean", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("FuzzClean[string] seeds=2"), "{said}");
    for (test, seeds, line) in [
        (
            "FuzzEvery",
            "FuzzEvery[[]uint8 string bool uint8 int32 float32 float64 int int8 int16 int32 int64 uint uint8 \
             uint16 uint32 uint64] seeds=1",
            "test failed",
        ),
        (
            "FuzzStored",
            "FuzzStored[string int] seeds=1",
            "test failed",
        ),
    ] {
        let (code, said) = run(test, &[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(seeds) && said.contains(line), "{said}");
    }
    for (test, line) in [
        (
            "FuzzSkips",
            "does not come to F.Fuzz, so that nothing can be fuzzed: main_test.go:",
        ),
        ("FuzzForgets", "returned without calling F.Fuzz"),
        (
            "FuzzNone",
            "has no FuzzNone; it has FuzzEvery, FuzzStored, FuzzSkips, FuzzForgets, FuzzClean",
        ),
        ("TestMain", "names no fuzz test"),
    ] {
        let (code, said) = run(test, &[]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.lines().last().unwrap().contains(line), "{said}");
    }
    let (code, said) = run("FuzzClean", &["--instrument", "example.com/none"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("OFF: Go has no counters"), "{said}");
}

/// A way to die, and the class and place of its finding.
type Death = (&'static str, &'static str, &'static str);

const DEATHS: [Death; 23] = [
    ("panic", "panic", "crash.Run"),
    ("panic elsewhere", "panic", "crash.Run"),
    ("nil", "panic", "crash.Run"),
    ("panic in callback", "panic", "goPanicsForC"),
    ("stack", "stack overflow", "recurses"),
    ("unlock", "sync: unlock of unlocked mutex", "crash.Run"),
    ("segv", "SEGV", "c_segv"),
    ("segv elsewhere", "SEGV", "c_segv"),
    ("segv on thread", "SEGV", "c_segv"),
    ("division", "FPE", "c_divide"),
    ("abort", "abort", "c_abort"),
    ("exit", "exit called by C", "c_exit"),
    ("os.Exit", "end of the process: exit status: 3", ""),
    ("os.Exit(0)", "panic", "os.Exit(0)"),
    ("hang", "timeout", "crash.Run"),
    ("loop", "timeout", "c_loop"),
    ("memory", "out of memory", ""),
    ("fatal", "test failed", "crash_test.go"),
    ("fatal below", "test failed", "crash_test.go"),
    ("freed", "heap-use-after-free", "c_use_after_free"),
    ("over-read", "use-after-poison", "c_read"),
    ("leak", "leak", "c_leak"),
    (
        "unpinned",
        "unpinned Go pointer stored in C memory",
        "crash.Run",
    ),
];

#[test]
fn each_way_to_die_is_a_finding_with_its_class_and_place() {
    if !able() {
        return;
    }
    let (_folder, root) = sample("crash");
    let replay = |kinds: &[&str], limits: &[&str]| {
        let mut files = Vec::new();
        for kind in kinds {
            let file = root.join(kind);
            fs::write(&file, kind).unwrap();
            files.push(file.display().to_string());
        }
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let options = ["replay", ".", "--run", "FuzzRun", "--cgocheck2"];
        let output = fuzz(&root, &[&options[..], &files, &["--"], limits].concat());
        let printed = text(&output.stderr) + &text(&output.stdout);
        (output.status.code(), findings(&root), printed)
    };
    // Those that only a time limit ends have one that is short.
    let (slow, quick): (Vec<Death>, Vec<Death>) = DEATHS.iter().partition(|it| it.1 == "timeout");
    let mut found = Vec::new();
    for (kinds, limit) in [(slow, "-timeout=3"), (quick, "-rss_limit_mb=900")] {
        let kinds: Vec<&str> = kinds.iter().map(|it| it.0).collect();
        let (code, more, printed) = replay(&kinds, &[limit]);
        assert_eq!(code, Some(1), "{printed}");
        found.extend(more);
    }
    let mut wrong = Vec::new();
    for (kind, class, place) in DEATHS {
        let shows = |finding: &&Value| {
            let name = format!("FuzzRun/{kind}");
            finding["tests"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| *it == name)
        };
        match found.iter().find(shows) {
            Some(it) if class_of(it) == class && it.to_string().contains(place) => {}
            Some(it) => wrong.push(format!("{kind}: {it:#}")),
            None => wrong.push(format!("{kind}: no finding")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (code, found, printed) = replay(&["skip", "nothing"], &[]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn an_input_that_ends_a_session_is_kept_whatever_ended_it() {
    if !able() {
        return;
    }
    let (_folder, root) = sample("crash");
    for (kind, headline) in [
        ("os.Exit", None),
        ("abort", Some("(SIGABRT) in c_abort")),
        ("segv on thread", Some("in c_segv")),
        ("panic elsewhere", Some("Go panic: on another goroutine")),
        ("fatal", None),
    ] {
        let seed = root.join("testdata/fuzz/FuzzRun/seed");
        fs::create_dir_all(seed.parent().unwrap()).unwrap();
        fs::write(&seed, format!("go test fuzz v1\nstring({kind:?})\n")).unwrap();
        let args = [
            ".",
            "--run",
            "FuzzRun",
            "--sanitizer",
            "none",
            "--",
            "-runs=100",
        ];
        let output = fuzz(&root, &args);
        let printed = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{printed}");
        let kept = tree(&root)
            .into_iter()
            .find(|it| it.starts_with("testdata/fuzz/FuzzRun/") && !it.ends_with("/seed"));
        let kept = root.join(kept.unwrap_or_else(|| panic!("{kind}: {printed}")));
        let input = fs::read_to_string(&kept).unwrap();
        assert_eq!(input, format!("go test fuzz v1\nstring({kind:?})\n"));
        let triage = &findings(&root)[0]["first"]["triage"];
        let report = triage
            .as_str()
            .map(|it| fs::read_to_string(root.join(it)).unwrap());
        match (report, headline.filter(|_| tool("gdb").is_some())) {
            (Some(report), Some(headline)) => {
                assert!(
                    report.lines().next().unwrap().contains(headline),
                    "{report}"
                );
                let page = Path::new(triage.as_str().unwrap()).with_extension("html");
                let page = page.file_name().unwrap().to_str().unwrap().to_owned();
                let html = fs::read_to_string(root.join(".cgolab/fuzz/latest/report.html"));
                assert!(
                    html.unwrap()
                        .contains(&format!("triage/{page}\">goroutines"))
                );
            }
            (report, headline) => assert_eq!((report, headline), (None, None), "{printed}"),
        }
        fs::remove_dir_all(root.join("testdata")).unwrap();
    }
}

#[test]
fn an_input_that_passes_alone_is_told_and_becomes_no_seed() {
    if !able() {
        return;
    }
    let test = "package m\n\nimport \"testing\"\n\nvar runs int\n\nfunc FuzzLate(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) {\n\t\tif runs++; runs == 50 {\n\
        \t\t\tt.Fatal(\"late\")\n\t\t}\n\t})\n}\n";
    let (_folder, root) = module(&[("m_test.go", test)]);
    let output = fuzz(
        &root,
        &[
            ".",
            "--run",
            "FuzzLate",
            "--sanitizer",
            "none",
            "--time",
            "5m",
        ],
    );
    let printed = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let line = "test failed in Go in example.com/m.FuzzLate (m_test.go:10), FuzzLate: it failed once and passes alone";
    assert!(unwrapped(printed.as_bytes()).contains(line), "{printed}");
    assert!(findings(&root).is_empty());
    assert!(!root.join("testdata").exists(), "{printed}");
}

#[test]
fn files_of_c_that_have_nothing_to_count_or_are_not_linked_are_told() {
    if !able() {
        return;
    }
    let binding = "package m\n\n// int used(int);\nimport \"C\"\n\n\
        func Used(a int) int { return int(C.used(C.int(a))) }\n";
    let test = "package m\n\nimport \"testing\"\n\nfunc FuzzUsed(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, a int32) { Used(int(a)) })\n}\n";
    let (_folder, root) = module(&[
        ("m.go", binding),
        ("m_test.go", test),
        // Functions that do not return have no counters.
        (
            "die.c",
            "#include <stdlib.h>\nvoid die(void) { exit(1); }\n",
        ),
        (
            "unused.c",
            "int unused(int a) { return a > 3 ? a * 2 : a; }\n",
        ),
        (
            "used.c",
            "void die(void);\nint used(int a) { if (a == 1 << 20) die(); return a + 1; }\n",
        ),
    ]);
    let words = [
        ".",
        "--run",
        "FuzzUsed",
        "--sanitizer",
        "none",
        "--",
        "-runs=9",
    ];
    let (code, said) = ended(&fuzz(&root, &words));
    assert_eq!(code, Some(0), "{said}");
    let line = |start: &str| said.lines().find(|it| it.starts_with(start));
    let counted = line("counters of C: ").unwrap_or_else(|| panic!("{said}"));
    let of_unused = counted.split("unused.c ").nth(1).unwrap();
    let of_unused = of_unused.split(',').next().unwrap();
    assert!(of_unused != "0" && counted.contains("die.c 0,"), "{said}");
    assert!(line("nothing to count in die.c: ").is_some(), "{said}");
    let left_out = format!("{of_unused} of them are not in the program: ");
    assert!(line(&left_out).is_some(), "{said}");
}

#[test]
fn what_a_module_accepts_and_sets_counts_here_too() {
    if !able() {
        return;
    }
    let test = "package m\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc gate(data []byte) {\n\
        \tif os.Getenv(\"M\") == \"on\" && len(data) > 9 {\n\t\tpanic(\"long\")\n\t}\n}\n\n\
        func FuzzX(f *testing.F) {\n\tf.Fuzz(func(t *testing.T, data []byte) {\n\t\tgate(data)\n\
        \t\tif len(data) > 0 {\n\t\t\tt.Fatal(\"not empty\")\n\t\t}\n\t})\n}\n";
    let sets = "[[go]]\ndir = \".\"\nenv = { M = \"on\" }\n";
    let (_folder, root) = module(&[("m_test.go", test), ("cgolab.toml", sets)]);
    let input = "testdata/fuzz/FuzzX/long";
    fs::create_dir_all(root.join(input).parent().unwrap()).unwrap();
    let long = "go test fuzz v1\n[]byte(\"0123456789\")\n";
    fs::write(root.join(input), long).unwrap();
    let run = |chore: &str, more: &[&str]| {
        let words = [chore, ".", "--run", "FuzzX", "--sanitizer", "none", input];
        ended(&fuzz(&root, &[&words[..], more].concat()))
    };
    let (code, said) = run("replay", &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("\n   says: long\n"), "{said}");
    // A plain command would lack the variable.
    let found = &findings(&root)[0]["first"];
    let command = found["command"].as_str().unwrap();
    assert!(command.starts_with("cgolab fuzz replay "), "{command}");
    // All smaller inputs fail in another way.
    let (code, said) = run("minimize", &["--time", "60s"]);
    assert_eq!(code, Some(1), "{said}");
    let other = "a smaller input shows something else: test failed";
    assert!(said.contains(other), "{said}");
    assert!(tree(&root).contains(&input.to_owned()));
    assert_eq!(tree(&root).len(), 4, "{:?}", tree(&root));
    let accepts = "[[accept]]\nengine = \"fuzz\"\nframe = \"gate\"\nreason = \"known\"\n";
    fs::write(root.join("cgolab.toml"), [sets, accepts].join("\n")).unwrap();
    let (code, said) = run("replay", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 accepted"), "{said}");
}

#[test]
fn an_input_that_fails_for_gos_fuzzer_alone_is_told() {
    if !able() {
        return;
    }
    // In a worker of Go's fuzzer, and not where cgolab replays.
    let test = "package m\n\nimport (\n\t\"flag\"\n\t\"testing\"\n)\n\nfunc FuzzX(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) {\n\
        \t\tif it := flag.Lookup(\"test.fuzzworker\"); it != nil && it.Value.String() == \"true\" && len(data) > 1 {\n\
        \t\t\tt.Fatal(\"in a worker\")\n\t\t}\n\t})\n}\n";
    let (_folder, root) = module(&[("m_test.go", test)]);
    let words = [".", "--run", "FuzzX", "--engine", "go", "--time", "5m"];
    let (code, said) = ended(&fuzz(
        &root,
        &[&words[..], &["--sanitizer", "none"]].concat(),
    ));
    assert_eq!(code, Some(1), "{said}");
    let told = unwrapped(said.as_bytes());
    assert!(
        told.contains("failed under go test -fuzz and passes alone"),
        "{said}"
    );
}

#[test]
fn inputs_that_cannot_be_read_are_told_and_a_program_can_be_built_alone() {
    if !able() {
        return;
    }
    let (_folder, root) = sample("forms");
    let stored = "testdata/fuzz/FuzzStored/one";
    for (file, line) in [
        (
            stored,
            "testdata/fuzz/FuzzStored/one is no input of FuzzClean: wrong number of values",
        ),
        ("nowhere", "cannot read nowhere"),
    ] {
        let args = [
            "replay",
            ".",
            "--run",
            "FuzzClean",
            "--sanitizer",
            "none",
            file,
        ];
        let output = fuzz(&root, &args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.lines().last().unwrap().contains(line), "{said}");
    }
    let args = [
        ".",
        "--run",
        "FuzzClean",
        "--sanitizer",
        "none",
        "--build-only",
        "-o",
        "target.bin",
    ];
    let output = fuzz(&root, &args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let ran = Command::new("./target.bin")
        .arg("-runs=10")
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(
        text(&ran.stderr).contains("Done 10 runs"),
        "{}",
        text(&ran.stderr)
    );
}

#[test]
fn a_corpus_is_merged_and_an_input_is_minimised() {
    if !able() {
        return;
    }
    let (_folder, root) = gates();
    let target = [".", "--run", "FuzzC", "--sanitizer", "none"];
    let inputs = root.join("inputs");
    fs::create_dir(&inputs).unwrap();
    // The first two reach the same; the third is of Go's form, and reaches more.
    for (name, input) in [
        ("a", "xxxx"),
        ("b", "yyyy"),
        ("c", "go test fuzz v1\n[]byte(\"C7x\")\n"),
    ] {
        fs::write(inputs.join(name), input).unwrap();
    }
    let output = fuzz(&root, &[&["merge"], &target[..], &["inputs"]].concat());
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(
        printed,
        "the corpus has 2 inputs: 0 before, and 3 from elsewhere\n"
    );
    // A merge that ended between two renames.
    let work = root.join(".cgolab/fuzz/example.com_m/FuzzC");
    fs::rename(work.join("corpus"), work.join("corpus.before")).unwrap();
    let output = fuzz(&root, &[&["merge"], &target[..]].concat());
    assert_eq!(
        text(&output.stdout),
        "the corpus has 2 inputs: 2 before, and 0 from elsewhere\n"
    );

    let large = root.join("large");
    fs::write(&large, format!("C77{}", "x".repeat(60))).unwrap();
    let options = ["--time", "20s", "large"];
    let output = fuzz(&root, &[&["minimize"], &target[..], &options].concat());
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        printed.starts_with("63 bytes before, 3 now: testdata/fuzz/FuzzC/"),
        "{printed}"
    );
    assert!(printed.contains("go test -run '^FuzzC$/^"), "{printed}");
    let kept: Vec<String> = tree(&root)
        .into_iter()
        .filter(|it| it.starts_with("testdata/fuzz/FuzzC/"))
        .collect();
    let kept = fs::read_to_string(root.join(&kept[0])).unwrap();
    assert_eq!(kept, "go test fuzz v1\n[]byte(\"C77\")\n");
    let passes = root.join("inputs/a").display().to_string();
    let output = fuzz(&root, &[&["minimize"], &target[..], &[&passes]].concat());
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("passes: there is nothing to minimise"),
        "{said}"
    );
}

/// What each fuzz test of the last campaign came to: its name, state, number of findings, and trouble.
fn lanes(root: &Path) -> Vec<(String, String, usize, String)> {
    let lane = |it: &Value| {
        (
            it["engine"].as_str().unwrap().to_owned(),
            it["state"]["is"].as_str().unwrap().to_owned(),
            it["findings"].as_array().unwrap().len(),
            it["trouble"].to_string(),
        )
    };
    let results = results(root);
    let lanes = results["engines"].as_array().unwrap().iter();
    lanes.map(lane).collect()
}

#[test]
fn a_campaign_fuzzes_all_tests_and_names_those_that_it_cannot() {
    if !able() {
        return;
    }
    let (_folder, root) = gates();
    let fuzz_test = |name: &str, body: &str| {
        format!("import \"testing\"\n\nfunc {name}(f *testing.F) {{\n\t{body}\n}}\n")
    };
    let empty = "f.Fuzz(func(t *testing.T, data []byte) {})";
    for (package, text) in [
        (
            "broken",
            format!(
                "package broken\n\n{}",
                fuzz_test("FuzzBroken", "f.Fuzz(1 + true)")
            ),
        ),
        (
            "hidden",
            format!(
                "//go:build never\n\npackage hidden\n\n{}",
                fuzz_test("FuzzHidden", empty)
            ),
        ),
        (
            "skips",
            format!(
                "package skips\n\n{}",
                fuzz_test("FuzzSkips", "f.Skip(\"no server\")")
            ),
        ),
    ] {
        fs::create_dir(root.join(package)).unwrap();
        fs::write(root.join(package).join("x_test.go"), text).unwrap();
    }
    fs::create_dir(root.join("lost")).unwrap();
    let lost = "package lost\n\nimport _ \"example.com/nowhere\"\n";
    fs::write(root.join("lost/lost.go"), lost).unwrap();
    let plain = "package hidden\n\nimport \"testing\"\n\nfunc TestX(*testing.T) {}\n";
    fs::write(root.join("hidden/plain_test.go"), plain).unwrap();
    // It ends before: each test has a finding, or cannot be fuzzed.
    let output = fuzz(&root, &["--all", "--time", "10m", "--sanitizer", "none"]);
    let printed = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let found = lanes(&root);
    let states: Vec<(&str, &str, usize)> = found
        .iter()
        .map(|(name, state, findings, _)| (&**name, &**state, *findings))
        .collect();
    assert_eq!(
        states,
        [
            ("fuzz", "on", 0),
            ("FuzzC", "on", 1),
            ("FuzzGo", "on", 1),
            ("broken/FuzzBroken", "on", 0),
            ("hidden/FuzzHidden", "unsupported", 0),
            ("skips/FuzzSkips", "on", 0),
        ],
        "{printed}"
    );
    assert!(found[0].3.contains("example.com/nowhere"), "{printed}");
    assert!(found[3].3.contains("not-built"), "{printed}");
    assert!(found[5].3.contains("no server"), "{printed}");
    let left_out = "hidden/FuzzHidden is unsupported here";
    assert!(
        unwrapped(printed.as_bytes()).contains(left_out),
        "{printed}"
    );
    // One input of each is left, which is the one that the finding names.
    for (test, finding) in ["FuzzC", "FuzzGo"].iter().zip(findings(&root)) {
        let inputs: Vec<String> = tree(&root)
            .into_iter()
            .filter_map(|it| Some(it.strip_prefix("testdata/fuzz/")?.to_owned()))
            .filter(|it| it.starts_with(&format!("{test}/")))
            .collect();
        assert_eq!(finding["tests"], serde_json::json!(inputs), "{printed}");
    }
}

/// The exit code of a search in which a fuzz test tells what each process of libFuzzer goes by, and the first four of
/// these lines.
fn feedback(root: &Path, args: &[&str]) -> (Option<i32>, Vec<String>) {
    let told = root.join("told");
    let output = cgolab(root, &["fuzz"])
        .args(args)
        .env("TURNS", &told)
        .output()
        .unwrap();
    let lines = fs::read_to_string(&told).unwrap_or_else(|_| panic!("{}", ended(&output).1));
    fs::remove_file(told).unwrap();
    let lines = lines.lines().take(4).map(str::to_owned).collect();
    (output.status.code(), lines)
}

#[test]
fn turns_go_by_counters_of_each_side_by_compared_values_and_by_all_counters() {
    if !able() {
        return;
    }
    let (_folder, root) = sample("feedback");
    let run = |time: &str, option: &str| {
        let target = [".", "--run", "FuzzTurns", "--sanitizer", "none"];
        feedback(
            &root,
            &[&target[..], &["--time", time, "--", option]].concat(),
        )
    };
    // What a user asks for is one run, and not undone by turns.
    for (option, told) in [
        ("-use_value_profile=0", "counters= -use_value_profile=0"),
        ("-max_total_time=3", "counters="),
        ("-runs=9", "counters="),
    ] {
        assert_eq!(run("3s", option), (Some(0), vec![told.to_owned()]));
    }
    // Equal seeds would have each turn change the same inputs in the same way.
    let (code, turns) = run("5m", "-seed=7");
    let expected = [
        "counters=go -seed=7 -seed=7",
        "counters=c -seed=7 -seed=8",
        "counters= -use_value_profile=1 -seed=7 -seed=9",
        "counters= -seed=7 -seed=10",
    ];
    assert_eq!(turns, expected);
    assert_eq!(code, Some(1));
}

#[test]
fn a_program_can_be_told_to_go_by_counters_of_one_side_and_keeps_what_runs() {
    if !able() {
        return;
    }
    let (_folder, root) = sample("feedback");
    for sanitizer in ["none", "address"] {
        let build = [".", "--run", "FuzzTurns", "--sanitizer", sanitizer];
        let output = fuzz(
            &root,
            &[&build[..], &["--build-only", "-o", "program"]].concat(),
        );
        assert!(output.status.success(), "{}", ended(&output).1);
        let said = |key: &str, value: &str| {
            let output = Command::new(root.join("program"))
                .arg("-runs=1")
                .env("TURNS", root.join("told"))
                .env(key, value)
                .current_dir(&root)
                .output()
                .unwrap();
            fs::remove_file(root.join("told")).unwrap();
            let said = text(&output.stderr);
            assert!(output.status.success(), "{said}");
            said
        };
        // Between inputs none runs, which the first number says.
        let running = root.join("running");
        said("CGOLAB_FUZZ_RUNNING", running.to_str().unwrap());
        assert_eq!(fs::read(running).unwrap()[..8], [0; 8]);
        let counted = |only: &str| {
            let said = said("CGOLAB_FUZZ_COUNTERS", only);
            // Each part is written as its number and its addresses: 24 [0x1, 0x2)
            let loaded = said.lines().filter(|it| it.starts_with("INFO: Loaded "));
            let numbers = |line: &str| -> Vec<String> {
                let parts = line.split(" [").map(|it| it.rsplit(' ').next().unwrap());
                let parts: Vec<&str> = parts.collect();
                let (_, numbers) = parts.split_last().unwrap();
                numbers.iter().map(|it| (*it).to_owned()).collect()
            };
            loaded.map(numbers).collect::<Vec<_>>()
        };
        // Counters, and the places that they have in code; those of C are registered first.
        let all = counted("");
        let (c, go): (Vec<_>, Vec<_>) = all.iter().map(|it| it.split_at(1)).unzip();
        assert_eq!(all.len(), 2, "{all:?}");
        for parts in &all {
            assert_eq!(parts.len(), 2, "{all:?}");
            assert_ne!(parts[0], parts[1], "{all:?}");
        }
        assert_eq!(counted("go"), go);
        assert_eq!(counted("c"), c);
    }
}

#[test]
fn what_a_killed_campaign_has_left_is_judged_by_the_next_one() {
    if !able() {
        return;
    }
    let fails = "package m\n\nimport \"testing\"\n\nfunc fails(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) {\n\t\tif string(data) == \"fails\" {\n\
        \t\t\tt.Fatal(\"it fails\")\n\t\t}\n\t})\n}\n\nfunc FuzzA(f *testing.F) { fails(f) }\n\n\
        func FuzzB(f *testing.F) { fails(f) }\n\nfunc FuzzC(f *testing.F) { fails(f) }\n\n\
        func FuzzD(f *testing.F) { fails(f) }\n";
    let (_folder, root) = module(&[("m_test.go", fails)]);
    let work = |test: &str| root.join(".cgolab/fuzz/example.com_m").join(test);
    let artifact = |test: &str, input: &str| {
        fs::create_dir_all(work(test).join("artifacts")).unwrap();
        fs::write(work(test).join("artifacts/crash-1"), input).unwrap();
    };
    let running = |test: &str, input: &str| {
        fs::create_dir_all(work(test)).unwrap();
        let length = (input.len() as u64 + 1).to_ne_bytes();
        fs::write(
            work(test).join("running"),
            [&length, input.as_bytes()].concat(),
        )
        .unwrap();
    };
    artifact("FuzzA", "fails");
    running("FuzzB", "fails");
    // It only ran when the campaign was killed.
    running("FuzzC", "passes");
    artifact("FuzzD", "passes");
    let args = [
        "--all",
        "--time",
        "5m",
        "--sanitizer",
        "none",
        "--jobs",
        "1",
        "--",
        "-runs=0",
    ];
    let output = fuzz(&root, &args);
    let printed = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let found: Vec<(usize, bool)> = lanes(&root)
        .iter()
        .map(|(_, _, findings, trouble)| {
            (*findings, trouble.contains("failed once and passes alone"))
        })
        .collect();
    assert_eq!(
        found,
        [(1, false), (1, false), (0, false), (0, true)],
        "{printed}"
    );
    // What was found ends a search before it begins.
    let searches = |test: &str| {
        let line = format!("\n{test}: 2 executions, ");
        printed.matches(&line).count()
    };
    let each = ["FuzzA", "FuzzB", "FuzzC", "FuzzD"].map(searches);
    assert_eq!(each, [0, 0, 1, 1], "{printed}");
    // Nothing is judged twice.
    fs::remove_dir_all(root.join("testdata")).unwrap();
    let output = fuzz(&root, &args);
    let printed = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
}

#[test]
fn a_session_may_start_processes_of_its_own() {
    if !able() {
        return;
    }
    // The name of the module's folder has a blank.
    let (_folder, root) = gates();
    let args = [
        ".",
        "--run",
        "FuzzC",
        "--sanitizer",
        "none",
        "--time",
        "5m",
        "--",
        "-fork=1",
    ];
    let output = fuzz(&root, &args);
    let printed = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert_eq!(class_of(&findings(&root)[0]), "abort", "{printed}");
}

#[test]
fn the_fuzzer_of_go_has_its_turn_with_the_same_corpus() {
    if !able() {
        return;
    }
    let test = "package m\n\nimport \"testing\"\n\nfunc FuzzX(f *testing.F) {\n\tf.Add([]byte(\"seed\"))\n\
        \tf.Fuzz(func(t *testing.T, data []byte) {\n\t\tif len(data) > 2 && data[0] == 'p' {\n\
        \t\t\tpanic(\"reached\")\n\t\t}\n\t})\n}\n\nfunc FuzzClean(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) { _ = len(data) > 3 && data[1] == 'q' })\n}\n";
    let (_folder, root) = module(&[("m_test.go", test)]);
    let run = |test: &str, more: &[&str]| {
        let target = [".", "--run", test, "--sanitizer", "none"];
        ended(&fuzz(&root, &[&target[..], more].concat()))
    };
    let (code, said) = run("FuzzX", &["--engine", "go", "--time", "5m"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("there is no C in the packages of this test"),
        "{said}"
    );
    assert_eq!(class_of(&findings(&root)[0]), "panic");
    let (code, said) = run("FuzzClean", &["--engine", "both", "--time", "10s"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("\nFuzzClean for 1s, by all counters and compared values\n"),
        "{said}"
    );
    assert!(said.matches("\nFuzzClean: ").count() == 1, "{said}");
    assert!(said.contains("go test -fuzz: "), "{said}");
}

#[test]
fn both_fuzzers_have_one_corpus() {
    if !able() {
        return;
    }
    let test = "package m\n\nimport \"testing\"\n\nfunc FuzzDeep(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) {\n\t\tif len(data) > 5 && data[0] == 'a' {\n\
        \t\t\tif string(data) == \"a string that is not guessed\" {\n\
        \t\t\t\tpanic(\"reached\")\n\t\t\t}\n\t\t}\n\t})\n}\n";
    let (folder, root) = module(&[("m_test.go", test)]);
    // Go keeps inputs by the path of the package; one of an earlier run is not meant.
    let unique = folder.path().file_name().unwrap().display().to_string();
    let path = format!("example.com/{}", unique.trim_start_matches('.'));
    fs::write(root.join("go.mod"), format!("module {path}\n\ngo 1.22\n")).unwrap();
    let run = |time: &str| {
        let target = [
            ".",
            "--run",
            "FuzzDeep",
            "--sanitizer",
            "none",
            "--engine",
            "go",
        ];
        ended(&fuzz(&root, &[&target[..], &["--time", time]].concat()))
    };
    let (code, said) = run("5s");
    assert_eq!(code, Some(0), "{said}");
    // Inputs that Go's fuzzer has found are libFuzzer's, too.
    let corpus = root
        .join(".cgolab/fuzz")
        .join(path.replace('/', "_"))
        .join("FuzzDeep/corpus");
    assert!(fs::read_dir(&corpus).unwrap().count() > 0, "{said}");
    // One that libFuzzer has found is Go's.
    fs::write(corpus.join("found"), "a string that is not guessed").unwrap();
    let (code, said) = run("5m");
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(class_of(&findings(&root)[0]), "panic", "{said}");
}

#[test]
fn a_library_from_elsewhere_is_seen_if_it_has_counters() {
    if !able() {
        return;
    }
    let code = "package m\n\n// #cgo LDFLAGS: -L${SRCDIR}/plain -lgate\n// void gate(const char *, int);\nimport \"C\"\n\n\
        import \"unsafe\"\n\nfunc gate(data []byte) {\n\
        \tC.gate((*C.char)(unsafe.Pointer(unsafe.SliceData(data))), C.int(len(data)))\n}\n";
    let test = "package m\n\nimport \"testing\"\n\nfunc FuzzC(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) { gate(data) })\n}\n";
    let gate = "#include <stdlib.h>\nvoid gate(const char *data, int size) {\n\
        if (size > 2 && data[0] == 'C' && data[1] == '7' && data[2] == '7') abort();\n}\n";
    let (_folder, root) = module(&[
        ("m.go", code),
        ("m_test.go", test),
        ("library/gate.c", gate),
    ]);
    let clang = clang().unwrap().display().to_string();
    for (folder, flags) in [
        ("plain", ""),
        ("counted", "-fsanitize=fuzzer-no-link"),
        ("checked", "-fsanitize=fuzzer-no-link,memory"),
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
        let script = format!(
            "{clang} -O1 -g {flags} -c library/gate.c -o {folder}/gate.o && \
             ar rcs {folder}/libgate.a {folder}/gate.o"
        );
        let built = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&root)
            .status()
            .unwrap();
        assert!(built.success());
    }
    let run_with = |sanitizer: &str, native: &[&str]| {
        let target = until_found("FuzzC", sanitizer);
        ended(&fuzz(&root, &[&target[..], native].concat()))
    };
    let run = |native: &[&str]| run_with("none", native);
    let (code, said) = run(&["--native", "plain/libgate.a"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("OFF: no counters in libgate.a"), "{said}");
    let (code, said) = run(&["--native", "counted/libgate.a"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        findings(&root)[0].to_string().contains("library/gate.c"),
        "{said}"
    );
    for (folder, told) in [("counted", true), ("checked", false)] {
        fs::remove_dir_all(root.join("testdata")).unwrap();
        let archive = format!("{folder}/libgate.a");
        let (code, said) = run_with("memory", &["--native", &archive]);
        assert_eq!(code, Some(1), "{said}");
        assert_eq!(said.contains("without MemorySanitizer"), told, "{said}");
        assert_eq!(class_of(&findings(&root)[0]), "abort", "{said}");
    }
    fs::remove_dir_all(root.join("testdata")).unwrap();
    for (folder, line) in [
        ("plain", "OFF: no counters in libgate.a"),
        ("counted", "abort"),
    ] {
        let file =
            format!("[native.fuzz]\nrun = [\"true\"]\nproducts = [\"{folder}/libgate.a\"]\n");
        fs::write(root.join("cgolab.toml"), file).unwrap();
        let (code, said) = run(&[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(line), "{said}");
    }
    let (code, said) = run(&["--native", "nowhere.a"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("error: cannot read nowhere.a"), "{said}");
}

/// The library has a file of C that cgo compiles as well, in another version: each side calls its own.
#[test]
fn a_library_and_the_package_may_define_the_same_symbol() {
    if !able() {
        return;
    }
    let code = "package m\n\n// #cgo LDFLAGS: -L${SRCDIR}/library -lgate\n// int gate(const char *, int);\n\
        // int version(void);\nimport \"C\"\n\nimport \"unsafe\"\n\nfunc gate(data []byte) int {\n\
        \treturn int(C.gate((*C.char)(unsafe.Pointer(unsafe.SliceData(data))), C.int(len(data))))\n}\n\n\
        func version() int { return int(C.version()) }\n";
    let test = "package m\n\nimport \"testing\"\n\nfunc FuzzC(f *testing.F) {\n\
        \tf.Fuzz(func(t *testing.T, data []byte) {\n\
        \t\tif gate(data) == 7 && version() == 3 {\n\t\t\tt.Fatal(\"each has its own\")\n\t\t}\n\t})\n}\n";
    let gate = "int version(void) { return 7; }\nint gate(const char *data, int size) {\n\
        return size > 1 && data[0] == 'C' && data[1] == '7' ? version() : 0;\n}\n";
    let (_folder, root) = module(&[
        ("m.go", code),
        ("m_test.go", test),
        ("version.c", "int version(void) { return 3; }\n"),
        ("library/gate.c", gate),
    ]);
    let script = format!(
        "{} -O1 -g -fsanitize=fuzzer-no-link -fno-inline -c gate.c && ar rcs libgate.a gate.o",
        clang().unwrap().display()
    );
    let built = Command::new("sh")
        .args(["-c", &script])
        .current_dir(root.join("library"))
        .status()
        .unwrap();
    assert!(built.success());
    for sanitizer in ["none", "address"] {
        let target = until_found("FuzzC", sanitizer);
        let native = ["--native", "library/libgate.a"];
        let output = fuzz(&root, &[&target[..], &native].concat());
        let said = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let line = "libgate.a keeps to itself what others define as well: 1 symbol: version\n";
        assert!(said.contains(line), "{said}");
        assert_eq!(class_of(&findings(&root)[0]), "test failed", "{said}");
        fs::remove_dir_all(root.join("testdata")).unwrap();
    }
}

#[test]
fn an_example_has_its_two_mistakes_found_and_is_clean_when_mended() {
    if !able() {
        return;
    }
    let (_folder, root) = copied("../examples/foreign/packet");
    let run =
        |test: &str, more: &[&str]| ended(&fuzz(&root, &[&[".", "--run", test], more].concat()));
    let mistakes = [
        (
            "FuzzSum",
            "use-after-poison",
            ["packet_sum", "packet.Sum"],
            "cgolab fuzz replay . --run FuzzSum --sanitizer address testdata/fuzz/FuzzSum/",
        ),
        (
            "FuzzText",
            "panic",
            ["packet.Text", "packet.go"],
            "go test -run '^FuzzText$/^",
        ),
    ];
    for (test, class, places, command) in mistakes {
        let (code, said) = run(test, &["--time", "5m"]);
        assert_eq!(code, Some(1), "{said}");
        let found = findings(&root);
        assert_eq!(class_of(&found[0]), class, "{said}");
        let report = found[0]["first"]["report"].to_string();
        assert!(places.iter().all(|it| report.contains(it)), "{report}");
        let shows = found[0]["first"]["command"].as_str().unwrap();
        assert!(shows.starts_with(command), "{said}");
    }
    mend(&root);
    for (test, ..) in mistakes {
        let (code, said) = run(test, &["--", "-runs=200000"]);
        assert_eq!(code, Some(0), "{said}");
    }
}

#[test]
fn a_library_of_the_system_is_judged_by_go_and_its_binding_is_clean_when_mended() {
    if !able() || !library("zlib") {
        return;
    }
    let (_folder, root) = copied("../examples/foreign/deflate");
    let run = |runs: &str| {
        ended(&fuzz(
            &root,
            &[".", "--run", "FuzzUnpack", "--", "-seed=1", runs],
        ))
    };
    let (code, said) = run("-runs=2000000");
    assert_eq!(code, Some(1), "{said}");
    // The library was built elsewhere: the binding alone is counted.
    assert!(
        said.contains("unpack.c ") && said.contains("without counters: built elsewhere: -lz\n"),
        "{said}"
    );
    let found = findings(&root);
    assert_eq!(class_of(&found[0]), "test failed", "{said}");
    let place = found[0]["first"]["report"]["go"].to_string();
    assert!(place.contains("deflate_test.go"), "{place}");
    mend(&root);
    let (code, said) = run("-runs=100000");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("FuzzUnpack: 10"), "{said}");
}

#[test]
#[ignore = "go-sqlite3 comes from the module proxy and compiles for minutes; a job of the night runs it"]
fn a_module_over_go_sqlite3_has_its_two_mistakes_found_and_is_clean_when_mended() {
    if !able() {
        return;
    }
    let (_folder, root) = copied("../examples/foreign/sqlite");
    let run =
        |test: &str, runs: &str| ended(&fuzz(&root, &[".", "--run", test, "--", "-seed=1", runs]));
    let mistakes = [
        (
            "FuzzAsk",
            "SEGV",
            ["sqlite3_clear_bindings", "ask.(*Library).Ask"],
        ),
        ("FuzzQuote", "test failed", ["ask.FuzzQuote", "ask_test.go"]),
    ];
    for (test, class, places) in mistakes {
        let (code, said) = run(test, "-runs=200000");
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("sqlite3-binding.c "), "{said}");
        let found = findings(&root);
        assert_eq!(class_of(&found[0]), class, "{said}");
        let report = found[0]["first"]["report"].to_string();
        assert!(places.iter().all(|it| report.contains(it)), "{report}");
    }
    mend(&root);
    for (test, ..) in mistakes {
        let (code, said) = run(test, "-runs=20000");
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("{test}: 20")), "{said}");
    }
}

/// A checkout with a contract, and a fuzz test that checks it for all inputs but `bad`.
fn judging() -> (TempDir, PathBuf) {
    let code = "package m\n\n// static int twice(int n) { return n * 2; }\nimport \"C\"\n\n\
        func twice(n int) int { return int(C.twice(C.int(n))) }\n";
    let test = "package m\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"testing\"\n)\n\n\
        func FuzzJudged(f *testing.F) {\n\tf.Fuzz(func(t *testing.T, data []byte) {\n\
        \t\tif twice(len(data)) != 2*len(data) || string(data) == \"bad\" {\n\
        \t\t\tt.Fatal(\"cgolab: broken=GAT-01\")\n\t\t}\n\
        \t\tif os.Getenv(\"CGOLAB_COUNTS\") != \"\" {\n\
        \t\t\tfmt.Fprintln(os.Stderr, \"cgolab: contract=GAT-01 checks=1\")\n\t\t}\n\t})\n}\n";
    let contract = |id: &str| {
        format!(
            "[[contract]]\nid = \"{id}\"\nsentence = \"It is so.\"\nlayer = [\"go\"]\nsource = []\n\
             claimed = [\"fuzz-go\"]\nplanned = []\n"
        )
    };
    let contracts = format!(
        "title = \"Gates\"\n{}{}",
        contract("GAT-01"),
        contract("GAT-02")
    );
    let file = "contracts = [\"contracts\"]\n[[suite]]\nengine = \"fuzz-go\"\nrunner = \"go-libfuzzer\"\n\
        what = \"gates\"\ndir = \".\"\ntargets = { FuzzJudged = 1 }\n";
    let (folder, root) = module(&[("m.go", code), ("m_test.go", test), ("cgolab.toml", file)]);
    fs::create_dir(root.join("contracts")).unwrap();
    fs::write(root.join("contracts/gat.toml"), contracts).unwrap();
    (folder, root)
}

/// Contract, outcome and reason of the checks of the last run.
fn checks(root: &Path) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(root.join("target/lab/latest/results.jsonl")).unwrap();
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let word = |record: &Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    records
        .filter(|it| it["kind"] == "check" && it["engine"] == "fuzz-go")
        .map(|it| {
            (
                word(&it, "contract"),
                word(&it, "outcome"),
                word(&it, "reason"),
            )
        })
        .collect()
}

#[test]
fn fuzz_tests_of_a_subject_credit_what_their_seeds_check_and_blame_what_they_break() {
    if !able() {
        return;
    }
    let (_folder, root) = judging();
    let seeds = root.join("testdata/fuzz/FuzzJudged");
    let seed = |name: &str, content: &str| {
        fs::create_dir_all(&seeds).unwrap();
        let text = format!("go test fuzz v1\n[]byte({content:?})\n");
        fs::write(seeds.join(name), text).unwrap();
    };
    let run = || {
        let output = cgolab(&root, &["run", "--only", "fuzz-go"])
            .output()
            .unwrap();
        (
            output.status.code(),
            text(&output.stderr) + &text(&output.stdout),
        )
    };
    seed("GAT-01-good", "good");
    seed("GAT-02-nobody-checks-it", "idle");
    let (code, said) = run();
    assert_eq!(code, Some(1), "{said}");
    let found = checks(&root);
    let of = |contract: &str, outcome: &str| {
        let fits = |it: &&(String, String, String)| it.0 == contract && it.1 == outcome;
        found.iter().find(fits)
    };
    assert!(of("GAT-01", "pass").is_some(), "{found:?}");
    let idle = of("GAT-02", "fail").unwrap_or_else(|| panic!("{found:?}"));
    assert!(idle.2.contains("no seed checks that"), "{idle:?}");
    assert!(said.contains("counters of C: "), "{said}");

    fs::remove_file(seeds.join("GAT-02-nobody-checks-it")).unwrap();
    seed("one-that-breaks-it", "bad");
    let (code, said) = run();
    assert_eq!(code, Some(1), "{said}");
    let found = checks(&root);
    let broken: Vec<_> = found.iter().filter(|it| it.1 == "fail").collect();
    assert!(
        matches!(&broken[..], [(contract, ..)] if contract == "GAT-01"),
        "{found:?}"
    );

    // The library is C that somebody else has compiled, without counters.
    fs::write(root.join("gate.c"), "int gate(int n) { return n; }\n").unwrap();
    let file = fs::read_to_string(root.join("cgolab.toml")).unwrap()
        + "[native.fuzz]\nrun = [\"sh\", \"-c\", \"gcc -c gate.c && ar rcs libgate.a gate.o\"]\n\
           products = [\"libgate.a\"]\n";
    fs::write(root.join("cgolab.toml"), file).unwrap();
    let (code, said) = run();
    assert_eq!(code, Some(1), "{said}");
    let found = checks(&root);
    let lacking = |it: &(String, String, String)| it.2.contains("no counters in libgate.a");
    assert!(found.iter().any(lacking), "{found:?}");
    assert!(!found.iter().any(|it| it.1 == "pass"), "{found:?}");
}

#[test]
fn without_clang_fuzz_tests_of_a_subject_are_skipped_with_the_reason() {
    let (_folder, root) = judging();
    let bin = tempfile::tempdir().unwrap();
    for name in ["go", "gcc", "as", "ld"] {
        let Some(found) = tool(name) else { return };
        std::os::unix::fs::symlink(found, bin.path().join(name)).unwrap();
    }
    let output = cgolab(&root, &["run", "--only", "fuzz-go"])
        .env("PATH", bin.path())
        .env("CC", "gcc")
        .output()
        .unwrap();
    let said = unwrapped(&[output.stderr, output.stdout].concat());
    assert!(said.contains("skipped: fuzz-go"), "{said}");
    assert!(said.contains("no clang on PATH"), "{said}");
    assert!(!said.contains("FAIL"), "{said}");
}

#[test]
fn a_library_in_rust_has_counters_and_its_mistake_is_found() {
    if !able() {
        return;
    }
    let (_folder, root) = copied("../examples/foreign/words");
    let run = |more: &[&str]| {
        ended(&fuzz(
            &root,
            &[&[".", "--run", "FuzzLength"], more].concat(),
        ))
    };
    let (code, said) = run(&["--time", "5m"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("libwords.a "), "{said}");
    let found = findings(&root)[0].to_string();
    assert!(
        found.contains("src/lib.rs") && found.contains("words.(*Words).Length"),
        "{found}"
    );
    mend(&root);
    let (code, said) = run(&["--time", "2s"]);
    assert_eq!(code, Some(0), "{said}");
}
