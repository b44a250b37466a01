//! Files that are inputs of builds.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use include_dir::{Dir, DirEntry};
use tempfile::Builder;

use super::tools::pinned::cache;

/// Files that are part of the program: where each goes in a folder, and its text.
pub(crate) type Files<'a> = Vec<(PathBuf, &'a str)>;

/// The files of a folder and of those in it whose paths are wanted.
pub(crate) fn collect(
    from: &'static Dir<'_>,
    is_wanted: impl Fn(&Path) -> bool + Copy,
) -> Result<Files<'static>> {
    let mut files = Vec::new();
    for entry in from.entries().iter().filter(|it| is_wanted(it.path())) {
        match entry {
            DirEntry::Dir(dir) => files.extend(collect(dir, is_wanted)?),
            DirEntry::File(file) => {
                let path = file.path();
                let text = file.contents_utf8();
                let text = text.with_context(|| format!("{} is no text", path.display()))?;
                files.push((path.to_owned(), text));
            }
        }
    }
    Ok(files)
}

/// Writes files into a folder of the user's cache and returns it. They lie in the same place for all modules: Go
/// builds anew what has moved. Another version of the program, with other files, has another folder. Where the cache
/// cannot be written, they go into `otherwise`.
pub(crate) fn lay_out(name: &str, files: &Files<'_>, otherwise: &Path) -> Result<PathBuf> {
    let shared = cache().and_then(|cache| lay_out_in(&cache, name, files));
    shared.or_else(|_| lay_out_in(otherwise, name, files))
}

fn lay_out_in(parent: &Path, name: &str, files: &Files<'_>) -> Result<PathBuf> {
    let mut digest = DefaultHasher::new();
    files.hash(&mut digest);
    let folder = parent.join(format!("{name}-{:016x}", digest.finish()));
    for (place, text) in files {
        write_if_new(&folder.join(place), text)?;
    }
    Ok(folder)
}

/// Writes a file that has another text. Go takes a changed time for a changed file. Others see the old text or the
/// new one, and nothing in between.
pub(crate) fn write_if_new(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let write = || {
        // As any new file: others may build with it.
        let permissions = fs::Permissions::from_mode(0o666);
        let mut file = Builder::new()
            .permissions(permissions)
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        anyhow::Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_out_is_mended_and_another_text_lies_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let lay_out = |text| lay_out_in(folder.path(), "x", &vec![("a/b".into(), text)]);
        let one = lay_out("1").unwrap();
        fs::write(one.join("a/b"), "2").unwrap();
        let two = lay_out("2").unwrap();
        assert_eq!(lay_out("1").unwrap(), one);
        assert_eq!(fs::read_to_string(one.join("a/b")).unwrap(), "1");
        assert_eq!(fs::read_to_string(two.join("a/b")).unwrap(), "2");
    }
}
