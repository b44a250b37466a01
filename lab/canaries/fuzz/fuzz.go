// Package fuzz has planted mistakes behind gates that only a fuzzer which sees both sides passes. Each has an input
// in the folder inputs.
package fuzz

// #include <stdlib.h>
// #include "gates.h"
import "C"

import "unsafe"

// nativeBranch ends the process behind a gate in C.
func nativeBranch(data []byte) {
	if len(data) > 0 {
		C.native_branch((*C.uchar)(&data[0]), C.size_t(len(data)))
	}
}

// nativeCompare ends the process behind a comparison by a function of C's library.
func nativeCompare(data []byte) {
	if len(data) > 0 {
		C.native_compare((*C.uchar)(&data[0]), C.size_t(len(data)))
	}
}

// goBranch panics behind a gate in Go.
func goBranch(data []byte) {
	if len(data) < 3 {
		return
	}
	if data[0] == 'G' {
		if data[1] == 'o' {
			if data[2] == '!' {
				panic("behind the gate in Go")
			}
		}
	}
}

// overRead has C read one byte behind a slice of Go.
func overRead(data []byte) {
	if len(data) > 0 && data[0] == 'R' {
		slice := make([]byte, 24)
		C.over_read((*C.uchar)(&slice[0]), C.size_t(len(slice)))
	}
}

// unpinned stores a Go pointer in memory of C.
func unpinned(data []byte) {
	if len(data) > 0 && data[0] == 'P' {
		slot := (**byte)(C.malloc(C.size_t(unsafe.Sizeof(uintptr(0)))))
		*slot = &data[0]
		C.free(unsafe.Pointer(slot))
	}
}

// unset has C decide by memory that nobody has set.
func unset(data []byte) {
	if len(data) > 0 && data[0] == 'U' {
		C.unset()
	}
}

// raced adds to a variable on two goroutines.
func raced(data []byte) {
	if len(data) > 0 && data[0] == 'D' {
		both := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			both++
		}()
		both++
		<-done
	}
}
