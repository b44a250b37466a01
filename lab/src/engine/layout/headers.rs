//! The header as C and C++ compilers see it, and whether the generated files are what they should be.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Finding, compiler_error};
use crate::engine::Context;
use crate::engine::layout::header::{self, CAPI, Generated, INCLUDE, NATIVE_LIBRARIES};
use crate::host::child::quiet;
use crate::host::tools::{Program, system};
use crate::record::{Evidence, Outcome};

/// Strict enough that a header which passes compiles in anybody's project.
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

pub(super) fn header_is_current(context: &Context<'_>, name: &str) -> Result<Finding> {
    // The copies and the list have checks of their own.
    are_current(context, name, |file| {
        let copy = file.path.starts_with(CAPI) && file.path.ends_with(".h");
        !copy && file.path != NATIVE_LIBRARIES
    })
}

pub(super) fn native_libraries_are_current(context: &Context<'_>, name: &str) -> Result<Finding> {
    are_current(context, name, |file| file.path == NATIVE_LIBRARIES)
}

/// Whether those generated files are that `which` says yes to.
fn are_current(
    context: &Context<'_>,
    name: &str,
    which: fn(&Generated) -> bool,
) -> Result<Finding> {
    let scratch = tempfile::tempdir()?;
    let mut files = header::generate(context.workspace, context.progress, scratch.path())?;
    files.retain(which);
    let differences = header::differences(context.workspace, &files);
    found_in(context, name, &differences)
}

pub(super) fn copy_is_equal(context: &Context<'_>, name: &str) -> Result<Finding> {
    let mut differences = Vec::new();
    for header in headers(context)? {
        let file = header.file_name().unwrap_or_default().display().to_string();
        let copy = context.workspace.path(CAPI).join(&file);
        let read =
            |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        if read(&header)? != read(&copy)? {
            differences.push(format!("{CAPI}/{file} differs from {INCLUDE}/{file}"));
        }
    }
    found_in(context, name, &differences)
}

pub(super) fn compiles_as_c11(context: &Context<'_>, name: &str) -> Result<Finding> {
    compiles(context, name, context.tools.c()?, &["-std=c11"])
}

pub(super) fn compiles_in_clang(context: &Context<'_>, name: &str) -> Result<Finding> {
    match system::find_clang() {
        Some(clang) => compiles(context, name, &clang, &["-std=c11"]),
        None => Ok(skipped("no clang on PATH")),
    }
}

pub(super) fn compiles_as_cpp17(context: &Context<'_>, name: &str) -> Result<Finding> {
    match system::find_cxx() {
        Ok(cxx) => compiles(context, name, &cxx, &["-std=c++17", "-x", "c++"]),
        Err(why) => Ok(skipped(&why.to_string())),
    }
}

fn skipped(why: &str) -> Finding {
    Finding::new(Outcome::Skipped, why.to_owned(), Evidence::default())
}

/// Compiles each header alone and all of them twice.
fn compiles(
    context: &Context<'_>,
    name: &str,
    compiler: &Program,
    language: &[&str],
) -> Result<Finding> {
    let mut sources = Vec::new();
    let mut write = |suffix: &str, text: &str| -> Result<()> {
        let path = context.log(&format!("layout.{name}.{suffix}.c"));
        // A header of macros alone would leave nothing to compile.
        fs::write(&path, format!("{text}typedef int cgolab_not_empty;\n"))?;
        sources.push(path);
        Ok(())
    };
    let mut both = String::new();
    for header in headers(context)? {
        let file = header.file_name().unwrap_or_default().display().to_string();
        let line = format!("#include \"{file}\"\n");
        write(&file, &line)?;
        both.push_str(&line);
    }
    write("twice", &both.repeat(2))?;
    let finished = compiler
        .task(
            context.workspace,
            &context.log(&format!("layout.{name}.log")),
        )
        .args(language)
        .args(WARNINGS)
        .args(["-fsyntax-only", "-I", INCLUDE])
        .args(&sources)
        .run(context.progress, quiet)?;
    let reason = (!finished.success()).then(|| compiler_error(&finished));
    Ok(Finding::fails_if(reason, context.evidence(&finished)))
}

fn headers(context: &Context<'_>) -> Result<Vec<PathBuf>> {
    let dir = context.workspace.path(INCLUDE);
    let entries = fs::read_dir(&dir)
        .with_context(|| format!("cannot read {INCLUDE}; run `cargo lab header`"))?;
    let mut headers = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "h") {
            headers.push(path);
        }
    }
    headers.sort();
    anyhow::ensure!(
        !headers.is_empty(),
        "{INCLUDE} holds no header; run `cargo lab header`"
    );
    Ok(headers)
}

/// Fails with the first difference; all of them go to the log.
fn found_in(context: &Context<'_>, name: &str, differences: &[String]) -> Result<Finding> {
    let log = context.log(&format!("layout.{name}.log"));
    fs::write(&log, differences.join("\n"))?;
    let evidence = Evidence {
        command: "cargo lab header --check".to_owned(),
        log: Some(context.run.shown_log(&log)),
        scenario: None,
    };
    let first = differences.first();
    let reason = first.map(|first| format!("{first}; run `cargo lab header`"));
    Ok(Finding::fails_if(reason, evidence))
}
