//! `cargo lab matrix`: the jobs of continuous integration, and how to run one here.
//!
//! `ci/matrix.toml` is the one source. The workflows read it as JSON and call this command for
//! each job, so that nothing happens there that cannot be done at a desk.

mod file;

use std::env;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

pub(crate) use self::file::When;
use self::file::{Job, PINNED};
use cgolab::host::child;
use cgolab::host::out;
use cgolab::host::out::STYLE;
use cgolab::host::workspace::Workspace;

/// Prints all jobs for people.
pub(crate) fn print(workspace: &Workspace) -> Result<()> {
    out::print(as_table(&file::load(workspace.root())?))
}

fn as_table(jobs: &[Job]) -> String {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["job", "when", "rust", "go", "build", "runs"]);
    for job in jobs {
        let when: Vec<&str> = job.when.iter().map(|when| when.word()).collect();
        let rust: Vec<&str> = [&job.rust]
            .into_iter()
            .chain(&job.also)
            .map(String::as_str)
            .collect();
        table.add_row([
            job.name.clone(),
            when.join(", "),
            rust.join("+"),
            job.go.clone(),
            job.build.clone(),
            // Few jobs leave the usual platform.
            if job.platform == jobs[0].platform {
                runs(job)
            } else {
                format!("{}, {}", runs(job), job.platform)
            },
        ]);
    }
    format!(
        "{table}\n\n{} jobs; run one here: cargo lab matrix --run JOB\n",
        jobs.len()
    )
}

/// The work of a job, in a few words.
fn runs(job: &Job) -> String {
    let engines = match job.engines.as_deref() {
        None if job.steps.len() == 1 => return job.steps[0].clone(),
        None => return format!("{} steps", job.steps.len()),
        Some([]) => "all engines".to_owned(),
        Some(engines) => engines.join(", "),
    };
    match &job.profile {
        Some(profile) => format!("{engines}, {profile}"),
        None => engines,
    }
}

/// The facts of a job that a workflow needs; the rest is `--run`'s business.
#[derive(Serialize)]
struct Row<'a> {
    job: &'a str,
    runner: &'a str,
    minutes: u32,
    go: &'a str,
    /// Toolchains of rustup to be installed besides the pinned one, with spaces between.
    toolchains: String,
    /// Tools that tests demand, with commas between.
    tools: String,
    /// Packages of the system, with spaces between.
    packages: String,
    /// Folders to be kept for the next run, one a line.
    keep: String,
}

/// Prints the jobs of `when` as the value of `strategy.matrix`.
pub(crate) fn print_github(workspace: &Workspace, when: When) -> Result<()> {
    out::line(as_json(&file::load(workspace.root())?, when)?)
}

fn as_json(jobs: &[Job], when: When) -> Result<String> {
    let rows: Vec<Row<'_>> = jobs
        .iter()
        .filter(|job| job.when.contains(&when))
        .map(|job| {
            let toolchains: Vec<&str> = [&job.rust]
                .into_iter()
                .chain(&job.also)
                .map(String::as_str)
                .filter(|toolchain| *toolchain != PINNED)
                .collect();
            Row {
                job: &job.name,
                runner: &job.runner,
                minutes: job.minutes,
                go: &job.go,
                toolchains: toolchains.join(" "),
                tools: job.tools.join(","),
                packages: job.packages.join(" "),
                keep: job.keep.join("\n"),
            }
        })
        .collect();
    Ok(serde_json::to_string(
        &serde_json::json!({ "include": rows }),
    )?)
}

/// Runs the jobs of `when` that are for this machine, in the order of the file. Returns whether all
/// succeeded, and stops at the first that does not. None for this machine is no success.
pub(crate) fn run_all(workspace: &Workspace, when: When) -> Result<bool> {
    let here = platform();
    let mut ran = 0;
    for job in file::load(workspace.root())? {
        if !job.when.contains(&when) {
            continue;
        }
        if job.platform != here {
            out::line(format_args!("job {}: left to {}", job.name, job.platform))?;
        } else if !run_job(workspace, &job)? {
            return Ok(false);
        } else {
            ran += 1;
        }
    }
    ensure!(ran > 0, "none of these jobs is for this machine, {here}");
    Ok(true)
}

/// Runs the job `name` and returns whether all of its steps succeeded.
pub(crate) fn run(workspace: &Workspace, name: &str) -> Result<bool> {
    let jobs = file::load(workspace.root())?;
    let job = jobs.iter().find(|job| job.name == name).ok_or_else(|| {
        let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        anyhow!("job `{name}` is unknown; choose from {}", names.join(", "))
    })?;
    run_job(workspace, job)
}

