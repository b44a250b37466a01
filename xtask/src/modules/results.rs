//! Reads the results of `cgolab run`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::record::{Engine, Key, Outcome};

/// The part of results.json that is compared.
#[derive(Deserialize)]
struct Results {
    engines: Vec<Ran>,
}

#[derive(Deserialize)]
struct Ran {
    engine: String,
    state: State,
    seconds: f64,
    findings: Vec<Finding>,
    trouble: Vec<Trouble>,
}

#[derive(Deserialize)]
struct State {
    is: String,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
struct Finding {
    package: String,
    report: Report,
}

#[derive(Deserialize)]
struct Report {
    class: String,
    test: Option<String>,
    c: Option<Place>,
    go: Option<Place>,
    /// The other access of a data race.
    other: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    function: String,
    file: Option<String>,
    line: Option<u32>,
    own: bool,
}

#[derive(Deserialize)]
struct Trouble {
    package: String,
    what: What,
}

/// Something that keeps a package from being judged.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// A test, and what becomes of it: a word, or an object whose only key is the word.
    Test(String, Value),
    NotBuilt(IgnoredAny),
    NothingRan(IgnoredAny),
    Other(String),
}

/// Reads the file of a run.
pub(super) fn read(path: &Path) -> Result<Outcome> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is no results.json", path.display()))
}

fn parse(text: &str) -> Result<Outcome> {
    let results: Results = serde_json::from_str(text)?;
    let mut outcome = Outcome::default();
    for ran in results.engines {
        let findings = ran.findings.iter().map(Finding::key);
        let trouble = ran.trouble.iter().map(Trouble::key);
        for key in findings.chain(trouble) {
            let seen = outcome.findings.entry(key).or_default();
            seen.insert(ran.engine.clone());
        }
        outcome.engines.push(Engine {
            name: ran.engine,
            state: ran.state.is,
            why: ran.state.why,
            seconds: ran.seconds,
        });
    }
    Ok(outcome)
}

impl Finding {
    fn key(&self) -> Key {
        let report = &self.report;
        let c = report.c.as_ref();
        let mut go: Vec<String> = [&report.go, &report.other]
            .into_iter()
            .flatten()
            .map(Place::shown)
            .collect();
        // Which access of a race comes first is chance.
        go.sort();
        let place = match (c, &report.test) {
            (Some(c), _) if c.own => c.shown(),
            _ if !go.is_empty() => go.join(" and "),
            (Some(c), _) => c.shown(),
            // Not every run of a test shows its leaks.
            (None, Some(test)) if !report.class.starts_with("leak") => test.clone(),
            (None, _) => self.package.clone(),
        };
        Key {
            what: report.class.clone(),
            place,
        }
    }
}

impl Place {
    /// The line of the module, which is the same for ever at a pinned version. In a library of the system, the
    /// function: each version has other lines.
    fn shown(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) if self.own => format!("{file}:{line}"),
            _ => self.function.clone(),
        }
    }
}

impl Trouble {
    fn key(&self) -> Key {
        let (what, place) = match &self.what {
            What::Test(test, became) => {
                let word = match became {
                    Value::Object(object) => object.keys().next().map(String::as_str),
                    other => other.as_str(),
                };
                (format!("test {}", word.unwrap_or_default()), test)
            }
            What::NotBuilt(_) => ("does not build".to_owned(), &self.package),
            What::NothingRan(_) => ("no test ran".to_owned(), &self.package),
            What::Other(why) => (why.clone(), &self.package),
        };
        Key {
            what,
            place: place.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_folded_by_class_and_place_and_trouble_is_one() {
        let place = |function: &str, line: u32, own: bool| serde_json::json!({"function": function, "file": "a.c", "line": line, "own": own});
        let of = |class: &str, c: Value, go: Value, other: Value, test: Value| {
            serde_json::json!({
                "package": "a/b",
                "report": {"class": class, "test": test, "c": c, "go": go, "other": other},
            })
        };
        let report = |c: Value, go: Value, test: Value| of("leak", c, go, Value::Null, test);
        let (c, libc) = (place("make", 7, true), place("strdup", 9, false));
        let go = place("a/b.f", 3, true);
        let race = |line| place("a/b.g", line, true);
        let null = Value::Null;
        let test = Value::from("TestA");
        let findings = [
            report(c.clone(), go.clone(), test.clone()),
            report(c, null.clone(), null.clone()),
            report(libc.clone(), go, null.clone()),
            report(libc, null.clone(), test.clone()),
            report(null.clone(), null.clone(), test.clone()),
            report(null.clone(), null.clone(), null.clone()),
            of(
                "double-free",
                null.clone(),
                null.clone(),
                null.clone(),
                test,
            ),
            of("race", null.clone(), race(5), race(4), null.clone()),
            of("race", null.clone(), race(4), race(5), null),
        ];
        let trouble = [
            serde_json::json!({"package": "a/b", "what": {"test": ["TestB", "fails"]}}),
            serde_json::json!({"package": "a/b", "what": {"test": ["TestC", {"flakes": [1, 3]}]}}),
            serde_json::json!({"package": "a/b", "what": {"test": ["TestD", "timed-out"]}}),
            serde_json::json!({"package": "a/c", "what": {"not-built": "no zmq.h"}}),
            serde_json::json!({"package": "a/c", "what": {"nothing-ran": "x"}}),
            serde_json::json!({"package": "a/c", "what": {"other": "too late"}}),
        ];
        let text = serde_json::json!({"engines": [{
            "engine": "asan", "state": {"is": "on"}, "seconds": 2.5,
            "findings": findings, "trouble": trouble,
        }]});
        let outcome = parse(&text.to_string()).unwrap();
        let keys: Vec<String> = (outcome.findings.keys())
            .map(|it| format!("{}: {}", it.what, it.place))
            .collect();
        assert_eq!(
            keys,
            [
                "does not build: a/c",
                "double-free: TestA",
                "leak: a.c:3",
                "leak: a.c:7",
                "leak: a/b",
                "leak: strdup",
                "no test ran: a/c",
                "race: a.c:4 and a.c:5",
                "test fails: TestB",
                "test flakes: TestC",
                "test timed-out: TestD",
                "too late: a/c",
            ]
        );
        assert_eq!(outcome.engines[0].state, "on");
        assert_eq!(outcome.shown(), "12 findings in 2 s");
    }

    #[test]
    fn the_reason_of_an_engine_that_is_not_on_is_read() {
        let text = r#"{"engines": [{"engine": "asan", "seconds": 0.0, "findings": [], "trouble": [],
            "state": {"is": "unsupported", "why": "no libasan"}}]}"#;
        let outcome = parse(text).unwrap();
        let asan = &outcome.engines[0];
        assert_eq!((&*asan.state, &*asan.why), ("unsupported", "no libasan"));
    }
}
