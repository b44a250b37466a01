//! The seeds of the fuzz targets: each still puts the contract to the test that it is named for.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use courier_scenario::driver::AbiDriver;
use courier_scenario::hostile::{ids, memory, structs};
use courier_scenario::oracle::{self, ContractCounts};
use courier_scenario::{Step, bytes};

/// The contracts that a seed has checked, or the report of what it broke.
type Checked = Result<BTreeSet<&'static str>, String>;

fn contracts(result: Result<ContractCounts, impl Display>) -> Checked {
    let checked = result.map(|counts| counts.contracts().collect());
    checked.map_err(|broken| broken.to_string())
}

/// One test: there is one driver of the C ABI in a process.
#[test]
fn each_seed_checks_the_contract_in_its_name() {
    let mut driver = AbiDriver::on_threads();
    let hung = Cell::new(false);
    let mut checked = |target: &str, input: &[u8]| {
        // A seed that broke something may have left something alive.
        driver.restart();
        let mut scenario = |steps: &[Step]| {
            let result = oracle::run(steps, &mut driver, |_, _| {});
            hung.set(result.as_ref().is_err_and(|broken| broken.hung));
            contracts(result)
        };
        match target {
            "request_lifecycle" => scenario(&bytes::decode(input)),
            "valid_lifecycle" => scenario(&oracle::without_refusals(&bytes::decode(input))),
            "hostile_ids" => contracts(ids::hostile_ids(input)),
            "abi_structs" => contracts(structs::abi_structs(input)),
            "memory_views" => contracts(memory::memory_views(input)),
            other => panic!("say here what runs the seeds of {other}"),
        }
    };
    let mut wrong = Vec::new();
    let mut broken = Vec::new();
    let mut seeds = 0;
    'seeds: for target in files("../fuzz/seeds".as_ref()) {
        let name = target.file_name().and_then(|name| name.to_str()).unwrap();
        for seed in files(&target) {
            seeds += 1;
            match checked(name, &fs::read(&seed).unwrap()) {
                Ok(contracts) if contracts.iter().any(|it| is_of(&seed, it)) => {}
                Ok(_) => wrong.push(seed),
                // The others may break other contracts, if there is a library to ask.
                Err(report) => broken.push(report),
            }
            if hung.get() {
                break 'seeds;
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(seeds > 50, "{seeds}");
    assert_eq!(wrong, [""; 0].map(Path::new));
}

/// The content of a folder, by name.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// `REQ-04-5-steps` is a seed of REQ-04.
fn is_of(seed: &Path, contract: &str) -> bool {
    let name = seed.file_name().and_then(|name| name.to_str()).unwrap();
    name.strip_prefix(contract)
        .is_some_and(|rest| rest.starts_with('-'))
}
