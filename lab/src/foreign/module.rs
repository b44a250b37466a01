//! A Go module, from the output of `go list`: its packages that use C, and their ways of linking.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::description::Description;
use crate::engine::way::{Compilers, Tools, minor};

/// A module, and those of its packages that are tested.
#[derive(Debug, Clone, Default)]
pub(super) struct Module {
    /// The folder with go.mod.
    pub(super) root: PathBuf,
    /// The module's path, such as `github.com/a/b`.
    pub(super) path: String,
    /// The release of Go that builds it, such as `go1.26.8`.
    pub(super) go: String,
    pub(super) compilers: Compilers,
    pub(super) packages: Vec<Package>,
    /// The packages that the user has named.
    pub(super) wanted: Vec<String>,
    /// Packages with C of their own that have no tests, in any build.
    pub(super) untested: Vec<String>,
    /// Packages that `go list` could not load, with the first line of its error.
    pub(super) broken: Vec<(String, String)>,
    /// The module's own description.
    pub(super) description: Description,
    pub(super) linking: Linking,
}

/// A package with tests that uses C.
#[derive(Debug, Clone, Default)]
pub(super) struct Package {
    /// Import path.
    pub(super) path: String,
    /// The name in its package clauses.
    pub(super) name: String,
    pub(super) dir: PathBuf,
    /// True if some tests are in the package NAME_test, whose files come last.
    pub(super) external_tests: bool,
    /// Build tags that its tests need.
    pub(super) tags: Vec<String>,
    /// Variables of its builds.
    pub(super) env: &'static [(&'static str, &'static str)],
}

impl Package {
    /// A file name for files about the package.
    pub(super) fn file_name(&self) -> String {
        self.path.replace(['/', '\\', ' '], "_")
    }

    /// The path relative to the module, as `go test` takes it.
    pub(super) fn relative(&self, module: &Module) -> String {
        match self.dir.strip_prefix(&module.root) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => format!("./{}", below.display()),
            Err(_) => self.path.clone(),
        }
    }
}

/// The ways in which native code becomes part of the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Linking {
    cgo: usize,
    c_files: usize,
    cxx_files: usize,
    assembly_files: usize,
    archives: BTreeSet<String>,
    pkg_config: BTreeSet<String>,
    libraries: BTreeSet<String>,
    purego: bool,
}

