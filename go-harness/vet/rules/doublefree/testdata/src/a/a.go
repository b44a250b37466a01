package a

/*
#include <stdlib.h>
typedef struct table table;
static table *table_new(void) { return (table *)malloc(4); }
static void table_free(table *t) { free(t); }
static void table_free_r(void *context, table *t) { free(t); }
static int table_delete_row(table *t, int row) { return 0; }
*/
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

type Table struct {
	p, q    *C.table
	context unsafe.Pointer
}

func (t *Table) Close() {
	C.table_free(t.p) // want `Close frees p and leaves it set: a second call frees it again`
}

func (t *Table) CloseChecked() {
	if t.p != nil {
		C.table_free(t.p) // want `CloseChecked frees p and leaves it set`
	}
}

func (t *Table) CloseBoth() {
	C.table_free(t.p) // want `CloseBoth frees p and q and leaves it set`
	C.table_free(t.q)
}

func (t *Table) CloseContext() {
	C.table_free_r(t.context, t.p) // want `CloseContext frees p and leaves it set`
}

func (t *Table) free() { C.table_free(t.p) }

func (t *Table) CloseByHelper() {
	t.free() // want `CloseByHelper frees p and leaves it set`
}

type Finalized struct{ p *C.table }

func NewFinalized() *Finalized {
	f := &Finalized{C.table_new()}
	runtime.SetFinalizer(f, (*Finalized).Close)
	return f
}

func (f *Finalized) Close() {
	C.table_free(f.p) // want `Close frees p and leaves it set: a second call frees it again, and so does the finalizer`
}

func twice() {
	t := C.table_new()
	C.table_free(t)
	C.table_free(t) // want `C.table_free frees what was freed in line 64`
}

func deferredToo(fail bool) {
	t := C.table_new()
	defer C.table_free(t)
	if fail {
		C.table_free(t) // want `C.table_free frees what the deferred call in line 70 will free again`
		return
	}
}

// Good.

func (t *Table) Cleared() {
	if t.p == nil {
		return
	}
	C.table_free(t.p)
	t.p = nil
}

func (t *Table) Swapped() {
	p := t.p
	t.p = nil
	C.table_free(p)
}

func (t *Table) Zeroed() {
	C.table_free(t.p)
	*t = Table{}
}

func (t *Table) DeleteRow(row int) { C.table_delete_row(t.p, C.int(row)) }

type Flagged struct {
	p      *C.table
	closed bool
}

func (f *Flagged) Close() {
	if f.closed {
		return
	}
	f.closed = true
	C.table_free(f.p)
}

type Atomic struct {
	p      *C.table
	closed atomic.Bool
	freed  int32
}

func (a *Atomic) Close() {
	if a.closed.CompareAndSwap(false, true) {
		C.table_free(a.p)
	}
}

func (a *Atomic) CloseOld() {
	if atomic.CompareAndSwapInt32(&a.freed, 0, 1) {
		C.table_free(a.p)
	}
}

type Once struct {
	p    *C.table
	once sync.Once
}

func (o *Once) Close() { o.once.Do(func() { C.table_free(o.p) }) }

type Counted struct{ p *C.table }

func (c *Counted) Retain() {}

func (c *Counted) Release() { C.table_free(c.p) }

type Value struct{ p *C.table }

func (v Value) Close() { C.table_free(v.p) }

func either(b bool) {
	t := C.table_new()
	if b {
		C.table_free(t)
	}
	if !b {
		C.table_free(t)
	}
}

func again() {
	for range 3 {
		t := C.table_new()
		C.table_free(t)
	}
}
