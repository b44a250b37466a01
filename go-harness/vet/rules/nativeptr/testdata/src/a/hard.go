package a

/*
#include <stdint.h>
typedef struct window window;
static void attach(void *w) {}
static void attach_window(window *w) {}
static void attach_number(uintptr_t w) {}
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

func (s *Surface) Number() { C.attach_number(C.uintptr_t(s.number)) }

func (s *Surface) AtTheCall() {
	C.attach(unsafe.Pointer(s.number))
	C.attach_window((*C.window)(unsafe.Pointer(uintptr(s.number))))
}

func next(p unsafe.Pointer, n uintptr) unsafe.Pointer { return unsafe.Pointer(uintptr(p) + n) }

func handle(h cgo.Handle) unsafe.Pointer { return unsafe.Pointer(h) }

func ofC(n C.uintptr_t) unsafe.Pointer { return unsafe.Pointer(uintptr(n)) }
