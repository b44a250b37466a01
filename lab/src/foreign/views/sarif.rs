//! The view for code scanning: SARIF 2.1.0, with paths relative to the module.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};

use crate::foreign::outcome::{Folded, Outcome};
use crate::foreign::report::Place;

/// The outcome as SARIF.
pub(super) fn render(outcome: &Outcome) -> Result<String> {
    let classes: BTreeSet<&str> = outcome
        .findings
        .iter()
        .map(|it| it.first.report.class.as_str())
        .collect();
    let rules: Vec<Value> = classes
        .iter()
        .map(|class| json!({ "id": class, "shortDescription": { "text": class } }))
        .collect();
    let sarif = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "cgolab", "version": outcome.version, "rules": rules } },
            "invocations": [{ "executionSuccessful": !outcome.interrupted, "exitCodeDescription": outcome.headline() }],
            "results": outcome.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    Ok(serde_json::to_string_pretty(&sarif)?)
}

fn result(folded: &Folded) -> Value {
    let report = &folded.first.report;
    let places: Vec<&Place> = [&report.go, &report.c].into_iter().flatten().collect();
    let locations: Vec<Value> = places
        .iter()
        .filter(|it| it.own)
        .filter_map(|it| location(it))
        .collect();
    let mut text = format!("{}, seen by {}", report.class, folded.engines.join(", "));
    for place in places {
        text = format!("{text}; {}", place.shown());
    }
    text = format!("{text}; again: {}", folded.first.command);
    let mut result = json!({
        "ruleId": report.class,
        "level": level(folded),
        "message": { "text": text },
        "partialFingerprints": { "signature/v1": folded.signature },
        "locations": locations,
    });
    if let Some(known) = &folded.first.known {
        result["suppressions"] = json!([{ "kind": "external", "justification": format!("{}: {}", known.reason, known.reference) }]);
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

fn location(place: &Place) -> Option<Value> {
    let file = place.file.as_ref()?;
    Some(json!({
        "physicalLocation": {
            "artifactLocation": { "uri": file.replace('\\', "/").replace(' ', "%20") },
            "region": { "startLine": place.line.unwrap_or(1).max(1) },
        },
    }))
}
