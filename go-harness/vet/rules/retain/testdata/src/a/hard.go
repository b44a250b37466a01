package a

/*
#include <stdlib.h>
typedef struct request { void *data; int n; } request;
request *request_new(void);
void request_send(request *r);
void request_pass(request r);
extern int region;
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// A view of C's memory.
func view(b []byte) {
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0])
	C.request_send(req)
}

func View(n int) {
	view(unsafe.Slice((*byte)(C.malloc(C.size_t(n))), n))
}

// Elements of C may lie anywhere.
func Elements(list []C.char) {
	req := C.request_new()
	req.data = unsafe.Pointer(&list[0])
	C.request_send(req)
}

// A constant lies where nothing moves or frees it.
func Constant() {
	req := C.request_new()
	req.data = unsafe.Pointer(unsafe.StringData("constant"))
	C.request_send(req)
}

// A struct of Go for one of two callers.
func either(req *C.request, b []byte) { req.data = unsafe.Pointer(&b[0]) }

func Either(b []byte) {
	var req C.request
	either(&req, b)
	C.request_pass(req)
	either(C.request_new(), b)
}

// A struct of Go that goes by value.
func lay(req *C.request, p unsafe.Pointer) { req.data = p }

func Lay(b []byte) {
	var req C.request
	lay(&req, unsafe.Pointer(&b[0]))
	C.request_pass(req)
}

// Memory of C in memory of C.
func LayNative() {
	lay(C.request_new(), C.malloc(8))
}

// Nobody knows whose struct it is.
func Unknown(req *C.request, b []byte) { req.data = unsafe.Pointer(&b[0]) }

func PinnedParameter(b []byte) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(unsafe.SliceData(b))
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0])
	C.request_send(req)
}

func pin(pinner *runtime.Pinner, p *byte) { pinner.Pin(p) }

func PinnedByHelper(b []byte) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pin(&pinner, &b[0])
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0])
	put(req, unsafe.Pointer(&b[0]))
	C.request_send(req)
}

type pinned struct {
	runtime.Pinner
	req *C.request
}

// What is pinned as long as the object pleases may be handed out.
func (p *pinned) HandOut(b []byte) *C.request {
	p.Pin(&b[0])
	p.req = C.request_new()
	p.req.data = unsafe.Pointer(&b[0])
	return p.req
}

// Another pinner, which the function takes back, says nothing about it.
func (p *pinned) HandOutBesideAnother(b, other []byte) *C.request {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&other[0])
	p.Pin(&b[0])
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0])
	return req
}

// A list of what is pinned.
func PinnedAll(lists [][]byte) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	for _, list := range lists {
		pinner.Pin(&list[0])
		req := C.request_new()
		req.data = unsafe.Pointer(&list[0])
		C.request_send(req)
	}
}

// A variable of C.
func VariableOfC() {
	req := C.request_new()
	req.data = unsafe.Pointer(&C.region)
	C.request_send(req)
}

// A slice that C gives.
//
//export goGiven
func goGiven(b []byte) {
	req := C.request_new()
	req.data = unsafe.Pointer(&b[0])
	C.request_send(req)
}

// A slice that whoever calls the literal gives.
func Literals(each func(func([]byte))) {
	each(func(b []byte) {
		req := C.request_new()
		req.data = unsafe.Pointer(&b[0])
		C.request_send(req)
	})
}

// Pinned as long as another struct of C, which is gone too.
func PinnedInside(b []byte) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&b[0])
	req, outer := C.request_new(), C.request_new()
	req.data = unsafe.Pointer(&b[0])
	outer.data = unsafe.Pointer(req)
	C.request_send(outer)
}

// A function of C.
func FunctionOfC() {
	req := C.request_new()
	req.data = unsafe.Pointer(C.request_send)
	C.request_send(req)
}

// What a deferred literal sets last is a struct of Go.
func reset() (req *C.request) {
	defer func() { req = new(C.request) }()
	return C.request_new()
}

func Reset(b []byte) { reset().data = unsafe.Pointer(&b[0]) }

// What a deferred literal gives away may be one.
func replace(req **C.request) { *req = new(C.request) }

func replaced() (req *C.request) {
	defer func() { replace(&req) }()
	return C.request_new()
}

func Replaced(b []byte) { replaced().data = unsafe.Pointer(&b[0]) }

// Whoever calls it pins, and waits.
func compile(program []byte) {
	req := C.request_new()
	req.data = unsafe.Pointer(&program[0])
	C.request_send(req)
}

func CompileNew(n int) {
	program := make([]byte, n)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&program[0])
	compile(program)
}

type Program struct{ text []byte }

func NewProgram(n int) *Program { return &Program{make([]byte, n)} }

func (p *Program) Compile() {
	var pinner runtime.Pinner
	pinner.Pin(unsafe.SliceData(p.text))
	defer pinner.Unpin()
	compile(p.text)
}

func compileFirst(programs [][]byte, program []byte) {
	if len(programs) > 0 {
		compileSecond(program)
	}
}

func compileSecond(program []byte) {
	req := C.request_new()
	req.data = unsafe.Pointer(&program[0])
	C.request_send(req)
}

func CompileThrough(programs [][]byte, n int) {
	program := make([]byte, n)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&program[0])
	compileFirst(programs, program)
}
