//! The module of Go with the planted mistakes, which is part of the program.
//!
//! Its package `detectors` has one for each thing that a [`super::way::Way`] must see, and `vet` one for each rule
//! that reads source; both stand alone. The others prove one engine each, and use packages of the kit.

use std::path::{Path, PathBuf};

use anyhow::Result;
use include_dir::{Dir, include_dir};

use super::Context;
use crate::host::child::{quiet, read_lossy};
use crate::host::file::{self, collect, write_if_new};

/// The files of the module.
pub(crate) static SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/canaries");

/// The path of the module. It lies below the kit's path, because the kit has internal packages.
const MODULE: &str = "github.com/cgolab/cgolab/go-harness/canary";
/// The path of the kit: packages for tests, which some engines need to detect anything.
const KIT: &str = "github.com/cgolab/cgolab/go-harness";
/// The package that needs no kit.
pub(crate) const DETECTORS: &str = "detectors";
/// The package of fuzz tests, which needs none either.
const FUZZ: &str = "fuzz";
/// The package for the rules that read source, which needs none and is never built.
const RULES: &str = "vet";
/// The `go.mod` of a package that is a module of its own.
const ALONE: &str = "module cgolab.example/canaries\n\ngo 1.20\n";
/// The oldest release of Go that the whole module builds with.
const GO: &str = "1.21";

/// Writes the module below the folder of results, and returns its folder from the root of the checkout.
/// Files that are up to date keep their modification time.
pub(super) fn lay_out(context: &Context<'_>) -> Result<PathBuf> {
    let dir = context.workspace.lab().join("canaries");
    let manifest = manifest(kit(context)?.as_deref());
    write(&dir, &manifest)?;
    Ok(dir)
}

/// Lays the package `detectors` out, as a module of its own, and returns the package's folder. It is in the user's
/// cache, or in `otherwise` where that cannot be written.
pub(crate) fn detectors(otherwise: &Path) -> Result<PathBuf> {
    alone(DETECTORS, otherwise)
}

/// Lays the package of fuzz tests out in the same way.
pub(crate) fn fuzz_tests(otherwise: &Path) -> Result<PathBuf> {
    alone(FUZZ, otherwise)
}

/// Lays the package of mistakes that rules find in source out in the same way.
pub(super) fn rules(otherwise: &Path) -> Result<PathBuf> {
    alone(RULES, otherwise)
}

fn alone(name: &str, otherwise: &Path) -> Result<PathBuf> {
    let package = SOURCES.get_dir(name).expect("it is in the program");
    let mut files = collect(package, |_| true)?;
    files.push((PathBuf::from("go.mod"), ALONE));
    let folder = file::lay_out("canaries", &files, otherwise)?;
    Ok(folder.join(name))
}

/// The folder of the kit that the subject uses, if it uses one.
fn kit(context: &Context<'_>) -> Result<Option<String>> {
    let out = context.log("canaries.kit");
    let dir = context.workspace.go_dir();
    let finished = context
        .go(
            "canaries.kit.log",
            &dir,
            ["list", "-m", "-f", "{{.Dir}}", KIT],
        )?
        .stdout_to(&out)
        .run(context.progress, quiet)?;
    let folder = read_lossy(&out).trim().to_owned();
    Ok((finished.success() && !folder.is_empty()).then_some(folder))
}

fn manifest(kit: Option<&str>) -> String {
    let mut text = format!("module {MODULE}\n\ngo {GO}\n");
    if let Some(folder) = kit {
        text.push_str(&format!(
            "\nrequire {KIT} v0.0.0\n\nreplace {KIT} => {folder:?}\n"
        ));
    }
    text
}

fn write(to: &Path, manifest: &str) -> Result<()> {
    for (place, text) in collect(&SOURCES, |_| true)? {
        let is_manifest = place.file_name().is_some_and(|name| name == "go.mod");
        write_if_new(&to.join(place), if is_manifest { manifest } else { text })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_module_that_is_written_is_the_one_in_the_checkout_with_another_kit() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &manifest(Some("/kit"))).unwrap();
        let written = fs::read_to_string(dir.path().join("go.mod")).unwrap();
        let checked_in = SOURCES.get_file("go.mod").unwrap().contents_utf8().unwrap();
        assert_eq!(written.replace("\"/kit\"", "../../go-harness"), checked_in);
        assert!(dir.path().join("guard/guard_test.go").is_file());
        assert!(!manifest(None).contains("require"));
    }
}
