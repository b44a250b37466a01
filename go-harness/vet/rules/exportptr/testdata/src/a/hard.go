package a

// #include <stdlib.h>
import "C"

import (
	"runtime"
	"unsafe"
)

var pinner runtime.Pinner

//export goPinned
func goPinned() unsafe.Pointer {
	p := new(int)
	pinner.Pin(p)
	return unsafe.Pointer(p)
}

//export goNil
func goNil() unsafe.Pointer { return nil }

//export goConstant
func goConstant() string { return "constant" }

//export goMalloc
func goMalloc() unsafe.Pointer {
	p := (*[4]byte)(C.malloc(4))
	p[0] = 1
	return unsafe.Pointer(&p[0])
}

//export goBack
func goBack(p unsafe.Pointer) unsafe.Pointer { return p }

// Not for C.
func plain() unsafe.Pointer { return unsafe.Pointer(new(int)) }
