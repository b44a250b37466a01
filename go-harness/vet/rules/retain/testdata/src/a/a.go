package a

/*
#include <stdlib.h>
typedef struct request { void *data; int n; } request;
request *request_new(void);
void request_send(request *r);
*/
import "C"

import (
	"runtime"
	"unsafe"
)

func Field(n int) {
	buf := make([]byte, n)
	req := (*C.request)(C.calloc(1, C.sizeof_request))
	req.data = unsafe.Pointer(&buf[0]) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

func Made() {
	req := C.request_new()
	req.data = unsafe.Pointer(&counter) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

func Element(n int) {
	list := unsafe.Slice((**C.request)(C.malloc(C.size_t(n)*8)), n)
	list[0] = &C.request{} // want `the address of Go memory is stored in memory of C`
}

var counter int

func Pinned(n int, pinner *runtime.Pinner) {
	buf := make([]byte, n)
	req := C.request_new()
	pinner.Pin(&buf[0])
	req.data = unsafe.Pointer(&buf[0])
	C.request_send(req)
}

// A struct of Go.
func Variable(p *C.char) {
	var req C.request
	req.data = unsafe.Pointer(p)
	other := &C.request{}
	other.data = unsafe.Pointer(&req)
	_ = other
}

// Memory of C in memory of C.
func Native() {
	req := C.request_new()
	req.data = C.malloc(8)
	req.n = 1
	C.request_send(req)
}

// A C struct in a variable of Go that C filled.
func Argument(req *C.request) {
	req.data = nil
}

// One of two callers pins.
func half(program []byte) {
	req := C.request_new()
	req.data = unsafe.Pointer(&program[0]) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

func HalfPinned(program []byte) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&program[0])
	half(program)
}

func HalfNot(program []byte) { half(program) }

// The request lives on when the caller's pin is gone.
func lastingRequest(program []byte) *C.request {
	req := C.request_new()
	req.data = unsafe.Pointer(&program[0]) // want `the address of Go memory is stored in memory of C`
	return req
}

func MadePinned(program []byte) {
	var pinner runtime.Pinner
	pinner.Pin(&program[0])
	req := lastingRequest(program)
	pinner.Unpin()
	C.request_send(req)
}
