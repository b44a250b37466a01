//! The view for code scanning: SARIF 2.1.0, with paths from the root of the repository, as GitHub takes them.
//!
//! Findings and plain failures are results. What an engine could not judge is a notification of the invocation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::foreign::outcome::{EngineOutcome, Folded, Outcome, State, Trouble, What};
use crate::foreign::report::Place;

/// The name that GitHub gives the root of a repository.
const REPOSITORY: &str = "%SRCROOT%";
/// Bytes of a path that a URI has in other words.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

/// The outcome of the module in this folder as SARIF.
pub(super) fn render(outcome: &Outcome, root: &Path) -> Result<String> {
    let files = Files::of(root);
    let plain = outcome.plain_trouble().into_iter();
    let plain = plain.map(|it| plain_failure(it, &files));
    let findings = outcome.findings.iter().map(|it| finding(it, &files));
    let results: Vec<Value> = plain.chain(findings).collect();
    let ids: BTreeSet<&str> = results
        .iter()
        .filter_map(|it| it["ruleId"].as_str())
        .collect();
    let rules: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "id": id, "shortDescription": { "text": id } }))
        .collect();
    let notifications: Vec<Value> = outcome.engines.iter().flat_map(notifications).collect();
    let failed = notifications.iter().any(|it| it["level"] == "error");
    let sarif = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "cgolab", "version": outcome.version, "rules": rules } },
            "originalUriBaseIds": {
                REPOSITORY: { "description": { "text": "The root of the repository." } },
            },
            "invocations": [{
                "executionSuccessful": !failed && !outcome.interrupted,
                "exitCodeDescription": outcome.headline(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    Ok(serde_json::to_string_pretty(&sarif)?)
}

/// Notifications of what an engine could not judge. Plain failures are results.
fn notifications(engine: &EngineOutcome) -> Vec<Value> {
    let says = |level: &str, what: &str| json!({ "level": level, "message": { "text": format!("{}: {what}", engine.engine) } });
    let mut notes = Vec::new();
    match engine.state {
        State::On => {}
        State::Off(_) | State::Stopped => notes.push(says("error", &engine.shown())),
        State::Unsupported(_) | State::NotRun(_) => notes.push(says("warning", &engine.shown())),
    }
    let unjudged = engine.trouble.iter().filter(|_| !engine.is_plain());
    notes.extend(unjudged.map(|it| says("error", &it.shown(false))));
    let unread = engine.left_unread.iter();
    notes.extend(unread.map(|it| says("warning", &format!("not read: {it}"))));
    notes
}

fn plain_failure(trouble: &Trouble, files: &Files) -> Value {
    let (rule, test) = match &trouble.what {
        What::Test(test, _) => ("failing test", test.as_str()),
        What::NotBuilt(_) => ("package does not build", ""),
        What::NothingRan(_) => ("no test ran", ""),
        What::Other(_) => ("package not judged", ""),
    };
    json!({
        "ruleId": rule,
        "level": "error",
        "message": { "text": trouble.shown(true) },
        "partialFingerprints": { "signature/v2": format!("{rule} | {} | {test}", trouble.package) },
        "locations": [files.whole_module()],
    })
}

fn finding(folded: &Folded, files: &Files) -> Value {
    let report = &folded.first.report;
    let places: Vec<&Place> = [&report.go, &report.c].into_iter().flatten().collect();
    let mut locations: Vec<Value> = places
        .iter()
        .filter(|it| it.own)
        .filter_map(|it| files.location(it.file.as_ref()?, it.line))
        .collect();
    // GitHub refuses a result without a location.
    if locations.is_empty() {
        locations.extend(files.whole_module());
    }
    let mut text = format!("{}, seen by {}", report.class, folded.engines.join(", "));
    if let Some(says) = report.says() {
        text = format!("{text}: {says}");
    }
    for place in places {
        text = format!("{text}; {}", place.shown());
    }
    text = format!("{text}; again: {}", folded.first.command);
    let mut result = json!({
        "ruleId": report.class,
        "level": level(folded),
        "message": { "text": text },
        "partialFingerprints": { "signature/v2": folded.signature },
        "locations": locations,
    });
    let known = folded.first.known.as_ref();
    let known = known.map(|it| format!("{}: {}", it.reason, it.reference));
    if let Some(why) = known.or(folded.accepted.clone()) {
        result["suppressions"] = json!([{ "kind": "external", "justification": why }]);
    }
    result
}

fn level(folded: &Folded) -> &'static str {
    match (folded.counts(), folded.warns()) {
        (true, _) => "error",
        (_, true) => folded.first.severity.words(),
        _ => "note",
    }
}

/// Files as URIs from the root of the repository.
struct Files<'a> {
    module: &'a Path,
    repository: &'a Path,
}

impl Files<'_> {
    /// The files of a module. Its repository is the nearest folder with `.git`, else the module itself.
    fn of(module: &Path) -> Files<'_> {
        let mut above = module.ancestors();
        Files {
            module,
            repository: above.find(|it| it.join(".git").exists()).unwrap_or(module),
        }
    }

    /// A line of a file, whose path is absolute or from the module; nothing for a file outside of the repository.
    fn location(&self, file: &str, line: Option<u32>) -> Option<Value> {
        let file: PathBuf = self.module.join(file);
        let below = file
            .strip_prefix(self.repository)
            .ok()?
            .display()
            .to_string();
        Some(json!({
            "physicalLocation": {
                "artifactLocation": {
                    "uri": utf8_percent_encode(&below, ESCAPED).to_string(),
                    "uriBaseId": REPOSITORY,
                },
                "region": { "startLine": line.unwrap_or(1).max(1) },
            },
        }))
    }

    /// The place of what is nowhere else: the module's go.mod.
    fn whole_module(&self) -> Option<Value> {
        self.location("go.mod", None)
    }
}
