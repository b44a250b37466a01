// Package main has the gates as an archive of C, for a fuzzer that C starts.
package main

// #include <stddef.h>
import "C"

import (
	"unsafe"

	"example.com/planted"
)

//export planted_opens
func planted_opens(name *C.char, data *C.uchar, size C.size_t) C.int {
	input := append([]byte(nil), unsafe.Slice((*byte)(data), size)...)
	if planted.Gates[C.GoString(name)](input) {
		return 1
	}
	return 0
}

func main() {}
