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
