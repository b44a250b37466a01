//! The packages of the archive, as `go list -deps -json` describes them.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The fields that are asked for. Those that end in `Files` are the files of a build.
pub(crate) const FIELDS: &str = "Dir,ImportPath,Name,Standard,Module,CgoLDFLAGS,CgoPkgConfig,GoFiles,CgoFiles,\
    IgnoredGoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles,EmbedFiles";

/// A package of Go.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Package {
    dir: PathBuf,
    import_path: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    standard: bool,
    #[serde(default)]
    module: Option<Module>,
    /// All other fields: files and flags, under their names.
    #[serde(flatten)]
    lists: HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    #[serde(default)]
    main: bool,
    #[serde(default)]
    go_mod: Option<PathBuf>,
}

impl Package {
    fn list(&self, field: &str) -> &[String] {
        self.lists.get(field).map_or(&[], Vec::as_slice)
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let lists = self
            .lists
            .iter()
            .filter(|(field, _)| field.ends_with("Files"));
        lists.flat_map(|(_, files)| files.iter().map(|file| self.dir.join(file)))
    }

    /// Returns true if the package is subject by itself.
    fn is_subject(&self) -> bool {
        let main = self.module.as_ref().is_some_and(|module| module.main);
        !self.standard && (main || !self.list("CgoFiles").is_empty())
    }

    fn has_c(&self) -> bool {
        ["CFiles", "CXXFiles"]
            .iter()
            .any(|field| !self.list(field).is_empty())
    }

    /// Returns true if a function of it is exported to C.
    fn exports(&self) -> bool {
        self.list("CgoFiles").iter().any(|file| {
            fs::read_to_string(self.dir.join(file))
                .is_ok_and(|text| text.lines().any(|line| line.starts_with("//export ")))
        })
    }
}

/// The packages of an archive: each follows those that it imports, and the last is the archive's own.
#[derive(Debug)]
pub(crate) struct Packages(Vec<Package>);

impl Packages {
    /// Reads what `go list` printed: one object behind the other.
    pub(crate) fn read(json: &str) -> Result<Packages> {
        serde_json::Deserializer::from_str(json)
            .into_iter()
            .collect::<Result<Vec<Package>, _>>()
            .map(Packages)
            .context("`go list -json` printed what cannot be read")
    }

    /// The package of the archive itself.
    fn main(&self) -> Result<&Package> {
        self.0.last().context("`go list` printed no package")
    }

    fn own(&self) -> impl Iterator<Item = &Package> {
        self.0.iter().filter(|package| !package.standard)
    }

    /// Fails if there is nothing in the archive that Rust can call.
    pub(crate) fn check_exports(&self, folder: &Path) -> Result<()> {
        let main = self.main()?;
        if main.name != "main" {
            bail!(
                "{} is package {}: an archive for C is a `package main`, with `func main() {{}}` and with `//export` \
                functions that call the packages to fuzz",
                folder.display(),
                main.name
            );
        }
        if !self.own().any(Package::exports) {
            bail!(
                "{} exports nothing to C: write `//export FuzzX` above `func FuzzX(data *C.uint8_t, size C.size_t)`, \
                in a file with `import \"C\"`",
                folder.display()
            );
        }
        Ok(())
    }

    /// Packages that have counters unless others were chosen: of the main module, and with cgo.
    pub(crate) fn instrumented(&self) -> Vec<String> {
        let subjects = self.0.iter().filter(|package| package.is_subject());
        subjects
            .map(|package| package.import_path.clone())
            .collect()
    }

    /// Packages of the archive among those that patterns match.
    pub(crate) fn chosen(&self, patterns: &[(String, Vec<String>)]) -> Result<Vec<String>> {
        let mut chosen = BTreeSet::new();
        for (pattern, matches) in patterns {
            let known = |path: &&String| self.0.iter().any(|package| package.import_path == **path);
            let found: Vec<&String> = matches.iter().filter(known).collect();
            chosen.extend(found.iter().map(|path| path.to_string()));
            if found.is_empty() {
                let own: Vec<&str> = self.own().map(|it| it.import_path.as_str()).collect();
                bail!(
                    "instrument: `{pattern}` matches no package of the archive. Its packages outside of the standard \
                    library are {}",
                    own.join(", ")
                );
            }
        }
        Ok(chosen.into_iter().collect())
    }

    /// Paths to watch: the folders of packages outside of the places where nothing changes, and the `go.mod` and
    /// `go.sum` of their modules. A folder that holds `out_dir` changes with each build: there it is the files.
    pub(crate) fn watched(&self, known_places: &[PathBuf], out_dir: &Path) -> BTreeSet<PathBuf> {
        let changes = |path: &Path| !known_places.iter().any(|place| path.starts_with(place));
        let mut watched = BTreeSet::new();
        for package in self.own().filter(|package| changes(&package.dir)) {
            if out_dir.starts_with(&package.dir) {
                watched.extend(package.files());
            } else {
                watched.insert(package.dir.clone());
            }
            let go_mod = package
                .module
                .as_ref()
                .and_then(|module| module.go_mod.as_ref());
            if let Some(path) = go_mod.filter(|path| changes(path)) {
                watched.insert(path.clone());
                let sums = path.with_extension("sum");
                watched.extend(sums.is_file().then_some(sums));
            }
        }
        watched
    }

    /// Flags for the linker in `#cgo LDFLAGS`. A package's own come before those of its imports, as linkers want it.
    pub(crate) fn ldflags(&self) -> Vec<String> {
        let flags = self
            .0
            .iter()
            .rev()
            .flat_map(|package| package.list("CgoLDFLAGS"));
        flags.cloned().collect()
    }

