//! Structs with any size and contents.
#![no_main]

use courier_scenario::fuzz;
use courier_scenario::hostile::structs::abi_structs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: fuzz::init(),
    |input: &[u8]| fuzz::hostile(abi_structs, input)
);
