package a

/*
#include <stdint.h>
#include <stdlib.h>
void bus_subscribe(void *user_data);
void bus_each(void *user_data);
typedef struct options { int n; void *user_data; } options;
void bus_open(options *o);
void bus_run(options *o);
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

// C is done with the struct when the call returns.
func Run(f func()) {
	h := cgo.NewHandle(f)
	handles = append(handles, h)
	var o C.options
	o.user_data = unsafe.Pointer(&h)
	C.bus_run(&o)
}

// Deleted here.
func Open(f func()) {
	h := cgo.NewHandle(f)
	defer h.Delete()
	o := C.options{user_data: unsafe.Pointer(&h)}
	C.bus_open(&o)
}

// The handle holds the object that it lies in.
type own struct{ h cgo.Handle }

func Own() *own {
	o := new(own)
	o.h = cgo.NewHandle(o)
	C.bus_subscribe(unsafe.Pointer(&o.h))
	return o
}

// The object is held by a list.
type listed struct{ h cgo.Handle }

var list []*listed

func Listed(f func()) {
	l := &listed{cgo.NewHandle(f)}
	list = append(list, l)
	C.bus_subscribe(unsafe.Pointer(&l.h))
}

// The object is pinned.
func PinnedField(f func(), pinner *runtime.Pinner) *watch {
	w := &watch{cgo.NewHandle(f)}
	pinner.Pin(w)
	C.bus_subscribe(unsafe.Pointer(&w.h))
	return w
}

// Deleted here: a call that waits.
func FieldForCall(f func()) {
	w := &watch{cgo.NewHandle(f)}
	defer w.h.Delete()
	C.bus_subscribe(unsafe.Pointer(&w.h))
}

// The handle holds the object by way of a literal.
func Literal() *watch {
	w := new(watch)
	w.h = cgo.NewHandle(func() { _ = w.h })
	C.bus_subscribe(unsafe.Pointer(&w.h))
	return w
}

func (w *watch) Restart() {
	w.h = cgo.NewHandle(func() { _ = w.h })
	C.bus_subscribe(unsafe.Pointer(&w.h))
}

// The list that holds all objects.
func (l *listed) Start(f func()) {
	l.h = cgo.NewHandle(f)
	C.bus_subscribe(unsafe.Pointer(&l.h))
}

// A variable of the package is a struct of C.
var global C.options

func SetGlobal() { global.n = 1 }
