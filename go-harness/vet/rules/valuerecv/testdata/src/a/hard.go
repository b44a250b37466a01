package a

/*
typedef struct thing { int n; } thing;
thing *thing_new(void);
void thing_use(thing *t);
void thing_free(thing *t);
*/
import "C"

// The changed copy is returned.
func (t T) With() T {
	t.p = C.thing_new()
	return t
}

// Used in between only.
func (t T) Temporary() {
	t.p = C.thing_new()
	defer C.thing_free(t.p)
	C.thing_use(t.p)
}

// No resource.
func (t T) Count(n int) {
	t.n = n
	C.thing_use(t.p)
}

// Kept elsewhere too.
var kept *C.thing

func (t T) Kept() {
	p := C.thing_new()
	t.p = p
	kept = p
}
