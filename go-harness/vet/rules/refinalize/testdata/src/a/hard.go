package a

import "runtime"

// One of two branches sets it.
func Either(b bool) *DB {
	db := &DB{}
	if b {
		runtime.SetFinalizer(db, (*DB).free)
	} else {
		runtime.SetFinalizer(db, func(d *DB) { d.free() })
	}
	return db
}

// Each turn makes an object of its own.
func Many(n int) (all []*DB) {
	for range n {
		db := &DB{}
		runtime.SetFinalizer(db, (*DB).free)
		all = append(all, db)
	}
	return all
}

// maybe sets it on some ways only.
func maybe(b bool) *DB {
	db := &DB{}
	if b {
		runtime.SetFinalizer(db, (*DB).free)
	}
	return db
}

func Unsure() *DB {
	db := maybe(false)
	runtime.SetFinalizer(db, (*DB).free)
	return db
}

// A helper that clears.
func disarmed() *DB {
	db := open()
	runtime.SetFinalizer(db, nil)
	return db
}

func Rearmed() *DB {
	db := disarmed()
	runtime.SetFinalizer(db, (*DB).free)
	return db
}
