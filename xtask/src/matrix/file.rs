//! Reads `ci/matrix.toml`: entries with several values of an axis become one job each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Deserialize;

use cgolab::engine::Subject;
use cgolab::host::toml::{line_of, message};
use cgolab::host::workspace::Workspace;

/// The file, from the root of the checkout.
pub(super) const FILE: &str = "ci/matrix.toml";

/// The value of `rust` that leaves the choice to `rust-toolchain.toml`.
pub(super) const PINNED: &str = "pinned";

/// When a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum When {
    /// On every pull request, and on the main branch.
    Pull,
    /// Once a night.
    Nightly,
}

impl When {
    pub(super) fn word(self) -> &'static str {
        match self {
            When::Pull => "pull",
            When::Nightly => "nightly",
        }
    }
}

/// One machine's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) why: String,
    pub(super) when: Vec<When>,
    /// The platform in Go's words: `linux/amd64`.
    pub(super) platform: String,
    pub(super) runner: String,
    /// A toolchain of rustup, or [`PINNED`].
    pub(super) rust: String,
    /// A release, such as `1.26.8`.
    pub(super) go: String,
    pub(super) build: String,
    /// Variables that the build sets.
    pub(super) env: BTreeMap<String, String>,
    /// More toolchains of rustup that must be installed.
    pub(super) also: Vec<String>,
    /// None if the job has steps of its own; all engines if it is empty.
    pub(super) engines: Option<Vec<String>>,
    pub(super) profile: Option<String>,
    /// Commands, each for `sh` in the root of the checkout.
    pub(super) steps: Vec<String>,
    /// Tools without which a test fails instead of being skipped.
    pub(super) tools: Vec<String>,
    /// Packages of the system that are installed first.
    pub(super) packages: Vec<String>,
    /// Folders that the next run of the job finds again.
    pub(super) keep: Vec<String>,
    /// After this time something is wrong.
    pub(super) minutes: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: Default,
    runner: BTreeMap<String, String>,
    build: BTreeMap<String, Build>,
    job: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Default {
    platform: String,
    rust: String,
    go: String,
    build: String,
    minutes: u32,
    #[serde(default)]
    tools: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    /// For the readers of the file; demanded, not shown.
    #[serde(rename = "why")]
    _why: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    why: String,
    when: Vec<When>,
    platform: Option<String>,
    rust: Option<Values>,
    go: Option<Values>,
    build: Option<Values>,
    #[serde(default)]
    also: Vec<String>,
    engines: Option<Vec<String>>,
    profile: Option<String>,
    #[serde(default)]
    steps: Vec<String>,
    /// More packages of the system.
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    keep: Vec<String>,
    minutes: Option<u32>,
}

/// One value of an axis, or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a string or a list of strings")]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    /// The values, and whether they are part of the job's name.
    fn or<'a>(values: Option<&'a Values>, default: &'a String) -> (&'a [String], bool) {
        match values {
            None => (std::slice::from_ref(default), false),
            Some(Values::One(value)) => (std::slice::from_ref(value), false),
            Some(Values::Many(values)) => (values, values.len() > 1),
        }
    }
}

/// The jobs of the checkout, in the order of the file.
///
/// The error is one line that names the file and the job.
pub(super) fn load(root: &Path) -> Result<Vec<Job>> {
    let text =
        fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
    let subject = Subject::load(&Workspace::at(root))?;
    parse(&text, &subject.known_engines())
}

fn parse(text: &str, known: &[&str]) -> Result<Vec<Job>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = line_of(text, error.span());
        let message = message(&error);
        anyhow!("{FILE}:{line}: {message}; correct this line")
    })?;
    let mut jobs: Vec<Job> = Vec::new();
    for entry in &file.job {
        let of_entry =
            expand(&file, entry, known).with_context(|| format!("{FILE}: job `{}`", entry.name))?;
        for job in of_entry {
            let twice = jobs.iter().any(|other| other.name == job.name);
            ensure!(
                !twice,
                "{FILE}: there are two jobs `{}`; rename one",
                job.name
            );
            jobs.push(job);
        }
    }
    ensure!(!jobs.is_empty(), "{FILE}: no job; write one");
    Ok(jobs)
}

