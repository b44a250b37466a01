//! The description of a subject, `cgolab.toml`.
//!
//! Everything in it is optional, and an empty file is fine. Each mistake is one line that names the file,
//! the line, the key, and what to do.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use jiff::SignedDuration;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::host::toml::{line_of, message};
use crate::host::workspace::DESCRIPTION;
use crate::record::profile::Profile;
use crate::record::{Kind, Outcome, Record};

/// The name of the file.
const NAME: &str = DESCRIPTION;

/// The build of the native library that Go code links by default.
pub(crate) const PLAIN: &str = "plain";
/// The one that engines with AddressSanitizer link.
pub(crate) const ASAN: &str = "asan";
/// The one that fuzz tests of Go link.
pub(crate) const FUZZ: &str = "fuzz";
/// The one that they link with AddressSanitizer.
pub(crate) const FUZZ_ASAN: &str = "fuzz-asan";

/// The kinds of build of the native library that engines and `cgolab fuzz` take.
const KINDS: [&str; 4] = [PLAIN, ASAN, FUZZ, FUZZ_ASAN];

/// A library and its Go binding, described for cgolab.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SubjectFile {
    /// The name of the subject in reports; the folder's name without it.
    pub name: Option<String>,
    /// Folders with contracts of the subject's own, beside those of any binding.
    #[serde(default)]
    pub contracts: Vec<String>,
    /// The command that repeats a scenario of a report, which is appended to it.
    pub replay: Option<String>,
    /// The Go modules; those found by looking if there are none.
    #[serde(default)]
    pub go: Vec<GoModule>,
    /// Builds of the native library by kind: `plain`, `asan` and others.
    #[serde(default)]
    pub native: BTreeMap<String, NativeBuild>,
    /// Tests of the subject that an engine runs, beside those that it finds by itself.
    #[serde(default)]
    pub suite: Vec<Suite>,
    /// Conditions for `cgolab storm`, beside its own.
    #[serde(default)]
    pub knob: Vec<Knob>,
    /// Findings that are known and accepted.
    #[serde(default)]
    pub accept: Vec<Accept>,
}

/// A Go module.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GoModule {
    /// The folder with its go.mod, from the file's folder.
    #[serde(default = "here")]
    pub dir: String,
    /// Patterns of the packages that are tested.
    #[serde(default = "all_packages")]
    pub packages: Vec<String>,
    /// Build tags of every build.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Variables of every command of Go.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The time after which a run of tests is ended, such as `10m`.
    pub timeout: Option<Limit>,
    /// Releases of Go that the tests must pass with.
    pub releases: Option<Releases>,
}

impl Default for GoModule {
    fn default() -> GoModule {
        GoModule {
            dir: here(),
            packages: all_packages(),
            tags: Vec::new(),
            env: BTreeMap::new(),
            timeout: None,
            releases: None,
        }
    }
}

/// Releases of Go that a module promises to work with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Releases {
    /// The contract that promises it, such as `GOA-02`.
    pub contract: Option<String>,
    /// The oldest release, such as `go1.21.13`: part of every run.
    pub oldest: String,
    /// The others: part of a full run.
    #[serde(default)]
    pub newer: Vec<String>,
}

/// A build of the native library.
///
/// `{root}` in a value is the file's folder, `{triple}` is Rust's name for this machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NativeBuild {
    /// The command, one word each.
    pub run: Vec<String>,
    /// The folder that it runs in, from the file's folder.
    #[serde(default = "here")]
    pub dir: String,
    /// Its variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The files that it makes.
    #[serde(default)]
    pub products: Vec<String>,
    /// Build tags of the Go code that links this build.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Words of `CGO_LDFLAGS` for the Go code that links this build; `@FILE` stands for a file's text.
    #[serde(default)]
    pub link: Vec<String>,
    /// Folders that the build can depend on.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// Tests of the subject that an engine runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "runner")]
pub enum Suite {
    /// Packages of Go tests.
    Go(GoTests),
    /// Rust tests under nextest.
    Nextest(Box<NextestTests>),
    /// Targets of cargo-fuzz.
    Libfuzzer(FuzzTargets),
    /// Fuzz tests of Go under libFuzzer.
    GoLibfuzzer(GoFuzzTests),
}

