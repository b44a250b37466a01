//! docs/strangers.md, made from the record between a head and a tail that people write.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};
use cgolab::host::workspace::Workspace;

use super::Module;
use super::record::{FOLDER, Judged, Key, Known, Record, UNREAD};

const PAGE: &str = "docs/strangers.md";
/// The places of a row that are written out; of the others there is the number.
const PLACES: usize = 3;

/// Writes the page.
pub(super) fn write(workspace: &Workspace, list: &[Module], record: &Record) -> Result<()> {
    let text = text(workspace, list, record)?;
    fs::write(workspace.path(PAGE), text).with_context(|| format!("cannot write {PAGE}"))
}

fn text(workspace: &Workspace, list: &[Module], record: &Record) -> Result<String> {
    let read = |name: &str| {
        let path = workspace.path(FOLDER).join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    Ok(format!(
        "{}\n{}\n{}",
        read("head.md")?,
        tables(list, record),
        read("tail.md")?
    ))
}

/// The table of engines and that of findings.
fn tables(list: &[Module], record: &Record) -> String {
    let listed: Vec<(&Module, &Known)> = (list.iter())
        .filter_map(|module| Some((module, record.0.get(&module.id())?)))
        .collect();
    let mut engines: Vec<&str> = Vec::new();
    for engine in listed.iter().flat_map(|(_, known)| &known.engines) {
        if !engines.contains(&engine.name.as_str()) {
            engines.push(&engine.name);
        }
    }
    // Writing to a String cannot fail.
    let mut text = String::new();
    let _ = writeln!(text, "| module | {} | seconds |", engines.join(" | "));
    let _ = writeln!(text, "|---|{}---|", "---|".repeat(engines.len()));
    for (module, known) in &listed {
        let cells: Vec<String> = engines.iter().map(|it| cell(known, it)).collect();
        let seconds: f64 = known.engines.iter().map(|it| it.seconds).sum();
        let _ = writeln!(
            text,
            "| {} ({}) | {} | {seconds:.0} |",
            short(module),
            module.native,
            cells.join(" | ")
        );
    }
    text.push_str("\n## Findings, read by hand\n\n| module | engine | finding | where | judged |\n|---|---|---|---|---|\n");
    for (module, known) in &listed {
        for ((what, engines, judged), places) in rows(known) {
            let _ = writeln!(
                text,
                "| {} | {} | {what} | {} | {judged} |",
                short(module),
                engines.replace(',', ", "),
                shown(&places)
            );
        }
    }
    text
}

/// A module and its version, as short as people name it.
fn short(module: &Module) -> String {
    let path = module.path.trim_start_matches("github.com/");
    let packages = module.packages.as_ref();
    let packages = packages.map_or_else(String::new, |it| {
        format!(", {}", it.trim_start_matches("./"))
    });
    format!("{path} {}{packages}", module.version)
}

/// Findings and seconds of an engine; no seconds if it took none worth a number.
fn cell(known: &Known, engine: &str) -> String {
    let Some(engine) = known.engines.iter().find(|it| it.name == engine) else {
        return String::new();
    };
    if engine.state != "on" {
        return engine.state.clone();
    }
    let sees =
        |it: &&Judged| it.always.contains(&engine.name) || it.sometimes.contains(&engine.name);
    let seconds = (engine.seconds >= 0.5).then(|| format!("{:.0}", engine.seconds));
    match (known.findings.values().filter(sees).count(), seconds) {
        (0, None) => "clean".to_owned(),
        (0, Some(seconds)) => format!("clean {seconds}"),
        (count, None) => count.to_string(),
        (count, Some(seconds)) => format!("{count}, {seconds}"),
    }
}

/// Findings of one kind, with the engines that see them and the judgement.
type Row = (String, String, String);

/// Findings of which the same is said, in one row with all of their places.
fn rows(known: &Known) -> Vec<(Row, BTreeSet<&str>)> {
    let mut rows: Vec<(Row, BTreeSet<&str>)> = Vec::new();
    for (Key { what, place }, judged) in &known.findings {
        let row = (what.clone(), judged.engines(), said(judged));
        match rows.iter_mut().find(|(other, _)| *other == row) {
            Some((_, places)) => {
                places.insert(place);
            }
            None => rows.push((row, BTreeSet::from([place.as_str()]))),
        }
    }
    rows
}

fn said(judged: &Judged) -> String {
    match (judged.judgement.as_str(), judged.reason.as_str()) {
        (UNREAD, _) => "not judged".to_owned(),
        (judgement, "") => judgement.to_owned(),
        (judgement, reason) => format!("{judgement}: {reason}"),
    }
}

/// The first places, and the number of the others.
fn shown(places: &BTreeSet<&str>) -> String {
    let first: Vec<String> = (places.iter().take(PLACES))
        .map(|it| format!("`{it}`"))
        .collect();
    let first = first.join(", ");
    match places.len().saturating_sub(PLACES) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LIST, parse};
    use super::*;

    #[test]
    fn the_page_is_that_of_the_record() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let workspace = Workspace::at(&root);
        let list = parse(&fs::read_to_string(root.join(LIST)).unwrap()).unwrap();
        let record = Record::load(&workspace).unwrap();
        let page = fs::read_to_string(root.join(PAGE)).unwrap();
        assert!(
            page == text(&workspace, &list, &record).unwrap(),
            "{PAGE} is not current; run `cargo lab modules --page`"
        );
    }

    #[test]
    fn equal_judgements_are_one_row_and_engines_are_columns() {
        let list = parse("github.com/a/b v1 . C in the package\na/c v2 ./d no cgo\na/new v3 . x\n");
        let engines = "github.com/a/b@v1\tplain\ton\t3\ngithub.com/a/b@v1\tasan\ton\t5\na/c@v2\tplain\ton\t1\n\
            a/c@v2\tasan\tunsupported\t0\na/c@v2\tstorm\ton\t0\n";
        let one = |place: &str, judged: &str| {
            format!("github.com/a/b@v1\tasan,storm?\tleak\t{place}\t{judged}\n")
        };
        let findings = [
            one("a.c:1", "binding\tone for each call"),
            one("a.c:2", "binding\tone for each call"),
            one("a.c:3", "binding\tone for each call"),
            one("a.c:4", "binding\tone for each call"),
            one("a.c:5", "tests\t"),
            one("a.c:6", "unread\t"),
        ];
        let record = Record::parse(engines, &findings.concat()).unwrap();
        assert_eq!(
            tables(&list.unwrap(), &record),
            "| module | plain | asan | storm | seconds |\n|---|---|---|---|---|\n\
             | a/b v1 (C in the package) | clean 3 | 6, 5 |  | 8 |\n\
             | a/c v2, d (no cgo) | clean 1 | unsupported | clean | 1 |\n\n\
             ## Findings, read by hand\n\n\
             | module | engine | finding | where | judged |\n|---|---|---|---|---|\n\
             | a/b v1 | asan, storm? | leak | `a.c:1`, `a.c:2`, `a.c:3` and 1 more | binding: one for each call |\n\
             | a/b v1 | asan, storm? | leak | `a.c:5` | tests |\n\
             | a/b v1 | asan, storm? | leak | `a.c:6` | not judged |\n"
        );
    }
}
