//! Views, capacities and text that are none.
#![no_main]

use courier_scenario::fuzz;
use courier_scenario::hostile::memory::memory_views;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: fuzz::init(),
    |input: &[u8]| fuzz::hostile(memory_views, input)
);