/// Packages of Go tests for one engine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GoTests {
    /// The engine that runs them.
    pub engine: String,
    /// A part of the names of logs, to tell suites of one engine apart.
    pub log: Option<String>,
    /// The folder of the Go module, from the file's folder; the first module's without it.
    pub dir: Option<String>,
    /// Patterns of packages.
    #[serde(default = "all_packages")]
    pub packages: Vec<String>,
    /// Build tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Options of `go test`.
    #[serde(default)]
    pub args: Vec<String>,
    /// The beginning of the names of the tests that run; all tests without it.
    pub only: Option<String>,
    /// Repetitions under the conditions that the engine has for rare orders of events.
    #[serde(default)]
    pub storm: bool,
}

/// A package of Rust tests for one engine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NextestTests {
    /// The engine that they are.
    pub engine: String,
    /// One line for people about what runs.
    pub what: String,
    /// The package of Cargo.
    pub package: String,
    /// Options of `cargo nextest run`.
    #[serde(default)]
    pub args: PerProfile<Vec<String>>,
    /// Variables, each with a value or with one for each profile. What the user has set goes first.
    #[serde(default)]
    pub env: BTreeMap<String, PerProfile<String>>,
    /// Variables while faults are planted, which need the same tests each time.
    #[serde(default)]
    pub fixed_env: BTreeMap<String, String>,
    /// Words that are added to the user's RUSTFLAGS.
    pub rustflags: Option<String>,
    /// The target folder, from the file's folder, if it is not the usual one.
    pub target: Option<String>,
    /// Names of tests carry the contracts that they check; else notes in their output do.
    #[serde(default)]
    pub named: bool,
    /// A note in a test's output must say that it explored schedules; without one it checks nothing.
    #[serde(default)]
    pub explores: bool,
    /// The folder of which each file is a test program of its own, if there are many.
    pub files: Option<String>,
    /// A filter expression of nextest for the tests that run; all tests without it.
    pub only: Option<String>,
    /// Tools that the tests need beside nextest.
    #[serde(default)]
    pub needs: Vec<Tool>,
    /// Kinds of builds of the native library that the tests need beforehand.
    #[serde(default)]
    pub native: Vec<String>,
    /// Folders that answers can depend on.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The planted bug that proves the engine to be on; one suite of each engine has it.
    pub canary: Option<CanaryTest>,
}

/// A tool that this machine must bring.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// A C compiler.
    C,
    /// A C++ compiler.
    Cxx,
    /// Go with cgo.
    Go,
}

/// An ignored test with a bug in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CanaryTest {
    /// The name of the test.
    pub test: String,
    /// The text that it must fail with.
    pub says: String,
}

/// Targets of cargo-fuzz for one engine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FuzzTargets {
    /// The engine that they are.
    pub engine: String,
    /// One line for people about what runs.
    pub what: String,
    /// Targets with their shares of the time.
    pub targets: BTreeMap<String, u32>,
    /// A part of the name of every function of the subject, to count the sanitizer's checks in them.
    pub symbol: String,
    /// The program, from the file's folder, that runs rustc for cargo-fuzz, such as one that leaves crates without
    /// counters.
    pub rustc_wrapper: Option<String>,
    /// Folders that answers can depend on.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The planted crash that proves the engine to be on.
    pub canary: CanaryTarget,
}

/// Fuzz tests of a Go package for one engine. They link `[native.fuzz]`, and with AddressSanitizer
/// `[native.fuzz-asan]`, if these are there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GoFuzzTests {
    /// The engine that they are.
    pub engine: String,
    /// One line for people about what runs.
    pub what: String,
    /// The folder of the package, from the file's folder.
    pub dir: String,
    /// The names of the tests with their shares of the time. The checked-in inputs of each are below
    /// `testdata/fuzz` in the package.
    pub targets: BTreeMap<String, u32>,
    /// Folders that answers can depend on.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// A target with a planted crash.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CanaryTarget {
    /// The name of the target.
    pub target: String,
    /// The text that it must crash with.
    pub says: String,
    /// The bytes that an input must begin with to make it crash.
    pub input: String,
}

