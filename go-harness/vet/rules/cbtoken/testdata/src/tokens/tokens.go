// Package tokens makes tokens in more ways than by cgo.NewHandle, and keeps them in more places than a variable.
package tokens

/*
#include <stdint.h>
#include <stdlib.h>
typedef struct { uintptr_t user_data; int n; } options;
static int run(options *o) { return 0; }
static int watch(uintptr_t token) { return 0; }
*/
import "C"

import (
	"runtime"
	"runtime/cgo"
	"sync"
	"sync/atomic"
)

// Wrappers.

func wrap(f func()) C.uintptr_t { return C.uintptr_t(cgo.NewHandle(f)) }

func wrapChecked(f func()) (C.uintptr_t, error) {
	if f == nil {
		return 0, nil
	}
	return C.uintptr_t(cgo.NewHandle(f)), nil
}

func unwrap(token C.uintptr_t) { cgo.Handle(token).Delete() }

func wrapped(f func()) {
	C.watch(wrap(f)) // want `the handle of cgo.NewHandle, made by wrap, is never deleted`
}

func wrappedChecked(f func()) {
	token, _ := wrapChecked(f) // want `the handle of cgo.NewHandle, made by wrapChecked, is never deleted`
	C.watch(token)
}

func unwrapped(f func()) {
	token := wrap(f)
	defer unwrap(token)
	C.watch(token)
}

// A registry of its own.

var (
	lock     sync.Mutex
	next     uintptr
	registry = make(map[uintptr]func())
)

func register(f func()) uintptr {
	lock.Lock()
	defer lock.Unlock()
	next++
	registry[next] = f
	return next
}

func unregister(token uintptr) {
	lock.Lock()
	defer lock.Unlock()
	delete(registry, token)
}

func registered(f func()) {
	C.watch(C.uintptr_t(register(f))) // want `the key of registry, made by register, is never deleted`
}

func registeredOnce(f func()) int {
	token := register(f) // want `the key of registry, made by register, is not deleted on the way to the return in line 77`
	if C.watch(C.uintptr_t(token)) != 0 {
		return 1
	}
	unregister(token)
	return 0
}

func unregistered(f func()) {
	token := register(f)
	defer unregister(token)
	C.watch(C.uintptr_t(token))
}

var (
	counter atomic.Uintptr
	shared  sync.Map
)

func save(f func()) uintptr {
	token := counter.Add(1)
	shared.Store(token, f)
	return token
}

func forget(token uintptr) { shared.Delete(token) }

func saved(f func()) {
	C.watch(C.uintptr_t(save(f))) // want `the key of shared, made by save, is never deleted`
}

func savedAndForgotten(f func()) {
	token := save(f)
	C.watch(C.uintptr_t(token))
	forget(token)
}

// Structs of C.

func inStruct(f func()) {
	var o C.options
	o.user_data = C.uintptr_t(cgo.NewHandle(f)) // want `the handle of cgo.NewHandle is never deleted`
	C.run(&o)
}

func inMemory(f func()) *C.options {
	cell := (*C.uintptr_t)(C.malloc(C.sizeof_uintptr_t))
	*cell = C.uintptr_t(cgo.NewHandle(f)) // want `the handle of cgo.NewHandle is never deleted`
	return (*C.options)(C.calloc(1, C.sizeof_options))
}

func inStructAndDeleted(f func()) {
	h := cgo.NewHandle(f)
	defer h.Delete()
	var o C.options
	o.user_data = C.uintptr_t(h)
	C.run(&o)
}

// Fields.

type watcher struct {
	lost, found   []cgo.Handle
	named, listed map[string]cgo.Handle
	one, other    cgo.Handle
}

func (w *watcher) add(name string, f func()) {
	lost := cgo.NewHandle(f) // want `the handle of cgo.NewHandle is stored in field lost, on which nothing calls Delete`
	w.lost = append(w.lost, lost)
	C.watch(C.uintptr_t(lost))
	w.found = append(w.found, cgo.NewHandle(f))
	w.named[name] = cgo.NewHandle(f) // want `the handle of cgo.NewHandle is stored in field named, on which nothing calls Delete`
	w.listed[name] = cgo.NewHandle(f)
	for _, h := range w.lost {
		_ = h.Value()
	}
}

func (w *watcher) Close() {
	for _, h := range w.found {
		h.Delete()
	}
	for _, h := range w.listed {
		h.Delete()
	}
	w.one.Delete()
	w.other.Delete()
}

func (w *watcher) SetOne(f func()) {
	w.one = cgo.NewHandle(f) // want `the handle of cgo.NewHandle takes the place of an older one in field one, which is never deleted then`
	C.watch(C.uintptr_t(w.one))
}

func (w *watcher) SetOther(f func()) {
	if w.other != 0 {
		w.other.Delete()
	}
	w.other = cgo.NewHandle(f)
	C.watch(C.uintptr_t(w.other))
}

// Cycles through a literal.

type cyclic struct{ h cgo.Handle }

func newCyclic() *cyclic {
	c := &cyclic{}
	c.h = cgo.NewHandle(func() { c.done() }) // want `the handle in field h keeps its own object alive`
	runtime.SetFinalizer(c, func(c *cyclic) { c.h.Delete() })
	return c
}

func (c *cyclic) done() {}

// A helper whose result lies in memory until a deferred call has run.

func wrapLocked(f func()) C.uintptr_t {
	lock.Lock()
	defer lock.Unlock()
	if f == nil {
		return 0
	}
	return C.uintptr_t(cgo.NewHandle(f))
}

func wrappedLocked(f func()) {
	C.watch(wrapLocked(f)) // want `the handle of cgo.NewHandle, made by wrapLocked, is never deleted`
}
