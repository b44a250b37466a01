package a

/*
#include <stdlib.h>
typedef struct thing { int n; } thing;
*/
import "C"

import (
	"fmt"
	"sync"
	"unsafe"
)

var table [8]byte

//export goBuffer
func goBuffer() *C.char {
	text := append([]byte("name"), 0)
	return (*C.char)(unsafe.Pointer(&text[0])) // want `goBuffer returns a pointer into memory of Go to C`
}

//export goTable
func goTable() unsafe.Pointer {
	return unsafe.Pointer(&table) // want `goTable returns a pointer into memory of Go to C`
}

//export goThing
func goThing() *C.thing {
	return &C.thing{n: 1} // want `goThing returns a pointer into memory of Go to C`
}

//export goText
func goText(n C.int) string {
	return fmt.Sprint(n) // want `goText returns a string of Go to C`
}

//export goDeferred
func goDeferred() (t *C.thing) {
	defer func() { t = &C.thing{n: 1} }()
	return nil // want `goDeferred returns a pointer into memory of Go to C`
}

//export goGood
func goGood() *C.char {
	return C.CString("name")
}

//export goLocked
func goLocked(n C.int) *C.thing {
	lock.Lock()
	defer lock.Unlock()
	if n == 0 {
		return nil
	}
	return &C.thing{n: n} // want `goLocked returns a pointer into memory of Go to C`
}

var lock sync.Mutex

//export goBoxed
func goBoxed(n C.int) any {
	return n // want `goBoxed returns a Go interface to C`
}

//export goBoxedThing
func goBoxedThing() any {
	return &C.thing{n: 1} // want `goBoxedThing returns a Go interface to C`
}

type filled struct{ text []byte }

func newFilled() *filled { return &filled{text: make([]byte, 8)} }

//export goFilled
func goFilled() *C.char {
	return (*C.char)(unsafe.Pointer(&newFilled().text[0])) // want `goFilled returns a pointer into memory of Go to C`
}
