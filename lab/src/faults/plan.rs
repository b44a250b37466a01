//! The cells of a run, in an order in which they share builds.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::file::{Fault, LAYERS};
use crate::engine::Engine;

/// A fault and an engine that must see it.
#[derive(Clone, Copy)]
pub(super) struct Planned<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) fault: &'a Fault,
}

/// Every cell of these faults and engines: by target folder, then by fault, so that engines which share a
/// folder take one build of a fault in turns.
pub(super) fn all<'a>(
    faults: impl Iterator<Item = &'a Fault>,
    engines: &[&'a dyn Engine],
) -> Vec<Planned<'a>> {
    let mut cells: Vec<Planned<'a>> = faults
        .flat_map(|fault| {
            let must =
                |engine: &&&'a dyn Engine| fault.engines.iter().any(|name| name == engine.name());
            engines.iter().filter(must).map(move |engine| Planned {
                engine: *engine,
                fault,
            })
        })
        .collect();
    in_order(&mut cells);
    cells
}

/// One cell of each engine and layer, of as few faults as will do; of one that hangs only where no other
/// will do.
pub(super) fn quick<'a>(cells: &[Planned<'a>]) -> Vec<Planned<'a>> {
    let pair = |cell: &Planned<'a>| (cell.engine.name(), cell.fault.layer);
    let mut missing: BTreeSet<_> = cells.iter().map(pair).collect();
    let mut chosen: Vec<Planned<'a>> = Vec::new();
    while !missing.is_empty() {
        let covers = |id: &str| {
            cells
                .iter()
                .filter(|cell| cell.fault.id == id && missing.contains(&pair(cell)))
                .count()
        };
        // The first of the best: the same ones each time.
        let best = cells
            .iter()
            .map(|cell| (covers(&cell.fault.id), cell.fault))
            .filter(|(count, _)| *count > 0)
            .min_by_key(|(count, fault)| (fault.hangs, Reverse(*count), fault.id.clone()));
        let Some((_, best)) = best else { break };
        for cell in cells.iter().filter(|cell| cell.fault.id == best.id) {
            if missing.remove(&pair(cell)) {
                chosen.push(*cell);
            }
        }
    }
    in_order(&mut chosen);
    chosen
}

/// Sorts cells by target folder, then by layer and fault.
fn in_order(cells: &mut [Planned<'_>]) {
    let layer = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    cells.sort_by_key(|cell| {
        (
            cell.engine.build(),
            layer(cell.fault.layer),
            cell.fault.id.clone(),
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engines;
    use crate::faults::file::tests::fault;
    use crate::subject::file::SubjectFile;

    fn subject() -> Engines {
        let file = SubjectFile::parse(
            "[[suite]]\nengine = \"leak\"\nrunner = \"go\"\n\
             [[suite]]\nengine = \"loom\"\nrunner = \"nextest\"\nwhat = \"models\"\n\
             package = \"p\"\ntarget = \"target/loom\"\n\
             canary = { test = \"c\", says = \"d\" }\n",
        );
        Engines::of(&file.unwrap())
    }

    fn shown(cells: &[Planned<'_>]) -> Vec<String> {
        cells
            .iter()
            .map(|cell| format!("{} {}", cell.engine.name(), cell.fault.id))
            .collect()
    }

    #[test]
    fn engines_of_one_build_take_turns_on_a_fault() {
        let faults = [
            fault("b", "native", &["go", "loom", "race"]),
            fault("a", "native", &["go", "loom", "race"]),
            fault("0", "go", &["go"]),
        ];
        let subject = subject();
        let engines = subject.select(&[]).unwrap();
        assert_eq!(
            shown(&all(faults.iter(), &engines)),
            [
                "loom a", "loom b", "go a", "race a", "go b", "race b", "go 0"
            ]
        );
        let loom = subject.select(&["loom".to_owned()]).unwrap();
        assert_eq!(shown(&all(faults.iter(), &loom)), ["loom a", "loom b"]);
    }

    #[test]
    fn a_quick_run_has_each_engine_and_layer_once() {
        let faults = [
            fault("a", "native", &["go"]),
            fault("b", "native", &["go", "race", "loom"]),
            fault("c", "go", &["go"]),
            fault("d", "native", &["loom", "leak"]),
        ];
        let subject = subject();
        let engines = subject.select(&[]).unwrap();
        let cells = all(faults.iter(), &engines);
        assert_eq!(
            shown(&quick(&cells)),
            ["loom b", "go b", "race b", "leak d", "go c"]
        );
        let mut faults = faults;
        faults[1].hangs = true;
        faults[2].hangs = true;
        let cells = all(faults.iter(), &engines);
        assert_eq!(
            shown(&quick(&cells)),
            ["loom d", "go a", "race b", "leak d", "go c"]
        );
    }
}
