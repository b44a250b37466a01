module example.com/tally

go 1.21

require github.com/cgolab/cgolab/go-harness v0.0.0

// Helpers of tests, from this repository; elsewhere a release of them.
replace github.com/cgolab/cgolab/go-harness => ../../go-harness
