// Package window is called by other packages of its module alone.
package window

// #include <stdlib.h>
import "C"

import "unsafe"

type Window struct{ data unsafe.Pointer }

func (w *Window) Destroy() { C.free(w.data) }
