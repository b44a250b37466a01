package detectors

// #include <stdlib.h>
import "C"

import (
	"strings"
	"unsafe"
)

// freesTwice frees one block two times.
//
//go:noinline
func freesTwice() {
	memory := C.malloc(24)
	// Between the two, or C's own allocator notices at once.
	other := C.malloc(24)
	C.free(memory)
	C.free(other)
	C.free(memory)
}

// small is on the heap, where Go knows the size of each object.
var small *[8]uint64

// pointsToMoreThanThereIs takes a pointer to an object for one to a larger one.
//
//go:noinline
func pointsToMoreThanThereIs() uint64 {
	small = new([8]uint64)
	return (*[16]uint64)(unsafe.Pointer(small))[0]
}

// kept lives as long as the program, and so does what it holds.
var kept = &holder{}

// holdsMemoryInGo has memory of C that only an object of Go knows.
//
//go:noinline
func holdsMemoryInGo() {
	kept.memory = C.malloc(2000)
	*(*byte)(unsafe.Add(kept.memory, 1)) = 1
}

// readsStrings copies strings of C: the search for their ends may look behind them.
//
//go:noinline
func readsStrings() int {
	read := 0
	for length := range make([]struct{}, 80) {
		text := C.CString(strings.Repeat("a", length))
		read += len(C.GoString(text))
		C.free(unsafe.Pointer(text))
	}
	return read
}
