//go:build canary

package guard

/*
#include <stddef.h>

static const volatile char *kept;

static char canary_sink;

static void canary_borrow(const char *data) { kept = data; }

static void canary_read(size_t offset) { canary_sink = kept[offset]; }
*/
import "C"

import "unsafe"

// borrow keeps a pointer to what it is given, which it must not.
func borrow(data []byte) { C.canary_borrow((*C.char)(unsafe.Pointer(unsafe.SliceData(data)))) }

// read reads what was borrowed.
func read(offset int) { C.canary_read(C.size_t(offset)) }
