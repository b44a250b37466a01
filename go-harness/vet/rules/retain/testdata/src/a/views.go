package a

/*
#include <stdlib.h>
typedef struct request { void *data; int n; } request;
request *request_new(void);
int request_make(request **r);
void request_send(request *r);
*/
import "C"

import (
	"runtime"
	"unsafe"
)

func Given(b []byte) {
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

func SliceData(b []byte) {
	req := C.request_new()
	req.data = unsafe.Pointer(unsafe.SliceData(b)) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

func StringData(s string) {
	req := C.request_new()
	req.data = unsafe.Pointer(unsafe.StringData(s)) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

func OneOf(b []byte) {
	if len(b) == 0 {
		b = []byte{0}
	}
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

func Literal(b []byte) {
	req := C.request_new()
	*req = C.request{data: unsafe.Pointer(&b[0]), n: 1} // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

func OutParameter(b []byte) {
	var req *C.request
	C.request_make(&req)
	req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

type client struct {
	req   *C.request
	local *C.request
	list  []byte
}

func newRequest() *C.request { return C.request_new() }

func NewClient(n int) *client {
	return &client{req: newRequest(), local: &C.request{}, list: make([]byte, n)}
}

func (c *client) Set(b []byte) {
	c.req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
	c.local.data = unsafe.Pointer(&b[0])
}

func (c *client) SetList() {
	c.req.data = unsafe.Pointer(&c.list[0]) // want `the address of Go memory is stored in memory of C`
}

func fill(req *C.request, b []byte) {
	req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
}

func Fill(b []byte) {
	req := C.request_new()
	fill(req, b)
	C.request_send(req)
}

func put(req *C.request, p unsafe.Pointer) { req.data = p }

func Put(b []byte) {
	req := C.request_new()
	put(req, unsafe.Pointer(&b[0])) // want `put stores the address of Go memory in memory of C`
	C.request_send(req)
}

func putTwice(p unsafe.Pointer, req *C.request) { put(req, p) }

func PutTwice(b []byte) {
	req := C.request_new()
	putTwice(unsafe.Pointer(&b[0]), req) // want `putTwice stores the address of Go memory in memory of C`
	C.request_send(req)
}

func send(p unsafe.Pointer) {
	req := C.request_new()
	req.data = p
	C.request_send(req)
}

func Send(b []byte) {
	send(unsafe.Pointer(&b[0])) // want `send stores the address of Go memory in memory of C`
}

// Another object is pinned.
func PinsOther(b, other []byte) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&other[0])
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
	C.request_send(req)
}

// The struct outlives the pinning.
func HandsOut(b []byte) *C.request {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&b[0])
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
	return req
}

// The object outlives the pinning.
func (c *client) Keep(b []byte) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&b[0])
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
	c.req = req
}

// A deferred literal gives the struct, or none.
func opened(n int) (req *C.request) {
	defer func() {
		if n < 0 {
			req = nil
		}
	}()
	return C.request_new()
}

func Opened(n int, b []byte) {
	req := opened(n)
	req.data = unsafe.Pointer(&b[0]) // want `the address of Go memory is stored in memory of C`
}
