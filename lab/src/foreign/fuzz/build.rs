//! The build of a fuzz test: the real test program as an archive of C, with counters on both sides, and
//! libFuzzer as its main program.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::clang::Clang;
use super::clash::{self, Apart};
use super::counters::{self, Counters};
use super::{Sanitizer, testing};
use crate::engine::native::Linked;
use crate::engine::way::{Compilers, PLAIN, experiment};
use crate::foreign::module::{Listed, Package, listed};
use crate::foreign::toolchain;
use crate::foreign::trial::{BUILD, compiler_line};
use crate::host::child::{self, End, Task};
use crate::host::out::one_line;
use crate::host::progress::Progress;
use crate::host::workspace::Workspace;

/// The build tag with which Go's runtime has what instrumented code calls.
const TAG: &str = "libfuzzer";

/// The oldest minor release in which code without checks calls allocators that tell the sanitizer nothing, so that
/// all of a program must have them.
const ALL_CHECKED: u32 = 27;
/// Packages of the test framework. Their own accesses need no checks, which took half of the time of a small
/// target.
const UNCHECKED: [&str; 9] = [
    "testing",
    "testing/internal/testdeps",
    "reflect",
    "context",
    "sync",
    "fmt",
    "strconv",
    "time",
    "internal/...",
];

/// Calls that register counters. The glue takes them, and in a turn for one side leaves out those of the other.
const REGISTRATIONS: [&str; 2] = [
    "__sanitizer_cov_8bit_counters_init",
    "__sanitizer_cov_pcs_init",
];

/// The options of a build.
#[derive(Debug, Clone, Default)]
pub(super) struct How {
    pub(super) sanitizer: Sanitizer,
    pub(super) cgocheck2: bool,
    /// Patterns of Go packages with counters; if there are none, those of the main module and those with C.
    pub(super) instrument: Vec<String>,
    /// Archives that are linked before the libraries of the packages.
    pub(super) native: Vec<PathBuf>,
}

impl How {
    /// A name for files of such builds.
    pub(super) fn name(&self) -> String {
        let check = if self.cgocheck2 { ".cgocheck2" } else { "" };
        format!("{}{check}", self.sanitizer.name())
    }
}

/// A toolchain of Go with the overlay of its package testing.
#[derive(Debug)]
pub(super) struct Toolchain {
    go: toolchain::Toolchain,
    overlay: PathBuf,
}

impl Toolchain {
    /// The toolchain that Go chooses in the folder of a package; its files go into `cache`.
    pub(super) fn of(dir: &Path, cache: &Path) -> Result<Toolchain> {
        let go = toolchain::Toolchain::of(dir, cache)?;
        let overlay = cache.join("overlay.json");
        testing::write(&go.root, &cache.join("overlay"), &overlay)?;
        Ok(Toolchain { go, overlay })
    }
}

/// A builder of fuzz tests, with all that they share.
pub(super) struct Builder<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) progress: &'a Progress,
    pub(super) clang: &'a Clang,
    pub(super) toolchain: &'a Toolchain,
    pub(super) compilers: &'a Compilers,
    pub(super) how: &'a How,
}

/// A fuzz test that was built.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) program: PathBuf,
    pub(super) counters: Counters,
    /// Packages of Go with counters, as patterns of `go list`.
    pub(super) instrumented: Vec<String>,
    /// Lines about archives that keep symbols to themselves.
    apart: Vec<String>,
    /// Libraries that others have compiled, and what they were compiled without.
    elsewhere: (Vec<String>, Without),
}

/// What C has that a library of others lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    /// Branches in it lead nowhere.
    Counters,
    /// MemorySanitizer needs all code to have its checks.
    Checks,
}

impl Without {
    /// The beginning of the names to which code refers that has it.
    fn symbol(self) -> &'static str {
        match self {
            Without::Counters => "__sanitizer_cov_",
            Without::Checks => "__msan_",
        }
    }
}

impl Built {
    /// Lines about what the program sees.
    pub(super) fn summary(&self) -> Vec<String> {
        let mut lines = self.counters.summary(&self.instrumented);
        lines.extend(self.apart.iter().cloned());
        let (libraries, without) = &self.elsewhere;
        if !libraries.is_empty() {
            let words = match without {
                Without::Counters => "without counters: built elsewhere",
                Without::Checks => {
                    "without MemorySanitizer, so that what they set counts as not set"
                }
            };
            lines.push(format!("{words}: {}", libraries.join(", ")));
        }
        lines
    }
}