/// The jobs that an entry stands for.
fn expand(file: &File, entry: &Entry, known: &[&str]) -> Result<Vec<Job>> {
    check(entry, known)?;
    let platform = entry.platform.as_ref().unwrap_or(&file.default.platform);
    let runner = file
        .runner
        .get(platform)
        .ok_or_else(|| anyhow!("no machine for platform `{platform}`; name one in [runner]"))?;
    let (rusts, in_name) = Values::or(entry.rust.as_ref(), &file.default.rust);
    let (gos, go_in_name) = Values::or(entry.go.as_ref(), &file.default.go);
    let (builds, build_in_name) = Values::or(entry.build.as_ref(), &file.default.build);
    let mut jobs = Vec::new();
    for rust in rusts {
        ensure!(
            is_word(rust),
            "`{rust}` is no Rust toolchain; write `{PINNED}`, a channel or a version"
        );
        for go in gos {
            ensure!(
                is_release(go),
                "`{go}` is no Go release; write all three numbers, such as 1.26.8"
            );
            for name in builds {
                let build = file.build.get(name).ok_or_else(|| {
                    let known: Vec<&str> = file.build.keys().map(String::as_str).collect();
                    anyhow!(
                        "build `{name}` is unknown; choose from {}",
                        known.join(", ")
                    )
                })?;
                let mut parts = vec![entry.name.as_str()];
                if in_name {
                    parts.push(rust);
                }
                if go_in_name {
                    parts.push(minor(go));
                }
                if build_in_name {
                    parts.push(name);
                }
                jobs.push(Job {
                    name: parts.join("-"),
                    why: entry.why.clone(),
                    when: entry.when.clone(),
                    platform: platform.clone(),
                    runner: runner.clone(),
                    rust: rust.clone(),
                    go: go.clone(),
                    build: name.clone(),
                    env: build.env.clone(),
                    also: entry.also.clone(),
                    engines: entry.engines.clone(),
                    profile: entry.profile.clone(),
                    steps: steps(entry),
                    tools: file.default.tools.clone(),
                    packages: [&*file.default.packages, &*entry.packages].concat(),
                    keep: entry.keep.clone(),
                    minutes: entry.minutes.unwrap_or(file.default.minutes),
                });
            }
        }
    }
    ensure!(
        !jobs.is_empty(),
        "an empty list of values; name at least one"
    );
    Ok(jobs)
}

/// Checks everything that does not depend on the axes.
fn check(entry: &Entry, known: &[&str]) -> Result<()> {
    ensure!(
        is_word(&entry.name),
        "a name has letters, digits, `.` and `-` only"
    );
    ensure!(
        !entry.when.is_empty(),
        "empty `when`; write pull or nightly"
    );
    match &entry.engines {
        Some(_) if !entry.steps.is_empty() => {
            bail!("has `engines` and `steps`; make two jobs of it")
        }
        None if entry.steps.is_empty() => bail!("has neither `engines` nor `steps`"),
        None => ensure!(
            entry.profile.is_none(),
            "`profile` is for jobs with `engines`; write it into the step"
        ),
        Some(engines) => {
            for engine in engines {
                ensure!(
                    known.contains(&engine.as_str()),
                    "engine `{engine}` is unknown; choose from {}",
                    known.join(", ")
                );
            }
        }
    }
    if let Some(profile) = &entry.profile {
        ensure!(
            ["quick", "full"].contains(&profile.as_str()),
            "profile `{profile}` is unknown; choose from quick, full"
        );
    }
    for toolchain in &entry.also {
        ensure!(is_word(toolchain), "`{toolchain}` is no Rust toolchain");
    }
    for package in &entry.packages {
        ensure!(is_word(package), "`{package}` is no package of the system");
    }
    for folder in &entry.keep {
        let inside = Path::new(folder)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        ensure!(
            inside && !folder.is_empty(),
            "`{folder}` is no folder in the checkout"
        );
    }
    Ok(())
}

/// The commands of a job: its own, or the one that runs its engines.
fn steps(entry: &Entry) -> Vec<String> {
    let Some(engines) = &entry.engines else {
        return entry.steps.clone();
    };
    let mut command = "cargo lab run".to_owned();
    if !engines.is_empty() {
        command.push_str(&format!(" --only {}", engines.join(",")));
    }
    if let Some(profile) = &entry.profile {
        command.push_str(&format!(" --profile {profile}"));
    }
    vec![command]
}

