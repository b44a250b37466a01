//! `cargo lab modules`: `cgolab run` on public bindings, compared with what was found and judged before.
//!
//! `ci/modules.txt` names the modules. `docs/strangers/` has the record, which [`record`] describes, and
//! docs/strangers.md is written from it. Nothing of the modules is kept in this repository.

mod page;
mod record;
mod results;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use cgolab::host::child::{self, Task};
use cgolab::host::out;
use cgolab::host::progress::Progress;
use cgolab::host::workspace::Workspace;
use serde::Deserialize;

use self::record::{Outcome, Record};

/// The list of modules, from the root of the checkout.
const LIST: &str = "ci/modules.txt";
/// The file in which a run leaves its results, in the folder of a module.
const RESULTS: &str = ".cgolab/latest/results.json";
/// The time after which `cgolab run` begins no engine.
const TIME: &str = "20m";

/// The options of the command line.
#[derive(clap::Args)]
pub(crate) struct Wish {
    /// Run the modules whose path has this in it.
    #[arg(value_name = "PART")]
    part: Option<String>,
    /// Take over what is found; new findings are unread.
    #[arg(long)]
    record: bool,
    /// Run nothing; write docs/strangers.md from what is recorded.
    #[arg(long, conflicts_with_all = ["record", "part"])]
    page: bool,
}

/// A line of the list.
struct Module {
    path: String,
    version: String,
    /// Packages to test, as `go list` takes them; all that use C if there are none.
    packages: Option<String>,
    /// The way in which native code comes in.
    native: String,
}

impl Module {
    /// The module with its version, as Go writes it.
    fn id(&self) -> String {
        format!("{}@{}", self.path, self.version)
    }
}

/// Runs the modules and returns whether all is as it was recorded.
pub(crate) fn modules(workspace: &Workspace, wish: &Wish) -> Result<bool> {
    let list = fs::read_to_string(workspace.path(LIST)).with_context(|| format!("no {LIST}"))?;
    let list = parse(&list)?;
    let mut record = Record::load(workspace)?;
    if wish.page {
        page::write(workspace, &list, &record)?;
        return Ok(true);
    }
    let part = wish.part.as_deref().unwrap_or_default();
    let wanted: Vec<&Module> = list.iter().filter(|it| it.path.contains(part)).collect();
    ensure!(!wanted.is_empty(), "no line of {LIST} has {part:?} in it");
    let progress = Progress::new();
    let work = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut differ = Vec::new();
    for module in wanted {
        let id = module.id();
        progress.step(&id);
        let fresh = match run(workspace, &progress, module, work.path()) {
            Ok(outcome) => outcome,
            Err(_) if child::interrupted() => return Ok(false),
            // The others are still worth a run.
            Err(error) => {
                progress.line(&format!("{id}: nothing was judged: {error:#}"));
                differ.push(id);
                continue;
            }
        };
        let differences = record.compare(&id, &fresh);
        progress.line(&format!("{id}: {}", fresh.shown()));
        for difference in &differences {
            progress.line(&format!("    {difference}"));
        }
        if wish.record {
            record.take_over(&id, fresh);
        } else if !differences.is_empty() {
            differ.push(id);
        }
    }
    progress.finish();
    if wish.record {
        record.save(workspace)?;
    }
    if !differ.is_empty() {
        out::line(format_args!(
            "not as recorded in {}: {}; read what is new, then --record",
            record::FOLDER,
            differ.join(", ")
        ))?;
    }
    Ok(differ.is_empty())
}

/// The modules of the list. A line that begins with `#` says nothing.
fn parse(text: &str) -> Result<Vec<Module>> {
    let lines = text.lines().filter(|it| !it.starts_with('#'));
    lines
        .map(|line| {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            let [path, version, packages, native] = words[..] else {
                bail!("{LIST}: `{line}` is not module, version, packages and a few words");
            };
            Ok(Module {
                path: path.to_owned(),
                version: version.to_owned(),
                packages: (packages != ".").then(|| packages.to_owned()),
                native: native.to_owned(),
            })
        })
        .collect()
}

/// Runs the tool in a copy of a module.
fn run(
    workspace: &Workspace,
    progress: &Progress,
    module: &Module,
    work: &Path,
) -> Result<Outcome> {
    let copy = work.join("module");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    let from = download(workspace, progress, module, work)?;
    let copied = Task::new(workspace, "cp", &work.join("cp.log"))
        .args(["-r", "--no-preserve=mode"])
        .args([&from, &copy])
        .run(progress, child::quiet)?;
    ensure!(copied.success(), "cannot copy it: {}", copied.log_text());
    // Of vendored packages the module cache keeps the list alone, and Go would believe it.
    let vendored = copy.join("vendor");
    if vendored.exists() {
        fs::remove_dir_all(vendored)?;
    }
    let mut task = Task::new(workspace, env::current_exe()?, &work.join("run.log"))
        .args(["run", ".", "--time", TIME])
        // Tests compare messages, which are longer with it.
        .env("RUST_BACKTRACE", "0")
        .dir(&copy)
        .alone();
    if let Some(packages) = &module.packages {
        task = task.args(["--packages", packages]);
    }
    let ran = task.run(progress, child::quiet)?;
    // Findings are the purpose: 1 is as good as 0.
    match ran.code() {
        Some(0 | 1) => results::read(&copy.join(RESULTS)),
        _ => {
            let log = ran.log_text();
            bail!("{}: {}", ran.how(), log.lines().last().unwrap_or_default())
        }
    }
}

/// The folder of a module in Go's cache.
fn download(
    workspace: &Workspace,
    progress: &Progress,
    module: &Module,
    work: &Path,
) -> Result<PathBuf> {
    /// The output of `go mod download -json`.
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Downloaded {
        dir: Option<PathBuf>,
        error: Option<String>,
    }
    let json = work.join("download.json");
    Task::new(workspace, "go", &work.join("download.log"))
        .args(["mod", "download", "-json", &module.id()])
        // Not in a module, whose go.mod would have a say.
        .dir(work)
        .stdout_to(&json)
        .run(progress, child::quiet)?;
    let downloaded: Downloaded = serde_json::from_str(&fs::read_to_string(&json)?)
        .context("go mod download says what cannot be read")?;
    match downloaded.dir {
        Some(dir) => Ok(dir),
        None => bail!(downloaded.error.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_list_is_module_version_packages_and_words() {
        let list = parse("# x\na/b v1.0.0 . C in the package\na/c v2.0.0 ./d no cgo\n").unwrap();
        let shown: Vec<_> = list
            .iter()
            .map(|it| (it.id(), it.packages.as_deref(), it.native.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("a/b@v1.0.0".to_owned(), None, "C in the package"),
                ("a/c@v2.0.0".to_owned(), Some("./d"), "no cgo"),
            ]
        );
        let error = parse("a/b v1.0.0 .\n").err().unwrap().to_string();
        assert!(error.contains("`a/b v1.0.0 .` is not module"), "{error}");
    }
}
