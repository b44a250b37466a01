package deep

/*
#include <stdlib.h>
#cgo nocallback sort
#cgo nocallback macro
#cgo nocallback named
#cgo nocallback registers
#cgo nocallback quiet
#cgo noescape through
#cgo noescape assigns
#cgo noescape borrows
int goCompare(void *a, void *b);
void library_on(int (*f)(void *, void *));
typedef int (*compare)(const void *, const void *);
static void *kept;
#define CALL(a) \
	goCompare((a), 0)
#define COMPARE goCompare
#define KEEP(a) kept = (a)
#define LIMIT 3
static void put(void *p) { kept = p; }
static void look(void *p) { void *mine; mine = p; (void)mine; }
static void sort(int *list, int n) { qsort(list, n, sizeof *list, (compare)goCompare); }
static int macro(void *p) { return CALL(p); }
static int named(void *p) { return COMPARE(p, 0); }
static void registers(void) { library_on(goCompare); }
static int quiet(int n) { return n < LIMIT; }
static void through(int n, void *p) { if (n) { put((void *)p); } }
static void assigns(void *p) { KEEP(p); }
static void borrows(void *p) { look(p); }
*/
import "C"

import "unsafe"

//export goCompare
func goCompare(a, b unsafe.Pointer) C.int { return 0 }

func Use(p *C.int) {
	C.sort(p, 1)
	C.macro(unsafe.Pointer(p))
	C.named(unsafe.Pointer(p))
	C.registers()
	C.quiet(1)
	C.through(1, unsafe.Pointer(p))
	C.assigns(unsafe.Pointer(p))
	C.borrows(unsafe.Pointer(p))
}
