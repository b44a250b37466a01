package a

/*
#include <stdlib.h>
int lib_open(const char *path);
int lib_query(const char *text, size_t length);
*/
import "C"

import "unsafe"

func Open(path string) int {
	text := C.CString(path) // want `C sees path of Open only up to its first NUL byte`
	defer C.free(unsafe.Pointer(text))
	return int(C.lib_open(text))
}

func OpenAll(paths []string) (n int) {
	for _, path := range paths {
		text := C.CString(path) // want `C sees paths of OpenAll only`
		n += int(C.lib_open(text))
		C.free(unsafe.Pointer(text))
	}
	return n
}

func OpenBytes(path []byte) int {
	text := C.CString(string(path)) // want `C sees path of OpenBytes only`
	defer C.free(unsafe.Pointer(text))
	return int(C.lib_open(text))
}

type Options struct{ Path, Other string }

func OpenWith(o *Options) int { return open(o.Path) }

func open(path string) int {
	text := C.CString(path) // want `C sees o of OpenWith only`
	defer C.free(unsafe.Pointer(text))
	return int(C.lib_open(text))
}

func OpenLater(path string) func() int {
	return func() int {
		text := C.CString(path) // want `C sees path of OpenLater only`
		defer C.free(unsafe.Pointer(text))
		return int(C.lib_open(text))
	}
}

// Both is given the length once.
func Both(query string) int {
	text := C.CString(query) // want `C sees query of Both only`
	defer C.free(unsafe.Pointer(text))
	return int(C.lib_query(text, C.size_t(len(query)))) + int(C.lib_open(text))
}

// Other looks at something else.
func Other(path, name string) int {
	if !plain(name) {
		return -1
	}
	text := C.CString(path) // want `C sees path of Other only`
	defer C.free(unsafe.Pointer(text))
	return int(C.lib_open(text))
}
