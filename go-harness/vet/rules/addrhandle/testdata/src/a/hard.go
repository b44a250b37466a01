package a

/*
#include <stdint.h>
#include <stdlib.h>
void bus_subscribe(void *user_data);
void bus_each(void *user_data);
*/
import "C"

import (
	"runtime"
	"runtime/cgo"
	"unsafe"
)

// C is done with it when the call returns.
func Each(f func()) {
	h := cgo.NewHandle(f)
	handles = append(handles, h)
	C.bus_each(unsafe.Pointer(&h))
}

// Deleted here, so done with.
func Listen(f func()) {
	h := cgo.NewHandle(f)
	defer h.Delete()
	C.bus_subscribe(unsafe.Pointer(&h))
}

func ListenLiteral(f func()) {
	h := cgo.NewHandle(f)
	defer func() { h.Delete() }()
	C.bus_subscribe(unsafe.Pointer(&h))
}

// Pinned for as long as C keeps it.
func Pinned(f func(), pinner *runtime.Pinner) {
	h := cgo.NewHandle(f)
	handles = append(handles, h)
	pinner.Pin(&h)
	C.bus_subscribe(unsafe.Pointer(&h))
}

// In memory of C.
func Cell(f func()) {
	cell := (*cgo.Handle)(C.malloc(C.size_t(unsafe.Sizeof(cgo.Handle(0)))))
	*cell = cgo.NewHandle(f)
	C.bus_subscribe(unsafe.Pointer(cell))
}
