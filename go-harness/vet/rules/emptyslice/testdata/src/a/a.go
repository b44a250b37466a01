package a

/*
#include <stddef.h>
static int crc(const void *p, size_t n) { return 0; }
static int ints(const int *p, size_t n) { return 0; } static int crc_int(const void *p, int n) { return 0; }
*/
import "C"

import "unsafe"

func Sum(b []byte) int {
	return int(C.crc(unsafe.Pointer(&b[0]), C.size_t(len(b)))) // want `b may be empty \(Sum does not check it\), and then &b\[0\] panics`
}

func NotNil(b []byte) int {
	if b == nil {
		return 0
	}
	return int(C.crc(unsafe.Pointer(&b[0]), C.size_t(len(b)))) // want `b may be empty`
}

func Made(list []int) int {
	values := make([]C.int, len(list))
	for i, v := range list {
		values[i] = C.int(v)
	}
	return int(C.ints(&values[0], C.size_t(len(values)))) // want `values may be empty \(made with a length that may be 0, the length of another slice\)`
}

func Text(s string) int {
	b := []byte(s)
	return int(C.crc(unsafe.Pointer(&b[0]), C.size_t(len(b)))) // want `b may be empty`
}

func crc(p *byte, n int) int { return int(C.crc(unsafe.Pointer(p), C.size_t(n))) }

func Helper(b []byte) int {
	return crc(&b[0], len(b)) // want `b may be empty`
}

func private(b []byte) int {
	return int(C.crc(unsafe.Pointer(&b[0]), C.size_t(len(b)))) // want `b may be empty \(Public does not check it; called in line 46\)`
}

func Public(b []byte) int { return private(b) }

func SameLengths(a, b []byte) int {
	if len(a) != len(b) {
		return 0
	}
	return int(C.crc(unsafe.Pointer(&a[0]), C.size_t(len(a)))) // want `a may be empty`
}

// Asked looks at an answer that no condition hangs on.
func Asked(b []byte) (int, int) {
	k := kindOf(b)
	return int(C.crc(unsafe.Pointer(&b[0]), C.size_t(len(b)))), k // want `b may be empty \(Asked does not check it\)`
}

func sized(b []byte) int {
	return int(C.crc(unsafe.Pointer(&b[0]), C.size_t(len(b)))) // want `b may be empty \(nil in line 65\)`
}

func Sizes() int { return sized(nil) + sized([]byte{1}) }

// CapturedUnchecked has a condition on another slice.
func CapturedUnchecked(b, other []byte) (n int) {
	size := len(other)
	var p *byte
	if size > 0 {
		p = &b[0] // want `b may be empty`
	}
	again := func() { n = int(C.crc(unsafe.Pointer(p), C.size_t(len(b)))) + size }
	again()
	return n
}

// Told looks at the length, and refuses none.
func Told(size int) []byte {
	tell(size)
	b := make([]byte, size)
	C.crc(unsafe.Pointer(&b[0]), C.size_t(size)) // want `b may be empty`
	return b
}

func tell(n int) {
	if told == nil {
		panic("nobody is there")
	}
	told(n)
}

var told func(int)

// Warned has a condition on the length, and refuses none either.
func Warned(size int) []byte {
	warn(size)
	b := make([]byte, size)
	C.crc(unsafe.Pointer(&b[0]), C.size_t(size)) // want `b may be empty`
	return b
}

func warn(n int) {
	if n < 16 {
		println(n)
	}
}

// Counted has how much there is in a field.
type Counted struct{ count C.int }

func (c *Counted) Sum(b []byte) int {
	return int(C.crc_int(unsafe.Pointer(&b[0]), c.count)) // want `b may be empty`
}
