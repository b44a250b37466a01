//! Life cycles of requests in the reference model alone: `request_lifecycle` less the library.
#![no_main]

use courier_scenario::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| fuzz::request_model(input));
