//! Builds and runs of the targets in `fuzz/` with cargo-fuzz.
//!
//! | module | holds |
//! |---|---|
//! | [`feedback`] | what libFuzzer goes by, in turns |
//! | [`instrumented`] | the proof that a binary has AddressSanitizer's checks in it |

pub mod feedback;
pub(crate) mod instrumented;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use crate::host::child::Task;
use crate::host::tools::Fuzz;
use crate::host::workspace::Workspace;

/// Option of libFuzzer that lets inputs grow slowly, which is its way only for targets without a mutator of their own.
pub const GROW_SLOWLY: &str = "-len_control=100";

/// A sanitizer that fuzz targets are built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sanitizer {
    /// No sanitizer, which is the fastest.
    None,
    /// AddressSanitizer: sees bad accesses of the heap and the stack, and is several times slower.
    Address,
}

impl Sanitizer {
    /// The word after `--sanitizer`.
    pub fn name(self) -> &'static str {
        match self {
            Sanitizer::None => "none",
            Sanitizer::Address => "address",
        }
    }
}

/// The names of the fuzz targets.
pub fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Manifest {
        #[serde(default)]
        bin: Vec<Bin>,
    }
    #[derive(Deserialize)]
    struct Bin {
        name: String,
    }
    let path = workspace.path("fuzz/Cargo.toml");
    let text = fs::read_to_string(&path)
        .map_err(|_| anyhow!("fuzz/Cargo.toml is missing; is this a complete checkout?"))?;
    let manifest: Manifest =
        toml::from_str(&text).with_context(|| format!("{} is malformed", path.display()))?;
    Ok(manifest.bin.into_iter().map(|bin| bin.name).collect())
}

/// The target of this name, or an error that names the others.
pub fn known_target(workspace: &Workspace, name: &str) -> Result<()> {
    let targets = targets(workspace)?;
    if targets.iter().any(|target| target == name) {
        return Ok(());
    }
    bail!(
        "fuzz target `{name}` is unknown; choose from {}",
        targets.join(", ")
    )
}

/// The checked-in inputs of a target, from the root of the checkout.
pub fn seeds(target: &str) -> PathBuf {
    Path::new("fuzz/seeds").join(target)
}

/// The inputs that fuzzing found and keeps; not checked in.
pub fn corpus(target: &str) -> PathBuf {
    Path::new("fuzz/corpus").join(target)
}

/// cargo-fuzz with one sanitizer.
///
/// Each sanitizer has its own target folder: in a common one, each build would undo the other's. So have builds through
/// a wrapper: Cargo does not see that they are others.
pub struct Fuzzer<'a> {
    /// The checkout.
    pub workspace: &'a Workspace,
    /// The program and its toolchain.
    pub tool: &'a Fuzz,
    /// Built into the targets.
    pub sanitizer: Sanitizer,
    /// Runs rustc, from the root of the checkout.
    pub rustc_wrapper: Option<&'a str>,
}

impl Fuzzer<'_> {
    /// Builds all targets.
    pub fn build(&self, log: &Path) -> Task {
        self.task("build", log)
    }

    /// Runs a target: `inputs` are folders or files, `options` are libFuzzer's.
    ///
    /// Builds it first if necessary, and fails for a build error as well. To tell the two apart, build it before,
    /// and look at the output of the run.
    pub fn run(&self, target: &str, inputs: &[PathBuf], options: &[&str], log: &Path) -> Task {
        self.task("run", log)
            .args(run_args(target, inputs, options))
    }

    /// The command of a run that people type when cargo-fuzz is on `PATH`.
    pub fn plain(&self, target: &str, inputs: &[PathBuf], options: &[&str]) -> String {
        let wrapper = self.rustc_wrapper;
        let mut words: Vec<String> = wrapper
            .map(|it| format!("RUSTC_WRAPPER=$PWD/{it}"))
            .into_iter()
            .chain([self.tool.toolchain.plain().to_owned(), "run".to_owned()])
            .collect();
        words.extend(self.common());
        words.extend(
            run_args(target, inputs, options)
                .iter()
                .map(|arg| arg.display().to_string()),
        );
        words.join(" ")
    }

    /// The folder of the builds, from the root of the checkout.
    fn target_dir(&self) -> String {
        let wrapped = self.rustc_wrapper.map_or("", |_| "-wrapped");
        format!("target/fuzz/{}{wrapped}", self.sanitizer.name())
    }

    /// The program that was built for a target.
    pub fn binary(&self, target: &str) -> Result<PathBuf> {
        let dir = self.workspace.path(&self.target_dir());
        let hosts = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
        hosts
            .flatten()
            .map(|host| host.path().join("release").join(target))
            .find(|path| path.is_file())
            .with_context(|| format!("no {target} below {}", dir.display()))
    }

    fn task(&self, subcommand: &str, log: &Path) -> Task {
        let mut task = self.tool.program.task(self.workspace, log);
        if let Some(wrapper) = self.rustc_wrapper {
            task = task.env("RUSTC_WRAPPER", self.workspace.path(wrapper));
        }
        self.tool
            .toolchain
            .prepare(task)
            .args([subcommand])
            .args(self.common())
    }

    fn common(&self) -> [String; 4] {
        [
            "--sanitizer".to_owned(),
            self.sanitizer.name().to_owned(),
            "--target-dir".to_owned(),
            self.target_dir(),
        ]
    }
}

