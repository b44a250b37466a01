package a

/*
#include <stdlib.h>
typedef struct thing thing;
static int render(char **out) { *out = malloc(4); return 0; }
static thing *make_thing(void) { return (thing *)malloc(4); }
static void thing_free(thing *t) { free(t); }
static void number_free(int n) {}
static int make_things(thing **t, int *n) { *n = 1; *t = malloc(4); return 0; }
static void things_free(thing *t, int n) { free(t); }
static int number_open(void) { return 3; }
*/
import "C"

import "unsafe"

func early() string {
	var out *C.char
	defer C.free(unsafe.Pointer(out)) // want `out is nil here`
	C.render(&out)
	return C.GoString(out)
}

func assignedLater() {
	var t *C.thing
	defer C.thing_free(t) // want `t is nil here`
	t = C.make_thing()
	_ = t
}

func freeAll(things []*C.thing) {
	for _, t := range things {
		C.thing_free(t)
	}
}

func slice(n int) {
	var things []*C.thing
	defer freeAll(things) // want `things is nil here`
	for range n {
		things = append(things, C.make_thing())
	}
}

func freeOne(t *C.thing) { C.thing_free(t) }

func helper() {
	var t *C.thing
	defer freeOne(t) // want `t is nil here`
	t = C.make_thing()
	_ = t
}

// Good.

func late() string {
	var out *C.char
	C.render(&out)
	defer C.free(unsafe.Pointer(out))
	return C.GoString(out)
}

func literal() {
	var things []*C.thing
	defer func() { freeAll(things) }()
	things = append(things, C.make_thing())
}

func freeAt(t **C.thing) { C.thing_free(*t) }

func pointer() {
	var t *C.thing
	defer freeAt(&t)
	t = C.make_thing()
}

func given(t *C.thing) { defer C.thing_free(t) }

func branch(b bool) {
	var t *C.thing
	if b {
		t = C.make_thing()
	}
	defer C.thing_free(t)
}

func number() {
	n := C.int(3)
	defer C.number_free(n)
}

func meant() { defer C.free(nil) }

func inLoop() {
	var t *C.thing
	for range 3 {
		if t != nil {
			defer C.thing_free(t)
		}
		t = C.make_thing()
	}
}

func zeroSize() {
	var n int
	defer count(n)
	n = 1
	_ = n
}

func count(int) {}

// One finding: the number of things is not freed.
func counted() {
	var t *C.thing
	var n C.int
	defer C.things_free(t, n) // want `^deferearly: t is nil here`
	C.make_things(&t, &n)
}

func countedLater() {
	t := C.make_thing()
	var n C.int
	defer C.things_free(t, n) // want `n is 0 here`
	C.make_things(&t, &n)
}

func opened() {
	var n C.int
	defer C.number_free(n) // want `n is 0 here`
	open(&n)
}

func open(n *C.int) { *n = C.number_open() }

func madeEmpty(n int) {
	all := make([]*C.thing, 0, n)
	defer freeAll(all) // want `all is empty here`
	for range n {
		all = append(all, C.make_thing())
	}
}

func madeEmptyWithRoom() {
	all := make([]*C.thing, 0, 4)
	defer freeAll(all) // want `all is empty here`
	all = append(all, C.make_thing())
}

func madeWithElements(n int) {
	all := make([]*C.thing, n)
	defer freeAll(all)
	all = append(all, nil)
	all[0] = C.make_thing()
}

func appendedBefore(n int) {
	all := make([]*C.thing, 0, n)
	for range n {
		all = append(all, C.make_thing())
	}
	defer freeAll(all)
}

func nothingAppended(n int) {
	all := make([]*C.thing, 0, n)
	defer freeAll(all)
	all = all[:n]
	all[0] = C.make_thing()
}
