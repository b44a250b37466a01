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
	"math"
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

// Word is the one in brackets that the message begins with; "" if there is none.
func (e *Error) Word() string {
	if rest, found := strings.CutPrefix(e.Message, "["); found {
		word, _, _ := strings.Cut(rest, "]")
		return word
	}
	return ""
}

// Stale reports whether the call was refused because the handle's object has been released.
func (e *Error) Stale() bool { return e.Word() == "stale" }

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
	lent := C.capi_last_error()
	message, bad := copyText(lent.data, lent.len)
	if bad != nil {
		message = bad.Message
	}
	return &Error{int32(status), message}
}

// copyText copies text that C lends. No text is as long as what it refuses.
func copyText(data *C.char, length C.size_t) (text string, bad *Error) {
	if length == 0 {
		return "", nil
	}
	if data == nil || length > maxSize {
		return "", broken("bad-text", "the library lends %d bytes of text at address %p", length, data)
	}
	return string(unsafe.Slice((*byte)(unsafe.Pointer(data)), length)), nil
}

// maxSize is what a count or a size of the library's is compared with before anything is done with it: it
// fits an int, on every machine.
const maxSize = math.MaxInt32

// broken is the error for what no library returns that keeps its own rules.
func broken(word, format string, args ...any) *Error {
	return &Error{NativeError, fmt.Sprintf("["+word+"] "+format, args...)}
}

// made passes on the handle that a call has made. It is never null.
func made(handle uint64, err error) (uint64, error) {
	if err == nil && handle == 0 {
		return 0, broken("null-handle", "the library has made a null handle")
	}
	return handle, err
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
