//go:build canary

package asan

import "testing"

// A length that fills no size class of Go's heap, in an object that lives there.
func slice() []byte { return make([]byte, 33) }

var sink byte

func TestPlain(t *testing.T) {
	sink = read(slice(), 32)
}

func TestCanaryAsanReadsTooFar(t *testing.T) {
	sink = read(slice(), 33)
}

// It is Go that reads here: a Go value that still refers to C memory is seen, too.
func TestCanaryAsanUsesFreedMemory(t *testing.T) {
	sink = *freed()
}
