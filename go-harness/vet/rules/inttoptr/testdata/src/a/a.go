package a

/*
#include <stdint.h>
void each(void *user_data);
static void each_token(uintptr_t user_data) { each((void *)user_data); }
*/
import "C"

import (
	"runtime/cgo"
	"sync"
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

func toPtr(n uintptr) unsafe.Pointer { return unsafe.Pointer(n) }

func helper(h cgo.Handle) {
	C.each(toPtr(uintptr(h))) // want `a cgo.Handle is an integer, of which toPtr makes a Go pointer to nowhere`
}

func loadedTwice(f func()) {
	last++
	registry[last] = f
	C.each(unsafe.Pointer(last)) // want `the key of a map is an integer`
}

type table struct {
	last uintptr
	byID map[uintptr]func()
}

func (t *table) add(f func()) {
	t.last++
	t.byID[t.last] = f
	C.each(unsafe.Pointer(t.last)) // want `the key of a map is an integer`
}

var shared sync.Map

func storedInMap(id uintptr, f func()) {
	shared.Store(id, f)
	C.each(unsafe.Pointer(id)) // want `the key of a map is an integer`
}
