package c

/*
#include <stddef.h>
typedef struct db db;
typedef struct { int code; const char *text; } info;
typedef struct { int level; int error; } context;
static int lib_open(const char *name) { return 1; }
static void lib_get_error(const char **text) { }
static void lib_get_last_error(const char **text, int *code) { }
static const char *lib_last_error_msg(const char **text) { return *text; }
static void lib_last_error_info(void *info) { }
static void lib_last_error_into(info *i) { }
static void lib_last_error_text(char *buffer, size_t n) { }
static int lib_error_code(void) { return 0; }
static const char *lib_errstr(void) { return ""; }
static const char *lib_last_error(void) { return ""; }
static void db_get_error(db **d) { }
static void db_error_message(const char **text, db *d) { }
static void lib_get_error_of(const char **text, int code) { }
static void context_init(context *c) { }
static int context_last_error(context *c) { return c->error; }
static int lib_close(void) { return 0; }
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

func intoPointer() error {
	var text *C.char
	if C.lib_open(nil) != 0 {
		C.lib_get_error(&text) // want `C.lib_get_error explains the thread's last call, but between it and C.lib_open`
	}
	return errors.New(C.GoString(text))
}

func intoTwo() (string, int) {
	var text *C.char
	var code C.int
	C.lib_open(nil)
	C.lib_get_last_error(&text, &code) // want `C.lib_get_last_error explains`
	return C.GoString(text), int(code)
}

func intoAndReturned() string {
	var text *C.char
	C.lib_open(nil)
	return C.GoString(C.lib_last_error_msg(&text)) // want `C.lib_last_error_msg explains`
}

func intoAnything() string {
	var i C.info
	C.lib_open(nil)
	C.lib_last_error_info(unsafe.Pointer(&i)) // want `C.lib_last_error_info explains`
	return C.GoString(i.text)
}

func intoStruct() string {
	i := C.info{}
	C.lib_open(nil)
	C.lib_last_error_into(&i) // want `C.lib_last_error_into explains`
	return C.GoString(i.text)
}

func ofNumber() int {
	C.lib_open(nil)
	return int(C.lib_error_code()) // want `C.lib_error_code explains`
}

func ofText() string {
	C.lib_open(nil)
	return C.GoString(C.lib_errstr()) // want `C.lib_errstr explains`
}

// helper is a reader with an out-parameter.
func helper() string {
	var text *C.char
	C.lib_get_error(&text)
	return C.GoString(text)
}

func throughHelper() string {
	C.lib_open(nil)
	return helper() // want `C.lib_get_error explains`
}

func deferred() (err error) {
	failed := false
	defer func() { // want `C.lib_last_error explains the thread's last call, but between it and C.lib_open`
		if failed {
			err = errors.New(C.GoString(C.lib_last_error()))
		}
	}()
	failed = C.lib_open(nil) != 0
	return nil
}

// unlockedFirst unlocks before the deferred literal reads: calls that were deferred later run first.
func unlockedFirst() (err error) {
	defer func() { // want `C.lib_last_error explains`
		err = errors.New(C.GoString(C.lib_last_error()))
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.lib_open(nil)
	return nil
}

func elsewhere(report chan string) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if C.lib_open(nil) != 0 {
		go func() { // want `C.lib_last_error explains the thread's last call, but a new goroutine has not made C.lib_open in line \d+`
			report <- C.GoString(C.lib_last_error())
		}()
	}
}

// Good.

func locked() string {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var text *C.char
	C.lib_open(nil)
	C.lib_get_error(&text)
	return C.GoString(text)
}

// ofObject asks an object, whose address is that of a variable.
func ofObject(d *C.db) {
	C.lib_open(nil)
	C.db_get_error(&d)
}

func ofLocalObject() C.int {
	var c C.context
	C.context_init(&c)
	return C.context_last_error(&c)
}

func ofFilledObject() C.int {
	c := C.context{level: 1}
	C.lib_open(nil)
	return C.context_last_error(&c)
}

// ofSecond asks the object that comes after the out-parameter.
func ofSecond(d *C.db) string {
	var text *C.char
	C.lib_open(nil)
	C.db_error_message(&text, d)
	return C.GoString(text)
}

func ofCode() string {
	var text *C.char
	code := C.lib_open(nil)
	C.lib_get_error_of(&text, code)
	return C.GoString(text)
}

func deferredInWindow() (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer func() { err = errors.New(C.GoString(C.lib_last_error())) }()
	C.lib_open(nil)
	return nil
}

// current makes no call that could fail.
func current() {
	defer func() { recordError(C.GoString(C.lib_last_error())) }()
}

func recordError(string) {}

// own makes the call that it explains.
func own(report chan string) {
	C.lib_open(nil)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if C.lib_close() != 0 {
			report <- C.GoString(C.lib_last_error())
		}
	}()
}

// evaluated reads at once: only the report is deferred.
func evaluated() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.lib_open(nil)
	defer recordError(C.GoString(C.lib_last_error()))
}

// afterAnother calls what explains its own call, at its end.
func afterAnother() error {
	C.lib_open(nil)
	return deferred()
}
