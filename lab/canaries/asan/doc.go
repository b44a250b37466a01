// Package asan holds the canaries of the asan engine: C that reads behind a Go slice, and C memory that is
// used after it was freed. AddressSanitizer must report each, which ends the process; the plain program
// must pass, or the toolchain is not able to.
//
//	go test -asan -tags canary -run TestPlain ./asan
//	go test -asan -tags canary -run TestCanaryAsanReadsTooFar ./asan
package asan
