// Package lifecycle has fuzz tests of the binding whose judge is the reference model of courier:
//
//	FuzzLifecycle  any calls in any order, on any thread; each must end as the model says
//	FuzzLoader     loads whose callers go, answers that come late, a loader that is closed
//	FuzzInputs     any text, bytes and counts where the binding takes some, in memory that is gone after the call
//
// They need the tag courier_oracle, and in place of the library an archive with the library and the model in it.
// `cargo lab run --only fuzz-go` builds that, and fuzzes with counters in Go and in Rust. To run the checked-in inputs as
// plain tests:
//
//	cargo build --release -p courier-oracle
//	cd go-harness
//	CGO_LDFLAGS="$PWD/../target/release/libcourier_oracle.a $(cat ../ffi/native-libs.txt)" \
//		go test -tags courier_nolink,courier_oracle ./internal/lifecycle
package lifecycle
