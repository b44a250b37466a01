// Package gl is called by other packages of its module alone, which know what they pass.
package gl

// static void uniform(float *v, int n) { }
import "C"

import "unsafe"

func Uniform(v []float32) {
	C.uniform((*C.float)(unsafe.Pointer(&v[0])), C.int(len(v)))
}
