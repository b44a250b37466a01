package a

/*
int lib_run(void);
const char *lib_get_last_error(void);

typedef struct lib_error lib_error;
typedef struct { lib_error *err; const char *text; } lib_error_message_args;
lib_error *lib_try(void);
lib_error_message_args *new_lib_error_message_args(void);
void lib_message(lib_error_message_args *);
*/
import "C"

import (
	"errors"
	"runtime"
)

// status opens the window for its callers.
func status(call func() C.int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if call() == 0 {
		return nil
	}
	return errors.New(C.GoString(C.lib_get_last_error()))
}

func run(n *int) error {
	return status(func() C.int {
		*n++
		return C.lib_run()
	})
}

// inner is called under the lock only.
func inner() error {
	if C.lib_run() != 0 {
		return errors.New(C.GoString(C.lib_get_last_error()))
	}
	return nil
}

func outer() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return inner()
}

// locked runs a function in a window.
func locked(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f()
}

func inWindow() (err error) {
	locked(func() {
		if C.lib_run() != 0 {
			err = errors.New(C.GoString(C.lib_get_last_error()))
		}
	})
	return err
}

func lock()   { runtime.LockOSThread() }
func unlock() { runtime.UnlockOSThread() }

func byHelpers() error {
	lock()
	defer unlock()
	if C.lib_run() != 0 {
		return errors.New(C.GoString(C.lib_get_last_error()))
	}
	return nil
}

// current makes no call that could fail.
func current() string { return C.GoString(C.lib_get_last_error()) }

// noStatus runs what does not call C.
func noStatus(call func() bool) error {
	if call() {
		return errors.New(C.GoString(C.lib_get_last_error()))
	}
	return nil
}

func never() error { return noStatus(func() bool { return false }) }

// cleared takes away what was there, and reads what its own call left.
func cleared() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.lib_get_last_error()
	if C.lib_run() != 0 {
		return errors.New(C.GoString(C.lib_get_last_error()))
	}
	return nil
}

func clearedAfterAnother() error {
	C.lib_run()
	return cleared()
}

// forgets takes an error away that nobody asked for.
func forgets() {
	C.lib_run()
	C.lib_get_last_error()
}

// explain gets the message of an error object; what it makes first is the place for it.
func explain(e *C.lib_error) error {
	if e == nil {
		return nil
	}
	args := C.new_lib_error_message_args()
	args.err = e
	C.lib_message(args)
	return errors.New(C.GoString(args.text))
}

func tried() error {
	return explain(C.lib_try())
}

func find(name int) C.int { return C.lib_run() }

// manyFound reads the error in a literal that has called C itself: that is the one mistake.
func manyFound() (err error) {
	C.lib_run()
	get := func(name int) C.int { return find(name) }
	must := func(name int) {
		if get(name) != 0 {
			err = errors.New(C.GoString(C.lib_get_last_error())) // want `between it and`
		}
	}
	must(1)
	must(2)
	return err
}
