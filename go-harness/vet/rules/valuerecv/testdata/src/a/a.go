package a

/*
typedef struct thing { int n; } thing;
thing *thing_new(void);
void thing_use(thing *t);
void thing_free(thing *t);
*/
import "C"

type T struct {
	p *C.thing
	n int
}

func (t T) Open() {
	t.p = C.thing_new() // want `Open stores p in a copy of its receiver: it is lost when the method returns`
	C.thing_use(t.p)
}

func (t T) Close() {
	C.thing_free(t.p)
	t.p = nil // want `Close sets p in a copy of its receiver: in the caller's object it is what it was`
}

func (t *T) Good() {
	t.p = C.thing_new()
}
