//! Files that Go's `-overlay` lays beside the tests of packages: nothing is written into their folders.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Map, json};

use super::canaries::SOURCES;
use crate::host::file::write_if_new;

/// A file that is added to the tests of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// A last example that collects what is dead: what it held shows as leaked.
    Settle,
    /// The collector runs all the time, if [`COLLECTS`] is set.
    Storm,
}

/// The variable by which [`Overlay::Storm`] is on.
pub(crate) const COLLECTS: (&str, &str) = ("CGOLAB_STORM", "collect");

/// The example that [`Overlay::Settle`] adds. It runs behind all tests, seeds of fuzz tests and other examples.
pub(crate) const SETTLES: &str = "Example_zzzCgolabSettles";

/// A package that has tests.
#[derive(Debug, Clone)]
pub(crate) struct Tested {
    /// The name in its package clauses.
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    /// Tests of the package NAME_test, which run last.
    pub(crate) external: bool,
}

impl Overlay {
    /// The name of the file that it adds, without its ending: the last one in a folder.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Overlay::Settle => "zzz_cgolab_settle_test",
            Overlay::Storm => "zzz_cgolab_storm_test",
        }
    }

    fn text(self, package: &Tested) -> String {
        let (file, clause) = match self {
            Overlay::Settle if package.external => {
                ("settle.go.txt", format!("{}_test", package.name))
            }
            Overlay::Settle => ("settle.go.txt", package.name.clone()),
            Overlay::Storm => ("storm.go.txt", package.name.clone()),
        };
        let path = format!("overlays/{file}");
        let text = SOURCES.get_file(&path).and_then(|it| it.contents_utf8());
        text.expect("it is in the program")
            .replace("PACKAGE", &clause)
    }

    /// Writes its files for these packages, and the list of them that `-overlay` takes.
    pub(crate) fn write(self, packages: &[Tested], list: &Path) -> Result<()> {
        let mut replace = Map::new();
        for (number, package) in packages.iter().enumerate() {
            let file = list.with_extension(format!("{number}.go"));
            write_if_new(&file, &self.text(package))?;
            let place = package.dir.join(self.name()).with_extension("go");
            replace.insert(
                place.display().to_string(),
                file.display().to_string().into(),
            );
        }
        write_if_new(list, &json!({ "Replace": replace }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_overlay_is_a_file_of_each_package_whose_tests_come_last() {
        let folder = tempfile::tempdir().unwrap();
        let package = |name: &str, external| Tested {
            name: name.to_owned(),
            dir: PathBuf::from("/x y").join(name),
            external,
        };
        let packages = [package("a", false), package("b", true)];
        let clauses = |overlay: Overlay| {
            let list = folder.path().join(overlay.name()).with_extension("json");
            overlay.write(&packages, &list).unwrap();
            let text = fs::read_to_string(list).unwrap();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            packages.clone().map(|package| {
                let place = format!("{}/{}.go", package.dir.display(), overlay.name());
                let file = json["Replace"][place].as_str().unwrap();
                let text = fs::read_to_string(file).unwrap();
                let says = match overlay {
                    Overlay::Settle => SETTLES,
                    Overlay::Storm => COLLECTS.0,
                };
                assert!(text.contains(says), "{text}");
                text.lines().next().unwrap().to_owned()
            })
        };
        assert_eq!(clauses(Overlay::Settle), ["package a", "package b_test"]);
        assert_eq!(clauses(Overlay::Storm), ["package a", "package b"]);
    }
}
