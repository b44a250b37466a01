// Package b has children of many shapes.
package b

/*
typedef struct db db;
typedef struct stmt stmt;
typedef struct table table;
typedef struct row row;
typedef struct { const void *id; int offset; } place;
typedef struct { int x, y; } point;
static db *db_open(void) { return 0; }
static void db_close(db *d) { }
static int db_prepare(db *d, stmt **out) { return 0; }
static void stmt_finalize(stmt *s) { }
static table *db_table(db *d, int i) { return 0; }
typedef struct cursor cursor;
static cursor *cursor_open(db *d) { return 0; }
static void cursor_close(cursor *c) { }
static row *cursor_row(cursor *c) { return 0; }
static table *db_get_table(db *d, int i) { return 0; }
static row *table_first(table *t) { return 0; }
static row *row_next(row *r) { return 0; }
static place db_root_place(db *d) { place p = {d, 0}; return p; }
static point db_root_point(db *d) { point p = {0, 0}; return p; }
static place db_measure(db *d) { place p = {0, 0}; return p; }
*/
import "C"

import (
	"errors"
	"runtime"
)

type DB struct{ p *C.db }

func Open() *DB {
	d := &DB{C.db_open()}
	runtime.SetFinalizer(d, func(d *DB) { C.db_close(d.p) })
	return d
}

// Stmt frees itself, and still needs its database for that.
type Stmt struct {
	p   *C.stmt
	err error
}

func (d *DB) Prepare() (*Stmt, error) {
	var p *C.stmt
	if C.db_prepare(d.p, &p) != 0 { // want `Stmt holds what C.db_prepare took out of d, which frees it when it is collected, and has no reference to it`
		return nil, errors.New("no")
	}
	runtime.KeepAlive(d)
	return &Stmt{p: p}, nil
}

func (s *Stmt) Close() { C.stmt_finalize(s.p) }

func (s *Stmt) fail(err error) { s.err = err }

// Options lead nowhere.
type Options struct {
	name string
	next *Options
}

type Table struct {
	p       *C.table
	err     error
	options *Options
}

func (d *DB) Table() *Table {
	defer runtime.KeepAlive(d)
	return &Table{p: C.db_table(d.p, 0), options: &Options{}} // want `Table holds what C.db_table took out of d`
}

func (d *DB) Tables() (all []*Table) {
	defer runtime.KeepAlive(d)
	for i := 0; i < 3; i++ {
		all = append(all, &Table{p: C.db_table(d.p, C.int(i))}) // want `Table holds what C.db_table took out of d`
	}
	return all
}

func (d *DB) TwoTables() []*Table {
	defer runtime.KeepAlive(d)
	all := make([]*Table, 2)
	for i := range all {
		all[i] = &Table{p: C.db_table(d.p, C.int(i))} // want `Table holds what C.db_table took out of d`
	}
	return all
}

func newTable(p *C.table, options *Options, name string) *Table {
	return &Table{p: p, options: options}
}

func (d *DB) TableByHelper() *Table {
	defer runtime.KeepAlive(d)
	return newTable(C.db_table(d.p, 0), &Options{}, "t") // want `Table holds what C.db_table took out of d`
}

// Place is of a struct that C gives by value, with a pointer in it.
type Place struct{ c C.place }

func (d *DB) Place() Place {
	defer runtime.KeepAlive(d)
	return Place{C.db_root_place(d.p)} // want `Place holds what C.db_root_place took out of d`
}

// Row has its database; Next forgets it.
type Row struct {
	p  *C.row
	db *DB
}

func (d *DB) First() *Row { return &Row{p: C.table_first(C.db_table(d.p, 0)), db: d} }

func (r *Row) Next() *Row {
	return &Row{p: C.row_next(r.p)} // want `Row holds what C.row_next took out of r.db, which frees it when it is collected, and has no reference to it`
}

// Bare is a grandchild of the database.
type Bare struct{ p *C.row }

func (d *DB) Bare() *Bare {
	defer runtime.KeepAlive(d)
	return &Bare{C.table_first(C.db_get_table(d.p, 0))} // want `Bare holds what C.table_first took out of d`
}

// Good.

func (r *Row) NextKept() *Row { return &Row{C.row_next(r.p), r.db} }

func (d *DB) NewRow(p *C.row) *Row { return &Row{p: p, db: d} }

func (r *Row) NextByHelper() *Row { return r.db.NewRow(C.row_next(r.p)) }

// Point has no pointer.
type Point struct{ c C.point }

func (d *DB) Point() Point {
	defer runtime.KeepAlive(d)
	return Point{C.db_root_point(d.p)}
}

// Measure is a struct that nothing calls a part of the database.
type Measure struct{ c C.place }

func (d *DB) Measure() Measure {
	defer runtime.KeepAlive(d)
	return Measure{C.db_measure(d.p)}
}

// Kept is told later of what keeps its database.
type Kept struct {
	p    *C.table
	keep *DB
}

func newKept(p *C.table) *Kept { return &Kept{p: p} }

func (d *DB) Kept() *Kept {
	k := newKept(C.db_table(d.p, 0))
	k.keep = d
	return k
}

// Linked is made with something that may lead there.
type Linked struct {
	p    *C.table
	keep any
}

func (d *DB) reference() any { return d }

func (d *DB) Linked() *Linked { return &Linked{C.db_table(d.p, 0), d.reference()} }

// Public may be set by others.
type Public struct {
	p  *C.table
	DB *DB
}

func (d *DB) Public() *Public {
	defer runtime.KeepAlive(d)
	return &Public{p: C.db_table(d.p, 0)}
}

// inner does not leave its function.
func (d *DB) count() int {
	defer runtime.KeepAlive(d)
	var all []*Table
	all = append(all, &Table{p: C.db_table(d.p, 0)})
	return len(all)
}

// Cursor has a finalizer itself; its rows belong to the database.
type Cursor struct {
	p  *C.cursor
	db *DB
}

func (d *DB) Cursor() *Cursor {
	c := &Cursor{C.cursor_open(d.p), d}
	runtime.SetFinalizer(c, func(c *Cursor) { C.cursor_close(c.p) })
	return c
}

func (c *Cursor) Row() *Row { return c.db.NewRow(C.cursor_row(c.p)) }