/// A package in the output of `go list -json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Listed {
    pub(super) import_path: String,
    pub(super) standard: bool,
    pub(super) name: String,
    pub(super) dir: PathBuf,
    /// True if it was not named, and listed because others need it.
    pub(super) dep_only: bool,
    pub(super) module: Option<ListedModule>,
    pub(super) cgo_files: Vec<String>,
    #[serde(rename = "CFiles")]
    pub(super) c_files: Vec<String>,
    #[serde(rename = "CXXFiles")]
    pub(super) cxx_files: Vec<String>,
    pub(super) s_files: Vec<String>,
    pub(super) syso_files: Vec<String>,
    #[serde(rename = "CgoLDFLAGS")]
    pub(super) ld_flags: Vec<String>,
    pub(super) cgo_pkg_config: Vec<String>,
    pub(super) imports: Vec<String>,
    pub(super) test_imports: Vec<String>,
    #[serde(rename = "XTestImports")]
    pub(super) x_test_imports: Vec<String>,
    pub(super) test_go_files: Vec<String>,
    #[serde(rename = "XTestGoFiles")]
    pub(super) x_test_go_files: Vec<String>,
    pub(super) ignored_go_files: Vec<String>,
    pub(super) error: Option<ListedError>,
    pub(super) deps_errors: Vec<ListedError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedModule {
    pub(super) path: String,
    pub(super) main: bool,
    pub(super) dir: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedError {
    pub(super) err: String,
}

/// The oldest minor release of Go that can be used.
const OLDEST: u32 = 20;

/// Import paths through which Go calls C without cgo.
const PUREGO: [&str; 2] = [
    "github.com/ebitengine/purego",
    "github.com/jupiterrider/ffi",
];

impl Module {
    /// Finds the module that a folder is in, and its packages.
    pub(super) fn find(dir: &Path, packages: &[String]) -> Result<Module> {
        let pattern = dir.ends_with("...");
        ensure!(
            !pattern,
            "{} is no folder; packages come behind --packages",
            dir.display()
        );
        ensure!(dir.is_dir(), "{} is no folder", dir.display());
        let dir = dir
            .canonicalize()
            .with_context(|| format!("cannot read {}", dir.display()))?;
        which::which("go").context("Go is not on PATH; install it from https://go.dev/dl/")?;
        let mut settings = settings(&dir)?;
        let mut setting = |name: &str| settings.remove(name).unwrap_or_default();
        let workspace = setting("GOWORK");
        let root = match setting("GOMOD").as_str() {
            "" | "/dev/null" => bail!("{}", no_module(&dir, &workspace)?),
            file => Path::new(file)
                .parent()
                .context("go.mod has no folder")?
                .to_path_buf(),
        };
        ensure!(
            setting("CGO_ENABLED") == "1",
            "cgo is off here (CGO_ENABLED=0): install a C compiler, name one that is not called gcc by CC, or set \
             CGO_ENABLED=1"
        );
        let release = setting("GOVERSION");
        ensure!(
            minor(&release) >= OLDEST,
            "{release} is too old: tests are left out with -skip, which Go 1.{OLDEST} has; \
             set GOTOOLCHAIN, or install a newer Go"
        );
        let description = Description::of(&root)?;
        // The file's variables are those of every build.
        for (name, value) in &mut settings {
            if let Some(described) = description.env.get(name) {
                value.clone_from(described);
            }
        }
        let compiler = settings.get("CC").cloned().unwrap_or_default();
        let program = compiler.split_whitespace().next().unwrap_or("cc");
        which::which(program).with_context(|| {
            format!("the C compiler {program} is not on PATH; install it, or set CC")
        })?;
        // What is named on the command line goes before what the file names.
        let (packages, at) = match packages {
            [] => (description.packages.as_slice(), &root),
            some => (some, &dir),
        };
        let wanted: Vec<&str> = match packages {
            [] => vec!["./..."],
            some => some.iter().map(String::as_str).collect(),
        };
        let mut args = vec!["list", "-e", "-json", "-deps", "-test"];
        let tags = format!("-tags={}", description.tags.join(","));
        if !description.tags.is_empty() {
            args.push(&tags);
        }
        args.extend(&wanted);
        let listed = list(at, &args)?;
        let mut module = Module {
            go: release,
            compilers: Compilers::of(settings),
            wanted: packages.iter().map(|it| rooted(it, at, &root)).collect(),
            description: description.clone(),
            root: root.clone(),
            ..Module::default()
        };
        module.read(&listed, !packages.is_empty());
        if module.packages.is_empty() {
            bail!("{}", module.nothing_to_test());
        }
        Ok(module)
    }

    /// Sorts the listed packages into those to test and others.
    fn read(&mut self, listed: &[Listed], named: bool) {
        let main = |it: &&Listed| {
            it.module.as_ref().is_some_and(|module| module.main)
                && !it.import_path.contains(" [")
                && !it.import_path.ends_with(".test")
        };
        // All modules of a workspace are main ones.
        let mut modules = listed
            .iter()
            .filter(main)
            .filter_map(|it| it.module.as_ref());
        if let Some(module) = modules.find(|it| it.dir == self.root) {
            self.path.clone_from(&module.path);
        }
        let by_path: BTreeMap<&str, &Listed> = listed
            .iter()
            .map(|it| (it.import_path.as_str(), it))
            .collect();
        // What was named and is not there belongs to no module.
        for package in listed
            .iter()
            .filter(|it| it.module.is_none() && !it.dep_only)
        {
            if let Some(error) = &package.error {
                self.broken
                    .push((package.import_path.clone(), first_sentence(&error.err)));
            }
        }
        for package in listed.iter().filter(main) {
            self.linking.add(package);
            if package.dep_only {
                continue;
            }
            let imports = [
                &package.imports,
                &package.test_imports,
                &package.x_test_imports,
            ];
            let calls_c = !package.cgo_files.is_empty()
                || imports
                    .into_iter()
                    .flatten()
                    .any(|it| it == "C" || reaches_c(it, &by_path, &mut BTreeSet::new()));
            let tested = !package.test_go_files.is_empty() || !package.x_test_go_files.is_empty();
            if let Some(error) = package.error.as_ref().or(package.deps_errors.first()) {
                // A package with an error of its own may not be known as a whole.
                if named || (calls_c && (tested || package.error.is_some())) {
                    self.broken
                        .push((package.import_path.clone(), first_sentence(&error.err)));
                }
                continue;
            }
            if !calls_c && !named {
                continue;
            }
            let mut one = Package {
                path: package.import_path.clone(),
                name: package.name.clone(),
                dir: package.dir.clone(),
                external_tests: !package.x_test_go_files.is_empty(),
                tags: self.description.tags.clone(),
                env: &[],
            };
            if !tested {
                let hidden: Vec<&String> = package
                    .ignored_go_files
                    .iter()
                    .filter(|it| it.ends_with("_test.go"))
                    .collect();
                let needed = tags_of(&package.dir, &hidden);
                one.tags.extend(needed.iter().cloned());
                if needed.is_empty() {
                    self.untested.push(one.path);
                    continue;
                }
                one.external_tests = hidden.iter().any(|file| {
                    fs::read_to_string(package.dir.join(file))
                        .is_ok_and(|text| text.contains(&format!("package {}_test", package.name)))
                });
            }
            self.packages.push(one);
        }
    }

    /// The minor release of Go that builds it.
    pub(super) fn minor(&self) -> u32 {
        minor(&self.go)
    }

    /// What decides which planted mistakes are seen in its builds.
    pub(super) fn tools(&self) -> Tools {
        Tools {
            minor: self.minor(),
            gcc: self.compilers.gcc,
        }
    }

    /// The reason for which there is nothing to do, for people.
    fn nothing_to_test(&self) -> String {
        if let Some((path, why)) = self.broken.first() {
            return format!("no package can be loaded; the first is {path}: {why}");
        }
        if !self.wanted.is_empty() && self.untested.is_empty() {
            return format!(
                "--packages {}: this module has no such package",
                self.wanted.join(",")
            );
        }
        if !self.untested.is_empty() {
            return format!(
                "no tests: of the packages that have to do with C ({}) none has any; \
                 the engines run tests, so write one",
                self.untested.join(", ")
            );
        }
        "no package of this module has to do with C: none imports \"C\", purego, or a package of the \
         module that does; name packages with --packages to run their tests all the same"
            .to_owned()
    }

    /// Reports whether its packages have C that is compiled with them.
    pub(super) fn has_cgo(&self) -> bool {
        self.linking.cgo > 0
    }

    /// A line about the module, its Go and what compiles C.
    pub(super) fn head(&self, compiler: &str) -> String {
        format!("{} with {}, {compiler}", self.path, self.go)
    }

    /// Lines about the packages that were found, the first one by [`head`](Self::head).
    pub(super) fn summary(&self) -> Vec<String> {
        let compiler = if self.compilers.gcc { "gcc" } else { "clang" };
        let mut lines = vec![self.head(compiler)];
        let names: Vec<String> = self.packages.iter().map(|it| it.relative(self)).collect();
        lines.push(format!(
            "{} to test: {}",
            counted(self.packages.len(), "package"),
            names.join(" ")
        ));
        let library = self.description.library_summary();
        lines.extend(self.linking.summary(library.is_some()));
        lines.extend(library);
        let tagged: BTreeSet<&String> = self.packages.iter().flat_map(|it| &it.tags).collect();
        if !tagged.is_empty() {
            let tags: Vec<&str> = tagged.into_iter().map(String::as_str).collect();
            lines.push(format!(
                "tests that need build tags: -tags={}",
                tags.join(",")
            ));
        }
        if !self.untested.is_empty() {
            lines.push(format!("without tests: {}", self.untested.join(" ")));
        }
        for (path, why) in &self.broken {
            lines.push(format!("not loaded: {path}: {why}"));
        }
        lines
    }
}

impl Linking {
    fn add(&mut self, package: &Listed) {
        self.purego |= package
            .imports
            .iter()
            .any(|it| PUREGO.contains(&it.as_str()));
        // Go links them with or without cgo.
        self.archives.extend(package.syso_files.iter().cloned());
        if package.cgo_files.is_empty() {
            return;
        }
        self.cgo += 1;
        self.assembly_files += package.s_files.len();
        self.c_files += package.c_files.len();
        self.cxx_files += package.cxx_files.len();
        self.pkg_config
            .extend(package.cgo_pkg_config.iter().cloned());
        for flag in &package.ld_flags {
            if flag.ends_with(".a") || flag.ends_with(".syso") {
                self.archives
                    .insert(flag.rsplit('/').next().unwrap_or(flag).to_owned());
            } else if let Some(name) = flag.strip_prefix("-l") {
                let of_the_system = ["m", "dl", "pthread", "rt", "c", "stdc++", "gcc_s", "util"];
                if !of_the_system.contains(&name) {
                    self.libraries.insert(name.to_owned());
                }
            }
        }
    }

    /// Lines on them; `described` libraries have a line of their own on how they are built.
    fn summary(&self, described: bool) -> Vec<String> {
        let mut lines = Vec::new();
        if self.cgo > 0 {
            let files = match (self.c_files, self.cxx_files) {
                (0, 0) => "C in preambles, and what they include".to_owned(),
                (c, 0) => counted(c, "C file"),
                (0, cxx) => counted(cxx, "C++ file"),
                (c, cxx) => format!("{c} C and {cxx} C++ files"),
            };
            lines.push(format!(
                "cgo in {}: {files}, instrumented",
                counted(self.cgo, "package")
            ));
        }
        if self.assembly_files > 0 {
            let files = counted(self.assembly_files, "file");
            lines.push(format!("assembly in {files}, not instrumented"));
        }
        let joined = |names: &BTreeSet<String>| {
            names
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut outside = Vec::new();
        if !self.archives.is_empty() {
            outside.push(joined(&self.archives));
        }
        if !self.libraries.is_empty() {
            outside.push(joined(&self.libraries));
        }
        if !self.pkg_config.is_empty() {
            outside.push(format!("{} (pkg-config)", joined(&self.pkg_config)));
        }
        if !outside.is_empty() {
            let outside = outside.join("; ");
            lines.push(match described {
                true => format!("not built by cgo: {outside}"),
                false => format!("built elsewhere, not instrumented: {outside}"),
            });
        }
        if self.purego {
            lines.push("purego: libraries are loaded at run time, not instrumented".to_owned());
        }
        lines
    }
}

/// Reports whether a package of the main module, or purego, leads to C.
fn reaches_c<'a>(
    path: &'a str,
    by_path: &BTreeMap<&'a str, &'a Listed>,
    seen: &mut BTreeSet<&'a str>,
) -> bool {
    if PUREGO.contains(&path) {
        return true;
    }
    let Some(package) = by_path.get(path).filter(|_| seen.insert(path)) else {
        return false;
    };
    // A package of the standard library is of no module.
    if !package.module.as_ref().is_some_and(|it| it.main) {
        return false;
    }
    !package.cgo_files.is_empty()
        || package
            .imports
            .iter()
            .any(|it| reaches_c(it, by_path, seen))
}

/// Tags that add files of tests to a build: plain names in their `//go:build` lines.
fn tags_of(dir: &Path, files: &[&String]) -> Vec<String> {
    let mut tags = BTreeSet::new();
    for file in files {
        let Ok(text) = fs::read_to_string(dir.join(file)) else {
            continue;
        };
        let Some(line) = text
            .lines()
            .find_map(|line| line.strip_prefix("//go:build "))
        else {
            continue;
        };
        // A file for other systems or without cgo is not meant.
        let needed = line
            .split("&&")
            .map(str::trim)
            .filter(|word| !word.starts_with('!') && !word.contains(['|', '(']));
        tags.extend(
            needed
                .filter(|word| !of_the_toolchain(word))
                .map(str::to_owned),
        );
    }
    tags.into_iter().collect()
}

/// Reports whether Go sets a tag by itself, or a person would never set it.
fn of_the_toolchain(tag: &str) -> bool {
    let known = [
        "cgo", "race", "msan", "asan", "unix", "linux", "darwin", "windows", "freebsd", "netbsd",
        "openbsd", "android", "ios", "js", "wasip1", "plan9", "solaris", "amd64", "arm64", "386",
        "arm", "riscv64", "wasm", "ignore",
    ];
    known.contains(&tag) || tag.starts_with("go1.")
}

/// A pattern of packages that is relative to a folder, made relative to the root of its module.
fn rooted(pattern: &str, at: &Path, root: &Path) -> String {
    let relative = matches!(pattern.split('/').next(), Some("." | ".."));
    match at.strip_prefix(root) {
        Ok(below) if relative && !below.as_os_str().is_empty() => {
            format!("./{}/{pattern}", below.display())
        }
        _ => pattern.to_owned(),
    }
}

/// A number with its noun: `1 package`, `2 packages`.
pub(super) fn counted(count: usize, what: &str) -> String {
    counted_as(count, what, &format!("{what}s"))
}

/// A number with its noun in two forms: `1 way to fail`, `2 ways to fail`.
pub(super) fn counted_as(count: usize, one: &str, many: &str) -> String {
    let what = if count == 1 { one } else { many };
    format!("{count} {what}")
}

/// The first line that is not empty, with the next one if it only announces that.
fn first_sentence(text: &str) -> String {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("go: downloading"));
    let first = lines.next().unwrap_or_default();
    match lines.next().filter(|_| first.ends_with(':')) {
        Some(next) => format!("{first} {next}"),
        None => first.to_owned(),
    }
}

