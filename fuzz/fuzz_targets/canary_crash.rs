//! Proof that the engine is on: a crash behind four bytes, which a run must find from nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // One byte at a time, so that coverage leads the way.
    let planted = b"BUG!";
    if planted
        .iter()
        .zip(input)
        .take_while(|(a, b)| a == b)
        .count()
        == planted.len()
    {
        eprintln!("canary: planted crash found");
        std::process::abort();
    }
});
