package a

// #include <stdlib.h>
import "C"

import (
	"runtime"
	"unsafe"
)

var pinner runtime.Pinner

//export goPinned
func goPinned() unsafe.Pointer {
	p := new(int)
	pinner.Pin(p)
	return unsafe.Pointer(p)
}

//export goNil
func goNil() unsafe.Pointer { return nil }

//export goConstant
func goConstant() string { return "constant" }

//export goMalloc
func goMalloc() unsafe.Pointer {
	p := (*[4]byte)(C.malloc(4))
	p[0] = 1
	return unsafe.Pointer(&p[0])
}

//export goBack
func goBack(p unsafe.Pointer) unsafe.Pointer { return p }

// Not for C.
func plain() unsafe.Pointer { return unsafe.Pointer(new(int)) }

// An interface holds a pointer of C as it is.
//
//export goBoxedBack
func goBoxedBack(p *C.char) any { return p }

// The header of a slice is set to memory of C, behind the back of its type.
type borrowed struct{ text []byte }

type header struct {
	data     unsafe.Pointer
	len, cap int
}

func newBorrowed(n int) *borrowed {
	b := &borrowed{text: make([]byte, 0)}
	h := (*header)(unsafe.Pointer(&b.text))
	h.data, h.len, h.cap = C.malloc(C.size_t(n)), n, n
	return b
}

//export goBorrowed
func goBorrowed() *C.char { return (*C.char)(unsafe.Pointer(&newBorrowed(8).text[0])) }

var lent = make([]byte, 0)

func lend(n int) {
	h := (*header)(unsafe.Pointer(&lent))
	h.data, h.len, h.cap = C.malloc(C.size_t(n)), n, n
}

//export goLent
func goLent() *C.char { return (*C.char)(unsafe.Pointer(&lent[0])) }
