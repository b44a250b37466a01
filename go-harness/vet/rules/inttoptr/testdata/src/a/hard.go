package a

/*
#include <stdint.h>
void each(void *user_data);
uintptr_t address(void);
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// A special value of C.
func special() { C.each(unsafe.Pointer(^uintptr(0))) }

// An address that C gave.
func foreign() { C.each(unsafe.Pointer(uintptr(C.address()))) }

// Arithmetic on an address.
func offset(b []byte, i int) { C.each(unsafe.Pointer(uintptr(unsafe.Pointer(&b[0])) + uintptr(i))) }

// The address of a handle is an address.
func address(h cgo.Handle) { C.each(unsafe.Pointer(&h)) }

// A helper that is given an address.
func at(n uintptr) unsafe.Pointer { return unsafe.Pointer(n) }

func helped() { C.each(at(uintptr(C.address()))) }

// The key of one table, an address from another variable.
func other(t *table, f func()) {
	t.byID[t.last] = f
	C.each(unsafe.Pointer(base))
}

var base uintptr

// A registry by address.
func byAddress(f func()) {
	address := uintptr(C.address())
	registry[address] = f
	C.each(unsafe.Pointer(address))
}

func byPointer(p unsafe.Pointer, f func()) {
	registry[uintptr(p)] = f
	C.each(unsafe.Pointer(uintptr(p)))
}

// A name is no integer, though it is a key.
func named(name string) { C.each(unsafe.Pointer(unsafe.StringData(name))) }

func byName(names []string) map[string]int {
	lengths := make(map[string]int)
	for _, name := range names {
		named(name)
		lengths[name] = len(name)
	}
	return lengths
}
