//! Builds the Go side of the targets.

fn main() {
    cgolab_fuzz_build::Archive::new("../go/fuzzed")
        .provided(["frames"])
        .build();
}
