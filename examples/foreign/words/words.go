// Package words is an index of the words of a text, in Rust. Build the library first: cargo build --release.
package words

/*
#cgo !words_asan LDFLAGS: ${SRCDIR}/target/release/libwords.a
#cgo LDFLAGS: -lpthread -ldl -lm
#include <stdlib.h>
#include "words.h"
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

// ErrText says that a text is not UTF-8.
var ErrText = errors.New("words: the text is not UTF-8")

// Words is the index of a text.
type Words struct {
	c *C.words
}

// New splits a text. The index is freed when nobody has it any more.
func New(text string) (*Words, error) {
	t := C.CString(text)
	defer C.free(unsafe.Pointer(t))
	c := C.words_new(t)
	if c == nil {
		return nil, ErrText
	}
	w := &Words{c: c}
	runtime.SetFinalizer(w, func(w *Words) { C.words_free(w.c) })
	return w, nil
}

// Count returns the number of words.
func (w *Words) Count() int {
	defer runtime.KeepAlive(w)
	return int(C.words_count(w.c))
}

// Length returns the length of the word at a place, or 0 if there is none.
func (w *Words) Length(place int) int {
	defer runtime.KeepAlive(w)
	return int(C.words_length(w.c, C.size_t(place)))
}

// Word returns the word at a place, or "".
func (w *Words) Word(place int) string {
	defer runtime.KeepAlive(w)
	return C.GoString(C.words_copy(w.c, C.size_t(place)))
}

// Longest returns the length of the longest word.
func (w *Words) Longest() int {
	return int(C.words_longest(w.c))
}
