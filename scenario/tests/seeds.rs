//! The seeds of the fuzz targets: each still puts the contract to the test that it is named for.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::path::Path;

use courier_scenario::driver::AbiDriver;
use courier_scenario::hostile::{ids, memory, structs};
use courier_scenario::oracle::{self, ContractCounts};
use courier_scenario::{Step, bytes};

fn contracts(result: Result<ContractCounts, impl Display>) -> BTreeSet<&'static str> {
    match result {
        Ok(counts) => counts.contracts().collect(),
        Err(broken) => panic!("{broken}"),
    }
}

/// One test: there is one driver of the C ABI in a process.
#[test]
fn each_seed_checks_the_contract_in_its_name() {
    let mut driver = AbiDriver::new();
    let mut scenario = |steps: &[Step]| {
        driver.reset();
        contracts(oracle::run(steps, &mut driver, |_, _| {}))
    };
    let mut checked = |target: &str, input: &[u8]| match target {
        "request_lifecycle" => scenario(&bytes::decode(input)),
        "valid_lifecycle" => scenario(&oracle::without_refusals(&bytes::decode(input))),
        "hostile_ids" => contracts(ids::hostile_ids(input)),
        "abi_structs" => contracts(structs::abi_structs(input)),
        "memory_views" => contracts(memory::memory_views(input)),
        other => panic!("say here what runs the seeds of {other}"),
    };
    let mut wrong = Vec::new();
    let mut seeds = 0;
    for target in fs::read_dir("../fuzz/seeds").unwrap() {
        let target = target.unwrap().path();
        let name = target.file_name().and_then(|name| name.to_str()).unwrap();
        for seed in fs::read_dir(&target).unwrap() {
            let seed = seed.unwrap().path();
            seeds += 1;
            let contracts = checked(name, &fs::read(&seed).unwrap());
            if !contracts.iter().any(|contract| is_of(&seed, contract)) {
                wrong.push(seed);
            }
        }
    }
    assert!(seeds > 50, "{seeds}");
    assert_eq!(wrong, [""; 0].map(Path::new));
}

/// `REQ-04-5-steps` is a seed of REQ-04.
fn is_of(seed: &Path, contract: &str) -> bool {
    let name = seed.file_name().and_then(|name| name.to_str()).unwrap();
    name.strip_prefix(contract)
        .is_some_and(|rest| rest.starts_with('-'))
}
