//go:build planted

package vet

/*
#cgo nocallback each_now
#include <stdint.h>
#include <stdlib.h>
extern void goPlantedEach(uintptr_t token);
extern void *goPlantedMemory(void);
extern void goPlantedPointer(void *token);
static inline void each_now(uintptr_t token) { goPlantedEach(token); }
typedef int lib_status;
lib_status lib_open(const char *path);
const char *lib_last_error(void);
void lib_each(uintptr_t token);
void lib_each_pointer(void *token);
void lib_subscribe(void *user_data);
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/cgo"
	"unsafe"
)

var errOpen = errors.New("not opened")

func open() error {
	if C.lib_open(nil) != 0 {
		return fmt.Errorf("%w: %s", errOpen, C.GoString(C.lib_last_error())) // planted: lasterror
	}
	return nil
}

func wasOpened(err error) bool {
	return err != errOpen // planted: errorsis
}

func OpenNamed(path string) error {
	text := C.CString(path) // planted: cnul
	defer C.free(unsafe.Pointer(text))
	if C.lib_open(text) != 0 {
		return errOpen
	}
	return nil
}

func Status() C.lib_status { return C.lib_open(nil) } // planted: ctypes

func opensBlindly() {
	C.lib_open(nil) // planted: statuscheck
}

func leavesTheThreadLocked() error {
	runtime.LockOSThread() // planted: lockpair
	if C.lib_open(nil) != 0 {
		return errors.New("not opened")
	}
	runtime.UnlockOSThread()
	return nil
}

func leavesTheHandle(f func()) {
	C.lib_each(C.uintptr_t(cgo.NewHandle(f))) // planted: cbtoken
}

func tokenAsPointer(f func()) {
	h := cgo.NewHandle(f)
	defer h.Delete()
	C.lib_each_pointer(unsafe.Pointer(uintptr(h))) // planted: inttoptr
}

var handles []cgo.Handle

func lendsTheStack(f func()) {
	h := cgo.NewHandle(f)
	handles = append(handles, h)
	C.lib_subscribe(unsafe.Pointer(&h)) // planted: addrhandle
}

func deletesHandles() {
	for _, h := range handles {
		h.Delete()
	}
}

func eachNow(token uintptr) { C.each_now(C.uintptr_t(token)) }

//export goPlantedEach
func goPlantedEach(token C.uintptr_t) { // planted: exportrecover
	cgo.Handle(token).Value().(func())()
}

//export goPlantedPointer
func goPlantedPointer(token unsafe.Pointer) { // planted: ptrparam
	_ = cgo.Handle(token)
}

//export goPlantedMemory
func goPlantedMemory() unsafe.Pointer {
	memory := make([]byte, 8)
	return unsafe.Pointer(&memory[0]) // planted: exportptr
}

//go:nocheckptr
func unchecked() {}
