package a

// #include <stdint.h>
import "C"

import (
	"fmt"
	"runtime/cgo"
)

type Visitor interface{ Visit(int) }

//export goEach
func goEach(token C.uintptr_t) { // want `C calls goEach, which runs code of others in line 15, and recovers no panic`
	cgo.Handle(token).Value().(func())()
}

//export goVisit
func goVisit(token C.uintptr_t, n C.int) { // want `C calls goVisit, which runs code of others in line 29`
	visit(token, n)
}

//export goElsewhere
func goElsewhere(token C.uintptr_t) { // want `C calls goElsewhere, which runs code of others in line 8 of b.go`
	elsewhere(token)
}

func visit(token C.uintptr_t, n C.int) {
	cgo.Handle(token).Value().(Visitor).Visit(int(n))
}

func contain() {
	if trouble := recover(); trouble != nil {
		fmt.Println(trouble)
	}
}

//export goContained
func goContained(token C.uintptr_t) {
	defer contain()
	cgo.Handle(token).Value().(func())()
}

//export goLiteral
func goLiteral(token C.uintptr_t) {
	func() {
		defer func() { _ = recover() }()
		cgo.Handle(token).Value().(func())()
	}()
}

// Only code of its own.
//
//export goCount
func goCount(n C.int) C.int { return n + 1 }

// On a stack of its own.
//
//export goStart
func goStart(token C.uintptr_t) {
	go cgo.Handle(token).Value().(func())()
}

// Not called by C.
func plain(f func()) { f() }
