//! Builds of the subject's native library, by the commands of its description.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};
use object::read::archive::ArchiveFile;
use object::{Object as _, ObjectSymbol as _, archive};

use super::{Context, cargo_error, not_built};
use crate::host::child::{self, Finished, Task};
use crate::host::progress::Progress;
use crate::host::workspace::{DESCRIPTION, Workspace};
use crate::record::Record;
use crate::subject::file::{ASAN, FUZZ, FUZZ_ASAN, NativeBuild, PLAIN};

/// The beginning of a symbol that code refers to if it was built for AddressSanitizer.
pub(crate) const ASAN_MARK: &str = "__asan_report_load";

/// The native library that an engine links.
pub(super) struct Native {
    pub(super) kind: &'static str,
    /// The beginning of a symbol that only a library of this kind refers to.
    pub(super) mark: Option<&'static str>,
}

/// Tags and words for the linker with which Go code links a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct Linked {
    pub(crate) tags: Vec<String>,
    /// They come behind the user's own.
    pub(crate) words: Option<String>,
}

/// This kind of build if the subject describes it, else the plain one.
pub(crate) fn kind<'a>(builds: &BTreeMap<String, NativeBuild>, kind: &'a str) -> &'a str {
    match builds.contains_key(kind) {
        true => kind,
        false => PLAIN,
    }
}

/// The kind of build that fuzz tests link, if one is described, and the text that must be in it. One that is not for
/// fuzzing has no counters.
pub(crate) fn for_fuzzing(
    builds: &BTreeMap<String, NativeBuild>,
    asan: bool,
) -> Option<(&'static str, Option<&'static str>)> {
    let checked = Some(ASAN_MARK);
    let kinds: &[_] = match asan {
        true => &[
            (FUZZ_ASAN, checked),
            (FUZZ, None),
            (ASAN, checked),
            (PLAIN, None),
        ],
        false => &[(FUZZ, None), (PLAIN, None)],
    };
    kinds
        .iter()
        .copied()
        .find(|(kind, _)| builds.contains_key(*kind))
}

/// Builds the library that an engine links. The inner error is the record to report.
pub(super) fn linked(
    context: &Context<'_>,
    engine: &str,
    native: &Native,
) -> Result<Result<Linked, Box<Record>>> {
    let kind = kind(&context.file.native, native.kind);
    let mark = native.mark.filter(|_| kind == native.kind);
    built(context, engine, kind, mark)
}

/// Builds the library in this way, if the subject describes it; the products must contain the symbol `mark`.
pub(super) fn built(
    context: &Context<'_>,
    engine: &str,
    kind: &str,
    mark: Option<&str>,
) -> Result<Result<Linked, Box<Record>>> {
    let Some(build) = context.file.native.get(kind) else {
        return Ok(Ok(Linked::default()));
    };
    let log = context.log(&format!("{engine}.native.{kind}.log"));
    let step = |words: &str| context.progress.step(format!("{engine}: {words}"));
    let made = make(context.workspace, context.progress, &log, build, step)?;
    let root = context.workspace.root();
    if let Some(why) = made.lacking(root, build, mark)? {
        let why = format!("native.{kind}: {why}");
        return Ok(Err(Box::new(no_library(context, engine, &made.0, why))));
    }
    Ok(Ok(link(root, build).with_context(|| {
        format!("{DESCRIPTION}: native.{kind}.link")
    })?))
}

/// The command of a build, ended.
pub(crate) struct Made(Finished);

/// Runs the command of a build, and tells it before.
pub(crate) fn make(
    workspace: &Workspace,
    progress: &Progress,
    log: &Path,
    build: &NativeBuild,
    tell: impl FnOnce(&str),
) -> Result<Made> {
    let root = workspace.root();
    let words = expanded(root, &build.run)?;
    let (program, arguments) = words.split_first().context("a build has no command")?;
    tell(&words.join(" "));
    let task = match program.as_str() {
        "cargo" => Task::cargo(workspace, log),
        program => Task::new(workspace, program, log),
    };
    let mut task = task.args(arguments).dir(&root.join(&build.dir));
    for (key, value) in &build.env {
        task = task.env(key, expand(root, value)?);
    }
    Ok(Made(task.run(progress, child::quiet)?))
}

impl Made {
    /// Says why Go cannot link what came of it, if it cannot; `mark` must be in each product.
    pub(crate) fn lacking(
        &self,
        root: &Path,
        build: &NativeBuild,
        mark: Option<&str>,
    ) -> Result<Option<String>> {
        match self.0.success() {
            false => Ok(Some(cargo_error(&self.0))),
            true => lacking(root, build, mark),
        }
    }
}

/// Gives the tags and words with which Go links a library that was built.
pub(crate) fn link(root: &Path, build: &NativeBuild) -> Result<Linked> {
    let words = (!build.link.is_empty()).then(|| flags(root, &build.link));
    Ok(Linked {
        tags: build.tags.clone(),
        words: words.transpose()?,
    })
}

/// The archives with counters that a build makes, if its kind is for fuzzing.
pub(crate) fn counted_archives(
    root: &Path,
    kind: &str,
    build: &NativeBuild,
) -> Result<Vec<PathBuf>> {
    if ![FUZZ, FUZZ_ASAN].contains(&kind) {
        return Ok(Vec::new());
    }
    let products = expanded(root, &build.products)?;
    let archives = products.iter().filter(|it| it.ends_with(".a"));
    Ok(archives.map(|it| root.join(it)).collect())
}

