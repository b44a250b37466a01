package a

/*
#include <stdint.h>
#include <stdlib.h>
typedef struct opts { uintptr_t addr; int n; } opts;
void lib_read(uintptr_t p);
void lib_open(opts *o);
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// A view of C's memory.
func view(b []byte) { C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&b[0])))) }

func View(n int) { view(unsafe.Slice((*byte)(C.malloc(C.size_t(n))), n)) }

// A distance between two addresses.
func Distance(b []byte) {
	C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&b[1])) - uintptr(unsafe.Pointer(&b[0]))))
}

// A length.
func Length(b []byte) { read(uintptr(len(b))) }

// What a field of an object holds lives as long as the object.
func (s *source) Fill(n int) {
	s.buf = make([]byte, n)
	s.addr = uintptr(unsafe.Pointer(&s.buf[0]))
}

// What is also held elsewhere.
func (s *source) Hold(b []byte) {
	s.buf = b
	s.addr = uintptr(unsafe.Pointer(&b[0]))
}

// A variable of the program.
func Program() { C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&variable)))) }

var variable [8]byte

func PinnedParameter(b []byte) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&b[0])
	read(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// A struct that C never sees.
func PrintedStruct(b []byte) {
	var o C.opts
	o.addr = C.uintptr_t(uintptr(unsafe.Pointer(&b[0])))
	fmt.Println(o)
}

// Kept alive until the call has returned.
func KeptAlive(b []byte) {
	C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&b[0]))))
	runtime.KeepAlive(b)
}
