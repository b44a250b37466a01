//! The counters of a fuzz test, by which libFuzzer sees what an input has reached: how many Go has, and how many
//! each file of C.
//!
//! They are read from the archive that is linked, and not taken from options: a compiler may ignore those.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use object::read::archive::ArchiveFile;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};

use crate::engine::fuzz::feedback::{self, Feedback};

/// Sections with one byte for each counter.
const OF_C: &str = "__sancov_cntrs";
const OF_GO: &str = ".go.fuzzcntrs";

/// What a file of C was compiled to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) counters: u64,
    /// Bytes of machine code.
    pub(super) code: u64,
}

/// The counters of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) go: u64,
    /// Files of C and C++ by name.
    pub(super) c: BTreeMap<String, File>,
    /// Files of Go with C in their preamble, and the wrappers of its calls.
    pub(super) preambles: BTreeMap<String, File>,
    /// Archives that were named on the command line.
    pub(super) libraries: BTreeMap<String, File>,
    /// Files of C without any, beside others of their package that have some. cgo compiles them in one way: these have
    /// nothing to count.
    nothing: BTreeSet<String>,
    /// How many of the files of C are not in the program.
    left_out: u64,
}

impl Counters {
    /// Reads those of an archive, by the names of all files in it.
    pub(super) fn of(archive: &Path) -> Result<Counters> {
        let mut counters = Counters::default();
        for (name, file, go) in members(archive)? {
            counters.go += go;
            let known = counters.c.entry(name).or_default();
            known.counters += file.counters;
            known.code += file.code;
        }
        Ok(counters)
    }

    /// Adds a library as a whole.
    pub(super) fn add_library(&mut self, archive: &Path) -> Result<()> {
        let name = archive.file_name().unwrap_or_default().display();
        let known = self.libraries.entry(name.to_string()).or_default();
        for (_, file, _) in members(archive)? {
            known.counters += file.counters;
            known.code += file.code;
        }
        Ok(())
    }

    /// Keeps what these packages have: the names of their files of C, and of those of Go with a preamble. The rest is
    /// Go's own.
    pub(super) fn keep<'a>(
        &mut self,
        packages: impl Iterator<Item = (Vec<&'a String>, &'a Vec<String>)>,
    ) {
        let all = std::mem::take(&mut self.c);
        for (c, go) in packages {
            let c = c.into_iter();
            let c = c.filter_map(|name| Some((name.clone(), *all.get(name)?)));
            let c: BTreeMap<String, File> = c.collect();
            let go = go.iter().filter_map(|name| {
                let compiled = format!("{}.cgo2.c", name.trim_end_matches(".go"));
                Some((name.clone(), *all.get(&compiled)?))
            });
            let go: BTreeMap<String, File> = go.collect();
            if c.values().chain(go.values()).any(|it| it.counters > 0) {
                self.nothing.extend(lacking(&c).map(str::to_owned));
            }
            self.c.extend(c);
            self.preambles.extend(go);
        }
    }

    /// Looks at the program for files that the linker has left out: what it has taken is named in its symbols.
    pub(super) fn look_at(&mut self, program: &Path) -> Result<()> {
        let shown = program.display();
        let data = fs::read(program).with_context(|| format!("cannot read {shown}"))?;
        let file = object::File::parse(&*data).with_context(|| format!("{shown} is no program"))?;
        let sources = file.symbols().filter(|it| it.kind() == SymbolKind::File);
        let sources: BTreeSet<&str> = sources
            .filter_map(|it| it.name().ok()?.rsplit('/').next())
            .collect();
        let left_out = self
            .c
            .iter()
            .filter(|(name, _)| !sources.contains(name.as_str()));
        // A program without symbols names none.
        self.left_out = match sources.is_empty() {
            true => 0,
            false => left_out.map(|(_, file)| file.counters).sum(),
        };
        Ok(())
    }

    /// The reason for which nothing can be found here, if a side has no counters.
    pub(super) fn off(&self) -> Option<String> {
        if self.go == 0 {
            return Some(
                "Go has no counters: --instrument names no package of this test".to_owned(),
            );
        }
        let mut without: Vec<&str> = lacking(&self.c).collect();
        without.retain(|name| !self.nothing.contains(*name));
        without.extend(lacking(&self.preambles).chain(lacking(&self.libraries)));
        match without.as_slice() {
            [] => None,
            names => Some(format!(
                "no counters in {}: was it compiled by clang with -fsanitize=fuzzer-no-link?",
                names.join(", ")
            )),
        }
    }

    /// The turns of a search that goes by them.
    pub(super) fn round(&self) -> &'static [Feedback] {
        match self.of_c() {
            0 => feedback::ONE_SIDED,
            _ => feedback::TWO_SIDED,
        }
    }

    /// How many C has.
    fn of_c(&self) -> u64 {
        let all = [&self.c, &self.libraries, &self.preambles];
        let files = all.into_iter().flat_map(BTreeMap::values);
        files.map(|it| it.counters).sum()
    }

    /// Lines about both sides.
    pub(super) fn summary(&self, packages: &[String]) -> Vec<String> {
        let packages = packages.join(", ");
        let mut lines = vec![format!("counters of Go: {}: {packages}", self.go)];
        let sides = self.c.iter().chain(&self.libraries);
        let mut files: Vec<String> = sides
            .filter(|(_, file)| file.code > 0)
            .map(|(name, file)| format!("{name} {}", file.counters))
            .collect();
        let preambles = self.preambles.iter();
        files.extend(preambles.map(|(name, file)| format!("C in {name} {}", file.counters)));
        let sum = self.of_c();
        lines.push(match files.is_empty() {
            true => "counters of C: none; there is no C in the packages of this test".to_owned(),
            false => format!("counters of C: {sum}: {}", files.join(", ")),
        });
        if !self.nothing.is_empty() {
            let names: Vec<&str> = self.nothing.iter().map(String::as_str).collect();
            lines.push(format!(
                "nothing to count in {}: functions that do not return have no counters",
                names.join(", ")
            ));
        }
        if self.left_out > 0 {
            lines.push(format!(
                "{} of them are not in the program: nothing calls what is in their files",
                self.left_out
            ));
        }
        if self.c.is_empty() && self.libraries.is_empty() && !self.preambles.is_empty() {
            lines.push(
                "only C in preambles and cgo's own wrappers is counted: a library from elsewhere is seen with \
                 --native ARCHIVE"
                    .to_owned(),
            );
        }
        lines
    }
}

