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
        write_if_new(&path, text)?;
    }
    Ok(Package {
        path: "cgolab.example/canaries".to_owned(),
        name: "canaries".to_owned(),
        dir: folder.to_path_buf(),
        // No workspace of the user's has this module.
        env: &[("GOWORK", "off")],
        ..Package::default()
    })
}

/// The name of the file that an overlay adds to a package, without its ending.
fn name(which: Overlay) -> &'static str {
    match which {
        Overlay::Settle => "zzz_cgolab_settle_test",
        Overlay::Storm => "zzz_cgolab_storm_test",
    }
}

/// The name of the file that `-overlay` takes.
pub(super) fn list_name(which: Overlay, package: &Package) -> String {
    format!("{}.{}.json", package.file_name(), name(which))
}

/// Writes an overlay for a package into a folder, and gives the file that `-overlay` takes.
pub(super) fn overlay(which: Overlay, package: &Package, folder: &Path) -> Result<PathBuf> {
    let (text, clause) = match which {
        // Files of the package NAME_test run last.
        Overlay::Settle if package.external_tests => (SETTLE, format!("{}_test", package.name)),
        Overlay::Settle => (SETTLE, package.name.clone()),
        Overlay::Storm => (STORM, package.name.clone()),
    };
    let list = folder.join(list_name(which, package));
    let file = list.with_extension("go");
    write_if_new(&file, &text.replace("PACKAGE", &clause))?;
    let place = package.dir.join(format!("{}.go", name(which)));
    let json = serde_json::json!({ "Replace": { place.display().to_string(): file.display().to_string() } });
    write_if_new(&list, &json.to_string())?;
    Ok(list)
}

/// Writes a file that has another text. Go takes a changed time for a changed file.
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