impl Builder<'_> {
    /// Builds the tests of a package into `program`, with `test` as the one that runs. The inner error is what
    /// the compiler or the linker says.
    pub(super) fn build(
        &self,
        package: &Package,
        test: &str,
        linked: &Linked,
        program: &Path,
    ) -> Result<Result<Built, String>> {
        // An old program must never be taken for this build's.
        for stale in [program.to_path_buf(), program.with_extension("a")] {
            if stale.exists() {
                fs::remove_file(&stale)
                    .with_context(|| format!("cannot remove {}", stale.display()))?;
            }
        }
        let listed = self.list(package, linked)?;
        let patterns = match self.how.instrument.as_slice() {
            [] => own_packages(&listed),
            some => some.to_vec(),
        };
        let archive = program.with_extension("a");
        if let Err(why) = self.compile(package, linked, &patterns, &archive)? {
            return Ok(Err(why));
        }
        let mut counters = Counters::of(&archive)?;
        for native in &self.how.native {
            counters.add_library(native)?;
        }
        let native = listed.iter().filter(|it| !it.standard);
        counters.keep(native.map(|it| {
            let c = it.c_files.iter().chain(&it.cxx_files);
            (c.collect(), &it.cgo_files)
        }));
        let libraries = libraries(&listed)?;
        let linked_words = linked.words.as_deref().unwrap_or_default();
        let words: Vec<&str> = (libraries.iter().map(String::as_str))
            .chain(linked_words.split_whitespace())
            .collect();
        let mut natives = self.how.native.clone();
        let mut linked = self.link(&listed, &natives, &words, test, &archive, program)?;
        let mut apart = Vec::new();
        if linked.as_ref().is_err_and(|said| clash::is_why(said)) && !natives.is_empty() {
            let folder = program.with_extension("native");
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
            let setting_apart = Apart {
                workspace: self.workspace,
                progress: self.progress,
                clang: self.clang,
                folder: &folder,
            };
            (natives, apart) = setting_apart.of(&archive, &natives)?;
            linked = self.link(&listed, &natives, &words, test, &archive, program)?;
        }
        if let Err(said) = linked {
            return Ok(Err(format!("link: {}", compiler_line(&said))));
        }
        fs::remove_file(&archive)
            .with_context(|| format!("cannot remove {}", archive.display()))?;
        counters.look_at(program)?;
        let without = match self.how.sanitizer {
            Sanitizer::Memory => Without::Checks,
            _ => Without::Counters,
        };
        Ok(Ok(Built {
            program: program.to_path_buf(),
            counters,
            instrumented: patterns,
            apart,
            elsewhere: (from_elsewhere(&words, &self.how.native, without)?, without),
        }))
    }

    /// All packages of the test program.
    fn list(&self, package: &Package, linked: &Linked) -> Result<Vec<Listed>> {
        let fields =
            "-json=ImportPath,Standard,Module,CgoFiles,CFiles,CXXFiles,CgoLDFLAGS,CgoPkgConfig";
        let output = Command::new("go")
            .args(["list", "-test", "-deps", fields, &tags(package, linked)])
            .arg(".")
            .current_dir(&package.dir)
            .envs(self.toolchain.go.env.iter().cloned())
            .envs(package.env.iter().copied())
            .env("CGO_ENABLED", "1")
            .output()
            .context("cannot start go")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{} cannot be loaded: {}",
            package.path,
            one_line(&said, 300)
        );
        listed(&output.stdout)
    }

    fn compile(
        &self,
        package: &Package,
        linked: &Linked,
        patterns: &[String],
        archive: &Path,
    ) -> Result<Result<(), String>> {
        let log = archive.with_extension("build.log");
        let mut task = Task::new(self.workspace, "go", &log)
            .dir(&package.dir)
            .limit(BUILD)
            .args(["test", "-c", "-vet=off", "-buildmode=c-archive"])
            .args(["-overlay"])
            .args([&self.toolchain.overlay])
            .args([tags(package, linked)]);
        let sanitizer = self.how.sanitizer;
        task = task.args(sanitizer.of_go());
        if sanitizer == Sanitizer::Address && self.toolchain.go.minor < ALL_CHECKED {
            let off = |package: &&str| format!("-gcflags={package}=-asan=false");
            task = task.args(UNCHECKED.iter().map(off));
        }
        // The last pattern that fits a package decides, so both are said of one that is both.
        task = task.args(
            patterns
                .iter()
                .map(|it| format!("-gcflags={it}=-d=libfuzzer")),
        );
        for (key, value) in self
            .toolchain
            .go
            .env
            .iter()
            .map(|(key, value)| (*key, value.clone()))
            .chain(self.flags())
        {
            task = task.env(key, value);
        }
        for (key, value) in package.env {
            task = task.env(key, value);
        }
        for (key, value) in PLAIN.build_env(self.compilers, linked.words.as_deref()) {
            task = task.env(&key, value);
        }
        if self.how.cgocheck2 {
            let (key, value) = experiment("cgocheck2", true);
            task = task.env(&key, value);
        }
        let task = task.args(["-o"]).args([archive]).args(["."]);
        let finished = task.run(self.progress, child::quiet)?;
        let text = finished.log_text();
        Ok(match finished.end {
            _ if finished.success() && archive.exists() => Ok(()),
            End::Exited(_) if finished.success() => Err("the package has no tests here".to_owned()),
            End::Exited(_) if text.contains("zz_cgolab") => Err(format!(
                "this release of Go does not fit cgolab's additions to package testing: {}",
                compiler_line(&text)
            )),
            End::Exited(_) => Err(compiler_line(&text)),
            _ => Err(finished.how()),
        })
    }

    /// Variables by which cgo compiles C with counters, and with checks.
    fn flags(&self) -> Vec<(&'static str, OsString)> {
        let check = self.how.sanitizer.of_c();
        let flags = |key: &str| {
            let own = self
                .compilers
                .flags
                .get(key)
                .map_or("-O2 -g", String::as_str);
            // Go adds the checks for C by itself, and not for C++.
            format!("{own} -fno-omit-frame-pointer -fsanitize=fuzzer-no-link{check}").into()
        };
        vec![
            ("CC", (&self.clang.c).into()),
            ("CXX", (&self.clang.cxx).into()),
            ("CGO_ENABLED", "1".into()),
            ("CGO_CFLAGS", flags("CGO_CFLAGS")),
            ("CGO_CXXFLAGS", flags("CGO_CXXFLAGS")),
        ]
    }

    /// Links the archive, libFuzzer, and the libraries of the packages, which are not in an archive.
    fn link(
        &self,
        listed: &[Listed],
        natives: &[PathBuf],
        libraries: &[&str],
        test: &str,
        archive: &Path,
        program: &Path,
    ) -> Result<Result<(), String>> {
        let name = archive.with_extension("name.c");
        let text = format!("const char cgolab_target_name[] = \"{test}\";\n");
        fs::write(&name, text).with_context(|| format!("cannot write {}", name.display()))?;
        let cxx = listed.iter().any(|it| !it.cxx_files.is_empty());
        let compiler = if cxx { &self.clang.cxx } else { &self.clang.c };
        let log = archive.with_extension("link.log");
        let mut task = Task::new(self.workspace, compiler, &log)
            .limit(BUILD)
            .args(["-g"])
            // In C++ a constant is its file's own.
            .args(["-x", "c"])
            .args([&name])
            .args(["-x", "none"]);
        task = task
            .args(self.how.sanitizer.link(self.clang)?)
            .args(REGISTRATIONS.map(|name| format!("-Wl,--wrap={name}")))
            .args([archive])
            .args(natives)
            .args(libraries);
        let task = task
            .args(["-lpthread", "-ldl", "-lm", "-lresolv", "-o"])
            .args([program]);
        let finished = task.run(self.progress, child::quiet)?;
        let text = finished.log_text();
        Ok(match finished.success() && program.exists() {
            true => Ok(()),
            false => Err(text),
        })
    }
}

