//! `cgolab run` in modules that it does not know: the planted mistakes of `examples/foreign`, their mended
//! twins, and everything that a module can be besides good.

mod modules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use modules::{CGO, cgolab, module, passing_module, results, run, tests, text, tools};
use serde_json::Value;
use tempfile::TempDir;

/// A copy of an example.
fn example(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/foreign")
        .join(name);
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
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

/// Each planted mistake of an example: the engine that sees it, its class, and a part of its place or test.
fn finds(name: &str, planted: &[(&str, &str, &str)]) {
    if !tools() {
        return;
    }
    let (_folder, root) = example(name);
    let output = run(&root, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let results = results(&root);
    let findings = results["findings"].as_array().unwrap();
    for (engine, class, part) in planted {
        let fits = |finding: &&Value| {
            let report = &finding["first"]["report"];
            let engines = finding["engines"].as_array().unwrap();
            engines.iter().any(|it| it == engine)
                && report["class"].as_str().unwrap().contains(class)
                && finding.to_string().contains(part)
        };
        assert!(
            findings.iter().any(|it| fits(&it)),
            "no {class} by {engine} in {part}: {findings:#?}"
        );
    }
    let printed = text(&output.stdout);
    assert!(
        printed.contains(&format!("example.com/{name}: {} findings", findings.len())),
        "{printed}"
    );
    // The run again, with what is known: nothing is new.
    let baseline = root.join("baseline.json");
    fs::copy(root.join(".cgolab/latest/results.json"), &baseline).unwrap();
    let again = run(
        &root,
        &[
            "--only",
            "cgocheck2",
            "--baseline",
            baseline.to_str().unwrap(),
        ],
    );
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
    // Mended, nothing is found.
    let (_folder, mended) = mended(name);
    let output = run(&mended, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(
        text(&output.stdout).contains(": no finding\n"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_binding_of_c_has_its_three_mistakes_named_and_is_clean_when_mended() {
    finds(
        "kv",
        &[
            ("asan", "leak of C.CString", "TestSetAndGet"),
            ("cgocheck2", "unpinned Go pointer", "(*Store).Label"),
            ("storm-asan", "heap-use-after-free", "kv_count"),
        ],
    );
}

#[test]
fn a_binding_of_cxx_has_its_three_mistakes_named_and_is_clean_when_mended() {
    finds(
        "index",
        &[
            ("asan", "heap-buffer-overflow", "index_length"),
            ("asan", "leak", "index_word"),
            ("race", "data race", "(*Index).Add"),
        ],
    );
}

#[test]
fn a_storm_makes_a_rare_failure_frequent_and_names_the_knob() {
    if !tools() {
        return;
    }
    let storm = |folder: &Path| {
        let args = ["storm", "--run", "TestCount", "--time", "1s"];
        cgolab(folder, &args).output().unwrap()
    };
    let (_folder, root) = example("kv");
    let output = storm(&root);
    let printed = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{printed}{}",
        text(&output.stderr)
    );
    assert!(
        printed.contains("heap-use-after-free in kv_count (kv.c:50)"),
        "{printed}"
    );
    assert!(printed.contains("seen under a storm only"), "{printed}");
    assert!(printed.contains("likeliest under"), "{printed}");
    let (_folder, mended) = mended("kv");
    let output = storm(&mended);
    let printed = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{printed}{}",
        text(&output.stderr)
    );
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
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains("no_such_header.h: No such file"),
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
    let printed = text(&output.stdout)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
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
