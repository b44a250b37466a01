//go:build linux && !asan

// Package heap counts the blocks of the C heap, for tests that an operation gives back what it takes:
//
//	heap.WantNone(t, "open and close", func() {
//		must(t, binding.Open().Close())
//	})
//
// A leak checker that looks at the end, when nothing refers to a block any more, does not see a block that a
// table still holds, or a Go object. What is counted here is growth.
//
// A program that imports this package has malloc, free and the rest replaced by functions that count and then do
// what glibc's do. It needs Linux, glibc and cgo, and is not for builds with -asan, which replaces the same
// functions. The counts are of the whole process: of the library, of cgo, and of the C library itself, which takes
// a few blocks for each thread.
package heap

// #include "heap.h"
import "C"

// Counts is the content of the heap.
type Counts struct {
	Blocks, Bytes int
}

// Now returns what the heap holds.
func Now() Counts {
	c := C.heap_now()
	return Counts{int(c.blocks), int(c.bytes)}
}

// Minus returns the growth since an earlier count.
func (c Counts) Minus(earlier Counts) Counts {
	return Counts{c.Blocks - earlier.Blocks, c.Bytes - earlier.Bytes}
}
