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

// token is the key of a registry of the package's own.
type token uint64

func (t token) Value() func() { return registry[t] }
func (t token) Delete()       { delete(registry, t) }

var registry = make(map[token]func())

//export goOwnToken
func goOwnToken(userData unsafe.Pointer) { // want `userData of goOwnToken has pointer type and holds the number of a handle`
	token(uintptr(userData)).Value()()
}

//export goCaptured
func goCaptured(userData unsafe.Pointer) { // want `userData of goCaptured has pointer type and holds the number of a handle`
	func() { token(uintptr(userData)).Value()() }()
}

//export goHanded
func goHanded(userData unsafe.Pointer) { // want `userData of goHanded has pointer type and holds the number of a handle`
	dispatch(userData)
}

func dispatch(userData unsafe.Pointer) { cgo.Handle(userData).Value().(func())() }
