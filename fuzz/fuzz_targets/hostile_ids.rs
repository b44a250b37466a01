//! Handles that are none, against every export that takes one.
#![no_main]

use courier_scenario::fuzz;
use courier_scenario::hostile::ids::hostile_ids;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: fuzz::init(),
    |input: &[u8]| fuzz::hostile(hostile_ids, input)
);
