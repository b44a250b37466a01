//go:build linux

// Package heap counts the blocks of the C heap. A program that imports it has malloc, free and the rest
// replaced by functions that count and then do what glibc's do. The counts are of the whole process:
// of the library, of cgo, and of the C library itself, which takes a few blocks for each thread.
package heap

// #include "heap.h"
import "C"

// Counts is what the heap holds.
type Counts struct {
	Blocks, Bytes int
}

// Now counts.
func Now() Counts {
	c := C.heap_now()
	return Counts{int(c.blocks), int(c.bytes)}
}

// Minus is the growth since an earlier count.
func (c Counts) Minus(earlier Counts) Counts {
	return Counts{c.Blocks - earlier.Blocks, c.Bytes - earlier.Bytes}
}
