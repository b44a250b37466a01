package a

/*
#cgo nocallback each
#cgo nocallback through
#cgo nocallback quiet
#cgo nocallback library
#cgo noescape keep
#cgo noescape local
#cgo noescape inner
void goEach(int i);
void library(void);
static void *kept;
struct box { void *p; };
static void each(int n) { for (int i = 0; i < n; i++) goEach(i); }
static void through(int n) { each(n); }
// quiet does not call goEach(n).
static void quiet(int n) { int goEachCount = n; (void)goEachCount; }
static void keep(void *p) { kept = p; }
static int local(int *p) { int *q; q = p; return *q; }
static int inner(void *p) { struct box b; b.p = p; return b.p != 0; }
*/
import "C"

import "unsafe"

//export goEach
func goEach(i C.int) {}

func Use(p *C.int) {
	C.each(1)
	C.through(1)
	C.quiet(1)
	C.local(p)
	C.library()
	C.keep(unsafe.Pointer(p))
	C.inner(unsafe.Pointer(p))
}
