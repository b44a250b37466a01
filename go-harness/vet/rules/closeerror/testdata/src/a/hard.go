package a

/*
typedef struct db db;
db *db_open(void);
int db_size(db *d);
int db_close(db *d);
*/
import "C"

type Good struct{ p *C.db }

func (g *Good) Close() error {
	if C.db_close(g.p) != 0 {
		return errClose
	}
	g.p = nil
	return nil
}

// Free is an old name for Close.
func (g *Good) Free() { g.Close() }

// Reset frees, and is no end.
func (g *Good) Reset() {
	C.db_close(g.p)
	g.p = C.db_open()
}

// Once is used once, and gone.
type Once struct{ p *C.db }

func (o *Once) Size() int {
	n := C.db_size(o.p)
	C.db_close(o.p)
	o.p = nil
	return int(n)
}

type view struct{ p *C.db }

func (v *view) Free() { C.db_close(v.p) }

// List frees nothing of C.
type List struct{ items []int }

func (l *List) Free() { l.items = nil }

type Pool struct{ free []*C.db }

// Release takes an argument: it gives one of many back.
func (p *Pool) Release(d *C.db) { p.free = append(p.free, d) }
