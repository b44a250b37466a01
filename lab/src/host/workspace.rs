//! Finds the checkout that the command works on, and names the places in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// A checkout: the folder that holds the Cargo workspace and the catalogue.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Looks for the checkout from the current folder upward.
    pub fn find() -> Result<Workspace> {
        let here = env::current_dir()?;
        match here.ancestors().find(|dir| is_checkout(dir)) {
            Some(root) => Ok(Workspace {
                root: root.to_path_buf(),
            }),
            None => bail!(
                "no cgolab checkout in {} or above it; run the command inside one",
                here.display()
            ),
        }
    }

    /// Reports whether the current folder is in a checkout.
    pub fn is_here() -> bool {
        Workspace::find().is_ok()
    }

    /// A checkout in a place that is known.
    pub fn at(root: &Path) -> Workspace {
        Workspace {
            root: root.to_path_buf(),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the checkout.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The folder of the Go module.
    pub fn go_dir(&self) -> PathBuf {
        self.path("go-harness")
    }

    /// The folder where Cargo children build. Fixed, because the Go link files name the static library
    /// by this path.
    pub fn target(&self) -> PathBuf {
        self.path("target")
    }

    /// The folder where the lab keeps its results.
    pub fn lab(&self) -> PathBuf {
        self.path("target/lab")
    }

    /// The path as people read it: relative to the checkout where possible.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

fn is_checkout(dir: &Path) -> bool {
    dir.join("contracts").is_dir()
        && fs::read_to_string(dir.join("Cargo.toml"))
            .is_ok_and(|manifest| manifest.lines().any(|line| line.trim() == "[workspace]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_has_a_workspace_and_a_catalogue() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_checkout(dir.path()));
        fs::create_dir(dir.path().join("contracts")).unwrap();
        fs::write(dir.path().join("Cargo.toml"), "[package]\n").unwrap();
        assert!(!is_checkout(dir.path()));
        fs::write(dir.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        assert!(is_checkout(dir.path()));
    }

    #[test]
    fn paths_in_the_checkout_are_shown_relative() {
        let workspace = Workspace::at(Path::new("/a/b"));
        assert_eq!(workspace.shown(Path::new("/a/b/c/d.log")), "c/d.log");
        assert_eq!(workspace.shown(Path::new("/elsewhere")), "/elsewhere");
    }
}
