package a

/*
#include <stdint.h>
void lib_read(uintptr_t p);
void lib_read_at(void *p);
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

func Bytes(n int) {
	buf := make([]byte, n)
	C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&buf[0])))) // want `C.lib_read is given the address of Go memory as an integer`
}

func Variable() int {
	var out int
	address := uintptr(unsafe.Pointer(&out))
	C.lib_read(C.uintptr_t(address)) // want `C.lib_read is given the address of Go memory as an integer`
	return out
}

func Good(n int) {
	buf := make([]byte, n)
	C.lib_read_at(unsafe.Pointer(&buf[0]))
}

func Pinned(n int) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	buf := make([]byte, n)
	pinner.Pin(&buf[0])
	C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&buf[0]))))
}

// Only printed.
func Printed() {
	var out int
	fmt.Println(uintptr(unsafe.Pointer(&out)))
	C.lib_read_at(unsafe.Pointer(&out))
}

// What a pointer in it points to is not the memory itself.
func Inside(p *C.char) {
	C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(p))))
}
