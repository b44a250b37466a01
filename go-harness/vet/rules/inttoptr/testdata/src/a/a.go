package a

/*
#include <stdint.h>
void each(void *user_data);
static void each_token(uintptr_t user_data) { each((void *)user_data); }
*/
import "C"

import (
	"runtime/cgo"
	"sync/atomic"
	"unsafe"
)

var (
	next     atomic.Uintptr
	last     uintptr
	registry = map[uintptr]func(){}
)

func handle(f func()) {
	h := cgo.NewHandle(f)
	defer h.Delete()
	C.each(unsafe.Pointer(uintptr(h))) // want `a cgo.Handle is an integer, and here becomes a Go pointer to nowhere`
}

func held(h cgo.Handle) unsafe.Pointer {
	return unsafe.Pointer(h) // want `a cgo.Handle is an integer`
}

func counted(f func()) {
	id := next.Add(1)
	registry[id] = f
	C.each(unsafe.Pointer(id)) // want `the result of an atomic addition is an integer`
}

func keyed(f func()) {
	last++
	id := last
	registry[id] = f
	C.each(unsafe.Pointer(id)) // want `the key of a map is an integer`
}

func good(f func()) {
	h := cgo.NewHandle(f)
	defer h.Delete()
	C.each_token(C.uintptr_t(h))
}
