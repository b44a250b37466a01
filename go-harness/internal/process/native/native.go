//go:build linux

// Package native is the C that the process tests need: threads with a chosen stack, and what the system
// knows of signals. It is no part of the binding, and the only other package of the module with cgo.
package native

/*
#cgo LDFLAGS: -lpthread
#include "native.h"
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
)

// OnThread runs f on a new OS thread that C has made, with a stack of this size, and returns when the thread
// has ended. It says how much of the stack was used.
func OnThread(stack int, f func()) (used int, err error) {
	handle := cgo.NewHandle(f)
	defer handle.Delete()
	result := C.native_on_thread(C.size_t(stack), C.uintptr_t(handle))
	if result < 0 {
		return 0, fmt.Errorf("a thread with a stack of %d bytes: error %d", stack, -result)
	}
	return int(result), nil
}

//export nativeGoRun
func nativeGoRun(handle C.uintptr_t) { cgo.Handle(handle).Value().(func())() }

// AtThreadEnd makes the calling thread use the library once more while it ends, when its thread-local
// storage is going or gone.
func AtThreadEnd() { C.native_at_thread_end() }

// EndedThreads says how many threads have done what AtThreadEnd asked for.
func EndedThreads() int { return int(C.native_ended_threads()) }

// StackSize is the size of the calling thread's stack.
func StackSize() int { return int(C.native_stack_size()) }

// ThreadID is the system's number of the calling thread.
func ThreadID() int { return int(C.native_thread_id()) }

// Action is what the system does when the process gets a signal.
type Action struct {
	Handler uintptr
	Flags   int
	Mask    uint64
}

// ActionOf asks the system; Go has no way to.
func ActionOf(signal int) Action {
	var a C.struct_native_action
	if C.native_action(C.int(signal), &a) != 0 {
		return Action{} // the C library keeps two signals for itself
	}
	return Action{uintptr(a.handler), int(a.flags), uint64(a.mask)}
}

// AltStack is the calling thread's alternate stack for signal handlers.
func AltStack() (address uintptr, size, flags int) {
	var s C.struct_native_stack
	C.native_alt_stack(&s)
	return uintptr(s.address), int(s.size), int(s.flags)
}

// SendToThread sends a signal to one thread of this process.
func SendToThread(thread, signal int) error {
	if _, err := C.native_send_to_thread(C.int(thread), C.int(signal)); err != nil {
		return err
	}
	return nil
}

// Upcall notes that C has called Go.
func Upcall() { C.native_upcall() }

// SayAtExit makes a program that ends through C's exit say how many calls of Upcall came after this one.
func SayAtExit() { C.native_say_at_exit() }
