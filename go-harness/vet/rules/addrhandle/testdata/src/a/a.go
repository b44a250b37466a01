package a

/*
#include <stdint.h>
#include <stdlib.h>
void bus_subscribe(void *user_data);
void bus_each(void *user_data);
void bus_set_token(uintptr_t user_data);
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

var handles []cgo.Handle

func Subscribe(f func()) {
	h := cgo.NewHandle(f)
	handles = append(handles, h)
	C.bus_subscribe(unsafe.Pointer(&h)) // want `C.bus_subscribe keeps the address of a Go variable: it dangles when Subscribe has returned`
}

func Param(h cgo.Handle) {
	C.bus_subscribe(unsafe.Pointer(&h)) // want `C.bus_subscribe keeps the address of a Go variable`
}

func Good(f func()) {
	h := cgo.NewHandle(f)
	handles = append(handles, h)
	C.bus_set_token(C.uintptr_t(h))
}
