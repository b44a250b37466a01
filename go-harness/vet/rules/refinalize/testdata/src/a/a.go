package a

import "runtime"

type DB struct{ p uintptr }

func (d *DB) free() {}

func open() *DB {
	db := &DB{}
	runtime.SetFinalizer(db, (*DB).free)
	return db
}

func openErr() (*DB, error) {
	db := &DB{}
	runtime.SetFinalizer(db, (*DB).free)
	return db, nil
}

func arm(db *DB) { runtime.SetFinalizer(db, (*DB).free) }

func Twice() *DB {
	db := &DB{}
	runtime.SetFinalizer(db, (*DB).free)
	runtime.SetFinalizer(db, (*DB).free) // want `the object has the finalizer of line 25 already`
	return db
}

func Made() *DB {
	db := open()
	runtime.SetFinalizer(db, (*DB).free) // want `the object has the finalizer of line 31 already`
	return db
}

func MadeErr() (*DB, error) {
	db, err := openErr()
	if err != nil {
		return nil, err
	}
	arm(db) // want `the object has the finalizer of line 37 already`
	return db, nil
}

func Good() *DB {
	db := open()
	runtime.SetFinalizer(db, nil)
	runtime.SetFinalizer(db, (*DB).free)
	return db
}