/// Nothing that a shell, a workflow or a file system would take for something else.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['-', '.'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Three numbers: a toolchain of Go has no shorter name.
fn is_release(text: &str) -> bool {
    let numbers: Vec<&str> = text.split('.').collect();
    numbers.len() == 3
        && numbers
            .iter()
            .all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `1.26` of `1.26.8`.
fn minor(release: &str) -> &str {
    release.rsplit_once('.').map_or(release, |(minor, _)| minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "\
[default]
platform = \"linux/amd64\"
rust = \"pinned\"
go = \"1.26.8\"
build = \"shipped\"
minutes = 60
[runner]
\"linux/amd64\" = \"ubuntu\"
[build.shipped]
why = \"x\"
[build.checked]
why = \"x\"
env = { A = \"1\" }
";

    fn parsed(text: &str) -> Result<Vec<Job>> {
        parse(text, &["fuzz-abi", "go", "loom", "proptest", "race"])
    }

    fn job(lines: &str) -> Result<Vec<Job>> {
        parsed(&format!(
            "{HEAD}[[job]]\nname = \"x\"\nwhy = \"y\"\nwhen = [\"pull\"]\n{lines}\n"
        ))
    }

    fn refused(lines: &str) -> String {
        format!("{:#}", job(lines).unwrap_err())
    }

    #[test]
    fn the_matrix_of_this_checkout_is_valid() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let jobs = load(root).unwrap();
        for name in ["lint", "test", "run", "loom", "fuzz", "go-1.21", "go-1.26"] {
            assert!(jobs.iter().any(|job| job.name == name), "{name}");
        }
        let subject = Subject::load(&Workspace::at(root)).unwrap();
        let names = subject.engine_names();
        for engine in jobs.iter().filter_map(|job| job.engines.as_ref()).flatten() {
            assert!(names.contains(&engine.as_str()), "{engine}");
        }
        // What CI checks is what people have: the newest Go is the default one.
        let of = |name: &str| jobs.iter().find(|job| job.name == name).unwrap();
        assert_eq!(of("go-1.26").go, of("test").go);
    }

    #[test]
    fn a_job_with_several_values_is_several_jobs() {
        let jobs = job(
            "go = [\"1.21.13\", \"1.26.8\"]\nbuild = [\"shipped\", \"checked\"]\n\
                        engines = [\"race\"]\nprofile = \"full\"",
        )
        .unwrap();
        let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "x-1.21-shipped",
                "x-1.21-checked",
                "x-1.26-shipped",
                "x-1.26-checked"
            ]
        );
        assert_eq!(jobs[1].go, "1.21.13");
        assert_eq!(jobs[1].env["A"], "1");
        assert_eq!(jobs[1].steps, ["cargo lab run --only race --profile full"]);
        assert_eq!(jobs[1].runner, "ubuntu");
    }

    #[test]
    fn no_engine_named_means_all() {
        assert_eq!(job("engines = []").unwrap()[0].steps, ["cargo lab run"]);
    }

    #[test]
    fn errors_are_one_line_that_names_the_job() {
        let rows = [
            (
                "engines = [\"lom\"]",
                "engine `lom` is unknown; choose from",
            ),
            ("", "neither `engines` nor `steps`"),
            ("engines = []\nsteps = [\"a\"]", "make two jobs"),
            (
                "steps = [\"a\"]\nprofile = \"full\"",
                "write it into the step",
            ),
            (
                "engines = []\nprofile = \"fast\"",
                "profile `fast` is unknown",
            ),
            (
                "engines = []\nbuild = \"x\"",
                "build `x` is unknown; choose from checked, shipped",
            ),
            ("engines = []\ngo = \"1.26\"", "`1.26` is no Go release"),
            ("engines = []\ngo = []", "an empty list"),
            ("engines = []\nrust = \"a b\"", "`a b` is no Rust toolchain"),
            (
                "engines = []\nplatform = \"p\"",
                "no machine for platform `p`",
            ),
            (
                "engines = []\nkeep = [\"../x\"]",
                "no folder in the checkout",
            ),
            ("engines = []\nalso = [\"$(x)\"]", "is no Rust toolchain"),
        ];
        for (lines, words) in rows {
            let error = refused(lines);
            assert!(error.starts_with("ci/matrix.toml: job `x`: "), "{error}");
            assert!(error.contains(words), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn malformed_text_is_named_by_line() {
        let unknown = refused("steps = [\"a\"]\nengine = []");
        assert!(
            unknown.starts_with("ci/matrix.toml:19: unknown field `engine`"),
            "{unknown}"
        );
        let kind = refused("steps = [\"a\"]\ngo = 1");
        assert!(
            kind.contains(":19: ") && kind.contains("a string or a list"),
            "{kind}"
        );
        let when = format!(
            "{:#}",
            parsed(&format!("{HEAD}[[job]]\nwhen = [\"x\"]")).unwrap_err()
        );
        assert!(when.contains("pull"), "{when}");
        assert!(parsed("").is_err());
        let empty = format!("{:#}", parsed(&format!("job = []\n{HEAD}")).unwrap_err());
        assert!(empty.contains("no job"), "{empty}");
    }

    #[test]
    fn names_are_used_once() {
        let entry = "[[job]]\nname = \"x\"\nwhy = \"y\"\nwhen = [\"pull\"]\nengines = []\n";
        let error = parsed(&format!("{HEAD}{entry}{entry}")).unwrap_err();
        assert!(error.to_string().contains("two jobs `x`"), "{error}");
        let bad = parsed(&format!("{HEAD}{}", entry.replace("\"x\"", "\"a b\""))).unwrap_err();
        assert!(format!("{bad:#}").contains("letters, digits"), "{bad:#}");
    }
}