/// Reports whether code in an archive refers to a symbol that begins so.
pub(super) fn refers_to(archive: &Path, symbol: &str) -> Result<bool> {
    let mut refers = false;
    objects(archive, |object| {
        let mut names = object.symbols().filter_map(|it| it.name().ok());
        refers = refers || names.any(|name| name.starts_with(symbol));
    })?;
    Ok(refers)
}

/// The symbols that an archive defines for others. Of weak ones the linker takes any.
pub(super) fn defined(archive: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    objects(archive, |object| {
        let names = object
            .symbols()
            .filter(|it| it.is_global() && it.is_definition() && !it.is_weak())
            .filter_map(|it| Some(it.name().ok()?.to_owned()));
        found.extend(names);
    })?;
    Ok(found)
}

/// Source file, its counters and code, and counters of Go of each object in an archive.
fn members(path: &Path) -> Result<Vec<(String, File, u64)>> {
    let mut found = Vec::new();
    objects(path, |object| {
        let size = |fits: &dyn Fn(&str) -> bool| -> u64 {
            let sections = object.sections();
            let fitting = sections.filter(|it| it.name().is_ok_and(fits));
            fitting.map(|it| it.size()).sum()
        };
        let source = object.symbols().find(|it| it.kind() == SymbolKind::File);
        let name = source.and_then(|it| Some(it.name().ok()?.to_owned()));
        let file = File {
            counters: size(&|name| name == OF_C),
            code: size(&is_code),
        };
        found.push((
            name.map(|it| it.rsplit('/').next().unwrap_or_default().to_owned())
                .unwrap_or_default(),
            file,
            size(&|name| name == OF_GO),
        ));
    })?;
    Ok(found)
}

/// Files with code and without counters.
fn lacking(files: &BTreeMap<String, File>) -> impl Iterator<Item = &str> {
    let lacking = files
        .iter()
        .filter(|(_, it)| it.code > 0 && it.counters == 0);
    lacking.map(|(name, _)| name.as_str())
}

