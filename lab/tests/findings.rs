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