/// Packages of the main module, and those with C.
fn own_packages(listed: &[Listed]) -> Vec<String> {
    let own = |it: &&Listed| {
        let main = it.module.as_ref().is_some_and(|module| module.main);
        !it.standard && (main || !it.cgo_files.is_empty()) && !it.import_path.ends_with(".test")
    };
    // `a [a.test]` is `a` with its tests, and a pattern of `a` fits it; `a_test [a.test]` is built as `a` is.
    let mut paths: Vec<String> = listed
        .iter()
        .filter(own)
        .map(|it| it.import_path.split(" [").next().unwrap_or_default())
        .map(|path| path.strip_suffix("_test").unwrap_or(path).to_owned())
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Words of the linker for the libraries of all packages.
fn libraries(listed: &[Listed]) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for package in listed.iter().filter(|it| !it.standard) {
        words.extend(package.ld_flags.iter().cloned());
        if package.cgo_pkg_config.is_empty() {
            continue;
        }
        // As Go takes it.
        let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
        let output = Command::new(&program)
            .arg("--libs")
            .args(&package.cgo_pkg_config)
            .output()
            .with_context(|| format!("cannot start {program}; install it"))?;
        ensure!(
            output.status.success(),
            "{program} --libs {}: {}",
            package.cgo_pkg_config.join(" "),
            one_line(&String::from_utf8_lossy(&output.stderr), 400)
        );
        let said = String::from_utf8_lossy(&output.stdout);
        words.extend(said.split_whitespace().map(str::to_owned));
    }
    Ok(words)
}

