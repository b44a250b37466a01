//! Good calls only through the C ABI: no error may occur.
#![no_main]

use courier_scenario::fuzz;
use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(
    init: fuzz::init(),
    |input: &[u8]| fuzz::valid_lifecycle(input)
);

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutate(data, size, max_size, seed, fuzzer_mutate)
});

fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    fuzz::cross(one, other, out, seed)
});
