//! `cargo lab contracts`: the catalogue, and its coverage by the last run of each engine.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde::Serialize;

use crate::engine::Subject;
use crate::host::out::{self, STYLE, WIDTH};
use crate::host::workspace::Workspace;
use crate::record::Record;
use crate::record::results;
use crate::subject::catalogue::{Catalogue, Contract, State};
use crate::verdict::cell;

/// One element of the JSON array.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    sentence: &'a str,
    layer: &'a [String],
    source: &'a [String],
    engines: BTreeMap<String, State>,
}

/// Prints the catalogue, or one family of it.
pub(crate) fn print(workspace: &Workspace, family: Option<&str>, json: bool) -> Result<()> {
    let subject = Subject::load(workspace)?;
    let catalogue = &subject.catalogue;
    let engines = subject.engines.known();
    let wanted = family.map(str::to_ascii_uppercase);
    if let Some(wanted) = &wanted
        && !catalogue.families.iter().any(|f| f.name == *wanted)
    {
        let known: Vec<&str> = catalogue.families.iter().map(|f| f.name.as_str()).collect();
        bail!(
            "family `{wanted}` is unknown; choose from {}",
            known.join(", ")
        );
    }
    let exercised = exercised(&results::last_of_each_engine(workspace)?);
    let rows = catalogue
        .contracts()
        .filter(|contract| wanted.as_deref().is_none_or(|w| contract.family() == w))
        .map(|contract| {
            let states = Catalogue::states(contract, &engines, |engine| {
                exercised.contains(&(contract.id.clone(), engine.to_owned()))
            });
            (contract, states)
        });
    if json {
        out::line(as_json(rows)?)
    } else {
        out::print(table(rows))
    }
}

fn as_json<'a>(
    rows: impl Iterator<Item = (&'a Contract, BTreeMap<String, State>)>,
) -> Result<String> {
    let rows: Vec<Row<'_>> = rows
        .map(|(contract, engines)| Row {
            id: &contract.id,
            sentence: &contract.sentence,
            layer: &contract.layer,
            source: &contract.source,
            engines,
        })
        .collect();
    Ok(serde_json::to_string_pretty(&rows)?)
}

/// Contract and engine of every cell in which a check passed.
fn exercised(records: &[Record]) -> BTreeSet<(String, String)> {
    let mut cells: BTreeMap<(&str, &str), Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|record| cell::speaks(record)) {
        if let Some(contract) = &record.contract {
            let key = (contract.as_str(), record.engine.as_str());
            cells.entry(key).or_default().push(record);
        }
    }
    cells
        .into_iter()
        .filter(|(_, records)| cell::holds(records))
        .map(|((contract, engine), _)| (contract.to_owned(), engine.to_owned()))
        .collect()
}

/// The catalogue for people: contract, sentence, and engines by state.
fn table<'a>(contracts: impl Iterator<Item = (&'a Contract, BTreeMap<String, State>)>) -> String {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["contract", "sentence", "engines"]);
    let mut totals: BTreeMap<State, usize> = BTreeMap::new();
    let mut count = 0;
    for (contract, states) in contracts {
        count += 1;
        if let Some(best) = states.values().min() {
            *totals.entry(*best).or_default() += 1;
        }
        let lines: Vec<String> = [State::Exercised, State::Claimed, State::Planned]
            .into_iter()
            .filter_map(|state| {
                let names: Vec<&str> = states
                    .iter()
                    .filter(|(_, other)| **other == state)
                    .map(|(name, _)| name.as_str())
                    .collect();
                (!names.is_empty()).then(|| format!("{}: {}", word(state), names.join(", ")))
            })
            .collect();
        table.add_row([
            Cell::new(&contract.id).set_alignment(CellAlignment::Left),
            Cell::new(&contract.sentence),
            Cell::new(lines.join("\n")),
        ]);
    }
    let total = |state| totals.get(&state).copied().unwrap_or(0);
    format!(
        "{table}\n\n{count} contracts: {} exercised by the last runs, {} claimed and not exercised, \
         {} only planned\n",
        total(State::Exercised),
        total(State::Claimed),
        total(State::Planned)
    )
}

fn word(state: State) -> &'static str {
    match state {
        State::Exercised => "exercised",
        State::Claimed => "claimed",
        State::Planned => "planned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Kind, Outcome};

    #[test]
    fn exercised_means_passed_and_not_contradicted() {
        let record = |contract: &str, outcome| Record {
            contract: Some(contract.to_owned()),
            ..Record::check("race", "x", outcome)
        };
        let canary = Record {
            kind: Kind::Canary,
            ..record("REQ-09", Outcome::Pass)
        };
        let found = exercised(&[
            record("REQ-01", Outcome::Pass),
            record("REQ-02", Outcome::Pass),
            record("REQ-02", Outcome::Fail),
            record("REQ-03", Outcome::Skipped),
            record("REQ-04", Outcome::Pass),
            // Without a reason.
            record("REQ-04", Outcome::Skipped),
            record("REQ-05", Outcome::Pass),
            record("REQ-05", Outcome::Skipped).because("no clang"),
            canary,
        ]);
        let pairs: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(pairs, ["REQ-01", "REQ-05"]);
    }

    #[test]
    fn the_catalogue_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let contract = |id: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\nsentence = \"A sentence of some length.\"\n\
                 layer = [\"go\"]\nsource = []\nclaimed = [\"race\"]\nplanned = [\"loom\"]\n"
            )
        };
        let text = format!(
            "title = \"x\"\n{}{}",
            contract("REQ-03"),
            contract("REQ-04")
        );
        std::fs::write(dir.path().join("req.toml"), text).unwrap();
        let loaded = Catalogue::load(dir.path()).unwrap();
        let text = table(loaded.contracts().map(|contract| {
            let exercised = contract.id == "REQ-03";
            let states =
                Catalogue::states(contract, &["race"], |engine| exercised && engine == "race");
            (contract, states)
        }));
        assert!(text.contains("exercised: race"), "{text}");
        assert!(text.contains("claimed: race"), "{text}");
        assert!(
            text.contains("2 contracts: 1 exercised by the last runs, 1 claimed"),
            "{text}"
        );
        assert!(
            text.lines().take(5).all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