    /// Flags for the linker of the names in `#cgo pkg-config`.
    pub(crate) fn pkg_config_flags(
        &self,
        ask: impl Fn(&[String]) -> Result<Vec<String>>,
    ) -> Result<Vec<String>> {
        let mut flags = Vec::new();
        for package in self.0.iter().rev() {
            let names = package.list("CgoPkgConfig");
            if !names.is_empty() {
                flags.extend(ask(names)?);
            }
        }
        Ok(flags)
    }

    /// A warning that C has no counters with this compiler, if there are files of C.
    pub(crate) fn uncounted(&self, compiler: &str) -> Option<String> {
        let with_c: Vec<&str> = self
            .own()
            .filter(|package| package.has_c())
            .map(|package| package.import_path.as_str())
            .collect();
        let names = with_c.join(", ");
        (!with_c.is_empty()).then(|| {
            format!(
                "the C of {names} has no counters, because {compiler} is not clang: set CC=clang and CXX=clang++"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Output of `go list`: in the standard library, in the module cache, with C, of the main module.
    const LISTED: &str = r#"
{"Dir": "/go/src/net", "ImportPath": "net", "Name": "net", "Standard": true,
 "GoFiles": ["a.go"], "CgoFiles": ["b.go"], "CgoLDFLAGS": ["-lresolv"]}
{"Dir": "/cache/text@v1", "ImportPath": "example.com/text", "Name": "text",
 "Module": {"Path": "example.com/text", "Version": "v1", "GoMod": "/cache/text@v1.mod"}, "GoFiles": ["t.go"]}
{"Dir": "/cache/lib@v1", "ImportPath": "example.com/lib", "Name": "lib",
 "Module": {"GoMod": "/cache/lib@v1.mod"}, "CgoFiles": ["l.go"], "CFiles": ["l.c"], "CgoLDFLAGS": ["-lm"],
 "CgoPkgConfig": ["zlib"]}
{"Dir": "/w/near", "ImportPath": "example.com/near", "Name": "near",
 "Module": {"GoMod": "/w/near/go.mod"}, "GoFiles": ["n.go"]}
{"Dir": "/w/m/fuzzed", "ImportPath": "example.com/m/fuzzed", "Name": "main",
 "Module": {"Path": "example.com/m", "Main": true, "GoMod": "/w/m/go.mod"},
 "CgoFiles": ["f.go"], "HFiles": ["f.h"], "EmbedFiles": ["data/x"], "CgoLDFLAGS": ["-lown"]}
"#;

    fn listed() -> Packages {
        Packages::read(LISTED).unwrap()
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn counters_are_for_the_main_module_and_for_cgo() {
        assert_eq!(
            listed().instrumented(),
            ["example.com/lib", "example.com/m/fuzzed"]
        );
    }

    #[test]
    fn a_pattern_chooses_among_the_packages_of_the_archive() {
        let matches = strings(&["example.com/text", "example.com/text/unused"]);
        let chosen = listed().chosen(&[("example.com/text/...".to_owned(), matches)]);
        assert_eq!(chosen.unwrap(), ["example.com/text"]);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_refused_with_what_there_is() {
        let error = listed()
            .chosen(&[("example.com/txet".to_owned(), Vec::new())])
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("`example.com/txet` matches no package"),
            "{text}"
        );
        assert!(text.contains("example.com/text, example.com/lib"), "{text}");
        assert!(!text.contains("net"), "{text}");
    }

    #[test]
    fn folders_outside_of_goroot_and_the_module_cache_are_watched() {
        let known = ["/go", "/cache"].map(PathBuf::from);
        let watched = |out: &str| -> Vec<String> {
            let found = listed().watched(&known, Path::new(out));
            found.iter().map(|it| it.display().to_string()).collect()
        };
        let folders = ["/w/m/fuzzed", "/w/m/go.mod", "/w/near", "/w/near/go.mod"];
        assert_eq!(watched("/w/m/fuzz/target/out"), folders);
        let files = [
            "/w/m/fuzzed/data/x",
            "/w/m/fuzzed/f.go",
            "/w/m/fuzzed/f.h",
            "/w/m/go.mod",
            "/w/near",
            "/w/near/go.mod",
        ];
        assert_eq!(watched("/w/m/fuzzed/target/out"), files);
    }

    #[test]
    fn flags_for_the_linker_come_from_all_packages_the_importing_first() {
        assert_eq!(listed().ldflags(), ["-lown", "-lm", "-lresolv"]);
        let asked = listed().pkg_config_flags(|names| Ok(strings(&[&format!("-l{}", names[0])])));
        assert_eq!(asked.unwrap(), ["-lzlib"]);
    }

    #[test]
    fn a_warning_names_the_packages_with_c() {
        let warning = listed().uncounted("gcc").unwrap();
        assert!(warning.starts_with("the C of example.com/lib has no counters, because gcc is"));
        let mut packages = listed();
        packages.0.retain(|package| !package.has_c());
        assert_eq!(packages.uncounted("gcc"), None);
    }

    #[test]
    fn an_archive_without_exports_is_refused() {
        let folder = Path::new("/w/m/fuzzed");
        let text = listed().check_exports(folder).unwrap_err().to_string();
        assert!(
            text.starts_with("/w/m/fuzzed exports nothing to C"),
            "{text}"
        );
        let mut packages = listed();
        packages.0.pop();
        let text = packages.check_exports(folder).unwrap_err().to_string();
        assert!(
            text.starts_with("/w/m/fuzzed is package near: an archive for C"),
            "{text}"
        );
    }

    #[test]
    fn other_output_is_no_list() {
        let text = Packages::read("go: no").unwrap_err().to_string();
        assert_eq!(text, "`go list -json` printed what cannot be read");
    }
}
