package a

/*
#include <stddef.h>
static int add(const void *p, size_t n) { return 0; }
typedef struct { const void *p; size_t n; } request;
static int send(request *r) { return 0; }
*/
import "C"

import (
	"errors"
	"unsafe"
)

// Rests.

func From(b []byte, i int) int {
	return int(C.add(unsafe.Pointer(&b[i:][0]), C.size_t(len(b)-i))) // want `b\[i:\] may be empty \(From does not check it\)`
}

func FromSecond(b []byte) int {
	return int(C.add(unsafe.Pointer(&b[2:][0]), C.size_t(len(b)-2))) // want `b\[2:\] may be empty \(FromSecond does not check it\)`
}

func FromGuarded(b []byte, i int) int {
	if i >= len(b) {
		return 0
	}
	return int(C.add(unsafe.Pointer(&b[i:][0]), C.size_t(len(b)-i)))
}

func Header(b []byte) int {
	if len(b) < 9 {
		return 0
	}
	return int(C.add(unsafe.Pointer(&b[8:][0]), C.size_t(len(b)-8)))
}

func Chunks(b []byte) {
	for sent := 0; sent < len(b); {
		sent += int(C.add(unsafe.Pointer(&b[sent:][0]), C.size_t(len(b)-sent)))
	}
}

func UntilEnd(b []byte) {
	sent := 0
	for {
		if sent == len(b) {
			return
		}
		sent += int(C.add(unsafe.Pointer(&b[sent:][0]), C.size_t(len(b)-sent)))
	}
}

func Shrinking(b []byte) {
	for len(b) > 0 {
		rest := b[0:]
		C.add(unsafe.Pointer(&rest[0]), C.size_t(len(rest)))
		b = b[1:]
	}
}

// Elements.

func Each(bs [][]byte) {
	for _, b := range bs {
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b))) // want `b may be empty \(Each does not check the elements of bs\)`
	}
}

func First(bs ...[]byte) {
	C.add(unsafe.Pointer(&bs[0][0]), C.size_t(len(bs[0]))) // want `bs\[0\] may be empty \(First does not check the elements of bs\)`
}

func EachGuarded(bs [][]byte) {
	for i, b := range bs {
		if len(b) == 0 {
			continue
		}
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b)))
		C.add(unsafe.Pointer(&bs[i][0]), C.size_t(len(b)))
	}
}

func EachByIndex(bs [][]byte) {
	for i := range bs {
		if len(bs[i]) > 0 {
			C.add(unsafe.Pointer(&bs[i][0]), C.size_t(len(bs[i])))
		}
	}
}

func EachOfAllChecked(bs [][]byte) error {
	for _, b := range bs {
		if len(b) == 0 {
			return errors.New("empty")
		}
	}
	for _, b := range bs {
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b)))
	}
	return nil
}

func checkAll(bs [][]byte) error {
	for _, b := range bs {
		if len(b) == 0 {
			return errors.New("empty")
		}
	}
	return nil
}

func EachOfAllAsked(bs [][]byte) error {
	if err := checkAll(bs); err != nil {
		return err
	}
	for _, b := range bs {
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b)))
	}
	return nil
}

func eachPrivate(bs [][]byte) {
	for _, b := range bs {
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b)))
	}
}

func EachOfTwo() { eachPrivate([][]byte{{1}, {2}}) }

// Pointers to slices.

func Indirect(b *[]byte) int {
	return int(C.add(unsafe.Pointer(&(*b)[0]), C.size_t(len(*b)))) // want `\(\*b\) may be empty \(Indirect does not check it\)`
}

func IndirectGuarded(b *[]byte) int {
	if len(*b) == 0 {
		return 0
	}
	return int(C.add(unsafe.Pointer(&(*b)[0]), C.size_t(len(*b))))
}

// Lengths that are rounded up.

func Bits(n int) int {
	bits := make([]byte, (n+7)/8)
	return int(C.add(unsafe.Pointer(&bits[0]), C.size_t(len(bits)))) // want `bits may be empty \(made with a length that may be 0\)`
}

func BitsShifted(n int) int {
	bits := make([]byte, (n+7)>>3)
	return int(C.add(unsafe.Pointer(&bits[0]), C.size_t(len(bits)))) // want `bits may be empty \(made with a length that may be 0\)`
}

func BitsGuarded(n int) int {
	if n <= 0 {
		return 0
	}
	bits := make([]byte, (n+7)/8)
	return int(C.add(unsafe.Pointer(&bits[0]), C.size_t(len(bits))))
}

func BitsAndOne(n int) int {
	bits := make([]byte, (n+8)/8)
	return int(C.add(unsafe.Pointer(&bits[0]), C.size_t(len(bits))))
}

// Structs of C.

func Request(b []byte) int {
	var r C.request
	r.p = unsafe.Pointer(&b[0]) // want `b may be empty \(Request does not check it\)`
	r.n = C.size_t(len(b))
	return int(C.send(&r))
}

type view struct{ p unsafe.Pointer }

// InStruct does not go to C.
func InStruct(b []byte) view { return view{unsafe.Pointer(&b[0])} }

// At least one.

func AtLeastOne(b []byte) int {
	n := max(len(b), 1)
	if n == 1 && len(b) == 0 {
		b = []byte{0}
	}
	return int(C.add(unsafe.Pointer(&b[0]), C.size_t(n)))
}

func AtLeastTwo(b []byte) int {
	n := max(len(b), 2)
	if n == 1 && len(b) == 0 {
		b = []byte{0}
	}
	return int(C.add(unsafe.Pointer(&b[0]), C.size_t(n))) // want `b may be empty \(AtLeastTwo does not check it\)`
}

// Looked at in other ways.

func EachOfShortest(bs [][]byte) error {
	shortest := 1 << 20
	for i := range bs {
		shortest = least(shortest, len(bs[i]))
	}
	if shortest == 0 {
		return errors.New("empty")
	}
	for _, b := range bs {
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b)))
	}
	return nil
}

func least(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func EachOfValid(bs [][]byte) error {
	for _, b := range bs {
		if !isLong(b) {
			return errors.New("short")
		}
	}
	for _, b := range bs {
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b)))
	}
	return nil
}

func isLong(b []byte) bool { return len(b) > 8 }

func EachRead(bs [][]byte) (sum byte) {
	for _, b := range bs {
		sum += b[0]
	}
	for _, b := range bs {
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b)))
	}
	return sum
}

func EachMade(bs [][]byte) {
	for i := range bs {
		bs[i] = make([]byte, 8)
	}
	for _, b := range bs {
		C.add(unsafe.Pointer(&b[0]), C.size_t(len(b)))
	}
}

func ByBlocks(b []byte, size int) {
	for at := 0; at+size <= len(b); at += size {
		C.add(unsafe.Pointer(&b[at:][0]), C.size_t(size))
	}
}

func Append(b *[]byte) int {
	*b = append(*b, 0)
	return int(C.add(unsafe.Pointer(&(*b)[0]), C.size_t(len(*b))))
}
