// Package planted has mistakes behind gates: `cargo lab bench fuzz` measures how long fuzzers take to find them.
package planted

// #include "planted.h"
import "C"

import (
	"encoding/json"
	"unsafe"

	"github.com/DataDog/zstd"
)

func pointer(data []byte) (*C.uchar, C.size_t) {
	return (*C.uchar)(unsafe.SliceData(data)), C.size_t(len(data))
}

// InC is a gate of four bytes in C.
func InC(data []byte) bool {
	return C.gate_bytes(pointer(data)) != 0
}

// InCAsNumber is a gate in C that compares a number of four bytes.
func InCAsNumber(data []byte) bool {
	return C.gate_word(pointer(data)) != 0
}

// InGo is a gate of four bytes in Go.
func InGo(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	if data[0] != 'B' {
		return false
	}
	if data[1] != 'U' {
		return false
	}
	if data[2] != 'G' {
		return false
	}
	return data[3] == '!'
}

func short(data []byte) bool {
	if len(data) < 3 {
		return false
	}
	if data[0] != 'B' {
		return false
	}
	if data[1] != 'U' {
		return false
	}
	return data[2] == 'G'
}

// InCThenGo is a gate of four bytes in C, and one of four in Go behind it.
func InCThenGo(data []byte) bool {
	return InC(data) && InGo(data[4:])
}

// InGoThenC is a gate of three bytes in Go, and one of three in C behind it.
func InGoThenC(data []byte) bool {
	return short(data) && C.gate_short(pointer(data[3:])) != 0
}

// InGoBehindMuchC is a gate of three bytes in Go, behind C with many branches.
func InGoBehindMuchC(data []byte) bool {
	return C.much(pointer(data)) != 0 && short(data)
}

// InCBehindMuchGo is a gate of three bytes in C, behind a parser in Go.
func InCBehindMuchGo(data []byte) bool {
	var value any
	return json.Unmarshal(data, &value) != nil && C.gate_short(pointer(data)) != 0
}

// InGoBehindZstd is a gate of one byte in Go, behind a library in C: what a frame of zstd holds begins with it.
func InGoBehindZstd(frame []byte) bool {
	data, err := zstd.Decompress(nil, frame)
	return err == nil && len(data) > 0 && data[0] == 'B'
}

// Nothing runs through all of it and never opens: it is for speed.
func Nothing(data []byte) bool {
	if InGoBehindMuchC(data) && len(data) > 1<<20 {
		return true
	}
	return InCThenGo(data) && len(data) > 1<<20
}

// Gates are all of them by name.
var Gates = map[string]func([]byte) bool{
	"InC":             InC,
	"InCAsNumber":     InCAsNumber,
	"InGo":            InGo,
	"InCThenGo":       InCThenGo,
	"InGoThenC":       InGoThenC,
	"InGoBehindMuchC": InGoBehindMuchC,
	"InCBehindMuchGo": InCBehindMuchGo,
	"InGoBehindZstd":  InGoBehindZstd,
	"Nothing":         Nothing,
}