/// The reason for which a folder without a module cannot be run, with the modules of its workspace.
fn no_module(dir: &Path, workspace: &str) -> Result<String> {
    if matches!(workspace, "" | "off") {
        return Ok(format!(
            "{} is in no Go module; go to a folder with a go.mod, or name one",
            dir.display()
        ));
    }
    let modules = go(dir, &["list", "-m", "-f", "{{.Dir}}"])?;
    let shown = |module: &str| match Path::new(module).strip_prefix(dir) {
        Ok(below) => format!("./{}", below.display()),
        Err(_) => module.to_owned(),
    };
    Ok(format!(
        "{} is in a workspace and in none of its modules; name one: {}",
        dir.display(),
        modules.lines().map(shown).collect::<Vec<_>>().join(" ")
    ))
}

/// What a command of Go prints.
pub(super) fn go(dir: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("go")
        .args(args)
        .current_dir(dir)
        .output()
        .context("cannot start go")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "go {}: {}",
        args.join(" "),
        first_sentence(&error)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Go's settings in a folder.
fn settings(dir: &Path) -> Result<BTreeMap<String, String>> {
    let own = [
        "env",
        "-json",
        "GOMOD",
        "GOWORK",
        "CGO_ENABLED",
        "GOVERSION",
    ];
    let text = go(dir, &[&own[..], &Compilers::SETTINGS].concat())?;
    serde_json::from_str(&text).context("go env says what cannot be read")
}

fn list(dir: &Path, args: &[&str]) -> Result<Vec<Listed>> {
    listed(go(dir, args)?.as_bytes())
}

/// The packages in the output of `go list -json`.
pub(super) fn listed(output: &[u8]) -> Result<Vec<Listed>> {
    serde_json::Deserializer::from_slice(output)
        .into_iter::<Listed>()
        .collect::<Result<_, _>>()
        .context("go list says what cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main_module() -> Option<ListedModule> {
        Some(ListedModule {
            path: "a/b".to_owned(),
            main: true,
            dir: PathBuf::new(),
        })
    }

    fn listed(path: &str, cgo: bool, imports: &[&str], tests: bool) -> Listed {
        let strings = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        Listed {
            import_path: path.to_owned(),
            name: "p".to_owned(),
            module: main_module(),
            cgo_files: strings(if cgo { &["c.go"] } else { &[] }),
            imports: strings(imports),
            test_go_files: strings(if tests { &["p_test.go"] } else { &[] }),
            ..Listed::default()
        }
    }

    #[test]
    fn patterns_that_are_relative_to_a_folder_are_found_from_the_root() {
        let (at, root) = (Path::new("/m/pkg/zstd"), Path::new("/m"));
        assert_eq!(rooted("./...", at, root), "./pkg/zstd/./...");
        assert_eq!(rooted("..", at, root), "./pkg/zstd/..");
        assert_eq!(rooted("example.com/m/a", at, root), "example.com/m/a");
        assert_eq!(rooted("./...", root, root), "./...");
    }

    #[test]
    fn packages_that_lead_to_c_are_tested_and_others_are_not() {
        let mut module = Module::default();
        module.read(
            &[
                listed("a/b/c", true, &["C"], true),
                listed("a/b/user", false, &["a/b/c"], true),
                listed("a/b/plain", false, &["fmt"], true),
                listed("a/b/silent", true, &["C"], false),
                listed("a/b/pure", false, &["github.com/ebitengine/purego"], true),
            ],
            false,
        );
        let paths: Vec<&str> = module.packages.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["a/b/c", "a/b/user", "a/b/pure"]);
        assert_eq!(module.untested, ["a/b/silent"]);
        let summary = module.summary().join("\n");
        assert!(
            summary.contains("cgo in 2 packages") && summary.contains("purego"),
            "{summary}"
        );
    }

    #[test]
    fn what_is_built_elsewhere_is_named() {
        let mut package = listed("a/b/c", true, &["C"], true);
        package.ld_flags = ["-L/x", "/x/libone.a", "/x/two.syso", "-lm", "-lzmq"]
            .map(str::to_owned)
            .to_vec();
        package.cgo_pkg_config = vec!["three".to_owned()];
        package.s_files = vec!["mul.S".to_owned()];
        package.syso_files = vec!["five.syso".to_owned()];
        let mut module = Module::default();
        module.read(&[package], false);
        assert_eq!(
            module.linking.summary(false)[1..],
            [
                "assembly in 1 file, not instrumented",
                "built elsewhere, not instrumented: five.syso, libone.a, two.syso; zmq; three (pkg-config)"
            ]
        );
    }

    #[test]
    fn tests_of_a_package_of_their_own_are_known() {
        let mut module = Module::default();
        let inside = listed("a/b/inside", true, &["C"], true);
        let mut outside = listed("a/b/outside", true, &["C"], false);
        outside.x_test_go_files = vec!["p_test.go".to_owned()];
        module.read(&[inside, outside], false);
        let external: Vec<bool> = module.packages.iter().map(|it| it.external_tests).collect();
        assert_eq!(external, [false, true]);
    }

    #[test]
    fn without_tests_or_c_the_reason_is_told() {
        let mut module = Module::default();
        assert!(
            module
                .nothing_to_test()
                .contains("no package of this module has to do with C")
        );
        module.read(&[listed("a/b/silent", true, &["C"], false)], false);
        assert!(module.nothing_to_test().contains("none has any"));
        module
            .broken
            .push(("x".to_owned(), "no such header".to_owned()));
        assert!(module.nothing_to_test().contains("no such header"));
    }

    #[test]
    fn tags_of_tests_are_those_that_a_person_sets() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, line: &str| {
            fs::write(dir.path().join(name), format!("{line}\n\npackage p\n")).unwrap()
        };
        write("a_test.go", "//go:build test && cgo && !race");
        write("b_test.go", "//go:build integration && linux");
        write("c_test.go", "//go:build windows || darwin");
        let names: Vec<String> = ["a_test.go", "b_test.go", "c_test.go"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(
            tags_of(dir.path(), &names.iter().collect::<Vec<_>>()),
            ["integration", "test"]
        );
    }
}
