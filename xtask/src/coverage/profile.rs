//! The text profile that `go test -coverprofile` writes: a line for each block of statements.
//!
//! ```text
//! mode: set
//! example.org/module/file.go:27.16,29.3 1 0
//! ```
//!
//! file, first line and column, line and column behind the last, statements, and how often they
//! were run. Each test binary writes all blocks.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

/// The module of the binding. Paths in profiles begin with it.
pub(super) const MODULE: &str = "github.com/cgolab/cgolab/go-harness/";

/// A line and a column, as numbers of people, in bytes.
type Position = (usize, usize);

/// Statements that are run together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    /// Below `go-harness`.
    file: String,
    start: Position,
    end: Position,
}

/// All blocks, their number of statements, and whether any test has run them.
#[derive(Debug, Default)]
pub(super) struct Profile {
    blocks: BTreeMap<Block, (u32, bool)>,
}

/// A block that no test runs, as its source shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreached {
    pub(super) file: String,
    /// The number of its first line of code.
    pub(super) number: usize,
    /// The function's name: the words of `func …(` behind the receiver.
    pub(super) function: String,
    /// Its first line of code.
    pub(super) code: String,
    pub(super) statements: u32,
}

impl Profile {
    /// Adds what one `go test` has run.
    pub(super) fn add(&mut self, text: &str) -> Result<()> {
        for line in text.lines().filter(|line| !line.starts_with("mode: ")) {
            let (block, statements, run) = read(line).with_context(|| line.to_owned())?;
            self.blocks.entry(block).or_insert((statements, false)).1 |= run;
        }
        Ok(())
    }

    /// The number of statements of a package that were run, and of all that it has.
    pub(super) fn statements(&self, package: &str) -> (u32, u32) {
        let of_package = self.blocks.iter().filter(|(block, _)| {
            block
                .file
                .rsplit_once('/')
                .is_some_and(|it| it.0 == package)
        });
        of_package.fold((0, 0), |(run, all), (_, (statements, was_run))| {
            (
                run + if *was_run { *statements } else { 0 },
                all + statements,
            )
        })
    }

    /// The blocks that no test runs. `source` reads a file.
    pub(super) fn unreached(
        &self,
        source: impl Fn(&str) -> Result<String>,
    ) -> Result<Vec<Unreached>> {
        let missed = self.blocks.iter().filter(|(_, (_, run))| !run);
        missed
            .map(|(block, (statements, _))| {
                let (number, function, code) = shown(&source(&block.file)?, block)
                    .with_context(|| format!("{} has changed meanwhile", block.file))?;
                Ok(Unreached {
                    file: block.file.clone(),
                    number,
                    function,
                    code,
                    statements: *statements,
                })
            })
            .collect()
    }
}

/// Reads one line.
fn read(line: &str) -> Option<(Block, u32, bool)> {
    let (file, rest) = line.strip_prefix(MODULE)?.split_once(':')?;
    let mut words = rest.split(' ');
    let (start, end) = words.next()?.split_once(',')?;
    let statements = words.next()?.parse().ok()?;
    let count: u64 = words.next()?.parse().ok()?;
    let block = Block {
        file: file.to_owned(),
        start: position(start)?,
        end: position(end)?,
    };
    Some((block, statements, count > 0))
}

fn position(text: &str) -> Option<Position> {
    let (line, column) = text.split_once('.')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// The number of the first line of code in a block, its function, and the code.
fn shown(source: &str, block: &Block) -> Option<(usize, String, String)> {
    let lines: Vec<&str> = source.lines().collect();
    let (first, last) = (block.start.0, block.end.0);
    for number in first..=last {
        let line = lines.get(number - 1)?;
        let from = if number == first {
            block.start.1 - 1
        } else {
            0
        };
        let to = if number == last {
            block.end.1 - 1
        } else {
            line.len()
        };
        let mut code = line.get(from..to)?.trim();
        if number == first {
            // A body begins with its brace, and may be of one line.
            if let Some(body) = code.strip_prefix('{') {
                code = body.strip_suffix('}').unwrap_or(body).trim();
            }
        }
        if !code.is_empty() && !code.starts_with("//") {
            let above = lines[..number].iter().rev();
            let function = above.filter_map(|line| function(line)).next()?;
            return Some((number, function.to_owned(), code.to_owned()));
        }
    }
    None
}

/// `(o *Owner) pump` of the line `func (o *Owner) pump() {`. gofmt writes it at the line's start.
fn function(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("func ")?;
    let receiver = if rest.starts_with('(') {
        rest.find(')')?
    } else {
        0
    };
    let name = rest[receiver..].find(['(', '['])?;
    Some(&rest[..receiver + name])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
package p

func (b *Box[T]) get() (T, error) {
\tif b == nil {
\t\t// Nobody does that.
\t\treturn b.zero(), errNil
\t}
\treturn b.value, nil
}

func short[T any]() T { return T{} }
";

    fn profile(text: &str) -> Profile {
        let mut profile = Profile::default();
        profile.add(text).unwrap();
        profile
    }

    fn text(lines: &[&str]) -> String {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| format!("{MODULE}{line}\n"))
            .collect();
        format!("mode: set\n{}", lines.concat())
    }

    #[test]
    fn a_block_is_run_if_any_test_runs_it() {
        let mut profile = profile(&text(&["p/a.go:3.35,4.14 2 0", "p/a.go:8.2,8.21 1 0"]));
        profile
            .add(&text(&[
                "p/a.go:3.35,4.14 2 7",
                "p/a.go:8.2,8.21 1 0",
                "p/q/b.go:1.1,1.9 5 1",
            ]))
            .unwrap();
        assert_eq!(profile.statements("p"), (2, 3));
        assert_eq!(profile.statements("p/q"), (5, 5));
        assert_eq!(profile.statements("none"), (0, 0));
    }

    #[test]
    fn what_is_not_run_is_shown_by_its_code_and_function() {
        let profile = profile(&text(&[
            "p/a.go:4.14,7.3 1 0",
            "p/a.go:8.2,8.21 1 0",
            "p/a.go:11.23,11.37 1 0",
        ]));
        let unreached = profile.unreached(|_| Ok(SOURCE.to_owned())).unwrap();
        let shown: Vec<_> = unreached
            .iter()
            .map(|it| (it.number, it.function.as_str(), it.code.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (6, "(b *Box[T]) get", "return b.zero(), errNil"),
                (8, "(b *Box[T]) get", "return b.value, nil"),
                (11, "short", "return T{}"),
            ]
        );
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        for line in ["other.org/p/a.go:1.1,1.2 1 0\n", "<html>\n"] {
            assert!(Profile::default().add(line).is_err(), "{line}");
        }
        let elsewhere = profile(&text(&["p/a.go:40.1,41.2 1 0"]));
        assert!(elsewhere.unreached(|_| Ok(SOURCE.to_owned())).is_err());
    }
}
