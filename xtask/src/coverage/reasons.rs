//! Why no test runs a statement: `go-harness/unreached.toml`.

use std::fmt::{self, Display};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;

use cgolab::host::toml::message;

/// The file, in `go-harness`.
pub(super) const FILE: &str = "unreached.toml";

/// Statements that no test runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Unreached {
    /// Below `go-harness`.
    file: String,
    /// The number of the first line of code.
    line: usize,
    /// The function around it: what stands between `func` and the parameters.
    function: String,
    /// The first line of code.
    code: String,
    statements: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasons {
    #[serde(default)]
    unreached: Vec<Reason>,
}

/// It names statements as they are found again when lines move.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    file: String,
    function: String,
    /// The first line of code of what is not run.
    code: String,
    why: String,
}

impl Reason {
    fn is_for(&self, unreached: &Unreached) -> bool {
        self.file == unreached.file
            && self.function == unreached.function
            && self.code == unreached.code
    }
}

pub(super) fn load(path: &Path) -> Result<Vec<Reason>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let reasons: Reasons =
        toml::from_str(&text).map_err(|error| anyhow!("{FILE}: {}", message(&error)))?;
    Ok(reasons.unreached)
}

/// The statements that are not run, with their reasons, and reasons of nothing.
pub(super) struct Judged<'a> {
    unreached: Vec<(&'a Unreached, Option<&'a Reason>)>,
    stale: Vec<&'a Reason>,
}

/// Each reason is for one of the blocks: a second one that looks the same needs its own.
pub(super) fn judge<'a>(unreached: &'a [Unreached], reasons: &'a [Reason]) -> Judged<'a> {
    let mut stale: Vec<&Reason> = reasons.iter().collect();
    let mut take = |it: &Unreached| {
        let place = stale.iter().position(|reason| reason.is_for(it))?;
        Some(stale.remove(place))
    };
    let unreached = unreached.iter().map(|it| (it, take(it))).collect();
    Judged { unreached, stale }
}

impl Judged<'_> {
    pub(super) fn is_green(&self) -> bool {
        self.stale.is_empty() && self.unreached.iter().all(|(_, reason)| reason.is_some())
    }
}

impl Display for Judged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (it, reason) in &self.unreached {
            let more = match it.statements {
                1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            writeln!(
                f,
                "\nnot run: go-harness/{}:{}, in {}",
                it.file, it.line, it.function
            )?;
            writeln!(f, "    {}{more}", it.code)?;
            match reason {
                Some(reason) => writeln!(f, "  {}", reason.why)?,
                None => writeln!(f, "  RED: no test, and no reason in go-harness/{FILE}")?,
            }
        }
        for Reason {
            file,
            function,
            code,
            ..
        } in &self.stale
        {
            writeln!(
                f,
                "\nRED: a reason in go-harness/{FILE} for what is run, or is gone: {file}, in {function}"
            )?;
            writeln!(f, "    {code}")?;
        }
        if self.is_green() {
            writeln!(f, "\nwhat is not run has its reason")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreached(code: &str) -> Unreached {
        Unreached {
            file: "p/a.go".to_owned(),
            line: 7,
            function: "f".to_owned(),
            code: code.to_owned(),
            statements: 2,
        }
    }

    fn reason(code: &str) -> Reason {
        Reason {
            file: "p/a.go".to_owned(),
            function: "f".to_owned(),
            code: code.to_owned(),
            why: "It cannot be.".to_owned(),
        }
    }

    #[test]
    fn each_needs_a_reason_and_each_reason_something_to_be_for() {
        let (missed, reasons) = ([unreached("a()")], [reason("a()")]);
        let judged = judge(&missed, &reasons);
        assert!(judged.is_green(), "{judged}");
        assert!(
            judged
                .to_string()
                .contains("a() (and 1 more)\n  It cannot be.\n"),
            "{judged}"
        );

        let judged = judge(&missed, &[]);
        assert!(!judged.is_green());
        assert!(
            judged.to_string().contains("go-harness/p/a.go:7, in f\n"),
            "{judged}"
        );
        assert!(judged.to_string().contains("RED: no test"), "{judged}");

        let judged = judge(&[], &reasons);
        assert!(!judged.is_green());
        assert!(judged.to_string().contains("RED: a reason"), "{judged}");
    }

    #[test]
    fn a_reason_is_for_one_place() {
        let here = unreached("a()");
        let elsewhere = [
            Reason {
                file: "p/b.go".to_owned(),
                ..reason("a()")
            },
            Reason {
                function: "g".to_owned(),
                ..reason("a()")
            },
            reason("b()"),
        ];
        for reason in elsewhere {
            assert!(!reason.is_for(&here), "{reason:?}");
        }
    }

    #[test]
    fn two_places_that_look_the_same_need_two_reasons() {
        let missed = [unreached("return err"), unreached("return err")];
        let two = [reason("return err"), reason("return err")];
        assert!(!judge(&missed, &two[..1]).is_green());
        assert!(judge(&missed, &two).is_green());
        assert!(!judge(&missed[..1], &two).is_green());
    }

    #[test]
    fn a_malformed_file_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        assert!(load(&path).is_err());
        fs::write(&path, "# none\n").unwrap();
        assert_eq!(load(&path).unwrap(), []);
        fs::write(&path, "[[unreached]]\nfile = \"a.go\"\n").unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(
            error.starts_with("unreached.toml: missing field"),
            "{error}"
        );
    }
}
