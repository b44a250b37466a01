// Package forms uses everything that cgo knows.
package forms

/*
#include <errno.h>
#include <stdlib.h>
#include <stdint.h>
#define NUMBER 7
#define FLOAT 2.5
#define TEXT "text"
#define EXPRESSION (counter + 1)
enum color { RED, GREEN = 5 };
union either { int i; double d; };
typedef struct point { int x, y; struct point *next; int type; } point;
typedef int (*callback)(int);
static int counter;
static int twice(int n) { return 2 * n; }
static int apply(callback f, int n) { return f(n); }
static void nothing(void) {}
static int fails(void) { errno = EINVAL; return -1; }
*/
import "C"

import (
	"fmt"
	"unsafe"
)

type Point = C.point

type embedded struct {
	p    C.struct_point
	e    C.enum_color
	next *C.point
}

var initial = C.twice(C.NUMBER)

const size = C.sizeof_point

func All() error {
	var p C.point
	p.x, p._type = C.int(C.RED), C.GREEN
	p.next = &p
	C.counter = C.int(C.twice(p.x)) + C.EXPRESSION
	address := &C.counter
	*address++
	var u C.union_either
	*(*C.int)(unsafe.Pointer(&u)) = 1
	n := C.apply(C.callback(C.twice), C.NUMBER)
	_, err := C.fails()
	if _, err := C.nothing(); err != nil {
		return err
	}
	var n2, err2 = C.twice(1)
	text := C.CString(C.TEXT)
	defer C.free(unsafe.Pointer(text))
	block := C.malloc(C.sizeof_int * 4)
	C.free(block)
	go C.nothing()
	fmt.Println(n, n2, err2, float64(C.FLOAT), C.GoString(text), C.GoStringN(text, 1), C.GoBytes(unsafe.Pointer(text), 1), size, initial)
	return err
}

func Generic[T any](v T) C.size_t { return C.size_t(unsafe.Sizeof(v)) }

func parentheses() string {
	// cgo writes such a name itself; here it is the author's.
	_cgoCheckPointer := 1
	_ = _cgoCheckPointer
	n := (C.twice)(1)
	return (C.GoString)(C.CString(string(rune(n))))
}

func literal() func() C.int { return func() C.int { return C.twice(1) } }

func (e *embedded) method() *C.point { return e.next }
