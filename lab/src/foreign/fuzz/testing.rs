//! The overlay of package testing: copies of the user's own toolchain with a few words changed, and files that
//! join them to libFuzzer.
//!
//! Each change is a text that must occur exactly once in a known function. A toolchain in which one does not is
//! refused: what it would do there is not known.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use include_dir::{Dir, include_dir};
use serde_json::{Map, json};

use crate::host::file::write_if_new;

/// Go and C that is laid over the standard library.
static SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fuzz");

/// A text in a function, and what takes its place. Both are in one line, so that lines keep their numbers.
struct Edit {
    /// The function's first line.
    function: &'static str,
    old: &'static str,
    new: &'static str,
}

const TESTING: [Edit; 4] = [
    Edit {
        function: "func (c *common) FailNow() {",
        old: "\n\truntime.Goexit()\n",
        new: "\n\tc.cgolabGoexit()\n",
    },
    Edit {
        function: "func (c *common) SkipNow() {",
        old: "\n\truntime.Goexit()\n",
        new: "\n\tc.cgolabGoexit()\n",
    },
    Edit {
        function: "func tRunner(t *T, fn func(t *T)) {",
        old: "\t\terr := recover()\n",
        new: "\t\terr := cgolabRecovered(recover())\n",
    },
    Edit {
        function: "func tRunner(t *T, fn func(t *T)) {",
        old: "t.runner = callerName(0)",
        new: "t.runner = cgolabRunner()",
    },
];

const FUZZ: [Edit; 3] = [
    Edit {
        function: "func (f *F) Fuzz(ff any) {",
        old: "n := runtime.Callers(2, pc[:])",
        new: "n := cgolabCallers(2, pc[:])",
    },
    Edit {
        function: "func (f *F) Fuzz(ff any) {",
        old: "\t\tgo tRunner(t, func(t *T) {\n",
        new: "\t\tcgolabRun(t, func(t *T) {\n",
    },
    Edit {
        function: "func (f *F) Fuzz(ff any) {",
        old: "\n\tswitch f.fstate.mode {\n",
        new: "\n\tif f.cgolabFuzz(types, run) { return }; switch f.fstate.mode {\n",
    },
];

/// The name of the field `fstate` before Go 1.24.
const OLD_STATE: &str = "f.fuzzContext.";
const STATE: &str = "f.fstate.";

/// Writes the overlay for a toolchain into a folder, and the list of it that `-overlay` takes.
///
/// # Errors
/// The toolchain's package testing has another shape.
pub(super) fn write(goroot: &Path, folder: &Path, list: &Path) -> Result<()> {
    let testing = goroot.join("src/testing");
    let deps = testing.join("internal/testdeps");
    let read = |name: &str| {
        let path = testing.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let fuzz = read("fuzz.go")?;
    let old = fuzz.contains(OLD_STATE);
    // Edits and files are written for the newer name.
    let named = |text: &str| match old {
        true => text.replace(STATE, OLD_STATE),
        false => text.to_owned(),
    };
    let glue = |name: &str| named(source(name));
    let codec = source("codec/codec.go").replace("package codec", "package testdeps");
    let files = [
        (
            testing.join("testing.go"),
            edited("testing.go", &read("testing.go")?, &TESTING, named)?,
        ),
        (
            testing.join("fuzz.go"),
            edited("fuzz.go", &fuzz, &FUZZ, named)?,
        ),
        (testing.join("zz_cgolab.go"), glue("glue/testing.go.txt")),
        (deps.join("zz_cgolab.go"), glue("glue/testdeps.go.txt")),
        (deps.join("zz_cgolab_codec.go"), codec),
        (deps.join("zz_cgolab.c"), glue("glue/glue.c")),
        (deps.join("zz_cgolab.h"), glue("glue/glue.h")),
        (
            goroot.join("src/internal/fuzz/zz_cgolab.go"),
            glue("glue/corpus.go.txt"),
        ),
    ];
    let mut replace = Map::new();
    for (number, (place, text)) in files.into_iter().enumerate() {
        let name = place.file_name().unwrap_or_default().display();
        let file = folder.join(format!("{number}.{name}"));
        write_if_new(&file, &text)?;
        replace.insert(
            place.display().to_string(),
            file.display().to_string().into(),
        );
    }
    write_if_new(list, &json!({ "Replace": replace }).to_string())
}

fn source(path: &str) -> &'static str {
    let file = SOURCES.get_file(path).and_then(|it| it.contents_utf8());
    file.expect("it is in the program")
}

/// A file with all edits made.
fn edited(
    name: &str,
    text: &str,
    edits: &[Edit],
    named: impl Fn(&str) -> String,
) -> Result<String> {
    let mut text = text.to_owned();
    for edit in edits {
        let old = named(edit.old);
        let Some(body) = body(&text, edit.function) else {
            bail!(
                "{}",
                refused(name, &format!("`{}` is not in it", edit.function))
            );
        };
        let found: Vec<usize> = text[body.clone()]
            .match_indices(&old)
            .map(|it| it.0)
            .collect();
        let [at] = found[..] else {
            let times = found.len();
            bail!(
                "{}",
                refused(
                    name,
                    &format!("`{}` is {times} times in `{}`", old.trim(), edit.function)
                )
            );
        };
        let at = body.start + at;
        text.replace_range(at..at + old.len(), &named(edit.new));
    }
    Ok(text)
}

/// The range of a function, up to the brace that ends it.
fn body(text: &str, function: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find(&format!("\n{function}\n"))? + 1;
    let length = text[start..].find("\n}\n")?;
    Some(start..start + length + 1)
}

fn refused(name: &str, why: &str) -> String {
    format!(
        "cannot fuzz with this release of Go: its testing/{name} has another shape than that of Go 1.22 to 1.27 \
         ({why}); set GOTOOLCHAIN to one of them, such as GOTOOLCHAIN=go1.26.8"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "package x\n\nfunc a() {\n\tgo b()\n}\n\nfunc c() {\n\tgo b()\n}\n";

    fn edit(old: &'static str) -> Result<String> {
        let edit = Edit {
            function: "func c() {",
            old,
            new: "b()",
        };
        edited("x.go", TEXT, &[edit], str::to_owned)
    }

    #[test]
    fn an_edit_changes_its_function_and_no_line_number() {
        let text = edit("go b()").unwrap();
        assert_eq!(text, TEXT.replace("c() {\n\tgo b()", "c() {\n\tb()"));
        for edit in TESTING.iter().chain(&FUZZ) {
            let lines = |text: &str| text.matches('\n').count();
            assert_eq!(lines(edit.old), lines(edit.new), "{}", edit.old);
        }
    }

    #[test]
    fn another_shape_is_refused() {
        for (old, says) in [("go d()", "0 times"), ("\n", "2 times")] {
            let error = edit(old).unwrap_err().to_string();
            assert!(
                error.contains(says) && error.contains("GOTOOLCHAIN"),
                "{error}"
            );
        }
        let named = |text: &str| text.to_owned();
        let error = edited("x.go", TEXT, &FUZZ, named).unwrap_err().to_string();
        assert!(error.contains("is not in it"), "{error}");
    }
}
