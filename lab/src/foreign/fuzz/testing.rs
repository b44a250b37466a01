//! The overlay of package testing: copies of the user's own toolchain with a few words changed, and files that
//! join them to libFuzzer.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use include_dir::{Dir, include_dir};

use super::super::toolchain::{Edit, edited, lay};

/// Go and C that is laid over the standard library.
static SOURCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fuzz");

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
    let changed = |name: &str, text: &str, edits: &[Edit]| {
        edited(text, edits, named).map_err(|why| anyhow!("{}", refused(name, &why)))
    };
    let codec = source("codec/codec.go").replace("package codec", "package testdeps");
    let files = [
        (
            testing.join("testing.go"),
            changed("testing.go", &read("testing.go")?, &TESTING)?,
        ),
        (testing.join("fuzz.go"), changed("fuzz.go", &fuzz, &FUZZ)?),
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
    lay(files, folder, list)
}

fn source(path: &str) -> &'static str {
    let file = SOURCES.get_file(path).and_then(|it| it.contents_utf8());
    file.expect("it is in the program")
}

fn refused(name: &str, why: &str) -> String {
    format!(
        "cannot fuzz with this release of Go: its testing/{name} has another shape than that of Go 1.22 to 1.27 \
         ({why}); set GOTOOLCHAIN to one of them, such as GOTOOLCHAIN=go1.26.8"
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::toolchain::tests::keep_lines;
    use super::*;

    #[test]
    fn an_edit_changes_no_line_number() {
        keep_lines(TESTING.iter().chain(&FUZZ));
    }

    #[test]
    fn another_shape_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let testing = folder.path().join("src/testing");
        fs::create_dir_all(&testing).unwrap();
        for name in ["testing.go", "fuzz.go"] {
            fs::write(testing.join(name), "package testing\n").unwrap();
        }
        let [to, list] = ["overlay", "overlay.json"].map(|it| folder.path().join(it));
        let error = write(folder.path(), &to, &list).unwrap_err().to_string();
        assert!(
            error.contains("is not in it") && error.contains("GOTOOLCHAIN"),
            "{error}"
        );
    }
}
