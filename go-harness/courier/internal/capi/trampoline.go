package capi

/*
#include "courier.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime/cgo"
	"runtime/debug"
	"sync/atomic"
)

//export courierGoProvide
func courierGoProvide(token C.uintptr_t, request C.courier_request, url *C.char, length C.size_t) C.courier_decision {
	return C.courier_decision(trampoline(uintptr(token), uint64(request), copyText(url, length)))
}

// trampoline calls the provider behind token. There are C frames below it, and neither a panic nor a
// Goexit may unwind them. A panic is reported and becomes the documented failure value. A Goexit
// cannot be stopped, and C cannot be given an answer: the process ends.
func trampoline(token uintptr, request uint64, url string) (decision int32) {
	returned := false
	defer func() {
		if !returned {
			fmt.Fprintln(os.Stderr, "courier: the provider callback called runtime.Goexit, as t.FailNow does: it would unwind C frames")
			os.Exit(2)
		}
	}()
	decision = contain("provider", func() int32 {
		provide, ok := lookup(token)
		if !ok {
			report(Panic{"provider", fmt.Errorf("unknown callback token %#x", token), debug.Stack()})
			return DecisionFail
		}
		return provide(request, url)
	})
	returned = true
	return decision
}

// contain returns what call returns, or DecisionFail when it panics.
func contain(callback string, call func() int32) (decision int32) {
	decision = DecisionFail
	defer func() {
		if value := recover(); value != nil {
			report(Panic{callback, value, debug.Stack()})
		}
	}()
	return call()
}

// lookup finds the provider behind a token. Tokens of freed cells, and numbers that never were a
// token of ours, lead nowhere.
func lookup(token uintptr) (provide Provide, ok bool) {
	defer func() { _ = recover() }() // cgo.Handle panics over a deleted handle
	provide, ok = cgo.Handle(token).Value().(Provide)
	return provide, ok
}

// Panic is a panic that a callback did not recover from, or a call with a token that leads nowhere.
// Callback says which one, such as "provider".
type Panic struct {
	Callback string
	Value    any
	Stack    []byte
}

var panicHandler atomic.Pointer[func(Panic)]

// SetPanicHandler makes handler see the panics; nil prints them to standard error.
func SetPanicHandler(handler func(Panic)) {
	if handler == nil {
		panicHandler.Store(nil)
		return
	}
	panicHandler.Store(&handler)
}

func report(p Panic) {
	defer func() {
		// Nor may a panic of the handler itself reach C.
		if value := recover(); value != nil {
			printPanic(p)
			printPanic(Panic{"panic handler", value, debug.Stack()})
		}
	}()
	if handler := panicHandler.Load(); handler != nil {
		(*handler)(p)
		return
	}
	printPanic(p)
}

func printPanic(p Panic) {
	fmt.Fprintf(os.Stderr, "courier: panic in the %s: %v\n%s", p.Callback, p.Value, p.Stack)
}
