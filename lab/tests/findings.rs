//! Findings of `cgolab run` in modules that are hard to judge: what is no mistake makes no noise, and nothing is
//! hidden.

mod modules;

use std::fs;

use modules::{CGO, cgolab, module, passing_module, results, run, tests, text, tools, unwrapped};
use serde_json::Value;

/// The class of each finding, and the tests that show it.
fn found(results: &Value) -> Vec<(String, Vec<String>)> {
    let findings = results["findings"].as_array().unwrap().iter();
    let word = |it: &Value| it.as_str().unwrap().to_owned();
    let tests = |it: &Value| it["tests"].as_array().unwrap().iter().map(word).collect();
    findings
        .map(|it| (word(&it["first"]["report"]["class"]), tests(it)))
        .collect()
}

#[test]
fn tests_that_look_for_goroutines_do_not_see_the_one_that_collects() {
    if !tools() {
        return;
    }
    let body = r#"func TestA(t *testing.T) {
	one()
	if count := runtime.NumGoroutine(); count > 2 {
		t.Errorf("%d goroutines", count)
	}
	stacks := make([]byte, 1<<16)
	all := string(stacks[:runtime.Stack(stacks, true)])
	if strings.Contains(all, "cgolab") {
		t.Error(all)
	}
}"#;
    let body = tests("\t\"runtime\"\n\t\"strings\"\n", body);
    let (_folder, root) = module(&[CGO, ("m_test.go", &body)]);
    let output = run(&root, &["--only", "storm,storm-asan"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert_eq!(found(&results(&root)), []);
}

#[test]
fn what_leaks_in_examples_seeds_and_parallel_tests_is_found() {
    if !tools() {
        return;
    }
    // Functions of the same code would be one for the compiler.
    let sizes = [("in_a_test", 24), ("in_a_seed", 40), ("in_an_example", 56)];
    let made = |(name, size)| {
        format!(
            "// __attribute__((noinline)) static void *{name}(void) {{ return malloc({size}); }}\n"
        )
    };
    // The last one may still be on a stack.
    let loses = |(name, _)| {
        format!("func {name}() {{\n\tfor range 10 {{\n\t\tkeep(C.{name}())\n\t}}\n}}\n")
    };
    let library = format!(
        "package m\n\n// #include <stdlib.h>\n{}import \"C\"\n\nimport \"unsafe\"\n\n\
         type holder struct{{ memory unsafe.Pointer }}\n\nvar held *holder\n\n\
         func keep(memory unsafe.Pointer) {{\n\theld = &holder{{memory}}\n\theld = nil\n}}\n\n{}",
        sizes.map(made).concat(),
        sizes.map(loses).concat(),
    );
    let body = "func TestParallel(t *testing.T) {\n\tt.Parallel()\n\tin_a_test()\n}\n\n\
        func FuzzSeed(f *testing.F) {\n\tf.Add(1)\n\tf.Fuzz(func(*testing.T, int) { in_a_seed() })\n}\n\n\
        func Example_last() {\n\tin_an_example()\n\t// Output:\n}";
    let (_folder, root) = module(&[("m.go", &library), ("m_test.go", &tests("", body))]);
    let output = run(&root, &["--only", "asan"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let mut found = found(&results(&root));
    found.sort();
    let leak = |test: &str| ("leak".to_owned(), vec![test.to_owned()]);
    assert_eq!(
        found,
        ["Example_last", "FuzzSeed", "TestParallel"].map(leak)
    );
}

#[test]
fn a_leak_that_shows_only_where_its_test_runs_alone_is_found() {
    if !tools() {
        return;
    }
    // Of several blocks, because the address of the last one may still lie on a stack.
    let library = "package m\n\n// #include <stdlib.h>\n\
        // #define LOSE(size) for (int i = 0; i < 8; i++) *(volatile char *)malloc(size) = 1\n\
        // __attribute__((noinline)) static void always(void) { LOSE(24); }\n\
        // __attribute__((noinline)) static void alone(void) { LOSE(40); }\n\
        import \"C\"\n\nfunc always() { C.always() }\nfunc alone() { C.alone() }\n";
    let body = "func TestA(t *testing.T) {\n\talways()\n\
        \tif flag.Lookup(\"test.run\").Value.String() != \"\" {\n\t\talone()\n\t}\n}";
    let body = tests("\t\"flag\"\n", body);
    let (_folder, root) = module(&[("m.go", library), ("m_test.go", &body)]);
    let output = run(&root, &["--only", "asan"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let leak = || ("leak".to_owned(), vec!["TestA".to_owned()]);
    assert_eq!(found(&results(&root)), [leak(), leak()]);
}

#[test]
fn a_program_that_hangs_in_several_tests_is_run_once_and_names_its_limit() {
    if !tools() {
        return;
    }
    let hangs =
        |name: &str| format!("func {name}(t *testing.T) {{\n\tt.Parallel()\n\t<-never\n}}\n");
    let body = format!(
        "var never = make(chan bool)\n\n{}{}",
        hangs("TestA"),
        hangs("TestB")
    );
    let (_folder, root) = module(&[CGO, ("m_test.go", &tests("", &body))]);
    let output = run(&root, &["--only", "plain", "--timeout", "1s"]);
    let printed = unwrapped(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let says = "example.com/m: the test program does not end within 1 s, which --timeout changes; \
                running then: TestA TestB";
    assert!(printed.contains(says), "{printed}");
    let logs = fs::read_dir(root.join(".cgolab/cache/plain")).unwrap();
    let names = logs.map(|it| it.unwrap().file_name().into_string().unwrap());
    let runs = names.filter(|it| it.starts_with("example.com_m.") && it.ends_with(".1.log"));
    assert_eq!(runs.count(), 1);
    // One that hangs alone is left out, and the others are run.
    let body = "func TestA(t *testing.T) { <-make(chan bool) }\nfunc TestB(t *testing.T) { one() }";
    fs::write(root.join("m_test.go"), tests("", body)).unwrap();
    let output = run(&root, &["--only", "plain", "--timeout", "1s"]);
    let printed = text(&output.stdout);
    let says = "TestA does not end within 1 s, which --timeout changes";
    assert!(printed.contains(says), "{printed}");
    assert_eq!(results(&root)["engines"][0]["tests"], 1);
}

#[test]
fn what_fails_plainly_is_told_by_plain_alone() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let run = || {
        let output = run(&root, &["--only", "plain,cgocheck2"]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        let engines = &results(&root)["engines"];
        assert_eq!(engines[0]["trouble"].as_array().unwrap().len(), 1);
        assert_eq!(engines[1]["trouble"].as_array().unwrap().len(), 0);
        engines[1].clone()
    };
    let body = "func TestA(t *testing.T) { one() }\n\
        func TestMain(m *testing.M) {\n\tm.Run()\n\tos.Exit(1)\n}";
    fs::write(root.join("m_test.go"), tests("\t\"os\"\n", body)).unwrap();
    assert_eq!(run()["tests"], 1);
    fs::write(
        root.join("cgolab.toml"),
        "[native.plain]\nrun = [\"false\"]\n",
    )
    .unwrap();
    assert_eq!(run()["state"]["is"], "not-run");
}

#[test]
fn a_failure_without_a_report_is_a_finding_only_if_slowness_does_not_explain_it() {
    if !tools() {
        return;
    }
    // A limit of its own is played: it is passed wherever there is one processor, under storm and its control.
    let slow = "func TestSlow(t *testing.T) {\n\tone()\n\tif runtime.NumCPU() == 1 {\n\t\tt.Error(\"too slow\")\n\t}\n}";
    let body = tests("\t\"runtime\"\n", slow);
    let (_folder, root) = module(&[CGO, ("m_test.go", &body)]);
    let storm = || {
        let output = run(&root, &["--only", "storm"]);
        (output.status.code(), text(&output.stdout))
    };
    let (code, printed) = storm();
    assert_eq!(code, Some(0), "{printed}");
    let says = ": no finding; left out: 1 test that may be too slow in storm";
    assert!(printed.contains(says), "{printed}");
    let provoked = "func TestA(t *testing.T) {\n\tone()\n\tif os.Getenv(\"CGOLAB_STORM\") != \"\" {\n\t\tt.Error(\"wrong\")\n\t}\n}";
    fs::write(root.join("m_test.go"), tests("\t\"os\"\n", provoked)).unwrap();
    let (code, printed) = storm();
    assert_eq!(code, Some(1), "{printed}");
    let failed = ("fails under a storm".to_owned(), vec!["TestA".to_owned()]);
    assert_eq!(found(&results(&root)), [failed]);
}

#[test]
fn flags_of_the_user_that_break_a_canary_are_named() {
    if !tools() {
        return;
    }
    let (_folder, root) = passing_module();
    let mut command = cgolab(&root, &["run", "--only", "plain"]);
    let output = command.env("CGO_CFLAGS", "-no-such-flag").output().unwrap();
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let state = &results(&root)["engines"][0]["state"];
    assert_eq!(state["is"], "off", "{printed}");
    let why = state["why"].as_str().unwrap();
    assert!(why.starts_with("CGO_CFLAGS as it is set here: "), "{why}");
    assert!(why.contains("-no-such-flag"), "{why}");
}