/// A condition under which `cgolab storm` runs tests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Knob {
    /// The name in reports.
    pub name: String,
    /// The build of the tests.
    #[serde(default)]
    pub build: KnobBuild,
    /// Variables of the tests.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// All threads of a test program share one processor.
    #[serde(default)]
    pub one_processor: bool,
}

/// A build of tests for a storm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KnobBuild {
    /// As `go test` builds them; with `CGOLAB_STORM=collect` the collector runs all the time.
    #[default]
    Plain,
    /// With Go's race detector.
    Race,
    /// With checks of every stored Go pointer.
    Cgocheck2,
    /// With AddressSanitizer.
    Asan,
}

/// A finding that is known and accepted. It is reported when nothing matches it any more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Accept {
    /// The engine that reports it; any engine without it.
    pub engine: Option<String>,
    /// The name of the test in which it appears.
    pub test: Option<String>,
    /// A part of one of the frames in the report.
    pub frame: Option<String>,
    /// The reason why it is accepted.
    pub reason: String,
    /// A public place that describes it.
    pub reference: Option<String>,
}

impl Accept {
    /// Reports whether it accepts a record.
    pub(crate) fn fits(&self, record: &Record) -> bool {
        let red = matches!(record.outcome, Outcome::Fail | Outcome::Unstable);
        let is_test = |test: &String| {
            let mut words = record.check.split(|c: char| c.is_whitespace() || c == '/');
            words.any(|word| word == test)
        };
        let in_report =
            |frame: &String| record.reason.as_ref().is_some_and(|it| it.contains(frame));
        red && record.kind == Kind::Check
            && self.engine.as_ref().is_none_or(|it| *it == record.engine)
            && self.test.as_ref().is_none_or(is_test)
            && self.frame.as_ref().is_none_or(in_report)
    }
}

/// A value for all profiles, or one for each.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "expected a value, or { quick = VALUE, full = VALUE }"
)]
pub enum PerProfile<T> {
    /// The same value in every profile.
    Every(T),
    /// A value for each profile; nothing where there is none.
    Each(Choice<T>),
}

/// A value for each profile.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Choice<T> {
    /// The value in a quick run.
    pub quick: Option<T>,
    /// The value in a full run.
    pub full: Option<T>,
}

impl<T> PerProfile<T> {
    /// The value in a profile, if there is one.
    pub fn of(&self, profile: Profile) -> Option<&T> {
        match (self, profile) {
            (PerProfile::Every(value), _) => Some(value),
            (PerProfile::Each(choice), Profile::Quick) => choice.quick.as_ref(),
            (PerProfile::Each(choice), Profile::Full) => choice.full.as_ref(),
        }
    }
}

impl<T: Default> Default for PerProfile<T> {
    fn default() -> PerProfile<T> {
        PerProfile::Every(T::default())
    }
}

/// A time limit, such as `90s`, `10m` or `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "String"))]
#[serde(try_from = "String")]
pub struct Limit(pub Duration);

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Limit, String> {
        let parsed = text.parse::<SignedDuration>().ok();
        parsed
            .and_then(|time| Duration::try_from(time).ok())
            .filter(|time| !time.is_zero())
            .map(Limit)
            .ok_or_else(|| format!("`{text}` is no time limit; write one such as \"10m\""))
    }
}

fn here() -> String {
    ".".to_owned()
}

fn all_packages() -> Vec<String> {
    vec!["./...".to_owned()]
}

impl Suite {
    /// The engine that runs it.
    pub fn engine(&self) -> &str {
        match self {
            Suite::Go(tests) => &tests.engine,
            Suite::Nextest(tests) => &tests.engine,
            Suite::Libfuzzer(targets) => &targets.engine,
            Suite::GoLibfuzzer(tests) => &tests.engine,
        }
    }
}

impl SubjectFile {
    /// The program that runs rustc for a target of cargo-fuzz, if a suite says so.
    pub fn rustc_wrapper(&self, target: &str) -> Option<&str> {
        let of_target = |suite: &FuzzTargets| suite.targets.contains_key(target);
        self.suite.iter().find_map(|suite| match suite {
            Suite::Libfuzzer(suite) if of_target(suite) => suite.rustc_wrapper.as_deref(),
            _ => None,
        })
    }

