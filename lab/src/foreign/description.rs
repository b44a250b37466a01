//! The description of a module, from the `cgolab.toml` beside its go.mod.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::engine::native;
use crate::subject::file::{ASAN, Accept, Knob, NativeBuild, PLAIN, SubjectFile};

/// The part of a description that a module without suites of its own uses.
#[derive(Debug, Clone, Default)]
pub(super) struct Description {
    /// Packages to test, as patterns of `go list`. If empty, the packages are found by a search.
    pub(super) packages: Vec<String>,
    /// Build tags of every package.
    pub(super) tags: Vec<String>,
    /// Variables of every test program.
    pub(super) env: BTreeMap<String, String>,
    /// The time limit of one run of a test program.
    pub(super) timeout: Option<Duration>,
    pub(super) accept: Vec<Accept>,
    /// Conditions for storms.
    pub(super) knobs: Vec<Knob>,
    /// Builds of the native library by kind.
    pub(super) native: BTreeMap<String, NativeBuild>,
}

/// A build of the native library for an engine.
pub(super) struct Library<'a> {
    pub(super) kind: &'static str,
    pub(super) build: &'a NativeBuild,
    /// Text that must be in it.
    pub(super) mark: Option<&'static str>,
}

impl Description {
    /// Reads the file of a module; the description is empty if there is none.
    pub(super) fn of(root: &Path) -> Result<Description> {
        let file = SubjectFile::load(root)?;
        let module = file.go.into_iter().find(|it| it.dir == ".");
        let mut read = Description {
            accept: file.accept,
            knobs: file.knob,
            native: file.native,
            ..Description::default()
        };
        if let Some(module) = module {
            if module.packages != ["./..."] {
                read.packages = module.packages;
            }
            read.tags = module.tags;
            read.env = module.env;
            read.timeout = module.timeout.map(|limit| limit.0);
        }
        Ok(read)
    }

    /// The library that Go links, with AddressSanitizer in it or without; none if none is described.
    pub(super) fn library(&self, asan: bool) -> Option<Library<'_>> {
        let kind = native::kind(&self.native, if asan { ASAN } else { PLAIN });
        Some(Library {
            kind,
            build: self.native.get(kind)?,
            mark: (kind == ASAN).then_some(native::ASAN_MARK),
        })
    }

    /// A line on the library, if one is described.
    pub(super) fn library_summary(&self) -> Option<String> {
        let plain = self.library(false)?;
        let instrumented = match self.native.contains_key(ASAN) {
            true => "instrumented for asan",
            false => "not instrumented: there is no [native.asan]",
        };
        Some(format!(
            "its library is built with `{}`, {instrumented}",
            plain.build.run.join(" ")
        ))
    }
}

/// A description for a module in which every line is commented out.
pub(super) fn template(packages: &[String], tags: &[String]) -> String {
    let list = |words: &[String]| {
        words
            .iter()
            .map(|it| format!("{it:?}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "# What `cgolab run` should know of this module. All of it is optional; what is commented out is what it
# finds or does by itself. docs/subject.md of cgolab explains every key.

# [[go]]
# packages = [{}]
# tags = [{}]
# timeout = \"5m\"
# env = {{ NAME = \"value\" }}

# A condition for `cgolab storm`, beside its own. `build` is plain, race, cgocheck2 or asan.
# [[knob]]
# name = \"two at a time\"
# env = {{ GOMAXPROCS = \"2\" }}

# A finding that is none, or that is known: it is shown and not red. `reason` is needed, and a `test` or a part of
# the name of a function as `frame`. An entry that fits no finding any more is told.
# [[accept]]
# engine = \"asan\"
# frame = \"library_init\"
# reason = \"allocated once, and kept on purpose\"
# reference = \"https://example.com/why\"
",
        list(packages),
        list(tags)
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::host::workspace::DESCRIPTION;

    fn of(text: &str) -> Result<Description> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("go.mod"), "module a/b\n").unwrap();
        fs::write(folder.path().join(DESCRIPTION), text).unwrap();
        Description::of(folder.path())
    }

    #[test]
    fn the_module_beside_the_file_is_described_by_it() {
        assert!(of("").unwrap().packages.is_empty());
        let text = "[[go]]\npackages = [\"./a\"]\ntags = [\"x\"]\ntimeout = \"90s\"\nenv = { A = \"b\" }\n";
        let read = of(text).unwrap();
        assert_eq!(read.packages, ["./a"]);
        assert_eq!(read.tags, ["x"]);
        assert_eq!(read.timeout, Some(Duration::from_secs(90)));
        assert_eq!(read.env["A"], "b");
    }

    #[test]
    fn the_library_is_the_instrumented_one_where_there_is_one() {
        let plain = "[native.plain]\nrun = [\"make\", \"all\"]\n";
        let asan = "[native.asan]\nrun = [\"make\", \"asan\"]\n";
        let kind = |text: &str, asan| of(text).unwrap().library(asan).map(|it| (it.kind, it.mark));
        assert_eq!(kind("", true), None);
        assert_eq!(kind(plain, true), Some(("plain", None)));
        let both = format!("{plain}{asan}");
        assert_eq!(kind(&both, false), Some(("plain", None)));
        assert_eq!(kind(&both, true), Some((ASAN, Some(native::ASAN_MARK))));
        let summary = |text: &str| of(text).unwrap().library_summary();
        assert_eq!(summary(""), None);
        assert!(
            summary(plain)
                .unwrap()
                .contains("`make all`, not instrumented")
        );
        assert!(summary(&both).unwrap().contains(", instrumented"));
    }

    #[test]
    fn the_file_that_init_writes_is_valid_with_and_without_its_comments() {
        let text = template(&["./a".to_owned()], &["x".to_owned()]);
        assert!(of(&text).unwrap().packages.is_empty());
        let without: String = text
            .lines()
            .map(|line| line.strip_prefix("# ").unwrap_or(line))
            .filter(|line| line.contains(" = ") || line.starts_with('['))
            .map(|line| format!("{line}\n"))
            .collect();
        let read = of(&without).unwrap();
        assert_eq!(
            (read.packages, read.tags),
            (vec!["./a".to_owned()], vec!["x".to_owned()])
        );
        assert_eq!(read.accept.len(), 1);
    }
}
