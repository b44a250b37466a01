//go:build canary

package asan

/*
#include <stddef.h>
#include <stdlib.h>

static char canary_read(const volatile char *data, size_t offset) { return data[offset]; }
*/
import "C"

import "unsafe"

// read reads one byte of the slice in C, or one behind it.
func read(data []byte, offset int) byte {
	return byte(C.canary_read((*C.char)(unsafe.Pointer(unsafe.SliceData(data))), C.size_t(offset)))
}

// freed returns C memory that is not there any more.
func freed() *byte {
	block := C.malloc(33)
	C.free(block)
	return (*byte)(block)
}
