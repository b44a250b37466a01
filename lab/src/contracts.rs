//! `cargo lab contracts`: the catalogue, and how well the last run of each engine covered it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde::Serialize;

use crate::catalogue::{Catalogue, Contract, State};
use crate::out;
use crate::record::Record;
use crate::results;
use crate::table;
use crate::verdict::cell;
use crate::workspace::Workspace;

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
    let catalogue = Catalogue::load(&workspace.path("contracts"))?;
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
            let states = Catalogue::states(contract, |engine| {
                exercised.contains(&(contract.id.clone(), engine.to_owned()))
            });
            (contract, states)
        });
    if json {
        out::line(as_json(rows)?)
    } else {
        out::print(table::catalogue(rows))
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

/// Contract and engine of every cell that holds.
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
            canary,
        ]);
        let pairs: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(pairs, ["REQ-01"]);
    }
}
