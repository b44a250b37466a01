package a

/*
#include <stdint.h>
typedef struct window window;
static void attach(void *w) {}
static void attach_window(window *w) {}
static void attach_number(uintptr_t w) {}
*/
import "C"

import "unsafe"

// NativePointer is the address of somebody else's object.
type NativePointer uintptr

type Surface struct {
	window unsafe.Pointer
	number NativePointer
}

func (s *Surface) Attach(w NativePointer) {
	s.window = unsafe.Pointer(w) // want `a NativePointer is a number, and here becomes a pointer of Go`
}

func (s *Surface) First() byte {
	return *(*byte)(unsafe.Pointer(uintptr(s.number))) // want `a NativePointer is a number`
}

func (s *Surface) Handed() unsafe.Pointer {
	return unsafe.Pointer(s.number) // want `a NativePointer is a number`
}
