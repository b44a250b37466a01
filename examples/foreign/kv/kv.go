// Package kv stores strings by strings, in C.
package kv

// #include <stdlib.h>
// #include "kv.h"
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

// ErrNoMemory says that C could not get memory.
var ErrNoMemory = errors.New("kv: no memory")

// Store is a store. It is closed by Close, or when nobody has it any more.
type Store struct {
	c    *C.kv
	name string
}

// Open makes an empty store.
func Open(name string) (*Store, error) {
	c := C.kv_open()
	if c == nil {
		return nil, ErrNoMemory
	}
	s := &Store{c: c, name: name}
	runtime.SetFinalizer(s, (*Store).Close)
	return s, nil
}

// Close frees the store. A second call does nothing.
func (s *Store) Close() {
	if s.c != nil {
		C.kv_close(s.c)
		s.c = nil
		runtime.SetFinalizer(s, nil)
	}
}

// Set stores a value.
func (s *Store) Set(key, value string) error {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	v := C.CString(value)
	if C.kv_set(s.c, k, v) != 0 {
		return ErrNoMemory
	}
	runtime.KeepAlive(s)
	return nil
}

// Get returns a value, or "".
func (s *Store) Get(key string) string {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	value := C.GoString(C.kv_get(s.c, k))
	runtime.KeepAlive(s)
	return value
}

// Count counts the values that contain the text.
func (s *Store) Count(text string) int {
	t := C.CString(text)
	defer C.free(unsafe.Pointer(t))
	return int(C.kv_count(s.c, t))
}

// Label puts the store's name on it, for whoever looks at it in a debugger.
func (s *Store) Label() {
	*C.kv_label(s.c) = unsafe.Pointer(&s.name)
	runtime.KeepAlive(s)
}
