//! The example `examples/cargo-fuzz`, built as cargo-fuzz builds it: gates on both sides are passed, every way to die
//! leaves libFuzzer's artifact, and what changes is built again.
//!
//! Copies of it get one more target, in `ends/`, that dies in the way that its input names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cgolab_note::tool::{clang, cxx, tool};

/// RUSTFLAGS of cargo-fuzz 0.13. The flags are nightly's; the one child takes them with RUSTC_BOOTSTRAP.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0 -Cllvm-args=-sanitizer-coverage-stack-depth \
    -Cdebug-assertions -Ccodegen-units=1";

/// A file that a test adds.
const NEW: &str = "go/zz_new.go";

/// The target of this machine.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = text(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.unwrap().to_owned()
}

/// Reports whether the example can be built here; says what is missing.
fn able() -> bool {
    tool("go").is_some() && tool("gcc").is_some() && cxx().is_some()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Copies what a person wrote. Files that are the same are left alone, and keep their time.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_file() {
            write(&to.join(name), &fs::read(&path).unwrap());
        } else if !["target", "corpus", "artifacts"]
            .iter()
            .any(|it| name == *it)
        {
            copy(&path, &to.join(name));
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    if fs::read(path).ok().as_deref() != Some(bytes) {
        fs::write(path, bytes).unwrap();
    }
}

/// A copy of the example, with the target `ends`.
struct Example {
    root: PathBuf,
    rustflags: String,
    /// Variables of builds.
    env: Vec<(&'static str, String)>,
}

impl Example {
    /// Copies into a folder that stays, with what was built in it.
    fn new(name: &str, rustflags: &str) -> Example {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("an example")
            .join(name);
        // Left by a test that failed.
        fs::remove_file(root.join(NEW)).ok();
        copy(&here.join("../examples/cargo-fuzz"), &root);
        let ends = here.join("tests/ends");
        for (file, place) in [
            ("ends.go", "go/fuzzed/ends.go"),
            ("ends.c", "go/fuzzed/ends.c"),
            ("ends.rs", "fuzz/fuzz_targets/ends.rs"),
        ] {
            write(&root.join(place), &fs::read(ends.join(file)).unwrap());
        }
        let example = Example {
            root,
            rustflags: format!("{FLAGS} {rustflags}"),
            env: Vec::new(),
        };
        let bin =
            "[[bin]]\nname = \"ends\"\npath = \"fuzz_targets/ends.rs\"\ntest = false\n\n[[bin]]";
        example.edit("fuzz/Cargo.toml", "[[bin]]", bin);
        let dependency = here.display().to_string();
        example.edit("fuzz/Cargo.toml", "../../../cgolab-fuzz-build", &dependency);
        // What `#cgo LDFLAGS` link is not in an archive of Go.
        let object = example.root.join("extra.o");
        for (program, args) in [
            (
                "gcc",
                vec![
                    "-c".into(),
                    "-o".into(),
                    object.clone(),
                    ends.join("extra.c"),
                ],
            ),
            (
                "ar",
                vec![
                    "rcs".into(),
                    example.root.join("go/fuzzed/libextra.a"),
                    object,
                ],
            ),
        ] {
            assert!(Command::new(program).args(args).status().unwrap().success());
        }
        example
    }

    /// Replaces the first words of a file by others.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.root.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        write(&path, text.replacen(from, to, 1).as_bytes());
    }

    fn cargo(&self) -> Output {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(["build", "--locked", "--release", "--target", &host()])
            .args([
                "--config",
                "profile.release.debug=\"line-tables-only\"",
                "--target-dir",
            ])
            .arg(self.root.join("target"))
            .current_dir(self.root.join("fuzz"))
            .env("RUSTFLAGS", &self.rustflags)
            .env("RUSTC_BOOTSTRAP", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        for name in ["CARGO_ENCODED_RUSTFLAGS", "CC", "GOFLAGS"] {
            if self.env.iter().all(|(it, _)| *it != name) {
                command.env_remove(name);
            }
        }
        command.output().unwrap()
    }

    /// Builds, and returns what Cargo says.
    fn build(&self) -> String {
        let output = self.cargo();
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        said
    }

    /// Fails to build, and returns what Cargo says.
    fn refused(&self) -> String {
        let output = self.cargo();
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{said}");
        said
    }

    /// Runs a target with options of libFuzzer. Artifacts come into an empty folder.
    fn run(&self, target: &str, args: &[&str]) -> Run {
        let artifacts = self.root.join("artifacts");
        fs::remove_dir_all(&artifacts).ok();
        fs::create_dir(&artifacts).unwrap();
        let program = self
            .root
            .join("target")
            .join(host())
            .join("release")
            .join(target);
        let output = Command::new(program)
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args(args)
            // addr2line comes with the linker, and the other with clang.
            .env("ASAN_OPTIONS", "allow_addr2line=1:detect_odr_violation=0")
            .env_remove("GOTRACEBACK")
            .current_dir(&self.root)
            .output()
            .unwrap();
        let files = fs::read_dir(&artifacts).unwrap();
        let inputs = files.map(|file| fs::read(file.unwrap().path()).unwrap());
        Run {
            said: text(&output.stderr),
            success: output.status.success(),
            artifacts: inputs.collect(),
        }
    }

    /// Runs one input, as libFuzzer runs those of a corpus.
    fn run_input(&self, target: &str, input: &[u8], args: &[&str]) -> Run {
        let corpus = self.root.join("corpus");
        fs::remove_dir_all(&corpus).ok();
        fs::create_dir(&corpus).unwrap();
        fs::write(corpus.join("input"), input).unwrap();
        self.run(target, &[args, &["-runs=0", "corpus"]].concat())
    }

    /// Runs inputs that must leave themselves as the artifact, and words.
    fn all_end(&self, ends: &[(&str, &[u8], &[&str])]) {
        for (target, input, words) in ends {
            let run = self.run_input(target, input, &["-timeout=5"]);
            let shown = String::from_utf8_lossy(input);
            assert_eq!(
                run.artifacts,
                [*input],
                "{target} with {shown}: {}",
                run.said
            );
            for word in *words {
                assert!(
                    run.said.contains(word),
                    "{target} with {shown}: {word}: {}",
                    run.said
                );
            }
        }
    }
}

struct Run {
    said: String,
    success: bool,
    artifacts: Vec<Vec<u8>>,
}

/// A frame that passes both gates, and says that more follows than does.
const BEYOND: &[u8] = b"FRM1TEXT\xff";

#[test]
#[ignore = "builds fuzz targets for minutes: a job of the night runs it"]
fn gates_in_rust_and_in_go_are_passed_and_all_that_ends_leaves_an_artifact() {
    if !able() {
        return;
    }
    let mut example = Example::new("none", "");
    let said = example.build();
    let warning = "warning: frames-fuzz@0.0.0: the C of example.com/frames/fuzzed has no counters, because gcc is not";
    assert!(said.contains(warning), "{said}");
    example.all_end(&[
        (
            "text",
            BEYOND,
            &[
                "panic: runtime error: slice bounds out of range",
                "frames.Text",
                "frames.go:",
            ],
        ),
        ("ends", b"p", &["panic: a panic"]),
        ("ends", b"n", &["nil pointer dereference"]),
        ("ends", b"g", &["panic: a panic elsewhere"]),
        ("ends", b"t", &["ERROR: libFuzzer: timeout"]),
        ("ends", b"a", &["deadly signal"]),
        ("ends", b"s", &["SIGSEGV in native code", "deadly signal"]),
        ("ends", b"T", &["SIGSEGV in native code", "deadly signal"]),
        ("ends", b"f", &["SIGFPE in native code", "deadly signal"]),
        ("ends", b"i", &["SIGILL in native code", "deadly signal"]),
    ]);
    for input in ["x", "u", "h"] {
        let run = example.run_input("ends", input.as_bytes(), &[]);
        assert!(run.success && run.artifacts.is_empty(), "{}", run.said);
    }
    // From nothing, and with a hundred times as many inputs as it takes.
    let found = example.run("text", &["-seed=1", "-max_len=16", "-runs=200000000"]);
    let [input] = &found.artifacts[..] else {
        panic!("nothing was found: {}", found.said);
    };
    assert!(input.starts_with(b"FRM1TEXT"), "{input:?}");

    // A file that changes, a file that is new, a variable that changes.
    assert!(!example.build().contains("Compiling"));
    let before = "panic(\"a panic\")";
    example.edit("go/fuzzed/ends.go", before, "panic(\"another panic\")");
    example.build();
    example.all_end(&[("ends", b"p", &["panic: another panic"])]);
    let new = example.root.join(NEW);
    fs::write(
        &new,
        "package frames\n\nfunc init() { print(\"the new file\") }\n",
    )
    .unwrap();
    example.build();
    let run = example.run_input("ends", b"x", &[]);
    fs::remove_file(&new).unwrap();
    assert!(run.said.contains("the new file"), "{}", run.said);

    // The variable alone is another.
    example.build();
    example.env = vec![("GOFLAGS", "-race".to_owned())];
    let said = example.refused();
    assert!(
        said.contains("error: frames-fuzz@0.0.0: GOFLAGS has -race"),
        "{said}"
    );
    example.env.clear();
    example.build();
    // A folder with what Cargo needs, and no Go.
    let bin = example.root.join("bin");
    fs::create_dir_all(&bin).unwrap();
    for name in ["cc", "gcc", "ld", "as", "ar", "rustc"] {
        let link = bin.join(name);
        if let Ok(target) = which(name)
            && !link.exists()
        {
            std::os::unix::fs::symlink(target, link).unwrap();
        }
    }
    example.env = vec![("PATH", bin.display().to_string())];
    let said = example.refused();
    assert!(
        said.contains("error: frames-fuzz@0.0.0: no `go` on PATH: install Go 1.22"),
        "{said}"
    );
}

/// The first of this name on PATH.
fn which(name: &str) -> Result<PathBuf, ()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let files = std::env::split_paths(&path).map(|folder| folder.join(name));
    files.into_iter().find(|file| file.is_file()).ok_or(())
}

#[test]
#[ignore = "builds fuzz targets for minutes: a job of the night runs it"]
fn with_address_memory_of_go_is_checked_and_c_has_counters_with_clang() {
    if !able() {
        return;
    }
    let mut example = Example::new("address", "-Zsanitizer=address");
    example.edit("fuzz/build.rs", ".build()", ".cgocheck2(true).build()");
    let clang = clang();
    example
        .env
        .extend(clang.as_ref().map(|it| ("CC", it.display().to_string())));
    let said = example.build();
    assert!(
        clang.is_none() || !said.contains("has no counters"),
        "{said}"
    );
    example.all_end(&[
        (
            "sum",
            &[2, 42],
            &["use-after-poison", "frames_sum", "src/lib.rs:"],
        ),
        (
            "text",
            BEYOND,
            &["panic: runtime error: slice bounds out of range"],
        ),
        ("ends", b"n", &["nil pointer dereference"]),
        ("ends", b"t", &["ERROR: libFuzzer: timeout"]),
        ("ends", b"s", &["AddressSanitizer: SEGV", "in_c"]),
        ("ends", b"T", &["AddressSanitizer: SEGV", "touch"]),
        ("ends", b"f", &["AddressSanitizer: FPE", "in_c"]),
        ("ends", b"u", &["unpinned Go pointer"]),
    ]);
    for (target, input) in [("sum", &[1, 42][..]), ("ends", b"h")] {
        let whole = example.run_input(target, input, &[]);
        assert!(
            whole.success && whole.artifacts.is_empty(),
            "{}",
            whole.said
        );
    }
    if clang.is_some() {
        // Go does the same with both.
        let corpus = example.root.join("corpus");
        for input in ["y", "z"] {
            fs::write(corpus.join(input), input).unwrap();
        }
        fs::remove_file(corpus.join("input")).unwrap();
        let run = example.run("ends", &["-runs=0", "corpus"]);
        assert!(run.said.contains(" corp: 2/2b "), "{}", run.said);
    }
}
