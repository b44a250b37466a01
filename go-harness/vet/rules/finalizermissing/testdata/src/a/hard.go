package a

/*
typedef struct db db;
db *db_open(void);
int db_size(db *d);
int db_close(db *d);
*/
import "C"

import "runtime"

type Freed struct{ p *C.db }

func NewFreed() *Freed {
	f := &Freed{C.db_open()}
	runtime.SetFinalizer(f, (*Freed).Close)
	return f
}

func (f *Freed) Close() error {
	C.db_close(f.p)
	f.p = nil
	return nil
}

// Told is missed, and not freed.
type Told struct{ p *C.db }

func NewTold() *Told {
	t := &Told{C.db_open()}
	runtime.SetFinalizer(t, func(*Told) { println("forgotten") })
	return t
}

func (t *Told) Close() error {
	runtime.SetFinalizer(t, nil)
	C.db_close(t.p)
	t.p = nil
	return nil
}

type sentinel struct{ kind string }

// Held is missed by what it holds.
type Held struct {
	p     *C.db
	watch *sentinel
}

func NewHeld() *Held {
	h := &Held{C.db_open(), &sentinel{"held"}}
	runtime.SetFinalizer(h.watch, func(s *sentinel) { println(s.kind) })
	return h
}

func (h *Held) Close() error {
	C.db_close(h.p)
	h.p = nil
	return nil
}

// Owner has no memory of its own, and one that is missed.
type Owner struct{ held *Held }

func (o *Owner) Close() error { return o.held.Close() }

// Reset frees, and ends nothing.
type Again struct{ p *C.db }

func (a *Again) Reset() {
	C.db_close(a.p)
	a.p = C.db_open()
}

type list struct{ p *C.db }

func (l *list) Close() error {
	C.db_close(l.p)
	return nil
}

// Names frees nothing of C.
type Names struct{ items []string }

func (n *Names) Close() error {
	n.items = nil
	return nil
}
