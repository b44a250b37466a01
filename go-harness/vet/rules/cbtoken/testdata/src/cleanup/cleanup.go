// Package cleanup has a cleanup that deletes a handle: its own, and none that C gives back.
package cleanup

/*
#include <stdint.h>
static int post(uintptr_t h) { return 0; }
*/
import "C"

import (
	"runtime"
	"runtime/cgo"
)

type Reg struct{ h cgo.Handle }

func New(f func()) *Reg {
	r := &Reg{cgo.NewHandle(f)}
	runtime.AddCleanup(r, func(h cgo.Handle) { h.Delete() }, r.h)
	C.post(C.uintptr_t(r.h))
	return r
}

func NewByName(f func()) *Reg {
	h := cgo.NewHandle(f)
	r := &Reg{h}
	runtime.AddCleanup(r, forget, C.uintptr_t(h))
	return r
}

func forget(h C.uintptr_t) { cgo.Handle(h).Delete() }

func Post(f func()) {
	C.post(C.uintptr_t(cgo.NewHandle(f))) // want `the handle of cgo.NewHandle is never deleted`
}
