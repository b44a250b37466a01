package a

/*
#include <stddef.h>
#include <stdbool.h>
static bool check(const void *p, size_t n) { return n; }
static int sum(const void *p, size_t n) { return 0; }
static void fill3(float *v, float *w) {}
static void fill_of(unsigned id, int property, float *v) {}
static void numbers_of(int property, int *v) {}
typedef long long id_t_;
static int select_block(id_t_ id, int how, const size_t *start, const size_t *block) { return 0; }
*/
import "C"

import (
	"errors"
	"unsafe"
)

var errEmpty = errors.New("empty")

func pass(b []byte) int { return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b)))) }

func Guarded(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	return pass(b)
}

func Inverse(b []byte) int {
	if len(b) > 0 {
		return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
	}
	return 0
}

func OtherVariable(b []byte) int {
	n := len(b)
	if n < 1 {
		return 0
	}
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(n)))
}

func PlusOne(n int) int {
	b := make([]byte, n+1)
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

func GuardedLength(list []int) int {
	if len(list) == 0 {
		return 0
	}
	values := make([]C.int, len(list))
	return int(C.sum(unsafe.Pointer(&values[0]), C.size_t(len(values))))
}

func Array() int {
	var b [4]byte
	s := b[:]
	return int(C.sum(unsafe.Pointer(&s[0]), 4)) + int(C.sum(unsafe.Pointer(&b[0]), 4))
}

func Terminated(s string) int {
	b := append([]byte(s), 0)
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

func Exact(b []byte) int {
	if len(b) != 32 {
		return 0
	}
	return int(C.sum(unsafe.Pointer(&b[0]), 32))
}

func Loop(b []byte) {
	for len(b) > 0 {
		C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b)))
		b = b[1:]
	}
}

func Range(b []byte) (n int) {
	for range b {
		n += int(C.sum(unsafe.Pointer(&b[0]), 1))
	}
	return n
}

func ReadBefore(b []byte) int {
	if b[0] == 'x' {
		return 0
	}
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

func Fallback(b []byte) int {
	if len(b) == 0 {
		b = []byte{0}
	}
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

func Text2(s string) int {
	if s == "" {
		return 0
	}
	b := []byte(s)
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

func InGo(b []byte) *byte { return &b[0] }

type box struct{ buf []byte }

// Fill knows its buffer; the rule does not, and says nothing.
func (x *box) Fill() { C.sum(unsafe.Pointer(&x.buf[0]), C.size_t(len(x.buf))) }

func SameLength(keys, values []string) {
	if len(keys) != len(values) {
		panic("lengths differ")
	}
	pointers := make([]C.int, len(values))
	if len(keys) > 0 {
		C.sum(unsafe.Pointer(&pointers[0]), C.size_t(len(keys)))
	}
}

type shape []C.int

func (s shape) validate() error {
	if len(s) == 0 {
		return errEmpty
	}
	return nil
}

func Validated(s shape) error {
	if err := s.validate(); err != nil {
		return err
	}
	C.sum(unsafe.Pointer(&s[0]), C.size_t(len(s)))
	return nil
}

// The condition is of the type of C's bool.
func ShortCircuit(b []byte) bool {
	if len(b) != 32 || !C.check(unsafe.Pointer(&b[0]), 32) {
		return false
	}
	return true
}

// Object is made by NewObject, and never empty.
type Object = []uint64

func NewObject() Object { return make(Object, 8) }

func Use(o Object) { C.sum(unsafe.Pointer(&o[0]), 64) }

// kindOf knows no empty slice.
func kindOf(b []byte) int {
	if len(b) < 12 {
		return 0
	}
	return int(b[0])
}

func isKnown(kind int) bool { return kind > 3 }

func converted(b []byte) []byte { return append([]byte{1}, b...) }

// Known sums what has a kind; an empty slice has none.
func Known(b []byte) int {
	k := kindOf(b)
	if k == 7 {
		b = converted(b)
		k = 8
	}
	if !isKnown(k) {
		return 0
	}
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

func text(s string) int {
	b := []byte(s)
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

// Texts has a first byte in each text.
func Texts() int { return text("a") + text("bc") }

func checked(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	return int(C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))))
}

func Checked() int { return checked(nil) }

// Vector gives C no length: it always takes three, and that an empty slice panics is better than what C would do.
func Vector(v []float32) { C.fill3((*C.float)(unsafe.Pointer(&v[0])), nil) }

// Source gives the number of an object and that of a property, of which neither is a length.
func Source(id uint32, property int, v []float32) {
	C.fill_of(C.uint(id), C.int(property), (*C.float)(unsafe.Pointer(&v[0])))
}

func Numbers(property int, v []int32) {
	C.numbers_of(C.int(property), (*C.int)(unsafe.Pointer(&v[0])))
}

// Captured variables are the same for the condition and for the address.
func Captured(b []byte) (n int) {
	size := len(b)
	var p *byte
	if size > 0 {
		p = &b[0]
	}
	locked(func() { n = int(C.sum(unsafe.Pointer(p), C.size_t(size))) + len(b) })
	return n
}

func locked(f func()) { f() }

// A function that ends in a panic has refused the length.
func Derived(size int) []byte {
	checkSize(size, 16, 64)
	b := make([]byte, size)
	C.sum(unsafe.Pointer(&b[0]), C.size_t(size))
	return b
}

func checkSize(n, least, most int) {
	if n < least || n > most {
		panic("size")
	}
}

// Space has a number of its own, which tells C how much there is.
type Space struct{ id C.id_t_ }

func (s *Space) Select(start, block []uint64) int {
	var b *C.size_t
	if block != nil {
		b = (*C.size_t)(unsafe.Pointer(&block[0]))
	}
	return int(C.select_block(s.id, 0, (*C.size_t)(unsafe.Pointer(&start[0])), b))
}
