package a

/*
#include <stdlib.h>
#include <string.h>
typedef struct { const char *name; int n; } opts;
static int use(const char *s) { return s != NULL; }
static int use2(const char *s, void (*done)(void *)) { return s != NULL; }
static void *open_with(opts *o) { return o; }
static void lib_take(char *s) { }
static void str_destroy(char *s) { free(s); }
static int run(char **argv) { return 0; }
static void use_and_release(char *s) { free(s); }
static int consume(const char *s) { free((void *)s); return 0; }
*/
import "C"

import (
	"errors"
	"sync"
	"unsafe"
)

var errUse = errors.New("use")

func never(s string) int {
	cs := C.CString(s) // want `memory of C.CString is never freed`
	return int(C.use(cs))
}

func inline(s string) int {
	return int(C.use(C.CString(s))) // want `memory of C.CString is never freed`
}

func onePath(s string) error {
	cs := C.CString(s) // want `memory of C.CString is not freed on the way to the return in line 40`
	if C.use(cs) != 0 {
		// The message names this return.
		_ = s
		return errUse
	}
	C.free(unsafe.Pointer(cs))
	return nil
}

func bytes(b []byte) {
	p := C.CBytes(b) // want `memory of C.CBytes is never freed`
	C.use((*C.char)(p))
}

func mallocPath(n int) error {
	p := C.malloc(C.size_t(n)) // want `memory of C.malloc is not freed on the way to the return in line 57`
	if p == nil {
		return errUse
	}
	if n > 7 {
		return nil
	}
	C.free(p)
	return nil
}

// helper allocates for its caller.
func helper(s string) *C.char { return C.CString(s + "!") }

func throughHelper(s string) int {
	return int(C.use(helper(s))) // want `memory of C.CString, allocated by helper, is never freed`
}

// either allocates, unless it fails.
func either(s string) (*C.char, error) {
	if s == "" {
		return nil, errUse
	}
	return C.CString(s), nil
}

func lostPair(s string) error {
	cs, err := either(s) // want `memory of C.CString, allocated by either, is never freed`
	if err != nil {
		return err
	}
	C.use(cs)
	return nil
}

type byValue struct{ name *C.char }

func (v byValue) set(s string) {
	v.name = C.CString(s) // want `memory of C.CString is never freed`
}

type lostField struct{ name *C.char }

func (f *lostField) set(s string) {
	f.name = C.CString(s) // want `memory of C.CString is stored in field name, which nothing frees`
}

func (f *lostField) use() int { return int(C.use(f.name)) }

func localStruct(s string) unsafe.Pointer {
	var o C.opts
	o.name = C.CString(s) // want `memory of C.CString is never freed`
	return C.open_with(&o)
}

func localArray(args []string) int {
	argv := make([]*C.char, len(args)+1)
	for i, arg := range args {
		argv[i] = C.CString(arg) // want `memory of C.CString is never freed`
	}
	return int(C.run(&argv[0]))
}

func wrongClosure(s string) {
	cs := C.CString(s) // want `memory of C.CString is never freed`
	func() { C.use(cs) }()
}

// Good.

func deferred(s string) int {
	cs := C.CString(s)
	defer C.free(unsafe.Pointer(cs))
	return int(C.use(cs))
}

func returned(s string) *C.char { return C.CString(s) }

type owner struct{ name *C.char }

func newOwner(s string) *owner { return &owner{name: C.CString(s)} }

func (o *owner) Close() { C.free(unsafe.Pointer(o.name)) }

func otherFree(s string) {
	cs := C.CString(s)
	C.use(cs)
	C.str_destroy(cs)
}

func taken(s string) { C.lib_take(C.CString(s)) }

func freedInC(s string) { C.use_and_release(C.CString(s)) }

func consumed(s string) { C.consume(C.CString(s)) }

func withDestructor(s string) {
	C.use2(C.CString(s), (*[0]byte)(C.free))
}

var global = C.CString("global")

var (
	once   sync.Once
	prefix *C.char
)

func lazily() {
	once.Do(func() { C.use(C.CString("once")) })
}

// Helpers whose results lie in memory until a deferred call has run.

var lock sync.Mutex

func allocLocked(s string) *C.char {
	lock.Lock()
	defer lock.Unlock()
	if s == "" {
		return nil
	}
	return C.CString(s)
}

func allocNamed(s string) (p *C.char, err error) {
	lock.Lock()
	defer lock.Unlock()
	if s == "" {
		return nil, errors.New("empty")
	}
	p = C.CString(s)
	return
}

func allocOrBorrow(s string) *C.char {
	lock.Lock()
	defer lock.Unlock()
	if s == "" {
		return global
	}
	return C.CString(s)
}

func allocReplaced(s string) (p *C.char) {
	p = C.CString(s)
	defer func() {
		if s == "" {
			C.free(unsafe.Pointer(p))
			p = global
		}
	}()
	if s == "x" {
		return nil
	}
	return p
}

func lockedHelpers(s string) {
	C.use(allocLocked(s)) // want `memory of C.CString, allocated by allocLocked, is never freed`
	p, _ := allocNamed(s) // want `memory of C.CString, allocated by allocNamed, is never freed`
	C.use(p)
	C.use(allocOrBorrow(s)) // not always the caller's
	C.use(allocReplaced(s))
}

// last frees what the last round has made.
func last(names []string) {
	var p *C.char
	for _, name := range names {
		p = C.CString(name) // want `memory of C.CString is not freed before the loop makes it anew`
		C.use(p)
	}
	C.free(unsafe.Pointer(p))
}

func lastDeferred(names []string) {
	var p *C.char
	defer func() { C.free(unsafe.Pointer(p)) }()
	for _, name := range names {
		p = C.CString(name) // want `memory of C.CString is not freed before the loop makes it anew`
		C.use(p)
	}
}

func skips(names []string) {
	for _, name := range names {
		p := C.CString(name) // want `memory of C.CString is not freed before the loop makes it anew`
		if name == "" {
			continue
		}
		C.free(unsafe.Pointer(p))
	}
}

// Setter loses the name that was set before.
type Setter struct{ name *C.char }

func (s *Setter) SetName(name string) {
	s.name = C.CString(name) // want `memory of C.CString is stored in field name by a method that may be called again, and does not free what is there`
}

func (s *Setter) Close() { C.free(unsafe.Pointer(s.name)) }
