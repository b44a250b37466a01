package capi

/*
#include "courier.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"

	"github.com/cgolab/cgolab/go-harness/courier/internal/token"
)

//export courierGoProvide
func courierGoProvide(t C.uint64_t, request C.courier_request, url *C.char, length C.size_t) C.courier_decision {
	decision := int32(DecisionFail)
	upcall("provider", func() {
		decision = callback[Provide](token.Token(t))(uint64(request), argument(url, length))
	})
	return C.courier_decision(decision)
}

//export courierGoCancel
func courierGoCancel(t C.uint64_t) {
	upcall("cancellation callback", func() { callback[Notify](token.Token(t))() })
}

//export courierGoWake
func courierGoWake(t C.uint64_t) {
	upcall("wake callback", func() { callback[Notify](token.Token(t))() })
}

//export courierGoLog
func courierGoLog(t C.uint64_t, level C.courier_log_level, text *C.char, length C.size_t) {
	upcall("log callback", func() { callback[Log](token.Token(t))(int32(level), argument(text, length)) })
}

// upcall calls Go code that C has asked for. There are C frames below it, and neither a panic nor a Goexit
// may unwind them. A panic is reported, and call is left where it was. A Goexit cannot be stopped, and C
// cannot be given an answer: the process ends.
func upcall(name string, call func()) {
	returned := false
	defer func() {
		if !returned {
			fmt.Fprintf(os.Stderr, "courier: the %s called runtime.Goexit, as t.FailNow does: it would unwind C frames\n", name)
			os.Exit(2)
		}
	}()
	contain(name, call)
	returned = true
}

// contain reports a panic of call instead of passing it on. It does not return if call is in a Goexit, also
// if that has led to a panic: a deferred call recovers from the panic, and the Goexit goes on.
func contain(name string, call func()) {
	defer func() {
		if value := recover(); value != nil {
			report(Panic{name, value, debug.Stack()})
		}
	}()
	call()
}

// callback is the one that a token stands for. Tokens of freed cells, and numbers that never were a token of
// ours, are reported as a panic of the callback that is missing.
func callback[F any](t token.Token) F {
	value, _ := t.Value()
	f, ok := value.(F)
	if !ok {
		panic(fmt.Errorf("unknown callback token %#x", t))
	}
	return f
}

// argument copies text that C passes to a callback. What is no text is reported as a panic of the callback,
// which is not called.
func argument(data *C.char, length C.size_t) string {
	text, bad := copyText(data, length)
	if bad != nil {
		panic(bad)
	}
	return text
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
	handler := panicHandler.Load()
	if handler == nil {
		printPanic(p)
		return
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		printPanic(p) // nobody has taken it
		if value := recover(); value != nil {
			printPanic(Panic{"panic handler", value, debug.Stack()})
		} else {
			fmt.Fprintln(os.Stderr, "courier: the panic handler called runtime.Goexit, as t.FailNow does")
		}
	}()
	(*handler)(p)
	returned = true
}

func printPanic(p Panic) {
	fmt.Fprintf(os.Stderr, "courier: panic in the %s: %v\n%s", p.Callback, p.Value, p.Stack)
}
