package a

/*
#include <stdint.h>
#include <stdlib.h>
void bus_subscribe(void *user_data);
void bus_each(void *user_data);
void bus_set_token(uintptr_t user_data);
typedef struct options { int n; void *user_data; } options;
void bus_open(options *o);
void bus_open_with(int n, options o);
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

func Options(f func()) {
	h := cgo.NewHandle(f)
	handles = append(handles, h)
	var o C.options
	o.user_data = unsafe.Pointer(&h) // want `C.bus_open keeps the address of a Go variable: it dangles when Options has returned`
	C.bus_open(&o)
}

func OptionsByValue(f func()) {
	h := cgo.NewHandle(f)
	handles = append(handles, h)
	C.bus_open_with(1, C.options{user_data: unsafe.Pointer(&h)}) // want `C.bus_open_with keeps the address of a Go variable: it dangles when OptionsByValue has returned`
}

type watch struct{ h cgo.Handle }

func Watch(f func()) *watch {
	w := &watch{h: cgo.NewHandle(f)}
	C.bus_subscribe(unsafe.Pointer(&w.h)) // want `C.bus_subscribe keeps the address of a field of a Go object that nothing pins: it dangles when the object is collected`
	return w
}

func (w *watch) Close() { w.h.Delete() }

func (w *watch) Start(f func()) {
	w.h = cgo.NewHandle(f)
	C.bus_subscribe(unsafe.Pointer(&w.h)) // want `C.bus_subscribe keeps the address of a field of a Go object that nothing pins`
}
