//! Findings of `cgolab run` in modules that are hard to judge: what is no mistake makes no noise, and nothing is
//! hidden.

#[expect(dead_code, reason = "other tests of `cgolab run` need more")]
mod modules;

use modules::{CGO, module, results, run, tests, text, tools};
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