/// Shows each object in an archive.
fn objects(path: &Path, mut show: impl FnMut(&object::File<'_>)) -> Result<()> {
    let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let archive =
        ArchiveFile::parse(&*data).with_context(|| format!("{} is no archive", path.display()))?;
    for member in archive.members() {
        let member = member.with_context(|| format!("{} is damaged", path.display()))?;
        // An archive may hold other things than objects.
        if let Ok(object) = object::File::parse(member.data(&*data)?) {
            show(&object);
        }
    }
    Ok(())
}

/// Reports whether a section is code of the source. What a sanitizer runs before and after all of a file, also of one
/// with nothing but variables, is not, and has no counters.
fn is_code(section: &str) -> bool {
    let of_sanitizer = [".module_ctor", ".module_dtor"];
    (section == ".text" || section.starts_with(".text."))
        && !of_sanitizer.iter().any(|it| section.ends_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sanitizer_adds_to_a_file_is_no_code_of_it() {
        for code in [".text", ".text.startup", ".text.unlikely.f"] {
            assert!(is_code(code), "{code}");
        }
        for other in [
            ".data",
            ".text.asan.module_ctor",
            ".text.asan.module_dtor",
            ".text.msan.module_ctor",
        ] {
            assert!(!is_code(other), "{other}");
        }
    }

    fn counters(go: u64, files: &[(&str, u64, u64)]) -> Counters {
        let file = |(name, counters, code): &(&str, u64, u64)| {
            let (counters, code) = (*counters, *code);
            ((*name).to_owned(), File { counters, code })
        };
        let mut all = Counters {
            go,
            c: files.iter().map(file).collect(),
            ..Counters::default()
        };
        let names = ["kv.c", "die.c", "empty.c"].map(str::to_owned);
        let go = vec!["kv.go".to_owned()];
        all.keep(std::iter::once((names.iter().collect(), &go)));
        all
    }

    #[test]
    fn a_side_without_counters_is_off_and_named() {
        let good = counters(
            3,
            &[("kv.c", 4, 9), ("kv.cgo2.c", 1, 9), ("gcc_linux.c", 0, 9)],
        );
        assert_eq!(good.off(), None);
        let packages = ["a/b".to_owned()];
        assert_eq!(
            good.summary(&packages),
            [
                "counters of Go: 3: a/b",
                "counters of C: 5: kv.c 4, C in kv.go 1"
            ]
        );
        assert!(counters(0, &[]).off().unwrap().contains("Go has no"));
        let without = counters(3, &[("kv.c", 0, 9)]);
        assert!(without.off().unwrap().contains("no counters in kv.c:"));
        // A file of declarations has nothing to count.
        assert_eq!(counters(3, &[("empty.c", 0, 0)]).off(), None);
        assert!(counters(3, &[]).summary(&packages)[1].contains("there is no C"));
        assert_eq!(counters(3, &[]).round(), feedback::ONE_SIDED);
        let preamble = counters(3, &[("kv.cgo2.c", 0, 9)]);
        assert!(preamble.off().unwrap().contains("no counters in kv.go:"));
        let preamble = counters(3, &[("kv.cgo2.c", 1, 9)]);
        assert_eq!(preamble.round(), feedback::TWO_SIDED);
        assert!(preamble.summary(&packages)[2].contains("--native"));
    }

    #[test]
    fn a_file_without_any_beside_others_is_told_and_so_is_what_is_not_linked() {
        let mut some = counters(3, &[("kv.c", 4, 9), ("die.c", 0, 9)]);
        assert_eq!(some.off(), None);
        assert_eq!(some.summary(&[]).len(), 3);
        some.left_out = 3;
        let lines = some.summary(&[]);
        assert_eq!(lines[1], "counters of C: 4: die.c 0, kv.c 4");
        assert!(
            lines[2].starts_with("nothing to count in die.c: "),
            "{lines:?}"
        );
        assert!(
            lines[3].starts_with("3 of them are not in the program: "),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn a_library_that_was_named_has_counters_of_c() {
        let mut named = counters(3, &[]);
        let rust = |counters| File { counters, code: 9 };
        named.libraries.insert("words.a".to_owned(), rust(7));
        assert_eq!(named.summary(&[])[1], "counters of C: 7: words.a 7");
        assert_eq!(named.round(), feedback::TWO_SIDED);
        assert_eq!(named.off(), None);
        named.libraries.insert("more.a".to_owned(), rust(0));
        assert!(named.off().unwrap().contains("no counters in more.a:"));
    }
}
