//go:build canary

package leak

// #include <stdlib.h>
import "C"

import "unsafe"

func take() unsafe.Pointer { return C.malloc(24) }

func give(block unsafe.Pointer) { C.free(block) }
