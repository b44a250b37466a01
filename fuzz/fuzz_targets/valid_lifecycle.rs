//! Good calls only through the C ABI: no error may occur.
#![no_main]

use courier_scenario::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: fuzz::init(),
    |input: &[u8]| fuzz::valid_lifecycle(input)
);
