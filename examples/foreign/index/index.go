// Package index is an index of words, in C++.
package index

// #include <stdlib.h>
// #include "index.h"
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Index is an index of up to four words. Any goroutine may use it.
type Index struct {
	mu    sync.Mutex
	c     *C.index_t
	calls int
}

// New makes an empty index. It is freed when nobody has it any more.
func New() *Index {
	i := &Index{c: C.index_new()}
	runtime.SetFinalizer(i, func(i *Index) { C.index_free(i.c) })
	return i
}

// Add adds a word and returns its place, or -1 if there is no room.
func (i *Index) Add(word string) int {
	i.calls++
	w := C.CString(word)
	defer C.free(unsafe.Pointer(w))
	i.mu.Lock()
	defer i.mu.Unlock()
	return int(C.index_add(i.c, w))
}

// Length returns the length of the word at a place, or 0 if there is none.
func (i *Index) Length(place int) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return int(C.index_length(i.c, C.int(place)))
}

// Word returns the word at a place, or "".
func (i *Index) Word(place int) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	w := C.index_word(i.c, C.int(place))
	return C.GoString(w)
}

// Calls returns the number of words that were to be added.
func (i *Index) Calls() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls
}
