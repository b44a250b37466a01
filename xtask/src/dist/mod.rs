//! `cargo lab dist`: the tool as one program that runs without Rust and without shared libraries.

mod third_party;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use cgolab::host::child::{self, Task};
use cgolab::host::out;
use cgolab::host::progress::Progress;
use cgolab::host::workspace::Workspace;
use clap::ValueEnum as _;
use clap_complete::Shell;
use object::Endianness;
use object::elf::DT_NEEDED;
use object::read::elf::{Dyn as _, ElfFile64};

/// The platform of the program.
const TARGET: &str = "x86_64-unknown-linux-musl";
/// The most that it may weigh.
const LIMIT: u64 = 15 << 20;

/// Builds the program and all that goes with it, and returns whether it is as promised.
pub(crate) fn dist(workspace: &Workspace) -> Result<bool> {
    let progress = Progress::new();
    let folder = workspace.path("target/shipped");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let logs = workspace.lab().join("dist");
    fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
    progress.step(format!("rustup target add {TARGET}"));
    let target = Task::new(workspace, "rustup", &logs.join("target.log"))
        .args(["target", "add", TARGET])
        .run(&progress, child::quiet)?;
    ensure!(
        target.success(),
        "the target {TARGET} cannot be installed: {}; see {}",
        target.how(),
        target.log.display()
    );
    progress.step("cargo build -p cgolab");
    let build = Task::cargo(workspace, &logs.join("build.log"))
        .args([
            "build",
            "--locked",
            "-p",
            "cgolab",
            "--profile",
            "dist",
            "--target",
            TARGET,
        ])
        .run(&progress, child::quiet)?;
    ensure!(
        build.success(),
        "the program does not build; see {}",
        build.log.display()
    );
    let program = folder.join("cgolab");
    fs::copy(
        workspace.target().join(TARGET).join("dist/cgolab"),
        &program,
    )
    .context("cannot copy the program")?;
    completions(&folder.join("completions"))?;
    man_pages(&folder.join("man"))?;
    third_party::write(workspace, &progress, &logs, &folder)?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(workspace.path(licence), folder.join(licence))
            .with_context(|| format!("cannot copy {licence}"))?;
    }
    let archive = archive(workspace, &progress, &logs)?;
    progress.finish();
    let size = fs::metadata(&program)?.len();
    let shared = shared_libraries(&program)?;
    out::line(format_args!(
        "{} ({:.1} MiB), static; {}",
        workspace.shown(&program),
        size as f64 / f64::from(1 << 20),
        workspace.shown(&archive)
    ))?;
    let broken = broken_promises(shared, size);
    for promise in &broken {
        out::say(promise);
    }
    Ok(broken.is_empty())
}

/// The promises that a program with so many shared libraries and bytes does not keep.
fn broken_promises(shared: usize, size: u64) -> Vec<String> {
    let mut broken = Vec::new();
    if shared > 0 {
        broken.push(format!("it needs {shared} shared libraries"));
    }
    if size > LIMIT {
        broken.push(format!("it is larger than {} MiB", LIMIT >> 20));
    }
    broken
}

/// The number of shared libraries that a program needs.
fn shared_libraries(program: &Path) -> Result<usize> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let file = ElfFile64::<Endianness>::parse(&*bytes).context("the program is no ELF file")?;
    let endian = file.endian();
    let dynamic = file
        .elf_section_table()
        .dynamic(endian, &*bytes)
        .context("the program's dynamic section cannot be read")?;
    let entries = dynamic.map_or(&[][..], |(entries, _)| entries);
    Ok(entries
        .iter()
        .filter(|it| it.d_tag(endian) == DT_NEEDED)
        .count())
}

fn completions(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut cgolab::cmd::cli(), "cgolab", folder)
            .with_context(|| format!("cannot write completions for {shell}"))?;
    }
    Ok(())
}

fn man_pages(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(cgolab::cmd::cli(), folder).context("cannot write man pages")
}

/// The standard output of a task that must succeed.
fn output(task: Task, to: &Path, progress: &Progress) -> Result<String> {
    let finished = task.stdout_to(to).run(progress, child::quiet)?;
    ensure!(
        finished.success(),
        "{} failed; see {}",
        finished.command,
        finished.log.display()
    );
    fs::read_to_string(to).with_context(|| format!("cannot read {}", to.display()))
}

/// Packs the folder.
fn archive(workspace: &Workspace, progress: &Progress, logs: &Path) -> Result<PathBuf> {
    let name = format!("cgolab-{}-{TARGET}.tar.gz", env!("CARGO_PKG_VERSION"));
    let archive = workspace.path("target").join(name);
    let finished = Task::new(workspace, "tar", &logs.join("tar.log"))
        .args([
            "--sort=name",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "-C",
            "target/shipped",
            "-czf",
        ])
        .args([&archive])
        .args(["."])
        .run(progress, child::quiet)?;
    ensure!(
        finished.success(),
        "tar failed; see {}",
        finished.log.display()
    );
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_keeps_each_of_its_promises() {
        assert!(broken_promises(0, LIMIT).is_empty());
        assert_eq!(broken_promises(1, 0), ["it needs 1 shared libraries"]);
        assert_eq!(broken_promises(0, LIMIT + 1), ["it is larger than 15 MiB"]);
    }

    #[test]
    fn completions_and_man_pages_are_written_for_every_command() {
        let folder = tempfile::tempdir().unwrap();
        completions(&folder.path().join("c")).unwrap();
        man_pages(&folder.path().join("m")).unwrap();
        let names = |of: &str| -> Vec<String> {
            let entries = fs::read_dir(folder.path().join(of)).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        };
        assert!(
            names("c").contains(&"cgolab.bash".to_owned()),
            "{:?}",
            names("c")
        );
        for page in [
            "cgolab.1",
            "cgolab-run.1",
            "cgolab-triage.1",
            "cgolab-vet.1",
        ] {
            assert!(
                names("m").contains(&page.to_owned()),
                "{page}: {:?}",
                names("m")
            );
        }
    }
}
