package a

/*
#include <stdlib.h>
typedef struct db db;
db *db_open(void);
int db_size(db *d);
void db_close(db *d);
*/
import "C"

import (
	"fmt"
	"runtime"
)

type DB struct {
	p    *C.db
	path string
}

func Open() *DB { return &DB{p: C.db_open()} }

func (d *DB) Close() {
	C.db_close(d.p)
	d.p = nil
}

func (d DB) Size() int { return int(C.db_size(d.p)) }

func (d *DB) Clone() DB {
	return *d // want `this copies a DB, and Close frees what both hold`
}

func keep(list []DB, d *DB) []DB {
	return append(list, *d) // want `this copies a DB`
}

func cloneOpen() (DB, *DB) {
	d := Open()
	return *d, d // want `this copies a DB`
}

func pass(d *DB) int {
	return size(*d) // want `this copies a DB`
}

func size(d DB) int { return d.Size() }

func show(d *DB) {
	fmt.Println(*d) // want `this copies a DB`
}

type Collected struct{ p *C.db }

func NewCollected() *Collected {
	c := &Collected{C.db_open()}
	runtime.SetFinalizer(c, func(c *Collected) { C.db_close(c.p) })
	return c
}

func copied(c *Collected) Collected {
	return *c // want `this copies a Collected, and what both hold is freed when the first is collected`
}

type Buffer struct {
	pinner runtime.Pinner
	bytes  []byte
}

func (b *Buffer) Copy() Buffer {
	return *b // want `this copies a Buffer, whose runtime.Pinner belongs to one of the two`
}
