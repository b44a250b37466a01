//! The compiler: clang with libFuzzer, which gcc does not have.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use cgolab_note::tool::clang_names;

use super::Sanitizer;
use crate::host::machine::output_of;
use crate::host::out::one_line;

/// What to do about a clang without its libraries.
const INSTALL: &str =
    "install its runtime libraries (Debian: libclang-rt-dev for this release), or set CC";

/// A compiler whose programs libFuzzer drives.
#[derive(Debug, Clone)]
pub(super) struct Clang {
    /// The compiler of C.
    pub(super) c: String,
    /// The compiler of C++.
    pub(super) cxx: String,
    /// The folder of its tools, such as the one that names files and lines in reports.
    tools: Option<PathBuf>,
}

impl Clang {
    /// Finds one that links libFuzzer, the user's own first; tries it in `folder`.
    ///
    /// # Errors
    /// There is none: the message says what to install.
    pub(super) fn find(own: &str, sanitizer: Sanitizer, folder: &Path) -> Result<Clang> {
        let own = own.split_whitespace().next().unwrap_or_default().to_owned();
        let found = [own]
            .into_iter()
            .filter(|name| is_clang(name))
            .chain(clang_names())
            .find(|name| which::which(name).is_ok());
        let Some(c) = found else {
            bail!(
                "cannot fuzz here: no clang on PATH, and gcc has no libFuzzer; install clang with its runtime \
                 libraries (Debian: clang, llvm and libclang-rt-dev), or set CC"
            );
        };
        let clang = Clang {
            cxx: cxx(&c),
            tools: output_of(folder, &c, &["-print-prog-name=llvm-symbolizer"])
                .and_then(|path| Some(Path::new(path.trim()).parent()?.to_owned())),
            c,
        };
        clang.try_out(sanitizer, folder)?;
        Ok(clang)
    }

    /// Links a target that does nothing.
    fn try_out(&self, sanitizer: Sanitizer, folder: &Path) -> Result<()> {
        let source = folder.join("nothing.c");
        let text =
            "int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return 0; }\n";
        fs::write(&source, text).with_context(|| format!("cannot write {}", source.display()))?;
        let words = sanitizer.link(self)?;
        let output = Command::new(&self.c)
            .arg("nothing.c")
            .args(words)
            .args(["-o", "nothing"])
            .current_dir(folder)
            .output()
            .with_context(|| format!("cannot start {}", self.c))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said
            .lines()
            .find(|line| line.contains("rror: "))
            .or_else(|| said.lines().next())
            .unwrap_or("it says nothing");
        bail!(
            "cannot fuzz here: {} does not link libFuzzer with --sanitizer {}: {}; {INSTALL}",
            self.c,
            sanitizer.name(),
            one_line(line, 160)
        )
    }

    /// One of clang's archives, such as that of libFuzzer without any sanitizer's runtime.
    ///
    /// # Errors
    /// It is not there: the message says what to install, and which clang has it.
    pub(super) fn runtime(&self, name: &str) -> Result<PathBuf> {
        let arch = env::consts::ARCH;
        // The folder of the runtimes has the name of the machine, or their files have.
        let names = [
            format!("libclang_rt.{name}.a"),
            format!("libclang_rt.{name}-{arch}.a"),
        ];
        let paths = names.iter().filter_map(|name| {
            let option = format!("-print-file-name={name}");
            output_of(Path::new("/"), &self.c, &[&option])
        });
        let mut paths = paths.map(|path| PathBuf::from(path.trim()));
        paths.find(|path| path.is_file()).with_context(|| {
            format!(
                "cannot fuzz here with --sanitizer race: {} has no {}, which clang 12 and newer have; {INSTALL}",
                self.c,
                names.join(" or ")
            )
        })
    }

    /// The program that changes symbols of objects: its own, or that of binutils.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn objcopy(&self) -> Result<PathBuf> {
        let path = self.path();
        let found = ["llvm-objcopy", "objcopy"]
            .iter()
            .find_map(|name| which::which_in(name, path.as_ref(), ".").ok());
        found.context("neither llvm-objcopy nor objcopy is there; install llvm or binutils")
    }

    /// A search path with its tools, behind the folders of the user.
    pub(super) fn path(&self) -> Option<std::ffi::OsString> {
        let own = env::var_os("PATH")?;
        let folders = env::split_paths(&own).chain(self.tools.clone());
        env::join_paths(folders).ok()
    }
}

/// The name of the compiler of C++ beside one of C.
fn cxx(c: &str) -> String {
    match c.rfind("clang") {
        Some(at) => format!("{}clang++{}", &c[..at], &c[at + "clang".len()..]),
        None => "clang++".to_owned(),
    }
}

/// Reports whether a program calls itself clang.
fn is_clang(name: &str) -> bool {
    !name.is_empty()
        && output_of(Path::new("/"), name, &["--version"])
            .is_some_and(|text| text.contains("clang"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_of_cxx_has_the_number_and_folder_of_that_of_c() {
        for (c, expected) in [
            ("clang", "clang++"),
            ("clang-19", "clang++-19"),
            ("/opt/clang-19/bin/clang-19", "/opt/clang-19/bin/clang++-19"),
        ] {
            assert_eq!(cxx(c), expected);
        }
    }

    #[test]
    fn a_compiler_without_libfuzzer_is_told_with_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let clang = Clang {
            c: "false".to_owned(),
            cxx: String::new(),
            tools: None,
        };
        let error = clang.try_out(Sanitizer::Memory, folder.path()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("libclang-rt-dev"), "{error}");
        assert!(error.contains("--sanitizer memory"), "{error}");
        assert!(!is_clang("true"));
    }
}