    /// The description in a folder, with its paths looked up; the empty one where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong.
    pub fn load(root: &Path) -> Result<SubjectFile> {
        let path = root.join(NAME);
        if !path.exists() {
            return Ok(SubjectFile::default());
        }
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{NAME}: cannot be read; mend or remove it"))?;
        let file = SubjectFile::parse(&text)?;
        file.look_up(root).map_err(|mistake| mistake.error(&text))?;
        Ok(file)
    }

    /// The description in a text.
    ///
    /// # Errors
    /// Something in it is wrong.
    pub fn parse(text: &str) -> Result<SubjectFile> {
        let parser = toml::Deserializer::parse(text)
            .map_err(|error| error_at(text, error.span(), "syntax", message(&error)))?;
        let file: SubjectFile = serde_path_to_error::deserialize(parser).map_err(|error| {
            let key = error.path().to_string();
            in_suite(text, &key).unwrap_or_else(|| malformed(text, "", &error))
        })?;
        file.check().map_err(|mistake| mistake.error(text))?;
        Ok(file)
    }

    /// Checks the rules that the types do not enforce.
    fn check(&self) -> Result<(), Mistake> {
        for (number, module) in self.go.iter().enumerate() {
            if module.packages.is_empty() {
                return Err(Mistake::at(["go", "packages"], number)
                    .saying("is empty; name a pattern, or remove the key for all packages"));
            }
        }
        let of_suites = |kind: &String| {
            self.suite.iter().any(|suite| match suite {
                Suite::Nextest(tests) => tests.native.contains(kind),
                Suite::Go(_) | Suite::Libfuzzer(_) | Suite::GoLibfuzzer(_) => false,
            })
        };
        for (kind, build) in &self.native {
            // A misspelt one would leave an engine with the plain library, and nobody told.
            if !KINDS.contains(&kind.as_str()) && !of_suites(kind) {
                return Err(Mistake::keys(&["native", kind]).saying(format!(
                    "no engine and no suite takes a build of this name; choose from {}",
                    KINDS.join(", ")
                )));
            }
            if build.run.is_empty() {
                return Err(Mistake::keys(&["native", kind, "run"])
                    .saying("is empty; write the command that builds the library"));
            }
            let lists = [
                ("run", &build.run),
                ("products", &build.products),
                ("link", &build.link),
            ];
            let lists = lists
                .into_iter()
                .flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
            let env = build.env.values().map(|value| ("env", value));
            for (key, value) in lists.chain(env) {
                if let Some(unknown) = unknown_placeholder(value) {
                    return Err(Mistake::keys(&["native", kind, key]).saying(format!(
                        "`{unknown}` is no placeholder; write {{root}} or {{triple}}"
                    )));
                }
            }
        }
        for (number, suite) in self.suite.iter().enumerate() {
            let empty = match suite {
                Suite::Go(tests) => tests.packages.is_empty().then_some("packages"),
                Suite::Nextest(_) => None,
                Suite::Libfuzzer(FuzzTargets { targets, .. })
                | Suite::GoLibfuzzer(GoFuzzTests { targets, .. }) => {
                    targets.is_empty().then_some("targets")
                }
            };
            if let Some(key) = empty {
                return Err(Mistake::at(["suite", key], number)
                    .saying("is empty; name at least one, or remove the suite"));
            }
            if let Suite::Libfuzzer(FuzzTargets { targets, .. })
            | Suite::GoLibfuzzer(GoFuzzTests { targets, .. }) = suite
                && let Some((name, _)) = targets.iter().find(|(_, share)| **share == 0)
            {
                return Err(Mistake::at(["suite", "targets"], number).saying(format!(
                    "gives `{name}` no time; write a share of 1 or more"
                )));
            }
            if let Suite::Nextest(tests) = suite
                && let Some(kind) = tests
                    .native
                    .iter()
                    .find(|kind| !self.native.contains_key(*kind))
            {
                return Err(Mistake::at(["suite", "native"], number).saying(format!(
                    "`{kind}` is no build; describe it as [native.{kind}]"
                )));
            }
        }
        for (number, suite) in self.suite.iter().enumerate() {
            let Suite::Nextest(tests) = suite else {
                continue;
            };
            let mut canaries = self.suite.iter().filter(|other| {
                other.engine() == tests.engine
                    && matches!(other, Suite::Nextest(tests) if tests.canary.is_some())
            });
            if canaries.next().is_none() {
                return Err(Mistake::at(["suite", "canary"], number).saying(format!(
                    "is missing: no suite of engine `{}` has a canary; name a test with a planted bug",
                    tests.engine
                )));
            }
        }
        for (number, accept) in self.accept.iter().enumerate() {
            if accept.reason.trim().is_empty() {
                return Err(Mistake::at(["accept", "reason"], number)
                    .saying("is empty; write why the finding is accepted"));
            }
            if accept.test.is_none() && accept.frame.is_none() {
                return Err(Mistake::at(["accept", "test"], number)
                    .saying("is missing, and `frame` is too; name a test or a frame"));
            }
        }
        Ok(())
    }

