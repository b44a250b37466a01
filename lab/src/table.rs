//! The look of printed tables, and the table of the catalogue.

use std::collections::BTreeMap;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::catalogue::{Contract, State};

/// Width of everything that is printed.
pub(crate) const WIDTH: u16 = 80;
/// A line below the header, and no others: many rows, little ink.
pub const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The catalogue for people: contract, sentence, and engines by state.
pub(crate) fn catalogue<'a>(
    contracts: impl Iterator<Item = (&'a Contract, BTreeMap<String, State>)>,
) -> String {
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
    use crate::catalogue::Catalogue;

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
        let text = catalogue(loaded.contracts().map(|contract| {
            let exercised = contract.id == "REQ-03";
            let states = Catalogue::states(contract, |engine| exercised && engine == "race");
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
