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
	decision := int32(DecisionFail)
	upcall("provider", uintptr(token), func(provide Provide) {
		decision = provide(uint64(request), copyText(url, length))
	})
	return C.courier_decision(decision)
}

//export courierGoCancel
func courierGoCancel(token C.uintptr_t) {
	upcall("cancellation callback", uintptr(token), func(cancel Notify) { cancel() })
}

//export courierGoWake
func courierGoWake(token C.uintptr_t) {
	upcall("wake callback", uintptr(token), func(wake Notify) { wake() })
}

//export courierGoLog
func courierGoLog(token C.uintptr_t, level C.courier_log_level, text *C.char, length C.size_t) {
	upcall("log callback", uintptr(token), func(log Log) { log(int32(level), copyText(text, length)) })
}

// upcall calls the callback behind token. There are C frames below it, and neither a panic nor a Goexit
// may unwind them. A panic is reported, and call is left where it was. A Goexit cannot be stopped, and C
// cannot be given an answer: the process ends.
func upcall[F any](name string, token uintptr, call func(F)) {
	returned := false
	defer func() {
		if !returned {
			fmt.Fprintf(os.Stderr, "courier: the %s called runtime.Goexit, as t.FailNow does: it would unwind C frames\n", name)
			os.Exit(2)
		}
	}()
	contain(name, func() {
		callback, ok := lookup[F](token)
		if !ok {
			report(Panic{name, fmt.Errorf("unknown callback token %#x", token), debug.Stack()})
			return
		}
		call(callback)
	})
	returned = true
}

// contain reports a panic of call instead of passing it on.
func contain(name string, call func()) {
	defer func() {
		if value := recover(); value != nil {
			report(Panic{name, value, debug.Stack()})
		}
	}()
	call()
}

// lookup finds the callback behind a token. Tokens of freed cells, and numbers that never were a
// token of ours, lead nowhere.
func lookup[F any](token uintptr) (callback F, ok bool) {
	defer func() { _ = recover() }() // cgo.Handle panics over a deleted handle
	callback, ok = cgo.Handle(token).Value().(F)
	return callback, ok
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

// Report is for panics that the binding contains itself.
func Report(callback string, value any, stack []byte) { report(Panic{callback, value, stack}) }

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
