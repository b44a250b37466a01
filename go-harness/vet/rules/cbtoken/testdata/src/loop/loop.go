// Package loop makes a handle on every turn of a loop.
package loop

// #include <stdint.h>
// static int each(uintptr_t h) { return 0; }
import "C"

import "runtime/cgo"

func Overwritten(fs []func()) {
	var h cgo.Handle
	for _, f := range fs {
		h = cgo.NewHandle(f) // want `the handle of cgo.NewHandle is not deleted before the loop makes the next one`
		C.each(C.uintptr_t(h))
	}
	if h != 0 {
		h.Delete()
	}
}

func DeletedFirst(fs []func()) {
	var h cgo.Handle
	for _, f := range fs {
		if h != 0 {
			h.Delete()
		}
		h = cgo.NewHandle(f)
		C.each(C.uintptr_t(h))
	}
	if h != 0 {
		h.Delete()
	}
}

func DeletedEachTurn(fs []func()) {
	for _, f := range fs {
		h := cgo.NewHandle(f)
		C.each(C.uintptr_t(h))
		h.Delete()
	}
}

func Deferred(fs []func()) {
	for _, f := range fs {
		h := cgo.NewHandle(f)
		defer h.Delete()
		C.each(C.uintptr_t(h))
	}
}

func Collected(fs []func()) {
	var all []cgo.Handle
	for _, f := range fs {
		h := cgo.NewHandle(f)
		all = append(all, h)
		C.each(C.uintptr_t(h))
	}
	for _, h := range all {
		h.Delete()
	}
}

func Retried(f func()) {
	for {
		h := cgo.NewHandle(f)
		if C.each(C.uintptr_t(h)) == 0 {
			h.Delete()
			return
		}
		h.Delete()
	}
}
