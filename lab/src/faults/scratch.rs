//! The copy of the checkout in which faults are planted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::host::machine::output_of;
use crate::host::workspace::Workspace;

/// Folders that are not copied, because tools have made them.
const LEFT_OUT: [&str; 4] = [".git", "target", "corpus", "artifacts"];

/// A copy with a target folder of its own, in which only files are written whose text is another
/// one: what is built stays built.
///
/// Of a subject in a folder of a repository all of the repository is copied: what its paths lead to is there.
pub(crate) struct Scratch<'a> {
    original: &'a Workspace,
    /// The folder that is copied.
    top: PathBuf,
    /// The subject's folder in it.
    below: PathBuf,
    /// The copy of the top.
    folder: PathBuf,
    copy: Workspace,
}

impl<'a> Scratch<'a> {
    /// In a fixed place, so that the next run finds what this one has built.
    pub(crate) fn of(original: &'a Workspace) -> Scratch<'a> {
        let root = original.root();
        let prefix = output_of(root, "git", &["rev-parse", "--show-prefix"]).unwrap_or_default();
        let below = Path::new(prefix.trim_end());
        let top = root.ancestors().nth(below.components().count());
        // The leading underscore hides it from patterns of the Go module that it may lie in.
        let folder = original.path("target/_faults");
        Scratch {
            original,
            top: top.unwrap_or(root).to_owned(),
            copy: original.moved_to(&folder.join(below)),
            below: below.to_owned(),
            folder,
        }
    }

    pub(crate) fn original(&self) -> &Workspace {
        self.original
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        &self.copy
    }

    /// Takes over what the original has built in this target folder, if the copy has none: crates of the
    /// registry are the same ones there.
    pub(crate) fn seed(&self, folder: &str) -> Result<()> {
        let from = self.original.target().join(folder);
        let to = self.copy.target().join(folder);
        if to.exists() || !from.is_dir() {
            return Ok(());
        }
        // Under another name until it is complete.
        let fresh = to.with_extension("new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)
                .with_context(|| format!("cannot empty {}", fresh.display()))?;
        }
        copy_build(&from, &fresh).with_context(|| format!("cannot copy {}", from.display()))?;
        fs::rename(&fresh, &to).with_context(|| format!("cannot create {}", to.display()))
    }

    /// Makes the copy equal to the original, apart from the files in `changed`.
    pub(crate) fn lay_out(&self, changed: &BTreeMap<String, String>) -> Result<()> {
        let (from, to) = (&self.top, &self.folder);
        fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
        let wanted = files(from)?;
        for path in &wanted {
            let own = path.strip_prefix(&self.below).ok();
            let text = match own.and_then(|own| changed.get(&*own.to_string_lossy())) {
                Some(text) => text.clone().into_bytes(),
                None => fs::read(from.join(path))
                    .with_context(|| format!("cannot read {}", path.display()))?,
            };
            let file = to.join(path);
            if !fs::read(&file).is_ok_and(|there| there == text) {
                if let Some(dir) = file.parent() {
                    fs::create_dir_all(dir)?;
                }
                fs::write(&file, text)
                    .with_context(|| format!("cannot write {}", file.display()))?;
            }
            // A script stays one. What may not be written must be, here.
            let mode = fs::metadata(from.join(path))?.permissions();
            if !mode.readonly() && fs::metadata(&file)?.permissions() != mode {
                fs::set_permissions(&file, mode)
                    .with_context(|| format!("cannot change {}", file.display()))?;
            }
        }
        for path in files(to)?.difference(&wanted) {
            fs::remove_file(to.join(path))?;
        }
        Ok(())
    }
}

/// Copies what Cargo has built, with the times by which it knows that. Fingerprints first: what they speak of
/// was complete before.
fn copy_build(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut entries: Vec<_> = fs::read_dir(from)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(|entry| entry.file_name() != ".fingerprint");
    for entry in entries {
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let (from, to) = (entry.path(), to.join(&name));
        if kind.is_dir() {
            // Of crates of this checkout only, which are other ones in the copy.
            if name != "incremental" {
                copy_build(&from, &to)?;
            }
        } else if kind.is_file() {
            fs::copy(&from, &to)?;
            let times = FileTimes::new().set_modified(entry.metadata()?.modified()?);
            File::options().append(true).open(&to)?.set_times(times)?;
        }
    }
    Ok(())
}

/// The files in the folder, by their path from there.
pub(super) fn files(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::new()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(root.join(&dir))? {
            let entry = entry?;
            let name = entry.file_name();
            let path = dir.join(&name);
            if entry.file_type()?.is_dir() {
                if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                    open.push(path);
                }
            } else if name != ".git" {
                // In a worktree of git, `.git` is a file.
                found.insert(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_copy_follows_the_original_and_writes_what_differs_only() {
        let dir = tempfile::tempdir().unwrap();
        let original = Workspace::at(dir.path());
        fs::create_dir_all(original.path("src")).unwrap();
        fs::create_dir_all(original.path("target")).unwrap();
        for (path, text) in [("src/a", "a"), ("b", "b"), ("target/c", "c")] {
            fs::write(original.path(path), text).unwrap();
        }
        let copy = Scratch::of(&original);
        copy.lay_out(&BTreeMap::new()).unwrap();
        let there = |path: &str| fs::read_to_string(copy.workspace().path(path)).ok();
        assert_eq!(there("src/a").as_deref(), Some("a"));
        assert_eq!(there("target/c"), None);
        let written = || {
            fs::metadata(copy.workspace().path("b"))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = written();
        fs::remove_file(original.path("src/a")).unwrap();
        fs::write(original.path("src/d"), "d").unwrap();
        copy.lay_out(&BTreeMap::from([("src/d".to_owned(), "fault".to_owned())]))
            .unwrap();
        assert_eq!(there("src/a"), None);
        assert_eq!(there("src/d").as_deref(), Some("fault"));
        assert_eq!(written(), before);
        copy.lay_out(&BTreeMap::new()).unwrap();
        assert_eq!(there("src/d").as_deref(), Some("d"));
    }

    #[cfg(unix)]
    #[test]
    fn a_script_can_be_run_in_the_copy() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let original = Workspace::at(dir.path());
        fs::write(original.path("script"), "#!/bin/sh\n").unwrap();
        let copy = Scratch::of(&original);
        for mode in [0o755, 0o644] {
            fs::set_permissions(original.path("script"), fs::Permissions::from_mode(mode)).unwrap();
            copy.lay_out(&BTreeMap::new()).unwrap();
            let there = fs::metadata(copy.workspace().path("script")).unwrap();
            assert_eq!(there.permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn a_subject_in_a_folder_is_copied_with_its_repository() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("examples/one")).unwrap();
        for path in ["shared", "examples/one/a", "a"] {
            fs::write(top.join(path), "text").unwrap();
        }
        output_of(&top, "git", &["init", "-q"]).unwrap();
        let original = Workspace::at(&top.join("examples/one"));
        let copy = Scratch::of(&original);
        copy.lay_out(&BTreeMap::from([("a".to_owned(), "fault".to_owned())]))
            .unwrap();
        let root = copy.workspace().root();
        assert_eq!(root, top.join("examples/one/target/_faults/examples/one"));
        let there = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(there("a"), "fault");
        assert_eq!(
            (there("../../a"), there("../../shared")),
            ("text".to_owned(), "text".to_owned())
        );
    }

    #[test]
    fn what_the_original_has_built_is_taken_over_once() {
        let dir = tempfile::tempdir().unwrap();
        let original = Workspace::at(dir.path());
        let built = original.path("target/loom/release");
        fs::create_dir_all(built.join(".fingerprint")).unwrap();
        fs::create_dir_all(built.join("incremental")).unwrap();
        for name in ["lib.rlib", ".fingerprint/x", "incremental/y"] {
            fs::write(built.join(name), name).unwrap();
        }
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let library = File::options().append(true).open(built.join("lib.rlib"));
        library.unwrap().set_modified(old).unwrap();
        let copy = Scratch::of(&original);
        copy.seed("loom").unwrap();
        copy.seed("shuttle").unwrap();
        let taken = copy.workspace().path("target/loom/release");
        let modified = fs::metadata(taken.join("lib.rlib")).unwrap().modified();
        assert_eq!(modified.unwrap(), old);
        assert!(taken.join(".fingerprint/x").exists());
        assert!(!taken.join("incremental").exists());
        assert!(!copy.workspace().path("target/shuttle").exists());
        fs::write(built.join("lib.rlib"), "newer").unwrap();
        copy.seed("loom").unwrap();
        let text = fs::read_to_string(taken.join("lib.rlib")).unwrap();
        assert_eq!(text, "lib.rlib");
    }
}
