//! Finds the checkout that the command works on, and names the places in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The file that makes a folder a checkout, if it names contracts or suites.
pub const DESCRIPTION: &str = "cgolab.toml";

/// A checkout: the folder that holds the description of a subject.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    /// The folder of the first Go module, from the root.
    go: String,
}

impl Workspace {
    /// Looks for the checkout from the current folder upward.
    ///
    /// # Errors
    /// The nearest description has no contracts, or there is none.
    pub fn find() -> Result<Workspace> {
        Workspace::above(&env::current_dir()?)
    }

    /// The nearest folder with a description, the current one or one above it.
    pub(crate) fn described() -> Result<Option<PathBuf>> {
        Ok(described(&env::current_dir()?).map(Path::to_path_buf))
    }

    fn above(here: &Path) -> Result<Workspace> {
        match described(here) {
            Some(root) if is_checkout(root) => Ok(Workspace::at(root)),
            Some(root) => bail!(
                "{} has neither `contracts` nor a `[[suite]]`; run the command inside a checkout whose \
                 {DESCRIPTION} has one",
                root.join(DESCRIPTION).display()
            ),
            None => bail!(
                "no {DESCRIPTION} with `contracts` or a `[[suite]]` in {} or above it; run the command inside a \
                 checkout that has one",
                here.display()
            ),
        }
    }

    /// A checkout in a place that is known.
    pub fn at(root: &Path) -> Workspace {
        Workspace {
            root: root.to_path_buf(),
            go: ".".to_owned(),
        }
    }

    /// The checkout with its first Go module in this folder.
    #[must_use]
    pub fn with_go_dir(mut self, dir: &str) -> Workspace {
        dir.clone_into(&mut self.go);
        self
    }

    /// A copy of the checkout in another place.
    pub(crate) fn moved_to(&self, root: &Path) -> Workspace {
        Workspace::at(root).with_go_dir(&self.go)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the checkout.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The folder of the first Go module.
    pub fn go_dir(&self) -> PathBuf {
        self.path(&self.go)
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

fn described(here: &Path) -> Option<&Path> {
    here.ancestors().find(|dir| dir.join(DESCRIPTION).exists())
}

/// Reports whether a folder has a description that says what runs. A module without contracts and suites of its
/// own may have one, too; the command treats it in another way. A description that is no TOML is told by those
/// who read it.
fn is_checkout(dir: &Path) -> bool {
    let Ok(text) = fs::read_to_string(dir.join(DESCRIPTION)) else {
        return false;
    };
    let says = |table: toml::Table| {
        ["contracts", "suite"]
            .iter()
            .any(|it| table.contains_key(*it))
    };
    text.parse().map_or(true, says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_has_a_description_with_contracts() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_checkout(dir.path()));
        fs::write(dir.path().join(DESCRIPTION), "tags = []\n").unwrap();
        assert!(!is_checkout(dir.path()), "a module without contracts");
        for text in [
            "contracts = [\"c\"]\n",
            "\"contracts\" = [\"c\"]\n",
            "[[suite]]\nengine = \"go\"\n",
            "not toml [\n",
        ] {
            fs::write(dir.path().join(DESCRIPTION), text).unwrap();
            assert!(is_checkout(dir.path()), "{text}");
        }
    }

    #[test]
    fn the_nearest_description_counts() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("a/b");
        fs::create_dir_all(&inside).unwrap();
        fs::write(dir.path().join(DESCRIPTION), "contracts = [\"c\"]\n").unwrap();
        assert_eq!(Workspace::above(&inside).unwrap().root(), dir.path());
        fs::write(
            dir.path().join("a").join(DESCRIPTION),
            "contract = [\"c\"]\n",
        )
        .unwrap();
        let error = Workspace::above(&inside).unwrap_err().to_string();
        assert!(
            error.contains("a/cgolab.toml has neither `contracts` nor"),
            "{error}"
        );
    }

    #[test]
    fn paths_in_the_checkout_are_shown_relative() {
        let workspace = Workspace::at(Path::new("/a/b"));
        assert_eq!(workspace.shown(Path::new("/a/b/c/d.log")), "c/d.log");
        assert_eq!(workspace.shown(Path::new("/elsewhere")), "/elsewhere");
    }
}
