package main

// #include <stdlib.h>
import "C"

import "unsafe"

var sink byte

// planted makes the mistake that a detector must see before a replay under it says anything.
func planted(detector string) {
	switch detector {
	case "race":
		done := make(chan struct{})
		go func() {
			sink = 1
			close(done)
		}()
		sink = 2
		<-done
	case "cgocheck2":
		cell := (**byte)(C.malloc(C.size_t(unsafe.Sizeof(uintptr(0)))))
		*cell = new(byte)
	case "asan":
		freed := (*byte)(C.malloc(1))
		C.free(unsafe.Pointer(freed))
		sink = *freed
	}
}
