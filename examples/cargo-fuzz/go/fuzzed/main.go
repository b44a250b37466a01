// Package main is what the fuzz targets call.
package main

/*
#include <stddef.h>
#include <stdint.h>
*/
import "C"

import (
	"unsafe"

	"example.com/frames"
)

// FuzzText reads a frame with a text in it.
//
//export FuzzText
func FuzzText(data *C.uint8_t, size C.size_t) {
	frames.Text(frames.Body(copied(data, size)))
}

// FuzzSum reads a body with a sum.
//
//export FuzzSum
func FuzzSum(data *C.uint8_t, size C.size_t) {
	frames.Sum(copied(data, size))
}

// copied returns an input in memory of Go, which is what the binding gets from its callers. It has no room to grow:
// AddressSanitizer takes room for memory that may be read.
func copied(data *C.uint8_t, size C.size_t) []byte {
	frame := make([]byte, size)
	copy(frame, unsafe.Slice((*byte)(data), size))
	return frame
}

func main() {}
