//! `cgolab.toml` beside go.mod: what a module tells about itself. All of it is optional.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use toml::Spanned;

use super::engines::ENGINES;
use super::outcome::Folded;
use crate::host::toml::{line_of, message};
use crate::triage::duration;

/// The name of the file.
pub(super) const NAME: &str = "cgolab.toml";

/// What a module tells about itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Description {
    /// Packages to test, as `go list` takes them.
    pub(super) packages: Vec<String>,
    /// Build tags of every package.
    pub(super) tags: Vec<String>,
    /// Variables of every test program.
    pub(super) env: BTreeMap<String, String>,
    /// The most that one run of a test program may take.
    pub(super) timeout: Option<Duration>,
    pub(super) accept: Vec<Accept>,
}

/// A finding that the module's authors have looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accept {
    pub(super) engine: Option<String>,
    /// A test that shows it.
    pub(super) test: Option<String>,
    /// Part of the name of the function in C or in Go.
    pub(super) function: Option<String>,
    pub(super) reason: String,
    pub(super) reference: Option<String>,
    /// Its line in the file.
    pub(super) line: usize,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    packages: Vec<String>,
    tags: Vec<String>,
    env: BTreeMap<String, String>,
    timeout: Option<Spanned<String>>,
    accept: Vec<Spanned<FileAccept>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAccept {
    engine: Option<Spanned<String>>,
    test: Option<String>,
    function: Option<String>,
    reason: String,
    reference: Option<String>,
}

impl Description {
    /// Reads the file of a module; nothing is told if there is none.
    pub(super) fn of(root: &Path) -> Result<Description> {
        let path = root.join(NAME);
        if !path.exists() {
            return Ok(Description::default());
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Description::parse(&text)
    }

    /// Reads the text of a file. Errors name the line.
    fn parse(text: &str) -> Result<Description> {
        let file: File = toml::from_str(text).map_err(|error| {
            anyhow!(
                "{NAME}:{}: {}",
                line_of(text, error.span()),
                message(&error)
            )
        })?;
        let mut told = Description {
            packages: file.packages,
            tags: file.tags,
            env: file.env,
            ..Description::default()
        };
        if let Some(timeout) = file.timeout {
            let line = line_of(text, Some(timeout.span()));
            let limit = duration(timeout.get_ref())
                .map_err(|why| anyhow!("{NAME}:{line}: timeout: {why}"))?;
            told.timeout = Some(limit);
        }
        for accept in file.accept {
            let line = line_of(text, Some(accept.span()));
            let accept = accept.into_inner();
            if accept.test.is_none() && accept.function.is_none() {
                bail!(
                    "{NAME}:{line}: accept: name a `test` or a `function`, else it accepts everything"
                );
            }
            if accept.reason.trim().is_empty() {
                bail!("{NAME}:{line}: accept: `reason` is empty; say why the finding is none");
            }
            if let Some(engine) = &accept.engine
                && !ENGINES.iter().any(|it| it.id == engine.get_ref())
            {
                let line = line_of(text, Some(engine.span()));
                let known: Vec<&str> = ENGINES.iter().map(|it| it.id).collect();
                bail!(
                    "{NAME}:{line}: accept: engine `{}` is unknown; choose from {}",
                    engine.get_ref(),
                    known.join(", ")
                );
            }
            told.accept.push(Accept {
                engine: accept.engine.map(Spanned::into_inner),
                test: accept.test,
                function: accept.function,
                reason: accept.reason,
                reference: accept.reference,
                line,
            });
        }
        Ok(told)
    }
}

impl Accept {
    /// Reports whether it is about a finding.
    pub(super) fn fits(&self, folded: &Folded) -> bool {
        let report = &folded.first.report;
        let in_name = |function: &String| {
            let mut places = [&report.c, &report.go].into_iter().flatten();
            places.any(|place| place.function.contains(function))
        };
        // A finding that another engine sees as well is not accepted by the one that is named.
        self.engine
            .as_ref()
            .is_none_or(|it| folded.engines.iter().all(|engine| engine == it))
            && self
                .test
                .as_ref()
                .is_none_or(|it| folded.tests.contains(it))
            && self.function.as_ref().is_none_or(in_name)
    }

