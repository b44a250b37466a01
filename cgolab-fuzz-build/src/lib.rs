//! One libFuzzer program with counters in Rust and in Go, from the `build.rs` of a cargo-fuzz crate.
//!
//! A Rust library with a C ABI and a Go binding over it is fuzzed as a whole: libFuzzer sees the branches of both
//! sides, so that an input may pass a gate in Rust and then one in Go.
//!
//! ```text
//!  fuzz_target! ──► //export function in Go ──► binding ──► C ABI of the Rust crate
//!  (rustc: counters)     (Go: counters)         (Go: counters)    (rustc: counters)
//! ```
//!
//! In `fuzz/build.rs`, with the crate in `[build-dependencies]`:
//!
//! ```no_run
//! // The Rust library is a dependency of the fuzz crate: what the binding links must not bring it once more.
//! cgolab_fuzz_build::Archive::new("../go/fuzzed")
//!     .provided(["frames"])
//!     .build();
//! ```
//!
//! `../go/fuzzed` is a `package main` in a module of Go, with an empty `main` and functions for the targets, such as
//! `//export FuzzText`. A target declares them in an `extern "C"` block, and names the library, so that it is linked:
//! `use frames as _;`. `examples/cargo-fuzz` in the repository has all of it.
//!
//! # What is built
//!
//! `go build -buildmode=c-archive` with the counters of [`Archive::instrument`], as a static library that is linked
//! into all targets of the fuzz crate, with the `#cgo LDFLAGS` and pkg-config names of the packages. It needs Linux
//! with glibc on amd64 or arm64, Go 1.22 or newer, and a C compiler; one program holds one archive.
//!
//! | build | artifacts of libFuzzer for |
//! |---|---|
//! | each | panics of Rust, panics and fatal errors of Go on any goroutine, signals in native code, time-outs |
//! | `--sanitizer address` | memory of Rust, C and Go used wrongly: Rust is seen to read behind a slice of Go |
//! | [`Archive::cgocheck2`] | a Go pointer that is stored in C memory and not pinned |
//!
//! AddressSanitizer is recognised by the flags of rustc. Other sanitizers are refused: what Go does would be unknown to
//! them. `os.Exit` in Go ends the process without an artifact.
//!
//! C and C++ in cgo packages have counters if Go's C compiler is clang (`CC=clang`), and a warning says so if not.
//!
//! The archive is built again when a file of the packages, `go.mod`, `go.sum`, `go.work` or a variable that Go reads
//! changes; files in GOROOT and in the module cache do not change. cgo does not see that a header outside of the
//! package's folder has changed: keep a copy in the folder.
//!
//! # Where to start reading
//!
//! | module | holds |
//! |---|---|
//! | `job` | what Cargo asks for: target, sanitizer |
//! | `toolchain` | Go as it is set up here, and its commands |
//! | `packages` | the packages of the archive, as `go list` describes them |
//! | `link` | their flags for the linker |
//! | `signals.c` | a handler that is built into the program, so that signals in native code leave an artifact |
//! | `stack.c` | the stack of handlers: none of libFuzzer's runs on that of a goroutine |

mod job;
mod link;
mod packages;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use job::Job;
use packages::Packages;
use toolchain::{Go, Settings, VARIABLES};

/// Name of the archive for the linker.
const NAME: &str = "cgolab_fuzz_go";

/// A package of Go that becomes part of the targets.
#[derive(Clone, Debug)]
pub struct Archive {
    package: PathBuf,
    patterns: Vec<String>,
    tags: Vec<String>,
    provided: Vec<String>,
    cgocheck2: bool,
}

impl Archive {
    /// Names the folder of a `package main`, from the folder of the fuzz crate's `Cargo.toml`.
    pub fn new(package: impl Into<PathBuf>) -> Archive {
        Archive {
            package: package.into(),
            patterns: Vec::new(),
            tags: Vec::new(),
            provided: Vec::new(),
            cgocheck2: false,
        }
    }

