package b

/*
#include <errno.h>
#include <string.h>
#include <time.h>
#include <stdlib.h>
static int step(void) { return errno = 4, -1; }
static const char *lib_last_error(void) { return "x"; }
static int last(void) { return errno; }
static int glGetError(void) { return 0; }
static void lib_clear_error(void) { }
static void lib_free(void *p) { free(p); }
static int lib_close(void *p) { return -1; }
*/
import "C"

import (
	"runtime"
	"sync"
	"syscall"
)

func errnoLater() error {
	if C.step() < 0 {
		return syscall.Errno(C.last()) // want `C.last explains the thread's last call, but between it and C.step`
	}
	return nil
}

func closes() string {
	if C.lib_close(nil) < 0 {
		return C.GoString(C.lib_last_error()) // want `C.lib_last_error explains the thread's last call, but between it and C.lib_close`
	}
	return ""
}

func text(code int) string {
	return C.GoString(C.strerror(C.int(code))) // want `C.strerror returns a buffer that the thread's next call overwrites`
}

func textTooLate(code int) string {
	runtime.LockOSThread()
	text := C.strerror(C.int(code)) // want `C.strerror returns a buffer`
	runtime.UnlockOSThread()
	return C.GoString(text)
}

func year(t C.time_t) int {
	return int(C.localtime(&t).tm_year) // want `C.localtime returns a buffer of the process, which a call on any other thread overwrites before it is copied; hold a mutex around both, or use C.localtime_r`
}

var mutex sync.Mutex

func unlockedBefore(t C.time_t) int {
	mutex.Lock()
	mutex.Unlock()
	return int(C.localtime(&t).tm_year) // want `C.localtime returns a buffer of the process`
}

func threadIsNotEnough(t C.time_t) int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return int(C.localtime(&t).tm_year) // want `C.localtime returns a buffer of the process`
}

// Good.

func textLocked(code int) string {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return C.GoString(C.strerror(C.int(code)))
}

func yearLocked(t C.time_t) int {
	mutex.Lock()
	defer mutex.Unlock()
	return yearOf(t)
}

func yearOf(t C.time_t) int { return int(C.localtime(&t).tm_year) }

func textUnderMutex(code int) string {
	mutex.Lock()
	text := C.GoString(C.strerror(C.int(code)))
	mutex.Unlock()
	return text
}

func hasYear(t C.time_t) bool { return C.localtime(&t) != nil }

// drawn reads the error of a context, which is the caller's.
func drawn() C.int {
	C.step()
	return C.glGetError()
}

// freed is a call without an error, and so is one that clears it.
func freed() string {
	C.lib_clear_error()
	C.lib_free(nil)
	return C.GoString(C.lib_last_error())
}

func clearError() { C.lib_clear_error() }

func clearedByHelper() string {
	clearError()
	C.lib_free(nil)
	return C.GoString(C.lib_last_error())
}
