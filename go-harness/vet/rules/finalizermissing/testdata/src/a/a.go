package a

/*
typedef struct db db;
db *db_open(void);
int db_size(db *d);
int db_close(db *d);
*/
import "C"

type DB struct{ p *C.db }

func (d *DB) Close() error { // want `nobody is told of a DB that is not given to Close`
	C.db_close(d.p)
	d.p = nil
	return nil
}

// Free is the second way to end it, and named once.
func (d *DB) Free() { d.Close() }

type View struct{ p *C.db }

func (v *View) Destroy() { // want `nobody is told of a View that is not given to Destroy`
	C.db_close(v.p)
	v.p = nil
}
