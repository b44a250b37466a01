//! A subject that is described by a file, under a real Go.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs engine `go`, and gives what it prints and whether it was green.
fn run(root: &Path) -> (String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_cgolab"))
        .args(["run", "--only", "go"])
        .current_dir(root)
        .env_remove("CARGO")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (text, output.status.success())
}

#[test]
fn a_subject_without_tests_is_one_failure_and_green_when_it_has_one() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let write = |name: &str, text: &str| fs::write(root.join(name), text).unwrap();
    fs::create_dir(root.join("own")).unwrap();
    write("cgolab.toml", "contracts = [\"own\"]\n");
    write(
        "own/hdl.toml",
        "title = \"Handles\"\n[[claim]]\nid = \"HDL-01\"\nclaimed = [\"go\"]\nplanned = []\n",
    );
    write("go.mod", "module example.com/one\n\ngo 1.21\n");
    write(
        "one.go",
        "package one\n\n// int one(void) { return 1; }\nimport \"C\"\n\nfunc One() int { return int(C.one()) }\n",
    );

    let (text, green) = run(root);
    assert!(!green, "{text}");
    assert_eq!(text.matches("FAIL - go: ").count(), 1, "{text}");
    let says = "no test ran: ./... has none; write one, or mend the packages in cgolab.toml\n";
    assert!(text.contains(says), "{text}");
    assert!(
        text.contains("\n1 contract: 1 claimed, not exercised; "),
        "{text}"
    );

    let test = |body: &str| {
        let text = format!(
            "package one\n\nimport \"testing\"\n\nfunc TestHDL01One(t *testing.T) {{\n\t{body}\n}}\n"
        );
        write("one_test.go", &text);
    };
    test("two()");
    let (text, green) = run(root);
    assert!(!green, "{text}");
    assert_eq!(text.matches("BUILD - go: ").count(), 1, "{text}");
    assert!(text.contains("one_test.go:6:2: undefined: two"), "{text}");

    test("if One() != 1 {\n\t\tt.Fatal()\n\t}");
    let (text, green) = run(root);
    assert!(green, "{text}");
    assert!(text.contains("\n1 contract: 1 exercised; "), "{text}");
    assert!(!text.contains("more contracts"), "{text}");
}