    /// Checks that the folders that the description names exist.
    fn look_up(&self, root: &Path) -> Result<(), Mistake> {
        let folder = |path: &str, mistake: Mistake| {
            if root.join(path).is_dir() {
                return Ok(());
            }
            Err(mistake.saying(format!("there is no folder `{path}`; mend the path")))
        };
        for (number, path) in self.contracts.iter().enumerate() {
            folder(path, Mistake::of(&["contracts"], number))?;
        }
        for (number, module) in self.go.iter().enumerate() {
            let mistake = Mistake::at(["go", "dir"], number);
            if !root.join(&module.dir).join("go.mod").is_file() {
                return Err(mistake.saying(format!(
                    "there is no go.mod in `{}`; name the folder of a Go module",
                    module.dir
                )));
            }
        }
        for (kind, build) in &self.native {
            folder(&build.dir, Mistake::keys(&["native", kind, "dir"]))?;
            for path in &build.sources {
                folder(path, Mistake::keys(&["native", kind, "sources"]))?;
            }
        }
        let described = !self.contracts.is_empty() || !self.suite.is_empty();
        if described && self.go.is_empty() && !root.join("go.mod").is_file() {
            return Err(Mistake::keys(&["go"]).saying(
                "there is no go.mod beside the file; name the folder of the Go module as `dir` of a [[go]]",
            ));
        }
        for (number, suite) in self.suite.iter().enumerate() {
            if matches!(suite, Suite::Nextest(_)) && !root.join("Cargo.toml").is_file() {
                return Err(Mistake::at(["suite", "runner"], number)
                    .saying("there is no Cargo.toml beside the file, which it needs"));
            }
            let paths: Vec<(&str, &String)> = match suite {
                Suite::Go(tests) => tests.dir.iter().map(|dir| ("dir", dir)).collect(),
                Suite::Nextest(tests) => {
                    let files = tests.files.iter().map(|dir| ("files", dir));
                    let sources = tests.sources.iter().map(|dir| ("sources", dir));
                    files.chain(sources).collect()
                }
                Suite::Libfuzzer(targets) => {
                    targets.sources.iter().map(|dir| ("sources", dir)).collect()
                }
                Suite::GoLibfuzzer(tests) => {
                    let sources = tests.sources.iter().map(|dir| ("sources", dir));
                    [("dir", &tests.dir)].into_iter().chain(sources).collect()
                }
            };
            for (key, path) in paths {
                folder(path, Mistake::at(["suite", key], number))?;
            }
            if let Suite::Libfuzzer(targets) = suite
                && let Some(path) = &targets.rustc_wrapper
                && !root.join(path).is_file()
            {
                return Err(Mistake::at(["suite", "rustc-wrapper"], number)
                    .saying(format!("there is no file `{path}`; mend the path")));
            }
            if let Suite::Go(tests) = suite {
                let first = self.go.first().map_or(".", |module| module.dir.as_str());
                let module = Path::new(tests.dir.as_deref().unwrap_or(first));
                for pattern in tests.packages.iter().filter(|it| it.starts_with('.')) {
                    // `./a...` is each folder whose name begins so.
                    let fixed = pattern.split("...").next().unwrap_or_default();
                    let path = match fixed.rsplit_once('/') {
                        Some((parent, _)) if fixed != pattern => parent,
                        _ => fixed,
                    };
                    let mistake = Mistake::at(["suite", "packages"], number);
                    if !root.join(module).join(path).is_dir() {
                        return Err(mistake.saying(format!(
                            "there is no folder for `{pattern}` in `{}`; mend the pattern",
                            module.display()
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The first word in braces that is no placeholder. What a shell has in braces is no word, or follows a dollar sign.
fn unknown_placeholder(value: &str) -> Option<String> {
    let mut parts = value.split('{');
    let mut before = parts.next()?;
    for part in parts {
        let word = part.split_once('}').map_or(part, |(word, _)| word);
        let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        if is_word && !before.ends_with('$') && !["root", "triple"].contains(&word) {
            return Some(format!("{{{word}}}"));
        }
        before = part;
    }
    None
}

/// A step on the path to a value: a key, or an index of an array.
#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Number(usize),
}

/// A mistake in the file, with the path to it from the top.
struct Mistake {
    way: Vec<Step>,
    what: String,
}

impl Mistake {
    /// A key of the table with this number in an array.
    fn at([array, key]: [&str; 2], number: usize) -> Mistake {
        let mut mistake = Mistake::of(&[array], number);
        mistake.way.push(Step::Key(key.to_owned()));
        mistake
    }

    /// An element of an array.
    fn of(array: &[&str], number: usize) -> Mistake {
        let mut mistake = Mistake::keys(array);
        mistake.way.push(Step::Number(number));
        mistake
    }

    fn keys(keys: &[&str]) -> Mistake {
        Mistake {
            way: keys
                .iter()
                .map(|key| Step::Key((*key).to_owned()))
                .collect(),
            what: String::new(),
        }
    }

    fn saying(mut self, what: impl Into<String>) -> Mistake {
        self.what = what.into();
        self
    }

    /// The mistake as one line, with the place of the last step that the file contains.
    fn error(&self, text: &str) -> anyhow::Error {
        let mut key = String::new();
        for step in &self.way {
            match step {
                Step::Key(name) if key.is_empty() => key.push_str(name),
                Step::Key(name) => key = format!("{key}.{name}"),
                Step::Number(number) => key = format!("{key}[{number}]"),
            }
        }
        let span = DeTable::parse(text).ok().and_then(|table| {
            let mut span = None;
            let mut here: Option<&DeValue<'_>> = None;
            for step in &self.way {
                let next = match (step, here) {
                    (Step::Key(name), None) => table.get_ref().get(name.as_str()),
                    (Step::Key(name), Some(value)) => value.get(name.as_str()),
                    (Step::Number(number), Some(value)) => value.get(*number),
                    (Step::Number(_), None) => None,
                };
                let Some(next) = next else { break };
                span = Some(next.span());
                here = Some(next.get_ref());
            }
            span
        });
        error_at(text, span, &key, &self.what)
    }
}

type Malformed = serde_path_to_error::Error<toml::de::Error>;

/// A value that the types refuse, as an error of one line. `outer` is the path to the table that was read.
fn malformed(text: &str, outer: &str, error: &Malformed) -> anyhow::Error {
    let inner = error.inner();
    let key = error.path().to_string();
    let key = match (outer, key.as_str()) {
        ("", "." | "?") => "file".to_owned(),
        (outer, "." | "?") => outer.to_owned(),
        ("", key) => key.to_owned(),
        (outer, key) => format!("{outer}.{key}"),
    };
    error_at(text, inner.span(), &key, message(inner))
}

/// The mistake in a suite. The parser knows its place only when it reads the suite as the type of its runner.
fn in_suite(text: &str, key: &str) -> Option<anyhow::Error> {
    fn error_of<'de, T: Deserialize<'de>>(suite: ValueDeserializer<'de>) -> Option<Malformed> {
        serde_path_to_error::deserialize::<_, T>(suite).err()
    }
    let number = key
        .strip_prefix("suite[")?
        .split(']')
        .next()?
        .parse()
        .ok()?;
    let mut top = DeTable::parse(text).ok()?.into_inner();
    let DeValue::Array(suites) = top.remove("suite")?.into_inner() else {
        return None;
    };
    let suite = suites.into_iter().nth(number)?;
    let span = suite.span();
    let DeValue::Table(mut suite) = suite.into_inner() else {
        return None;
    };
    let runner = suite.remove("runner")?.into_inner();
    let suite = ValueDeserializer::from(Spanned::new(span, DeValue::Table(suite)));
    let error = match runner.as_str()? {
        "go" => error_of::<GoTests>(suite),
        "nextest" => error_of::<NextestTests>(suite),
        "libfuzzer" => error_of::<FuzzTargets>(suite),
        "go-libfuzzer" => error_of::<GoFuzzTests>(suite),
        _ => None,
    }?;
    Some(malformed(text, &format!("suite[{number}]"), &error))
}

fn error_at(
    text: &str,
    span: Option<std::ops::Range<usize>>,
    key: &str,
    what: impl Display,
) -> anyhow::Error {
    anyhow!("{NAME}:{}: {key}: {what}", line_of(text, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"name = "x"
contracts = ["own"]

[[go]]
dir = "binding"
packages = ["./x/..."]
tags = ["t"]
env = { A = "b" }
timeout = "1h 30m"

[native.plain]
run = ["make"]
products = ["libx.a"]

[[suite]]
engine = "proptest"
runner = "nextest"
what = "properties"
package = "x-tests"
env = { CASES = { full = "9" }, OTHER = "1" }
canary = { test = "canary", says = "planted" }

[[suite]]
engine = "fuzz-abi"
runner = "libfuzzer"
what = "inputs"
targets = { a = 1 }
symbol = "x_"
canary = { target = "c", says = "planted", input = "BUG!" }

[[suite]]
engine = "leak"
runner = "go"

[[accept]]
engine = "asan"
test = "TestX"
reason = "known"
"#;

    fn mistake(from: &str, to: &str) -> String {
        assert!(FULL.contains(from), "{from}");
        let error = SubjectFile::parse(&FULL.replacen(from, to, 1)).unwrap_err();
        let line = format!("{error:#}");
        assert!(!line.contains('\n'), "{line}");
        line
    }

    #[test]
    fn everything_is_optional() {
        assert_eq!(SubjectFile::parse("").unwrap(), SubjectFile::default());
        let go = SubjectFile::parse("[[go]]\n").unwrap().go;
        assert_eq!(go, [GoModule::default()]);
        let dir = tempfile::tempdir().unwrap();
        let absent = SubjectFile::load(dir.path()).unwrap();
        assert_eq!(absent, SubjectFile::default());
    }

    #[test]
    fn a_full_file_is_read() {
        let file = SubjectFile::parse(FULL).unwrap();
        assert_eq!(file.go[0].timeout, Some(Limit(Duration::from_secs(5400))));
        assert_eq!(file.native["plain"].dir, ".");
        let engines: Vec<_> = file.suite.iter().map(Suite::engine).collect();
        assert_eq!(engines, ["proptest", "fuzz-abi", "leak"]);
        let Suite::Nextest(tests) = &file.suite[0] else {
            panic!("{:?}", file.suite[0]);
        };
        let value = |name: &str, profile| tests.env[name].of(profile).map(String::as_str);
        assert_eq!(value("CASES", Profile::Full), Some("9"));
        assert_eq!(value("CASES", Profile::Quick), None);
        assert_eq!(value("OTHER", Profile::Quick), Some("1"));
    }

    #[test]
    fn each_mistake_names_line_and_key() {
        for (from, to, expected) in [
            (
                "[native.plain]",
                "[native.asn]\nrun = [\"make\"]\n[native.plain]",
                "cgolab.toml:11: native.asn: no engine and no suite takes a build of this name; choose from plain, asan, fuzz",
            ),
            (
                "dir = \"binding\"",
                "dri = \"binding\"",
                "cgolab.toml:5: go[0].dri: unknown field `dri`",
            ),
            (
                "packages = [\"./x/...\"]",
                "packages = 3",
                "cgolab.toml:6: go[0].packages: invalid type: integer `3`",
            ),
            (
                "packages = [\"./x/...\"]",
                "packages = []",
                "cgolab.toml:6: go[0].packages: is empty; name a pattern",
            ),
            (
                "\"1h 30m\"",
                "\"soon\"",
                "cgolab.toml:9: go[0].timeout: `soon` is no time limit; write one such as",
            ),
            (
                "run = [\"make\"]",
                "run = []",
                "cgolab.toml:12: native.plain.run: is empty",
            ),
            (
                "run = [\"make\"]",
                "run = [\"sh\", \"-c\", \"cp ${HOME} {a,b} {rot}\"]",
                "cgolab.toml:12: native.plain.run: `{rot}` is no placeholder; write {root} or {triple}",
            ),
            (
                "run = [\"make\"]\n",
                "",
                "cgolab.toml:11: native.plain: missing field `run`",
            ),
            ("runner = \"nextest\"", "runner = \"cargo\"", "suite[0]"),
            (
                "targets = { a = 1 }",
                "targets = {}",
                "cgolab.toml:27: suite[1].targets: is empty",
            ),
            (
                "reason = \"known\"",
                "reason = \" \"",
                "cgolab.toml:38: accept[0].reason: is empty; write why",
            ),
            (
                "test = \"TestX\"\n",
                "",
                "accept[0].test: is missing, and `frame` is too; name a test or a frame",
            ),
            ("name = \"x\"", "name = ", "cgolab.toml:1: syntax: "),
            (
                "name = \"x\"",
                "nam = \"x\"",
                "cgolab.toml:1: nam: unknown field `nam`",
            ),
        ] {
            let line = mistake(from, to);
            assert!(line.contains(expected), "{line}\n{expected}");
        }
    }

    #[test]
    fn folders_that_are_named_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        let load = |text: &str| {
            fs::write(dir.path().join(NAME), text).unwrap();
            SubjectFile::load(dir.path()).map_err(|error| error.to_string())
        };
        assert_eq!(
            load("\ncontracts = [\"own\"]").unwrap_err(),
            "cgolab.toml:2: contracts[0]: there is no folder `own`; mend the path"
        );
        assert_eq!(
            load("[[go]]\ndir = \"b\"").unwrap_err(),
            "cgolab.toml:2: go[0].dir: there is no go.mod in `b`; name the folder of a Go module"
        );
        assert_eq!(
            load("[native.plain]\nrun = [\"make\"]\nsources = [\"c\"]").unwrap_err(),
            "cgolab.toml:3: native.plain.sources: there is no folder `c`; mend the path"
        );
        assert_eq!(
            load("[[suite]]\nengine = \"go\"\nrunner = \"go\"").unwrap_err(),
            "cgolab.toml:1: go: there is no go.mod beside the file; name the folder of the Go module as \
             `dir` of a [[go]]"
        );
        fs::write(dir.path().join("go.mod"), "module x\n").unwrap();
        assert!(load("[[go]]\n").is_ok());
        let packages = |pattern: &str| {
            let suite = "[[suite]]\nengine = \"go\"\nrunner = \"go\"\npackages";
            load(&format!(
                "{suite} = [\"./...\", \"example.com/x\", \"{pattern}\"]\n"
            ))
        };
        assert_eq!(
            packages("./nope/...").unwrap_err(),
            "cgolab.toml:4: suite[0].packages: there is no folder for `./nope/...` in `.`; mend the pattern"
        );
        fs::create_dir_all(dir.path().join("nope/sub")).unwrap();
        assert!(packages("./nope/...").is_ok() && packages("./nope/sub").is_ok());
        assert!(packages("./no...").is_ok() && packages("./nop").is_err());
        let nextest = "[[suite]]\nengine = \"p\"\nrunner = \"nextest\"\nwhat = \"w\"\npackage = \"x\"\n\
                       canary = { test = \"c\", says = \"s\" }\n";
        assert_eq!(
            load(nextest).unwrap_err(),
            "cgolab.toml:3: suite[0].runner: there is no Cargo.toml beside the file, which it needs"
        );
    }

    #[test]
    fn the_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cgolab.schema.json");
        if !path.parent().is_some_and(Path::is_dir) {
            return; // A published crate comes without it.
        }
        let schema = schemars::schema_for!(SubjectFile);
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        // UPDATE_EXPECT=1 writes it.
        expect_test::expect_file![path].assert_eq(&text);
    }
}
