//go:build !courier_system && !courier_nolink && !libfuzzer

package capi

// By default the binding links the static library of the checkout around it. -l: names the file
// exactly, because plain -lcourier would take the shared library that lies beside it. The folder
// named second holds a linker script of the same name: it is reached only when the archive is
// missing, and makes the linker say how to build it. The libraries after it are those of
// ffi/native-libs.txt; a test compares the two.

// #cgo linux LDFLAGS: -L${SRCDIR}/../../../../target/release -L${SRCDIR}/missing -l:libcourier.a -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
// #cgo !linux LDFLAGS: ${SRCDIR}/../../../../target/release/libcourier.a
import "C"
