//go:build planted

package vet

/*
#include <stdlib.h>
#include <stdint.h>
typedef struct table table;
typedef struct { const void *data; } request;
table *table_new(void);
int table_find(table *t, const char *name);
int table_size(table *t);
void table_free(table *t);
table *table_child(table *t);
void table_child_use(table *t);
void table_join(table *t);
int bytes_sum(const void *data, size_t length);
void keep_number(uintptr_t address);
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// NativePointer is the address of somebody else's object.
type NativePointer uintptr

func follows(address NativePointer) unsafe.Pointer {
	return unsafe.Pointer(address) // planted: nativeptr
}

func leaksText(t *C.table, name string) int {
	return int(C.table_find(t, C.CString(name))) // planted: cstring
}

func freesNothing() int {
	var t *C.table
	defer C.table_free(t) // planted: deferearly
	t = C.table_new()
	return int(C.table_size(t))
}

// Table is closed twice by whoever closes it twice.
type Table struct{ p *C.table }

//cgolab:ignore finalizermissing the mistake is another one
func (t *Table) Close() error {
	C.table_free(t.p) // planted: doublefree
	return nil
}

func Sum(b []byte) int {
	return int(C.bytes_sum(unsafe.Pointer(&b[0]), C.size_t(len(b)))) // planted: emptyslice
}

func hidesAnAddress(n int) {
	memory := make([]byte, n)
	C.keep_number(C.uintptr_t(uintptr(unsafe.Pointer(&memory[0])))) // planted: hiddenptr
}

func storesAnAddress(n int) *C.request {
	memory := make([]byte, n)
	made := (*C.request)(C.calloc(1, C.sizeof_request))
	made.data = unsafe.Pointer(&memory[0]) // planted: retain
	return made
}

// Owned frees when it is collected.
type Owned struct{ p *C.table }

func NewOwned() *Owned {
	o := &Owned{C.table_new()}
	runtime.SetFinalizer(o, func(o *Owned) { C.table_free(o.p) })
	return o
}

func (o *Owned) Size() int {
	return int(C.table_size(o.p)) // planted: keepalive
}

// Part is a part of an Owned, which nothing keeps.
type Part struct{ p *C.table }

func (o *Owned) Part() *Part {
	part := &Part{C.table_child(o.p)} // planted: parentref
	runtime.KeepAlive(o)
	return part
}

func (p *Part) Use() { C.table_child_use(p.p) }

// Joined waits when it is collected.
type Joined struct{ p *C.table }

func NewJoined() *Joined {
	j := &Joined{C.table_new()}
	runtime.SetFinalizer(j, func(j *Joined) { C.table_join(j.p) }) // planted: finalizerc
	return j
}

func finalizedTwice() *Owned {
	o := NewOwned()
	runtime.SetFinalizer(o, func(o *Owned) { C.table_free(o.p) }) // planted: refinalize
	return o
}

// Forgotten is missed by nobody.
type Forgotten struct{ p *C.table }

func (f *Forgotten) Close() error { // planted: finalizermissing
	if f.p != nil {
		C.table_free(f.p)
		f.p = nil
	}
	return nil
}

// Copied loses what it opens.
type Copied struct{ p *C.table }

func (c Copied) Open() {
	c.p = C.table_new() // planted: valuerecv
}

// Clone has what the table has, and is freed with it.
func (t *Table) Clone() Table {
	return *t // planted: handlecopy
}

// Freed is closed under a name of its own.
type Freed struct{ p *C.table }

//cgolab:ignore finalizermissing the mistake is another one
func (f *Freed) Free() { // planted: closeerror
	C.table_free(f.p)
	f.p = nil
}

// Locked is closed under its lock, and used without.
type Locked struct {
	mu sync.Mutex
	p  *C.table
}

//cgolab:ignore finalizermissing the mistake is another one
func (l *Locked) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.p != nil {
		C.table_free(l.p)
		l.p = nil
	}
	return nil
}

func (l *Locked) Find() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(C.table_find(l.p, nil))
}

func (l *Locked) Size() int {
	return int(C.table_size(l.p)) // planted: freelock
}
