// Package back has a function that C calls, which deletes what C gives back.
package back

/*
#include <stdint.h>
static int post(uintptr_t h) { return 0; }
static void walk(void *data) { }
*/
import "C"

import (
	"errors"
	"runtime/cgo"
	"unsafe"
)

//export backDone
func backDone(h C.uintptr_t) {
	handle := cgo.Handle(h)
	handle.Value().(func())()
	handle.Delete()
}

func Post(f func()) { C.post(C.uintptr_t(cgo.NewHandle(f))) }

func PostOrFail(f func()) error {
	h := cgo.NewHandle(f)
	if C.post(C.uintptr_t(h)) != 0 {
		h.Delete()
		return errors.New("post")
	}
	return nil
}

// Walk is synchronous: the variable outlives the call, and the handle is deleted.
func Walk(f func()) {
	h := cgo.NewHandle(f)
	defer h.Delete()
	C.walk(unsafe.Pointer(&h))
}

type registry struct{ handles []cgo.Handle }

func (r *registry) add(f func()) {
	h := cgo.NewHandle(f)
	r.handles = append(r.handles, h)
	C.post(C.uintptr_t(h))
}

func (r *registry) Close() {
	for _, h := range r.handles {
		h.Delete()
	}
}

// The field only tells that something was posted.
type posted struct{ last, kept cgo.Handle }

func (p *posted) post(f func()) {
	h := cgo.NewHandle(f)
	p.last = h
	C.post(C.uintptr_t(h))
}

func (p *posted) keep(f func()) {
	p.kept = cgo.NewHandle(f) // want `the handle of cgo.NewHandle is stored in field kept, on which nothing calls Delete`
}
