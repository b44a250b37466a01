// Package any sets finalizers for whatever it is given.
package any

/*
typedef struct db db;
db *db_open(void);
int db_close(db *d);
*/
import "C"

import "runtime"

func watch(object any, report any) { runtime.SetFinalizer(object, report) }

type DB struct{ p *C.db }

func NewDB() *DB {
	d := &DB{C.db_open()}
	watch(d, func(*DB) { println("forgotten") })
	return d
}

func (d *DB) Close() error {
	C.db_close(d.p)
	d.p = nil
	return nil
}
