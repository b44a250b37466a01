package a

/*
#include <stdlib.h>
static int look(const char *s) { return 0; }
static void swallow(char *s) { void *p = s; free(p); }
static void indirectly(char *s) { swallow(s); }
static int many(char **argv, int n) { return 0; }
static int bind(const char *s, void (*done)(void *)) { return 0; }
static void log_done(void *p) { }
*/
import "C"

import (
	"log"
	"unsafe"
)

func free(p *C.char) { C.free(unsafe.Pointer(p)) }

func throughFree(s string) int {
	cs := C.CString(s)
	defer free(cs)
	return int(C.look(cs))
}

func inClosure(s string) int {
	cs := C.CString(s)
	defer func() {
		if cs != nil {
			C.free(unsafe.Pointer(cs))
		}
	}()
	return int(C.look(cs))
}

func onlyIfSet(s string) int {
	var cs *C.char
	if s != "" {
		cs = C.CString(s)
	}
	rc := C.look(cs)
	if cs != nil {
		C.free(unsafe.Pointer(cs))
	}
	return int(rc)
}

func sameCondition(s string, own bool) int {
	var cs *C.char
	if own {
		cs = C.CString(s)
	}
	rc := C.look(cs)
	if own {
		C.free(unsafe.Pointer(cs))
	}
	return int(rc)
}

func inLoop(list []string) {
	for _, s := range list {
		cs := C.CString(s)
		if C.look(cs) != 0 {
			C.free(unsafe.Pointer(cs))
			continue
		}
		C.free(unsafe.Pointer(cs))
	}
}

func array(args []string) int {
	argv := make([]*C.char, len(args)+1)
	for i, arg := range args {
		argv[i] = C.CString(arg)
	}
	defer func() {
		for _, p := range argv {
			C.free(unsafe.Pointer(p))
		}
	}()
	return int(C.many(&argv[0], C.int(len(args))))
}

func appended(args []string) int {
	var argv []*C.char
	for _, arg := range args {
		argv = append(argv, C.CString(arg))
	}
	rc := C.many(&argv[0], C.int(len(args)))
	for _, p := range argv {
		C.free(unsafe.Pointer(p))
	}
	return int(rc)
}

func fatal(s string) {
	cs := C.CString(s)
	if C.look(cs) != 0 {
		log.Fatal("the process ends here")
		return
	}
	C.free(unsafe.Pointer(cs))
}

func panics(s string) {
	cs := C.CString(s)
	if C.look(cs) != 0 {
		panic("and so does this path")
	}
	C.free(unsafe.Pointer(cs))
}

// pair returns memory, or an error and none.
func pair(s string) (*C.char, error) {
	if s == "" {
		return nil, errUse
	}
	return C.CString(s), nil
}

func usesPair(s string) error {
	cs, err := pair(s)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(cs))
	C.look(cs)
	return nil
}

type view struct{ raw unsafe.Pointer }

func viewed(b []byte) view { return view{C.CBytes(b)} }

func registered(s string, keep func(*C.char)) { keep(C.CString(s)) }

func sent(s string, ch chan *C.char) { ch <- C.CString(s) }

//cgolab:ignore cstring the library keeps the name until the process ends
func ignored(s string) { C.look(C.CString(s)) }

func deferredBefore(s string) int {
	var cs *C.char
	defer func() {
		if cs != nil {
			C.free(unsafe.Pointer(cs))
		}
	}()
	if s != "" {
		cs = C.CString(s)
	}
	if C.look(cs) != 0 {
		return 1
	}
	return 0
}

// Their code is above, and frees.
func inC(s string) {
	C.swallow(C.CString(s))
	C.indirectly(C.CString(s))
}

func freeStrings(list []*C.char) {
	for _, p := range list {
		C.free(unsafe.Pointer(p))
	}
}

func arrayByHelper(args []string) int {
	argv := make([]*C.char, len(args)+1)
	for i, arg := range args {
		argv[i] = C.CString(arg)
	}
	defer freeStrings(argv)
	return int(C.many(&argv[0], C.int(len(args))))
}

func eachRound(names []string) {
	for _, name := range names {
		p := C.CString(name)
		if name == "" {
			C.free(unsafe.Pointer(p))
			continue
		}
		C.look(p)
		C.free(unsafe.Pointer(p))
	}
}

func deferredEachRound(names []string) {
	for _, name := range names {
		p := C.CString(name)
		defer C.free(unsafe.Pointer(p))
	}
}

// firstOnly makes one, in whatever round.
func firstOnly(names []string) {
	var p *C.char
	for _, name := range names {
		if p == nil {
			p = C.CString(name)
		}
	}
	C.free(unsafe.Pointer(p))
}

func collected(names []string) {
	var all []*C.char
	defer func() {
		for _, p := range all {
			C.free(unsafe.Pointer(p))
		}
	}()
	for _, name := range names {
		p := C.CString(name)
		all = append(all, p)
	}
}

func found(names []string) {
	for _, name := range names {
		p := C.CString(name)
		if name != "" {
			defer C.free(unsafe.Pointer(p))
			return
		}
		C.free(unsafe.Pointer(p))
	}
}

// Replaced frees what was there.
type Replaced struct{ name *C.char }

func (r *Replaced) SetName(name string) {
	if r.name != nil {
		C.free(unsafe.Pointer(r.name))
	}
	r.name = C.CString(name)
}

func (r *Replaced) OnName(name string) {
	r.Close()
	r.name = C.CString(name)
}

func (r *Replaced) Close() { C.free(unsafe.Pointer(r.name)) }

var empty = C.CString("")

// The function that frees is chosen with the text.
func bound(s string) {
	cs, done := empty, (*[0]byte)(nil)
	if s != "" {
		cs, done = C.CString(s), (*[0]byte)(C.free)
	}
	C.bind(cs, done)
}

func boundToOther(s string) {
	cs, done := empty, (*[0]byte)(nil)
	if s != "" {
		cs, done = C.CString(s), (*[0]byte)(C.log_done) // want `memory of C.CString is never freed`
	}
	C.bind(cs, done)
}