/// The product or mark that is missing after a build that succeeded.
fn lacking(root: &Path, build: &NativeBuild, mark: Option<&str>) -> Result<Option<String>> {
    for product in expanded(root, &build.products)? {
        let Ok(bytes) = fs::read(root.join(&product)) else {
            return Ok(Some(format!("the build has not made {product}")));
        };
        let Some(mark) = mark else { continue };
        match refers(&bytes, mark) {
            Ok(true) => {}
            Ok(false) => {
                return Ok(Some(format!(
                    "nothing in {product} refers to `{mark}`: it was built without the checks"
                )));
            }
            Err(error) => return Ok(Some(format!("{product} is no library: {error}"))),
        }
    }
    Ok(None)
}

/// Reports whether an archive, an object or a shared library refers to a symbol whose name begins so.
fn refers(library: &[u8], mark: &str) -> object::Result<bool> {
    let in_object = |bytes: &[u8]| -> object::Result<bool> {
        let file = object::File::parse(bytes)?;
        let mut symbols = file.symbols().chain(file.dynamic_symbols());
        Ok(symbols.any(|it| it.is_undefined() && it.name().is_ok_and(|it| it.starts_with(mark))))
    };
    if !library.starts_with(&archive::MAGIC) {
        return in_object(library);
    }
    for member in ArchiveFile::parse(library)?.members() {
        // What is no object, such as the metadata of Rust, refers to nothing.
        if in_object(member?.data(library)?).unwrap_or(false) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The words for the linker, with the text of files in the place of `@FILE`.
fn flags(root: &Path, words: &[String]) -> Result<String> {
    let mut all = Vec::new();
    for word in expanded(root, words)? {
        match word.strip_prefix('@') {
            Some(file) => {
                let text = fs::read_to_string(root.join(file));
                let text = text.with_context(|| format!("cannot read {file}"))?;
                all.push(text.trim().to_owned());
            }
            None => all.push(word),
        }
    }
    Ok(all.join(" "))
}

fn expanded(root: &Path, words: &[String]) -> Result<Vec<String>> {
    words.iter().map(|word| expand(root, word)).collect()
}

/// A value with its placeholders replaced.
fn expand(root: &Path, value: &str) -> Result<String> {
    let mut value = value.replace("{root}", &root.display().to_string());
    if value.contains("{triple}") {
        let triple = triple().ok_or_else(|| anyhow!("{{triple}} is not known on {OS}/{ARCH}"))?;
        value = value.replace("{triple}", triple);
    }
    ensure!(
        !value.contains("{root") && !value.contains("{triple"),
        "`{value}` has a placeholder without an end; write {{root}} or {{triple}}"
    );
    Ok(value)
}

/// Rust's name for this machine, where sanitizers are known to work. A build for a named target leaves
/// build scripts without the checks.
pub(super) fn triple() -> Option<&'static str> {
    match (OS, ARCH) {
        ("linux", "x86_64") => Some("x86_64-unknown-linux-gnu"),
        ("linux", "aarch64") => Some("aarch64-unknown-linux-gnu"),
        _ => None,
    }
}

/// The record of a native library that Go cannot link.
fn no_library(context: &Context<'_>, engine: &str, build: &Finished, why: String) -> Record {
    let mut record = Record::check(engine, "native library", not_built(build)).because(why);
    record.evidence = context.evidence(build);
    record.seconds = build.seconds;
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::file::SubjectFile;

    #[test]
    fn placeholders_and_files_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("libs"), "-lm -lc\n").unwrap();
        let words = ["{root}/a.a", "@libs"].map(str::to_owned);
        let expected = format!("{}/a.a -lm -lc", dir.path().display());
        assert_eq!(flags(dir.path(), &words).unwrap(), expected);
        let missing = flags(dir.path(), &["@nothing".to_owned()]).unwrap_err();
        assert!(missing.to_string().contains("cannot read nothing"));
        assert!(expand(dir.path(), "{root").is_err());
    }

    #[test]
    fn a_library_without_the_checks_is_not_linked() {
        let dir = tempfile::tempdir().unwrap();
        let file = SubjectFile::parse("[native.asan]\nrun = [\"x\"]\nproducts = [\"a\"]\n");
        let build = &file.unwrap().native["asan"];
        let lacks = |mark| lacking(dir.path(), build, mark).unwrap();
        assert!(lacks(None).unwrap().contains("has not made a"));
        let write = |bytes: &[u8]| fs::write(dir.path().join("a"), bytes).unwrap();
        write(b"__libc_start_main");
        let text = lacks(Some("__libc_start")).unwrap();
        assert!(text.contains("a is no library"), "{text}");
        // This program, alone and behind a text in an archive.
        let program = fs::read(std::env::current_exe().unwrap()).unwrap();
        let member = |bytes: &[u8]| {
            let header = format!("{:<48}{:<10}`\n", "a/", bytes.len());
            [header.as_bytes(), bytes, &b"\n"[..bytes.len() % 2]].concat()
        };
        let archive = [&archive::MAGIC[..], &member(b"text"), &member(&program)].concat();
        for library in [program, archive] {
            write(&library);
            assert_eq!(lacks(Some("__libc_start")), None);
            // The second is defined, which is no reference.
            for mark in ["__tsan", "rust_eh_personality"] {
                let without = lacks(Some(mark)).unwrap();
                assert!(without.contains("without the checks"), "{without}");
            }
        }
    }
}