    /// Chooses the packages with counters, by patterns of `go list`, such as `example.com/x/...`. Each must match a
    /// package of the archive. Without this they are those of the main module, and those with cgo.
    ///
    /// More is not better: counters of code that is not the subject cost time and blur the choice of inputs.
    #[must_use]
    pub fn instrument(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Archive {
        self.patterns.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Adds build tags of Go. Those in GOFLAGS are kept.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Archive {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Names libraries that the fuzz crate has as dependencies in Rust, such as `frames` for `-lframes` or
    /// `libframes.a` in `#cgo LDFLAGS`: they are left out of the link.
    #[must_use]
    pub fn provided(mut self, libraries: impl IntoIterator<Item = impl Into<String>>) -> Archive {
        self.provided.extend(libraries.into_iter().map(Into::into));
        self
    }

    /// Builds with `GOEXPERIMENT=cgocheck2`, which looks at each store of a Go pointer into C memory.
    #[must_use]
    pub fn cgocheck2(mut self, on: bool) -> Archive {
        self.cgocheck2 = on;
        self
    }

    /// Builds the archive and has Cargo link it. Where that cannot be done, Cargo shows a message that says what to do,
    /// and its build fails.
    pub fn build(&self) {
        if let Err(error) = self.try_build() {
            // These lines fail the build. A status that is not 0 would add all that was printed.
            for line in format!("{error:#}").lines() {
                println!("cargo::error={line}");
            }
        }
    }

    /// Builds the archive and has Cargo link it, by lines on stdout.
    ///
    /// # Errors
    /// Go is missing, too old or set up for something else; the sanitizer or the target is one that Go has not; the
    /// folder is not there, is no `package main`, exports nothing or does not build; a pattern matches nothing.
    pub fn try_build(&self) -> Result<()> {
        for name in VARIABLES {
            println!("cargo::rerun-if-env-changed={name}");
        }
        self.build_for(&Job::of(|name| std::env::var(name).ok())?)
    }

    fn build_for(&self, job: &Job) -> Result<()> {
        let settings = Settings {
            folder: self.folder(&job.manifest_dir)?,
            address: job.address,
            tags: self.tags.clone(),
            cgocheck2: self.cgocheck2,
        };
        let go = Go::find(settings)?;
        go.fits(job)?;
        let packages = Packages::read(&go.list()?)?;
        for path in packages.watched(&go.known_places(), &job.out_dir) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        for path in go.module_files() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        packages.check_exports(&go.settings.folder)?;
        let instrumented = match &self.patterns[..] {
            [] => packages.instrumented(),
            patterns => {
                let of = |pattern: &String| Ok((pattern.clone(), go.matches(pattern)?));
                packages.chosen(&patterns.iter().map(of).collect::<Result<Vec<_>>>()?)?
            }
        };
        let clang = go.compiles_with_clang();
        if !clang && let Some(warning) = packages.uncounted(go.compiler()) {
            println!("cargo::warning={warning}");
        }
        let mut flags = packages.pkg_config_flags(|names| go.pkg_config(names))?;
        let archive = job.out_dir.join(format!("lib{NAME}.a"));
        go.build(&archive, &instrumented, clang)?;

        println!("cargo::rustc-link-search=native={}", job.out_dir.display());
        println!("cargo::rustc-link-lib=static={NAME}");
        flags.extend(packages.ldflags());
        flags.extend(go.ldflags());
        for flag in link::wanted(&flags, &self.provided) {
            println!("cargo::rustc-link-arg={flag}");
        }
        build_c(&job.out_dir, "stack", include_str!("stack.c"))?;
        println!("cargo::rustc-link-arg=-Wl,--wrap=sigaction");
        if !job.address {
            build_c(&job.out_dir, "signals", include_str!("signals.c"))?;
        }
        Ok(())
    }

    /// The folder of the package, with all links followed, as Go names it.
    fn folder(&self, manifest_dir: &Path) -> Result<PathBuf> {
        let folder = manifest_dir.join(&self.package);
        match folder.canonicalize() {
            Ok(found) if found.is_dir() => Ok(found),
            _ => bail!(
                "there is no folder {}: Archive::new takes the folder of a Go package, from {}",
                self.package.display(),
                manifest_dir.display()
            ),
        }
    }
}

/// Builds C of this crate into the targets.
fn build_c(out_dir: &Path, name: &str, text: &str) -> Result<()> {
    let name = format!("cgolab_fuzz_{name}");
    let source = out_dir.join(&name).with_extension("c");
    write(&source, text)?;
    cc::Build::new()
        .file(&source)
        // Nothing that comes before it refers to it.
        .link_lib_modifier("+whole-archive")
        .cargo_warnings(false)
        .try_compile(&name)
        .context("C for the targets does not build: is there a C compiler?")
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use cgolab_note::tool::tool;

    use super::*;

    const MODULE: (&str, &str) = ("go.mod", "module example.com/m\n\ngo 1.22\n");
    const EXPORTED: &str =
        "package main\n\nimport \"C\"\n\n//export FuzzX\nfunc FuzzX() {}\n\nfunc main() {}\n";

    /// Builds the package in a folder with these files, and returns the message; none without Go.
    fn refused(files: &[(&str, &str)], choose: impl Fn(Archive) -> Archive) -> Option<String> {
        tool("go")?;
        tool("gcc")?;
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let out = tempfile::tempdir().unwrap();
        let job = Job {
            manifest_dir: folder.path().to_owned(),
            out_dir: out.path().to_owned(),
            target: "this machine".to_owned(),
            goarch: match std::env::consts::ARCH {
                "aarch64" => "arm64",
                _ => "amd64",
            },
            address: false,
        };
        let error = choose(Archive::new(".")).build_for(&job).unwrap_err();
        Some(format!("{error:#}"))
    }

    fn assert_refused(files: &[(&str, &str)], choose: impl Fn(Archive) -> Archive, words: &[&str]) {
        let Some(text) = refused(files, choose) else {
            return;
        };
        for word in words {
            assert!(text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let elsewhere = |archive: Archive| Archive {
            package: "../nowhere".into(),
            ..archive
        };
        let words = ["there is no folder ../nowhere", "Archive::new takes"];
        assert_refused(&[], elsewhere, &words);
    }

    #[test]
    fn a_folder_in_no_module_has_the_words_of_go() {
        let file = ("m.go", EXPORTED);
        assert_refused(&[file], |it| it, &["`go list ", "go.mod file not found"]);
    }

    #[test]
    fn a_package_that_is_not_main_is_refused() {
        let file = ("m.go", "package m\n");
        let words = ["is package m: ", "`package main`"];
        assert_refused(&[MODULE, file], |it| it, &words);
    }

    #[test]
    fn a_package_without_exports_is_refused() {
        let file = ("m.go", "package main\n\nimport \"C\"\n\nfunc main() {}\n");
        assert_refused(
            &[MODULE, file],
            |it| it,
            &["exports nothing to C", "//export"],
        );
    }

    #[test]
    fn a_package_that_does_not_build_has_the_words_of_the_compiler() {
        let text = format!("{EXPORTED}\nfunc f() int {{ return \"\" }}\n");
        let words = ["go build ", "failed:", "m.go:10:", "cannot use"];
        assert_refused(&[MODULE, ("m.go", &text)], |it| it, &words);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_named() {
        let choose = |it: Archive| it.instrument(["example.com/m", "strings"]);
        let words = [
            "`strings` matches no package of the archive",
            "are example.com/m",
        ];
        assert_refused(&[MODULE, ("m.go", EXPORTED)], choose, &words);
    }

    #[test]
    fn a_library_that_pkg_config_does_not_know_is_named() {
        let text = EXPORTED.replace(
            "import \"C\"",
            "// #cgo pkg-config: cgolab-no-such-library\nimport \"C\"",
        );
        if tool("pkg-config").is_none() {
            return;
        }
        let words = ["`pkg-config --libs -- cgolab-no-such-library` failed"];
        assert_refused(&[MODULE, ("m.go", &text)], |it| it, &words);
    }
}
