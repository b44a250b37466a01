package a

import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// A cell of C that holds the handle.
//
//export goCell
func goCell(userData unsafe.Pointer) {
	(*(*cgo.Handle)(userData)).Value().(func())()
}

// The address itself, as a key.
//
//export goKey
func goKey(userData unsafe.Pointer) {
	callbacks[uintptr(userData)]()
}

var callbacks = map[uintptr]func(){}

// Not called by C.
func plain(userData unsafe.Pointer) cgo.Handle { return cgo.Handle(userData) }

// size is an integer that stands for nothing.
type size uintptr

func (s size) Value() uintptr { return uintptr(s) }

//export goAddress
func goAddress(p unsafe.Pointer) C.int { return C.int(size(uintptr(p)).Value() % 8) }
