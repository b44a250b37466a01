//! The user's toolchain of Go, and copies of its files with a few words changed, which `-overlay` lays over it.
//!
//! Each change is a text that must occur exactly once in a known function. A toolchain in which one does not is
//! refused: what it would do there is not known.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, json};

use super::module;
use crate::engine::way::minor;
use crate::host::file::write_if_new;

/// A toolchain whose files can be laid over.
#[derive(Debug)]
pub(super) struct Toolchain {
    /// Its minor release.
    pub(super) minor: u32,
    pub(super) root: PathBuf,
    /// Variables with which `go` is this toolchain.
    pub(super) env: Vec<(&'static str, OsString)>,
}

impl Toolchain {
    /// The toolchain that Go chooses in the folder of a package; a link to it goes into `cache` if it needs one.
    pub(super) fn of(dir: &Path, cache: &Path) -> Result<Toolchain> {
        let said = module::go(dir, &["env", "GOVERSION", "GOROOT", "GOMODCACHE"])?;
        let mut lines = said.lines();
        let (Some(version), Some(root), Some(modules)) = (lines.next(), lines.next(), lines.next())
        else {
            bail!("go env names no GOROOT");
        };
        let mut root = PathBuf::from(root);
        if root.starts_with(modules) {
            // A toolchain that was fetched as a module: Go lays nothing over files below GOMODCACHE. It does
            // not look through a link.
            let link = cache.join("goroot");
            if fs::read_link(&link).ok().as_ref() != Some(&root) {
                let _ = fs::remove_file(&link);
                std::os::unix::fs::symlink(&root, &link)
                    .with_context(|| format!("cannot make {}", link.display()))?;
            }
            root = link;
        }
        let own = std::env::var_os("PATH").unwrap_or_default();
        let folders = [root.join("bin")]
            .into_iter()
            .chain(std::env::split_paths(&own));
        Ok(Toolchain {
            minor: minor(version),
            env: vec![
                ("PATH", std::env::join_paths(folders)?),
                ("GOROOT", root.clone().into()),
                ("GOTOOLCHAIN", "local".into()),
            ],
            root,
        })
    }
}

/// A text in a function, and what takes its place. Both are in one line, so that lines keep their numbers.
pub(super) struct Edit {
    /// The function's first line.
    pub(super) function: &'static str,
    pub(super) old: &'static str,
    pub(super) new: &'static str,
}

/// A file with all edits made, or the reason why it has another shape. `named` renames what they name.
pub(super) fn edited(
    text: &str,
    edits: &[Edit],
    named: impl Fn(&str) -> String,
) -> Result<String, String> {
    let mut text = text.to_owned();
    for edit in edits {
        let old = named(edit.old);
        let Some(body) = body(&text, edit.function) else {
            return Err(format!("`{}` is not in it", edit.function));
        };
        let found: Vec<usize> = text[body.clone()]
            .match_indices(&old)
            .map(|it| it.0)
            .collect();
        let [at] = found[..] else {
            let (old, times) = (old.trim(), found.len());
            return Err(format!("`{old}` is {times} times in `{}`", edit.function));
        };
        let at = body.start + at;
        text.replace_range(at..at + old.len(), &named(edit.new));
    }
    Ok(text)
}

/// The range of a function, up to the brace that ends it.
fn body(text: &str, function: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find(&format!("\n{function}\n"))? + 1;
    let length = text[start..].find("\n}\n")?;
    Some(start..start + length + 1)
}

/// Writes files into a folder, and the list that lays each over its place.
pub(super) fn lay(
    files: impl IntoIterator<Item = (PathBuf, String)>,
    folder: &Path,
    list: &Path,
) -> Result<()> {
    let mut replace = Map::new();
    for (number, (place, text)) in files.into_iter().enumerate() {
        let name = place.file_name().unwrap_or_default().display();
        let file = folder.join(format!("{number}.{name}"));
        write_if_new(&file, &text)?;
        replace.insert(
            place.display().to_string(),
            file.display().to_string().into(),
        );
    }
    write_if_new(list, &json!({ "Replace": replace }).to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const TEXT: &str = "package x\n\nfunc a() {\n\tgo b()\n}\n\nfunc c() {\n\tgo b()\n}\n";

    fn edit(old: &'static str) -> Result<String, String> {
        let edit = Edit {
            function: "func c() {",
            old,
            new: "b()",
        };
        edited(TEXT, &[edit], str::to_owned)
    }

    /// Fails for an edit that changes numbers of lines.
    pub(in crate::foreign) fn keep_lines<'a>(edits: impl IntoIterator<Item = &'a Edit>) {
        let lines = |text: &str| text.matches('\n').count();
        for edit in edits {
            assert_eq!(lines(edit.old), lines(edit.new), "{}", edit.old);
        }
    }

    #[test]
    fn an_edit_changes_its_function_only() {
        let text = edit("go b()").unwrap();
        assert_eq!(text, TEXT.replace("c() {\n\tgo b()", "c() {\n\tb()"));
    }

    #[test]
    fn another_shape_is_refused() {
        for (old, says) in [("go d()", "0 times"), ("\n", "2 times")] {
            assert!(edit(old).unwrap_err().contains(says));
        }
        let gone = Edit {
            function: "func d() {",
            old: "",
            new: "",
        };
        let why = edited(TEXT, &[gone], str::to_owned).unwrap_err();
        assert!(why.contains("is not in it"), "{why}");
    }
}
