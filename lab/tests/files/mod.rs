//! Folders of sample modules.

use std::fs;
use std::path::Path;

/// Copies what a person wrote in a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_file() {
            fs::copy(&path, to.join(name)).unwrap();
        } else if name != "target" && name != ".cgolab" {
            copy(&path, &to.join(name));
        }
    }
}
