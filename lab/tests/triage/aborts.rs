//! A panic that Rust must not let into C: it aborts.

#[inline(never)]
fn out_of_bounds(index: usize) -> u8 {
    [1, 2, 3][index]
}

#[unsafe(no_mangle)]
extern "C" fn rust_panics(index: usize) -> u8 {
    out_of_bounds(index)
}
