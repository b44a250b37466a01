//! Life cycles of requests through the C ABI, judged by the reference model.
#![no_main]

use courier_scenario::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: fuzz::init(),
    |input: &[u8]| fuzz::request_lifecycle(input)
);
