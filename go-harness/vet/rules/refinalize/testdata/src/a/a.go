package a

import (
	"errors"
	"runtime"
	"sync"
)

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
	runtime.SetFinalizer(db, (*DB).free) // want `the object has the finalizer of line 29 already`
	return db
}

func Made() *DB {
	db := open()
	runtime.SetFinalizer(db, (*DB).free) // want `the object has the finalizer of line 35 already`
	return db
}

func MadeErr() (*DB, error) {
	db, err := openErr()
	if err != nil {
		return nil, err
	}
	arm(db) // want `the object has the finalizer of line 41 already`
	return db, nil
}

func Good() *DB {
	db := open()
	runtime.SetFinalizer(db, nil)
	runtime.SetFinalizer(db, (*DB).free)
	return db
}

func openLocked(name string) (*DB, error) {
	lock.Lock()
	defer lock.Unlock()
	if name == "" {
		return nil, errors.New("no name")
	}
	db := &DB{}
	runtime.SetFinalizer(db, (*DB).free)
	return db, nil
}

func MadeLocked(name string) (*DB, error) {
	db, err := openLocked(name)
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(db, (*DB).free) // want `the object has the finalizer of line 68 already`
	return db, nil
}

var lock sync.Mutex
