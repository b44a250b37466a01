package a

// #include <stdint.h>
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

//export goEach
func goEach(userData unsafe.Pointer) { // want `userData of goEach has pointer type and holds the number of a handle`
	cgo.Handle(userData).Value().(func())()
}

//export goEachLong
func goEachLong(n C.int, userData unsafe.Pointer) { // want `userData of goEachLong has pointer type`
	h := cgo.Handle(uintptr(userData))
	h.Value().(func(int))(int(n))
}

//export goGood
func goGood(userData C.uintptr_t) {
	cgo.Handle(userData).Value().(func())()
}