/// Runs the steps of a job. It stops at the first that fails.
///
/// Steps have our terminal and our process group: Ctrl-C reaches them without us.
fn run_job(workspace: &Workspace, job: &Job) -> Result<bool> {
    let (name, here) = (&job.name, platform());
    ensure!(
        job.platform == here,
        "job `{name}` is for {}, and this machine is {here}; run it on one of those",
        job.platform
    );
    let started = Instant::now();
    let variables = variables(job);
    let shown: Vec<String> = variables
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    out::line(format_args!(
        "job {name}: {}\n  {}",
        job.why,
        shown.join(" ")
    ))?;
    for step in &job.steps {
        out::line(format_args!("+ {step}"))?;
        let mut command = Command::new("sh");
        child::clean_environment(&mut command, workspace);
        // Set by the Cargo that runs us; the steps choose their own.
        for key in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(key);
        }
        let status = command
            .args(["-c", step])
            .current_dir(workspace.root())
            .envs(variables.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .status()
            .context("cannot start sh")?;
        if child::interrupted() {
            return Ok(false);
        }
        if !status.success() {
            out::line(format_args!("FAILED: job {name}: {step} ({status})"))?;
            return Ok(false);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    out::line(format_args!("ok: job {name} in {seconds:.0} s"))?;
    Ok(true)
}

/// The variables that a job sets for its steps.
fn variables(job: &Job) -> Vec<(String, String)> {
    let mut variables = vec![("GOTOOLCHAIN".to_owned(), format!("go{}", job.go))];
    if job.rust != PINNED {
        variables.push(("RUSTUP_TOOLCHAIN".to_owned(), job.rust.clone()));
    }
    variables.extend(job.env.clone());
    variables
}

/// This machine, as Go writes it.
fn platform() -> String {
    let os = match env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let arch = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => arch,
    };
    format!("{os}/{arch}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use cgolab_note::tool;

    fn job(name: &str, when: When, steps: &[&str]) -> Job {
        Job {
            name: name.to_owned(),
            why: "because".to_owned(),
            when: vec![when],
            platform: platform(),
            runner: "ubuntu".to_owned(),
            rust: PINNED.to_owned(),
            go: "1.26.8".to_owned(),
            build: "shipped".to_owned(),
            env: BTreeMap::new(),
            also: Vec::new(),
            engines: None,
            profile: None,
            steps: steps.iter().map(|step| (*step).to_owned()).collect(),
            tools: Vec::new(),
            packages: Vec::new(),
            keep: Vec::new(),
            minutes: 60,
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_job() {
        let mut fuzz = job("fuzz", When::Nightly, &["x"]);
        fuzz.engines = Some(vec!["fuzz-abi".to_owned()]);
        fuzz.profile = Some("full".to_owned());
        fuzz.also = vec!["nightly".to_owned()];
        let mut arm = job("arm64", When::Nightly, &["x"]);
        arm.platform = "linux/other".to_owned();
        let text = as_table(&[job("lint", When::Pull, &["a", "b"]), fuzz, arm]);
        assert!(text.contains("2 steps"), "{text}");
        // Named where it is not the usual one.
        assert!(text.contains("x, linux/other"), "{text}");
        assert!(!text.contains(&platform()), "{text}");
        assert!(text.contains("fuzz-abi, full"), "{text}");
        assert!(text.contains("pinned+nightly"), "{text}");
        assert!(text.contains("3 jobs"), "{text}");
    }

    #[test]
    fn a_workflow_reads_only_its_jobs() {
        let mut next = job("next", When::Nightly, &["x"]);
        next.rust = "stable".to_owned();
        next.also = vec!["nightly".to_owned()];
        next.tools = vec!["clang".to_owned(), "gdb".to_owned()];
        next.packages = vec!["clang".to_owned(), "libgeos-dev".to_owned()];
        next.keep = vec!["fuzz/corpus".to_owned()];
        let jobs = [job("lint", When::Pull, &["a"]), next];
        let json = |when| -> serde_json::Value {
            serde_json::from_str(&as_json(&jobs, when).unwrap()).unwrap()
        };
        assert_eq!(json(When::Pull)["include"][0]["job"], "lint");
        assert_eq!(
            json(When::Nightly),
            serde_json::json!({"include": [{
                "job": "next", "runner": "ubuntu", "minutes": 60, "go": "1.26.8",
                "toolchains": "stable nightly", "tools": "clang,gdb", "packages": "clang libgeos-dev",
                "keep": "fuzz/corpus",
            }]})
        );
        // A value that goes into $GITHUB_OUTPUT has one line.
        assert!(!as_json(&jobs, When::Nightly).unwrap().contains('\n'));
    }

    #[test]
    fn the_workflow_installs_packages_and_demands_tools() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let workflow = fs::read_to_string(root.join(".github/workflows/matrix.yml")).unwrap();
        for line in [
            format!("      {}: ${{{{ matrix.tools }}}}\n", tool::DEMANDED),
            "          PACKAGES: ${{ matrix.packages }}\n".to_owned(),
        ] {
            assert!(workflow.contains(&line), "no line {line:?}");
        }
    }

    #[test]
    fn a_job_sets_its_toolchains_and_its_build() {
        let mut job = job("x", When::Pull, &["a"]);
        job.rust = "stable".to_owned();
        job.env.insert("A".to_owned(), "1".to_owned());
        let variables = variables(&job);
        let shown: Vec<_> = variables.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            shown,
            ["GOTOOLCHAIN=go1.26.8", "RUSTUP_TOOLCHAIN=stable", "A=1"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn all_jobs_of_an_occasion_run_until_one_fails() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        fs::create_dir(dir.path().join("ci")).unwrap();
        let job = |name: &str, when: &str, more: &str| {
            format!("[[job]]\nname = \"{name}\"\nwhy = \"x\"\nwhen = [\"{when}\"]\n{more}\n")
        };
        let steps = |text: &str| format!("steps = [\"echo x >> said; {text}\"]");
        let matrix = |jobs: &[String]| {
            let head = format!(
                "[default]\nplatform = \"{0}\"\nrust = \"pinned\"\ngo = \"1.26.8\"\nbuild = \"b\"\n\
                 minutes = 1\n[runner]\n\"{0}\" = \"x\"\n\"plan9/386\" = \"y\"\n\
                 [build.b]\nwhy = \"x\"\n",
                platform()
            );
            let text = [head].iter().chain(jobs).cloned().collect::<String>();
            fs::write(dir.path().join("ci/matrix.toml"), text).unwrap();
        };
        let far = format!("platform = \"plan9/386\"\n{}", steps("true"));
        let good = [
            job("a", "pull", &steps("true")),
            job("far", "pull", &far),
            job("night", "nightly", &steps("true")),
            job("b", "pull", &steps("true")),
        ];
        let said = || {
            fs::read_to_string(dir.path().join("said"))
                .unwrap()
                .lines()
                .count()
        };
        matrix(&good);
        assert!(run_all(&workspace, When::Pull).unwrap());
        assert_eq!(said(), 2);
        matrix(&[job("bad", "pull", &steps("exit 1")), good[0].clone()]);
        assert!(!run_all(&workspace, When::Pull).unwrap());
        assert_eq!(said(), 3);
        matrix(&[good[1].clone(), good[2].clone()]);
        let refused = run_all(&workspace, When::Pull).unwrap_err().to_string();
        assert!(refused.starts_with("none of these jobs is for this machine"));
    }

    #[cfg(unix)]
    #[test]
    fn steps_run_in_order_until_one_fails() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        fs::create_dir(dir.path().join("ci")).unwrap();
        let matrix = format!(
            "[default]\nplatform = \"{}\"\nrust = \"stable\"\ngo = \"1.26.8\"\nbuild = \"b\"\n\
             minutes = 1\n[runner]\n\"{}\" = \"x\"\n\"plan9/386\" = \"y\"\n\
             [build.b]\nwhy = \"x\"\nenv = {{ B = \"2\" }}\n\
             [[job]]\nname = \"good\"\nwhy = \"x\"\nwhen = [\"pull\"]\n\
             steps = [\"echo $GOTOOLCHAIN $RUSTUP_TOOLCHAIN $B $CARGO > said\", \"cd ci && pwd\"]\n\
             [[job]]\nname = \"bad\"\nwhy = \"x\"\nwhen = [\"pull\"]\n\
             steps = [\"echo 1 > one; exit 3\", \"echo 2 > two\"]\n\
             [[job]]\nname = \"far\"\nwhy = \"x\"\nwhen = [\"pull\"]\nplatform = \"plan9/386\"\n\
             steps = [\"true\"]\n",
            platform(),
            platform()
        );
        fs::write(dir.path().join("ci/matrix.toml"), matrix).unwrap();
        let read = |name: &str| fs::read_to_string(Path::new(dir.path()).join(name));
        assert!(run(&workspace, "good").unwrap());
        assert_eq!(read("said").unwrap(), "go1.26.8 stable 2\n");
        assert!(!run(&workspace, "bad").unwrap());
        assert!(read("one").is_ok());
        assert!(read("two").is_err());
        let refused = |name| run(&workspace, name).unwrap_err().to_string();
        assert!(refused("worse").contains("choose from good, bad, far"));
        assert!(refused("far").contains("is for plan9/386"));
    }
}
