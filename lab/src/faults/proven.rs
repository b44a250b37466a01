//! Contracts that are proven: a planted bug that breaks one was caught, in the code as it is now.
//!
//! A check that passes exercises a contract. Only a check that has been seen red proves that it can tell.

use std::collections::BTreeSet;

use anyhow::Result;

use super::store::{self, Keys};
use super::{file, plan};
use crate::engine::Subject;
use crate::host::machine::ours;
use crate::host::workspace::Workspace;
use crate::subject::catalogue::{Catalogue, Contract};

/// Contracts that are named in one line.
const IDS_A_LINE: usize = 9;

/// Contracts of this checkout that runs of `cargo lab faults` have proven.
#[derive(Debug, PartialEq)]
pub(crate) struct Proven {
    /// Contract and engine, of every fault.
    pub(super) planned: BTreeSet<(String, String)>,
    /// Those of them that were caught.
    pub(super) caught: BTreeSet<(String, String)>,
}

impl Proven {
    /// Reads the finished cells. Those of other code, tests, faults or tools count for nothing.
    pub(crate) fn load(workspace: &Workspace, subject: &Subject) -> Result<Proven> {
        if !workspace.path("faults").is_dir() {
            return Ok(Proven {
                planned: BTreeSet::new(),
                caught: BTreeSet::new(),
            });
        }
        let faults = file::load(
            &workspace.path("faults"),
            &subject.catalogue,
            &subject.engines.names(),
        )?;
        let keys = Keys::of(workspace, &subject.engines)?;
        let cells = store::load(workspace);
        let (mut planned, mut caught) = (BTreeSet::new(), BTreeSet::new());
        for cell in plan::all(faults.iter(), &subject.engines.select(&[])?) {
            let pair = (cell.fault.contract.clone(), cell.engine.name().to_owned());
            let finished = cells.get(&keys.fault(cell.engine, cell.fault));
            let verdict = finished.and_then(|finished| finished.verdict());
            if verdict.is_some_and(|verdict| verdict.is_detected()) {
                caught.insert(pair.clone());
            }
            planned.insert(pair);
        }
        Ok(Proven { planned, caught })
    }

    /// The last lines of a report: the numbers of claimed contracts that are proven and of those whose faults
    /// all escaped, and the contracts without a fault.
    pub(crate) fn headline(&self, catalogue: &Catalogue) -> String {
        let among = |pairs: &BTreeSet<(String, String)>, contract: &Contract| {
            let pair = |engine: &String| (contract.id.clone(), engine.clone());
            contract.claimed.iter().any(|it| pairs.contains(&pair(it)))
        };
        let claimed = || catalogue.contracts().filter(|it| !it.claimed.is_empty());
        let all = claimed().count();
        let proven = claimed().filter(|it| among(&self.caught, it)).count();
        let none: Vec<&str> = claimed()
            .filter(|contract| !among(&self.planned, contract))
            .map(|contract| contract.id.as_str())
            .collect();
        let waiting = all - proven - none.len();
        let mut text = format!("proven by planted bugs: {proven} of {all} claimed contracts");
        if waiting > 0 {
            text.push_str(&format!(
                "\nof {waiting} no fault was caught yet, in the code as it is: `{}`",
                ours("faults")
            ));
        }
        for (number, some) in none.chunks(IDS_A_LINE).enumerate() {
            text.push_str(if number == 0 {
                "\nno fault yet: "
            } else {
                "\n              "
            });
            text.push_str(&some.join(" "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_counts_what_a_claiming_engine_caught() {
        let dir = tempfile::tempdir().unwrap();
        let contract = |id: &str, claimed: &str| {
            format!(
                "[[contract]]\nid = \"{id}\"\nsentence = \"x\"\nlayer = [\"go\"]\nsource = []\n\
                 claimed = [{claimed}]\nplanned = [\"leak\"]\n"
            )
        };
        let text: String = ["REQ-01", "REQ-02", "REQ-03"]
            .map(|id| contract(id, "\"go\""))
            .concat();
        let text = format!("title = \"x\"\n{text}{}", contract("REQ-04", ""));
        std::fs::write(dir.path().join("req.toml"), text).unwrap();
        let catalogue = Catalogue::load(dir.path()).unwrap();
        let pair = |id: &str, engine: &str| (id.to_owned(), engine.to_owned());
        let caught = BTreeSet::from([pair("REQ-01", "go"), pair("REQ-02", "race")]);
        let mut planned = caught.clone();
        let caught_all = Proven {
            planned: planned.clone(),
            caught: caught.clone(),
        };
        assert_eq!(
            caught_all.headline(&catalogue),
            "proven by planted bugs: 1 of 3 claimed contracts\nno fault yet: REQ-02 REQ-03"
        );
        planned.insert(pair("REQ-02", "go"));
        let proven = Proven { planned, caught };
        assert_eq!(
            proven.headline(&catalogue),
            "proven by planted bugs: 1 of 3 claimed contracts\n\
             of 1 no fault was caught yet, in the code as it is: `cargo lab faults`\n\
             no fault yet: REQ-03"
        );
    }
}