fn run_args(target: &str, inputs: &[PathBuf], options: &[&str]) -> Vec<OsString> {
    let mut args = vec![OsString::from(target)];
    args.extend(inputs.iter().map(|input| input.clone().into_os_string()));
    if !options.is_empty() {
        args.push("--".into());
        args.extend(options.iter().map(OsString::from));
    }
    args
}

/// Makes an empty folder for crash files.
pub fn artifact_folder(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))
}

/// The inputs in a folder for crash files that made the target fail. Slow ones did not.
pub fn artifacts(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ["crash-", "timeout-", "oom-", "leak-"]
                .iter()
                .any(|kind| name.starts_with(kind))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tools::Program;
    use crate::host::tools::rust::ForFuzzing;

    #[test]
    fn targets_are_read_from_the_manifest() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        let missing = targets(&workspace).unwrap_err().to_string();
        assert!(missing.contains("fuzz/Cargo.toml is missing"), "{missing}");
        fs::create_dir(dir.path().join("fuzz")).unwrap();
        let manifest = "[package]\nname = \"f\"\n[[bin]]\nname = \"a\"\n[[bin]]\nname = \"b\"\n";
        fs::write(dir.path().join("fuzz/Cargo.toml"), manifest).unwrap();
        assert_eq!(targets(&workspace).unwrap(), ["a", "b"]);
        assert!(known_target(&workspace, "b").is_ok());
        let unknown = known_target(&workspace, "c").unwrap_err().to_string();
        assert_eq!(unknown, "fuzz target `c` is unknown; choose from a, b");
        fs::write(dir.path().join("fuzz/Cargo.toml"), "[[bin]]\nname = 3\n").unwrap();
        assert!(targets(&workspace).is_err());
    }

    #[test]
    fn commands_are_those_that_people_type() {
        let workspace = Workspace::at(Path::new("/checkout"));
        let tool = Fuzz {
            program: Program {
                path: "/bin/cargo-fuzz".into(),
                args: vec!["fuzz".to_owned()],
                shown: "cargo".into(),
            },
            toolchain: ForFuzzing::Stable,
        };
        let fuzzer = Fuzzer {
            workspace: &workspace,
            tool: &tool,
            sanitizer: Sanitizer::None,
            rustc_wrapper: None,
        };
        let inputs = [corpus("t"), seeds("t")];
        let options = ["-runs=0"];
        let expected = "RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none \
            --target-dir target/fuzz/none t fuzz/corpus/t fuzz/seeds/t -- -runs=0";
        assert_eq!(fuzzer.plain("t", &inputs, &options), expected);
        let task = fuzzer.run("t", &inputs, &options, Path::new("log"));
        assert_eq!(task.shown(), expected);
        let wrapped = Fuzzer {
            rustc_wrapper: Some("fuzz/w"),
            ..fuzzer
        };
        let expected = "RUSTC_WRAPPER=$PWD/fuzz/w RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none \
            --target-dir target/fuzz/none-wrapped t -- -runs=0";
        assert_eq!(wrapped.plain("t", &[], &options), expected);
    }

    #[test]
    fn slow_inputs_are_no_crashes() {
        let dir = tempfile::tempdir().unwrap();
        let crashes = dir.path().join("crashes");
        fs::create_dir(&crashes).unwrap();
        fs::write(crashes.join("crash-old"), "").unwrap();
        artifact_folder(&crashes).unwrap();
        for name in ["slow-unit-1", "timeout-2", "crash-1"] {
            fs::write(crashes.join(name), "").unwrap();
        }
        let names: Vec<_> = artifacts(&crashes)
            .iter()
            .map(|path| path.file_name().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["crash-1", "timeout-2"]);
        assert!(artifacts(&dir.path().join("nothing")).is_empty());
    }
}
