// Package deflate unpacks with zlib.
package deflate

// #cgo pkg-config: zlib
// #include "unpack.h"
import "C"

import (
	"errors"
	"unsafe"
)

// ErrBad is the error of bytes that are no streams of zlib, or that hold more than there is room for.
var ErrBad = errors.New("no streams of zlib, or too long")

// Unpack unpacks one or more streams of zlib that lie one after the other, and hold up to `room` bytes.
func Unpack(data []byte, room int) ([]byte, error) {
	out := make([]byte, room)
	written := C.unpack(
		(*C.uchar)(unsafe.SliceData(data)), C.size_t(len(data)),
		(*C.uchar)(unsafe.SliceData(out)), C.size_t(room),
	)
	if written < 0 {
		return nil, ErrBad
	}
	return out[:written], nil
}
