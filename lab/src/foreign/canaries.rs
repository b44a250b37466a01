//! The module of planted mistakes, which is in the binary, and the files of overlays.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::engines::Overlay;
use super::module::Package;

const FILES: [(&str, &str); 4] = [
    ("go.mod", include_str!("../../planted/go.mod")),
    ("canaries.go", include_str!("../../planted/canaries.go")),
    (
        "canaries_test.go",
        include_str!("../../planted/canaries_test.go"),
    ),
    ("cxx.cc", include_str!("../../planted/cxx.cc")),
];

const SETTLE: &str = include_str!("../../planted/settle.go.txt");
const STORM: &str = include_str!("../../planted/storm.go.txt");

/// The test that [`Overlay::Settle`] adds.
pub(super) const SETTLES: &str = "TestZZZCgolabSettles";

/// Writes the module into a folder and gives its only package.
pub(super) fn write(folder: &Path) -> Result<Package> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in FILES {
        let path = folder.join(name);
        // Go takes a changed time for a changed file.
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Package {
        path: "cgolab.example/canaries".to_owned(),
        name: "canaries".to_owned(),
        dir: folder.to_path_buf(),
        ..Package::default()
    })
}

/// Writes an overlay for a package into a folder, and gives the file that `-overlay` takes.
pub(super) fn overlay(which: Overlay, package: &Package, folder: &Path) -> Result<PathBuf> {
    let (name, text, clause) = match which {
        // Files of the package NAME_test run last.
        Overlay::Settle if package.external_tests => (
            "zzz_cgolab_settle_test.go",
            SETTLE,
            format!("{}_test", package.name),
        ),
        Overlay::Settle => ("zzz_cgolab_settle_test.go", SETTLE, package.name.clone()),
        Overlay::Storm => ("zzz_cgolab_storm_test.go", STORM, package.name.clone()),
    };
    let file = folder.join(format!("{}.{name}", package.file_name()));
    write_if_new(&file, &text.replace("PACKAGE", &clause))?;
    let place = package.dir.join(name);
    let json = serde_json::json!({ "Replace": { place.display().to_string(): file.display().to_string() } });
    let list = file.with_extension("json");
    write_if_new(&list, &json.to_string())?;
    Ok(list)
}

fn write_if_new(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_is_a_file_of_the_package_whose_tests_come_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut package = Package {
            path: "a/b".to_owned(),
            name: "b".to_owned(),
            dir: PathBuf::from("/x y/b"),
            ..Package::default()
        };
        for (external, clause) in [(false, "package b\n"), (true, "package b_test\n")] {
            package.external_tests = external;
            let list = overlay(Overlay::Settle, &package, folder.path()).unwrap();
            let json: serde_json::Value =
                serde_json::from_str(&fs::read_to_string(list).unwrap()).unwrap();
            let file = json["Replace"]["/x y/b/zzz_cgolab_settle_test.go"]
                .as_str()
                .unwrap();
            let text = fs::read_to_string(file).unwrap();
            assert!(text.starts_with(clause), "{text}");
            assert!(text.contains(SETTLES));
        }
        package.external_tests = true;
        let storm = overlay(Overlay::Storm, &package, folder.path()).unwrap();
        let file = storm.with_extension("go");
        assert!(fs::read_to_string(file).unwrap().starts_with("package b\n"));
    }
}
