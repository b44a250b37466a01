#!/usr/bin/env bash
# Builds the fuzz targets of courier for ClusterFuzzLite and OSS-Fuzz, which set OUT and run this in the checkout, with
# cargo-fuzz on PATH: each program, and its checked-in inputs as TARGET_seed_corpus.zip. scripts/oss-fuzz-check runs
# this, too.
set -euo pipefail
: "${OUT:?the folder for programs and inputs}"

# The others show that fuzzing works, or are there to be measured.
mapfile -t targets < <(cargo fuzz list | grep -vx -e canary_crash -e empty -e request_model)
for target in "${targets[@]}"; do
  cargo fuzz build --target-dir target/oss-fuzz -O --sanitizer "${SANITIZER:-address}" "$target"
done
for target in "${targets[@]}"; do
  cp "target/oss-fuzz/$(rustc -vV | sed -n 's/^host: //p')/release/$target" "$OUT/"
  zip --quiet --junk-paths --recurse-paths "$OUT/${target}_seed_corpus.zip" "fuzz/seeds/$target"
done
