package a

/*
#include <stdint.h>
#include <stdlib.h>
static int each(uintptr_t h) { return 0; }
static int subscribe(uintptr_t h) { return 0; }
typedef struct { void *private_data; int n; } stream;
*/
import "C"

import (
	"errors"
	"runtime"
	"runtime/cgo"
	"unsafe"
)

var errEach = errors.New("each")

func never(f func()) {
	h := cgo.NewHandle(f) // want `the handle of cgo.NewHandle is never deleted`
	C.each(C.uintptr_t(h))
}

func inline(f func()) {
	C.each(C.uintptr_t(cgo.NewHandle(f))) // want `the handle of cgo.NewHandle is never deleted`
}

func onePath(f func()) error {
	h := cgo.NewHandle(f) // want `the handle of cgo.NewHandle is not deleted on the way to the return in line 34`
	if C.each(C.uintptr_t(h)) != 0 {
		// Lost.
		return errEach
	}
	h.Delete()
	return nil
}

type sub struct{ h cgo.Handle }

func (s *sub) start(f func()) {
	s.h = cgo.NewHandle(f) // want `the handle of cgo.NewHandle is stored in field h, on which nothing calls Delete`
	C.subscribe(C.uintptr_t(s.h))
}

type Owner struct{ self cgo.Handle }

func NewOwner() *Owner {
	o := &Owner{}
	o.self = cgo.NewHandle(o) // want `the handle in field self keeps its own object alive: the finalizer of \*Owner never runs`
	runtime.SetFinalizer(o, func(o *Owner) { o.self.Delete() })
	return o
}

// cell puts a handle into memory of C.
func cell(h cgo.Handle) unsafe.Pointer {
	p := (*C.uintptr_t)(C.malloc(C.sizeof_uintptr_t))
	*p = C.uintptr_t(h)
	return unsafe.Pointer(p)
}

func export(out *C.stream, f func()) {
	h := cgo.NewHandle(f)
	defer h.Delete()
	out.private_data = cell(h) // want `the memory that holds the handle is stored in private_data, which is read back but never freed`
}

func value(in *C.stream) any {
	return cgo.Handle(*(*C.uintptr_t)(in.private_data)).Value()
}

// Good.

func deferred(f func()) error {
	h := cgo.NewHandle(f)
	defer h.Delete()
	if C.each(C.uintptr_t(h)) != 0 {
		return errEach
	}
	return nil
}

func returned(f func()) cgo.Handle { return cgo.NewHandle(f) }

type Reg struct{ h cgo.Handle }

func NewReg(f func()) *Reg { return &Reg{cgo.NewHandle(f)} }

func (r *Reg) Close() { r.h.Delete() }
