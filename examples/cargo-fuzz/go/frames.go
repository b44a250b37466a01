// Package frames reads frames, in Rust. Build the library first: cargo build --release.
package frames

/*
#cgo LDFLAGS: -L${SRCDIR}/../target/release -lframes -lm
#include "frames.h"
*/
import "C"

import "unsafe"

// Body returns the body of a frame, or nil if it is none.
func Body(frame []byte) []byte {
	at := C.frames_body((*C.uint8_t)(unsafe.SliceData(frame)), C.size_t(len(frame)))
	if at == 0 {
		return nil
	}
	return frame[at:]
}

// Sum returns the sum of as many bytes as the first byte of a body says.
func Sum(body []byte) uint32 {
	return uint32(C.frames_sum((*C.uint8_t)(unsafe.SliceData(body)), C.size_t(len(body))))
}

// Text returns the text in a body, or "" if it holds none: its length stands behind the word TEXT.
func Text(body []byte) string {
	if len(body) < 5 || body[0] != 'T' || body[1] != 'E' || body[2] != 'X' || body[3] != 'T' {
		return ""
	}
	end := 5 + int(body[4])
	return string(body[5:end])
}
