//! Contracts that are proven: a planted bug that breaks one was caught, in the code as it is now.
//!
//! A check that passes exercises a contract. Only a check that has been seen red proves that it can tell.

use std::collections::BTreeSet;

use anyhow::Result;

use super::store::{self, Keys};
use super::{file, plan};
use crate::catalogue::Catalogue;
use crate::engine;
use crate::workspace::Workspace;

/// Contracts that are named in one line.
const IDS_A_LINE: usize = 9;

/// Contracts of this checkout that runs of `cargo lab faults` have proven.
pub(crate) struct Proven {
    /// Contract and engine.
    caught: BTreeSet<(String, String)>,
}

impl Proven {
    /// Reads the finished cells. Those of other code, tests, faults or tools count for nothing.
    pub(crate) fn load(workspace: &Workspace, catalogue: &Catalogue) -> Result<Proven> {
        if !workspace.path("faults").is_dir() {
            return Ok(Proven {
                caught: BTreeSet::new(),
            });
        }
        let faults = file::load(&workspace.path("faults"), catalogue, &engine::names())?;
        let keys = Keys::of(workspace)?;
        let cells = store::load(workspace);
        let caught = plan::all(faults.iter(), &engine::BUILT)
            .into_iter()
            .filter(|planned| {
                let cell = cells.get(&keys.fault(planned.engine, planned.fault));
                let verdict = cell.and_then(|cell| cell.verdict());
                verdict.is_some_and(|verdict| verdict.is_detected())
            })
            .map(|it| (it.fault.contract.clone(), it.engine.name().to_owned()))
            .collect();
        Ok(Proven { caught })
    }

    /// True if this engine caught a bug that breaks the contract.
    pub(crate) fn by(&self, contract: &str, engine: &str) -> bool {
        self.caught
            .contains(&(contract.to_owned(), engine.to_owned()))
    }

    /// True if some engine that claims the contract did.
    fn contract(&self, contract: &crate::catalogue::Contract) -> bool {
        contract
            .claimed
            .iter()
            .any(|engine| self.by(&contract.id, engine))
    }

    /// The end of a report: how many claimed contracts are proven, and which are not.
    pub(crate) fn headline(&self, catalogue: &Catalogue) -> String {
        let claimed = || catalogue.contracts().filter(|it| !it.claimed.is_empty());
        let not: Vec<&str> = claimed()
            .filter(|contract| !self.contract(contract))
            .map(|contract| contract.id.as_str())
            .collect();
        let all = claimed().count();
        let mut line = format!("proven by planted bugs: {} of {all}", all - not.len());
        line.push_str(" claimed contracts");
        for (number, some) in not.chunks(IDS_A_LINE).enumerate() {
            line.push_str(if number == 0 {
                "\nnot proven: "
            } else {
                "\n            "
            });
            line.push_str(&some.join(" "));
        }
        line
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
        let text = [
            contract("REQ-01", "\"go\""),
            contract("REQ-02", "\"go\""),
            contract("REQ-03", ""),
        ];
        let text = format!("title = \"x\"\n{}", text.concat());
        std::fs::write(dir.path().join("req.toml"), text).unwrap();
        let catalogue = Catalogue::load(dir.path()).unwrap();
        let pair = |id: &str, engine: &str| (id.to_owned(), engine.to_owned());
        let proven = Proven {
            caught: BTreeSet::from([pair("REQ-01", "go"), pair("REQ-02", "race")]),
        };
        assert!(proven.by("REQ-01", "go") && !proven.by("REQ-02", "go"));
        assert_eq!(
            proven.headline(&catalogue),
            "proven by planted bugs: 1 of 2 claimed contracts\nnot proven: REQ-02"
        );
    }
}
