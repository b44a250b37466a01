package capi

/*
#include "helpers.h"

static courier_string_view capi_last_error(void) {
	courier_string_view message = courier_last_error();
	return capi_text(capi_data(message), message.len);
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"
)

// Error is what a call returns when its status is not OK.
type Error struct {
	Status  int32
	Message string // copied from the library; begins with a word in brackets
}

func (e *Error) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Message) }

// Stale reports whether the call was refused because the handle's object has been released.
func (e *Error) Stale() bool { return strings.HasPrefix(e.Message, "[stale] ") }

// betweenStatusAndMessage, when set by a test, runs after a call has failed and before its message
// is read: where another goroutine would do its damage if the thread were not locked.
var betweenStatusAndMessage func()

// check makes one status-returning call. The message belongs to the OS thread that made the call, and
// to its last call only. A goroutine may be moved to another thread between two calls into C, and
// another goroutine may get this thread. So the thread is locked until the message has been copied.
// Locks nest: a caller's own lock is left as it was.
func check(name string, call func() C.courier_status) error {
	point(name)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := call()
	if status == OK {
		return nil
	}
	if betweenStatusAndMessage != nil {
		betweenStatusAndMessage()
	}
	message := C.capi_last_error()
	return &Error{int32(status), copyText(message.data, message.len)}
}

// copyText copies text that C lends.
func copyText(data *C.char, length C.size_t) string {
	return string(unsafe.Slice((*byte)(unsafe.Pointer(data)), length))
}

// textData is how a Go string goes to C: for the time of the call, with its length beside it.
func textData(s string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}

var observer atomic.Pointer[func(point string)]

// Observe makes f see each call before it goes to C, by its name in courier.h, and the making and
// freeing of callback cells as cell.new and cell.free. f runs on the calling goroutine, and may block
// it there. Nil ends it. For tests, which count with it.
func Observe(f func(point string)) {
	if f == nil {
		observer.Store(nil)
		return
	}
	observer.Store(&f)
}

func point(name string) {
	if f := observer.Load(); f != nil {
		(*f)(name)
	}
}