    /// The entry, for people.
    pub(super) fn shown(&self) -> String {
        let words = [&self.engine, &self.test, &self.function]
            .into_iter()
            .flatten();
        format!(
            "{NAME}:{} ({})",
            self.line,
            words.cloned().collect::<Vec<_>>().join(", ")
        )
    }
}

/// A file for a module, in which everything is a comment.
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
# finds or does by itself.

# Packages whose tests run.
# packages = [{}]

# Build tags of all of them.
# tags = [{}]

# The most that one run of a test program may take.
# timeout = \"5m\"

# Variables of test programs.
# [env]
# NAME = \"value\"

# A finding that is none, or that is known: it is shown and not red. `reason` is needed, and a `test` or a part of
# the name of a `function`, in C or in Go. An entry that fits no finding any more is told.
# [[accept]]
# engine = \"asan\"
# function = \"library_init\"
# reason = \"allocated once, and kept on purpose\"
# reference = \"https://…\"
",
        list(packages),
        list(tags)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_are_read_and_an_empty_file_is_fine() {
        assert!(Description::parse("").unwrap().accept.is_empty());
        let told = Description::parse(
            "packages = [\"./a\"]\ntags = [\"x\"]\ntimeout = \"90s\"\n[env]\nA = \"b\"\n\n[[accept]]\nengine = \"asan\"\n\
             test = \"TestA\"\nreason = \"known\"\n",
        )
        .unwrap();
        assert_eq!(told.packages, ["./a"]);
        assert_eq!(told.timeout, Some(Duration::from_secs(90)));
        assert_eq!(told.env["A"], "b");
        assert_eq!(told.accept[0].line, 7);
        assert_eq!(told.accept[0].shown(), "cgolab.toml:7 (asan, TestA)");
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (text, says) in [
            (
                "\npackage = [\"./a\"]\n",
                "cgolab.toml:2: unknown field `package`",
            ),
            ("tags = 3\n", "cgolab.toml:1: invalid type"),
            (
                "timeout = \"soon\"\n",
                "cgolab.toml:1: timeout: not a length of time",
            ),
            (
                "[[accept]]\nreason = \"x\"\n",
                "cgolab.toml:1: accept: name a `test`",
            ),
            (
                "[[accept]]\ntest = \"T\"\nreason = \" \"\n",
                "cgolab.toml:1: accept: `reason` is empty",
            ),
            (
                "[[accept]]\ntest = \"T\"\n",
                "cgolab.toml:1: missing field `reason`",
            ),
            (
                "[[accept]]\ntest = \"T\"\nreason = \"x\"\nengine = \"a\"\n",
                "cgolab.toml:4: accept: engine `a` is unknown",
            ),
            ("a = \n", "cgolab.toml:1: "),
        ] {
            let error = Description::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
            assert!(!error.contains('\n'));
        }
    }

    #[test]
    fn the_file_that_init_writes_is_valid_with_and_without_its_comments() {
        let text = template(&["./a".to_owned()], &["x".to_owned()]);
        assert!(Description::parse(&text).unwrap().packages.is_empty());
        let without: String = text
            .lines()
            .map(|line| line.strip_prefix("# ").unwrap_or(line))
            .filter(|line| line.contains(" = ") || line.starts_with('['))
            .map(|line| format!("{line}\n"))
            .collect();
        let told = Description::parse(&without).unwrap();
        assert_eq!(
            (told.packages, told.tags),
            (vec!["./a".to_owned()], vec!["x".to_owned()])
        );
        assert_eq!(told.accept.len(), 1);
    }
}
