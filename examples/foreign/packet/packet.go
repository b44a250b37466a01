// Package packet reads packets with a library in C.
package packet

// #include "packet.h"
import "C"

import (
	"bytes"
	"errors"
	"unsafe"
)

// ErrBad is the error of bytes that are no packet.
var ErrBad = errors.New("no packet")

// Sum adds the bytes of a packet's body.
func Sum(data []byte) (int, error) {
	sum := C.packet_sum((*C.uchar)(unsafe.SliceData(data)), C.size_t(len(data)))
	if sum < 0 {
		return 0, ErrBad
	}
	return int(sum), nil
}

// Text is the text of a packet: "TXT", its length, the text.
func Text(data []byte) (string, error) {
	rest, found := bytes.CutPrefix(data, []byte("TXT"))
	if !found || len(rest) == 0 {
		return "", ErrBad
	}
	length := int(rest[0])
	return string(rest[1 : 1+length]), nil
}
