//! Symbols that two archives define, such as a file of C that a library brings along and cgo compiles as well: the linker
//! refuses them. Each archive named by `--native` then becomes one object that keeps its own ones to itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::super::module::counted;
use super::clang::Clang;
use super::counters;
use crate::host::child::{self, Task};
use crate::host::out::one_line;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;

/// Names of symbols that are told; more are counted.
const TOLD: usize = 3;

/// Reports whether a linker ended because of such symbols: GNU's words, and those of lld.
pub(super) fn is_why(said: &str) -> bool {
    said.contains("multiple definition of") || said.contains("duplicate symbol")
}

/// Sets archives apart.
pub(super) struct Apart<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) progress: &'a Progress,
    pub(super) clang: &'a Clang,
    /// The folder of the objects.
    pub(super) folder: &'a Path,
}

impl Apart<'_> {
    /// Gives each of the archives that defines what `first` or an archive before it defines as an object without these
    /// symbols, and the others as they are; with a line for each object.
    ///
    /// # Errors
    /// An archive cannot be read, or there is no objcopy.
    pub(super) fn of(
        &self,
        first: &Path,
        archives: &[PathBuf],
    ) -> Result<(Vec<PathBuf>, Vec<String>)> {
        let mut defined = counters::defined(first)?;
        let (mut kept, mut lines) = (Vec::new(), Vec::new());
        for (number, archive) in archives.iter().enumerate() {
            let own = counters::defined(archive)?;
            let clashing: Vec<&String> = own.intersection(&defined).collect();
            if clashing.is_empty() {
                kept.push(archive.clone());
            } else {
                lines.push(line(archive, &clashing));
                kept.push(self.object(number, archive, &clashing)?);
            }
            defined.extend(own);
        }
        Ok((kept, lines))
    }

    /// Links an archive into one object, in which these symbols are local.
    fn object(&self, number: usize, archive: &Path, local: &[&String]) -> Result<PathBuf> {
        let place = |what: &str| self.folder.join(format!("native-{number}.{what}"));
        let (object, names) = (place("o"), place("symbols"));
        let list: Vec<&str> = local.iter().map(|name| name.as_str()).collect();
        fs::write(&names, list.join("\n"))
            .with_context(|| format!("cannot write {}", names.display()))?;
        let link = Task::new(self.workspace, &self.clang.c, &place("link.log"))
            .args(["-nostdlib", "-r", "-Wl,--whole-archive"])
            .args([archive])
            .args(["-Wl,--no-whole-archive", "-o"])
            .args([&object]);
        self.done(link)?;
        let hide = Task::new(self.workspace, self.clang.objcopy()?, &place("objcopy.log"))
            .args([format!("--localize-symbols={}", names.display())])
            .args([&object]);
        self.done(hide)?;
        Ok(object)
    }

    fn done(&self, task: Task) -> Result<()> {
        let finished = task.run(self.progress, child::quiet)?;
        if !finished.success() {
            let said = one_line(&finished.log_text(), 300);
            bail!("{} ({}): {said}", finished.command, finished.how());
        }
        Ok(())
    }
}

/// The line about an archive.
fn line(archive: &Path, clashing: &[&String]) -> String {
    let name = archive.file_name().unwrap_or_default().display();
    let names: Vec<&str> = clashing.iter().take(TOLD).map(|it| it.as_str()).collect();
    let more = if clashing.len() > TOLD { ", …" } else { "" };
    let symbols = counted(clashing.len(), "symbol");
    format!(
        "{name} keeps to itself what others define as well: {symbols}: {}{more}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linker_that_meets_a_symbol_twice_is_recognised() {
        assert!(is_why(
            "/usr/bin/ld: a.o: in function `f': multiple definition of `f'; b.o: first"
        ));
        assert!(is_why("ld.lld: error: duplicate symbol: f"));
        assert!(!is_why("undefined reference to `f'"));
    }

    #[test]
    fn the_line_names_some_symbols_and_counts_them() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let all: Vec<&String> = names.iter().collect();
        assert_eq!(
            line(Path::new("/l/libx.a"), &all),
            "libx.a keeps to itself what others define as well: 4 symbols: a, b, c, …"
        );
        assert_eq!(
            line(Path::new("libx.a"), &all[..1]),
            "libx.a keeps to itself what others define as well: 1 symbol: a"
        );
    }
}
