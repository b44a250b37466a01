package a

/*
#include <stdint.h>
typedef struct opts { uintptr_t addr; int n; } opts;
void lib_read(uintptr_t p);
void lib_open(opts *o);
void lib_pass(opts o);
opts *opts_new(void);
*/
import "C"

import "unsafe"

func Given(b []byte) {
	C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&b[0])))) // want `C.lib_read is given the address of Go memory as an integer`
}

func SliceData(b []byte) {
	C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(unsafe.SliceData(b))))) // want `C.lib_read is given the address of Go memory as an integer`
}

func StringData(s string) {
	address := uintptr(0)
	if s != "" {
		address = uintptr(unsafe.Pointer(unsafe.StringData(s)))
	}
	C.lib_read(C.uintptr_t(address)) // want `C.lib_read is given the address of Go memory as an integer`
}

func Offset(b []byte, n uintptr) {
	C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&b[0])) + n)) // want `C.lib_read is given the address of Go memory as an integer`
}

func address(b []byte) uintptr {
	if len(b) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(&b[0]))
}

func Returned(b []byte) {
	C.lib_read(C.uintptr_t(address(b))) // want `C.lib_read is given the address of Go memory as an integer`
}

func read(p uintptr) { C.lib_read(C.uintptr_t(p)) }

func Taken(b []byte) {
	read(uintptr(unsafe.Pointer(&b[0]))) // want `C.lib_read is given the address of Go memory as an integer`
}

type source struct {
	addr, length uintptr
	buf          []byte
}

func (s *source) Set(b []byte) {
	s.addr = uintptr(unsafe.Pointer(&b[0])) // want `C.lib_read is given the address of Go memory as an integer in field addr`
	s.length = uintptr(len(b))
}

func (s *source) Read() { C.lib_read(C.uintptr_t(s.addr)) }

func Struct(b []byte) {
	var o C.opts
	o.addr = C.uintptr_t(uintptr(unsafe.Pointer(&b[0]))) // want `C.lib_open is given the address of Go memory as an integer in field addr`
	C.lib_open(&o)
}

func StructByValue(b []byte) {
	o := C.opts{addr: C.uintptr_t(uintptr(unsafe.Pointer(&b[0])))} // want `C.lib_pass is given the address of Go memory as an integer in field addr`
	C.lib_pass(o)
}

func NativeStruct(b []byte) {
	o := C.opts_new()
	o.addr = C.uintptr_t(uintptr(unsafe.Pointer(&b[0]))) // want `C.lib_open is given the address of Go memory as an integer in field addr`
	C.lib_open(o)
}
