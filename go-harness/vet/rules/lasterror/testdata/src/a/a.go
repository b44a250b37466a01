package a

/*
#include <stddef.h>
typedef struct db db;
static int lib_open(const char *name) { return 1; }
static const char *lib_last_error(void) { return "x"; }
static size_t lib_last_error_message(char *buf, size_t n) { return 0; }
static int lib_errno(void) { return 0; }
static const char *db_errmsg(db *d) { return "x"; }
static const char *lib_strerror(int code) { return "x"; }
static const char *lib_failure(void) { return "x"; }
*/
import "C"

import (
	"errors"
	"runtime"
)

func open() error {
	if C.lib_open(nil) != 0 {
		return errors.New(C.GoString(C.lib_last_error())) // want `C.lib_last_error explains the thread's last call, but between it and C.lib_open in line 22`
	}
	return nil
}

func code() int {
	C.lib_open(nil)
	return int(C.lib_errno()) // want `C.lib_errno explains the thread's last call`
}

func buffer() {
	var b [64]C.char
	C.lib_open(nil)
	C.lib_last_error_message(&b[0], 64) // want `C.lib_last_error_message explains`
}

func lastError() error { return errors.New(C.GoString(C.lib_last_error())) }

func throughHelper() error {
	if C.lib_open(nil) != 0 {
		return lastError() // want `C.lib_last_error explains the thread's last call, but between it and C.lib_open in line 42`
	}
	return nil
}

func check(rc C.int) error {
	if rc != 0 {
		return lastError()
	}
	return nil
}

func checked() error {
	return check(C.lib_open(nil)) // want `C.lib_last_error explains`
}

func lockedTooLate() error {
	rc := C.lib_open(nil)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if rc != 0 {
		return lastError() // want `C.lib_last_error explains`
	}
	return nil
}

func unlockedTooEarly() error {
	runtime.LockOSThread()
	rc := C.lib_open(nil)
	runtime.UnlockOSThread()
	if rc != 0 {
		return lastError() // want `C.lib_last_error explains`
	}
	return nil
}

func lockedTwice() error {
	runtime.LockOSThread()
	rc := C.lib_open(nil)
	runtime.UnlockOSThread()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if rc != 0 {
		return lastError() // want `C.lib_last_error explains`
	}
	return nil
}

func lockedOnOnePath(b bool) error {
	if b {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	if C.lib_open(nil) != 0 {
		return lastError() // want `C.lib_last_error explains`
	}
	return nil
}

//cgolab:thread-local C.lib_failure the manual says so
func marked() string {
	C.lib_open(nil)
	return C.GoString(C.lib_failure()) // want `C.lib_failure explains`
}

// Good.

func window() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if C.lib_open(nil) != 0 {
		return lastError()
	}
	return nil
}

func ofObject(d *C.db) string {
	C.lib_open(nil)
	return C.GoString(C.db_errmsg(d))
}

func ofCode() string {
	rc := C.lib_open(nil)
	return C.GoString(C.lib_strerror(rc))
}

func ofCgo() error {
	_, err := C.lib_open(nil)
	return err
}

// explained runs a call and explains it on whatever thread it is then.
func explained(call func() C.int) error {
	if call() != 0 {
		return errors.New(C.GoString(C.lib_last_error())) // want `between it and the call in line \d+ the goroutine may change threads`
	}
	return nil
}

func openByLiteral(name *C.char) error {
	return explained(func() C.int { return C.lib_open(name) })
}