/// Libraries that are linked, by the linker's words, and archives in place of some, if they lack what is asked for. Those of C
/// itself are not among them: clang's runtimes know them.
fn from_elsewhere(words: &[&str], archives: &[PathBuf], without: Without) -> Result<Vec<String>> {
    const OF_C: [&str; 6] = ["-lc", "-lm", "-ldl", "-lrt", "-lpthread", "-lresolv"];
    let mut found = Vec::new();
    for archive in archives {
        if !counters::refers_to(archive, without.symbol())? {
            found.push(archive.display().to_string());
        }
    }
    for word in words.iter().filter(|it| !OF_C.contains(it)) {
        let file = match word.strip_prefix("-l") {
            Some(name) => match name.strip_prefix(':') {
                Some(file) => file.to_owned(),
                None => format!("lib{name}.a"),
            },
            None => file_name(Path::new(word)),
        };
        let is_library = file.ends_with(".a") || file.ends_with(".so") || file.contains(".so.");
        let replaced = archives.iter().any(|it| file_name(it) == file);
        let path = Path::new(word);
        let checked = file.ends_with(".a")
            && path.is_file()
            && counters::refers_to(path, without.symbol()).unwrap_or(false);
        if is_library && !replaced && !checked && !found.iter().any(|it| it == word) {
            found.push((*word).to_owned());
        }
    }
    Ok(found)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn tags(package: &Package, linked: &Linked) -> String {
    let tags = package.tags.iter().chain(&linked.tags).map(String::as_str);
    let tags: Vec<&str> = [TAG].into_iter().chain(tags).collect();
    format!("-tags={}", tags.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::module::ListedModule;

    #[test]
    fn libraries_from_elsewhere_are_told_once_and_those_of_c_are_not() {
        let words = [
            "-L/m",
            "-lzmq",
            "-lm",
            "/m/libx.a",
            "-lzmq",
            "-Wl,-z,now",
            "/m/libv.so.1",
            "-l:liby.a",
        ];
        assert_eq!(
            from_elsewhere(&words, &[], Without::Checks).unwrap(),
            ["-lzmq", "/m/libx.a", "/m/libv.so.1", "-l:liby.a"]
        );
        // An archive without anything, which nobody has compiled with checks, in the place of a library.
        let folder = tempfile::tempdir().unwrap();
        for name in ["libzmq.a", "liby.a"] {
            let archive = folder.path().join(name);
            fs::write(&archive, "!<arch>\n").unwrap();
            let told = from_elsewhere(
                &["-lzmq", "-l:liby.a"],
                std::slice::from_ref(&archive),
                Without::Counters,
            )
            .unwrap();
            assert_eq!(told.len(), 2, "{told:?}");
            assert_eq!(told[0], archive.display().to_string());
        }
        let missing = from_elsewhere(&[], &["/no/such.a".into()], Without::Counters).unwrap_err();
        assert!(missing.to_string().contains("/no/such.a"), "{missing}");
    }

    #[test]
    fn packages_of_the_module_and_those_with_c_have_counters() {
        let package = |path: &str, main: bool, cgo: &[&str]| Listed {
            import_path: path.to_owned(),
            module: Some(ListedModule {
                main,
                ..ListedModule::default()
            }),
            cgo_files: cgo.iter().map(|it| (*it).to_owned()).collect(),
            ..Listed::default()
        };
        let mut runtime = package("runtime/cgo", false, &["cgo.go"]);
        runtime.standard = true;
        let listed = [
            runtime,
            package("a/b", true, &[]),
            package("a/b [a/b.test]", true, &[]),
            package("a/b_test [a/b.test]", true, &[]),
            package("a/b.test", true, &[]),
            package("other", false, &[]),
            package("other/c", false, &["c.go"]),
        ];
        assert_eq!(own_packages(&listed), ["a/b", "other/c"]);
    }
}
