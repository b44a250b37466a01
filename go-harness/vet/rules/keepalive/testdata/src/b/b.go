// Package b has memory that C lends out of an object's memory, and reads of it in Go.
package b

/*
#include <stdlib.h>
typedef struct { int width; const char *label; } header;
typedef struct codec codec;
typedef struct stream stream;
typedef struct { codec *c; int flags; } arg;
static codec *codec_new(void) { return (codec *)malloc(4); }
static void codec_free(codec *c) { free(c); }
static int codec_size(codec *c) { return 4; }
static unsigned char *codec_data(codec *c) { return 0; }
static const char *codec_name(codec *c) { return "name"; }
static header *codec_header(codec *c) { return 0; }
static stream *codec_open_stream(codec *c) { return 0; }
static char *codec_get_copy(codec *c) { return 0; }
static int buf_use(void *p) { return 0; }
static void stream_run(stream *s) { }
static void stream_close(stream *s) { }
static int arg_use(arg a) { return 0; }
static int arg_use_at(arg *a) { return 0; }
static header *header_new(void) { return 0; }
static void header_free(header *h) { }
static void codec_unlock(codec *c) { }
static void codec_lock(codec *c) { }
*/
import "C"

import (
	"runtime"
	"unsafe"
)

type Codec struct {
	p     *C.codec
	label string
}

func New() *Codec {
	c := &Codec{p: C.codec_new()}
	runtime.SetFinalizer(c, func(c *Codec) { C.codec_free(c.p) })
	return c
}

func (c *Codec) LentToC() int {
	p := C.codec_data(c.p)
	runtime.KeepAlive(c)
	return int(C.buf_use(unsafe.Pointer(p))) // want `runtime.KeepAlive\(c\) in line 48 comes before C.buf_use, which uses its native memory`
}

func (c *Codec) LentText() string {
	name := C.codec_name(c.p)
	runtime.KeepAlive(c)
	return C.GoString(name) // want `runtime.KeepAlive\(c\) in line 54 comes before C.GoString`
}

func (c *Codec) LentAndRead() byte {
	p := C.codec_data(c.p)
	runtime.KeepAlive(c)
	return byte(*p) // want `runtime.KeepAlive\(c\) in line 60 comes before native memory of it is used here`
}

func (c *Codec) LentAndRanged() (sum int) {
	data := unsafe.Slice((*byte)(c.data()), 4)
	for _, b := range data {
		sum += int(b) // want `c may be finalized, and its native memory freed, while it is used here`
	}
	return sum
}

// data is an accessor of what C lends.
func (c *Codec) data() *C.uchar {
	p := C.codec_data(c.p)
	runtime.KeepAlive(c)
	return p
}

func (c *Codec) ThroughAccessor() int {
	return int(C.buf_use(unsafe.Pointer(c.data()))) // want `c may be finalized, and its native memory freed, while C.buf_use uses it`
}

func (c *Codec) FieldOfLent() *C.char {
	h := C.codec_header(c.p)
	runtime.KeepAlive(c)
	return h.label // want `runtime.KeepAlive\(c\) in line 85 comes before native memory of it is used here`
}

func (c *Codec) InStruct() int {
	return int(C.arg_use(C.arg{c: c.p, flags: 1})) // want `c may be finalized`
}

func (c *Codec) InStructAt() int {
	a := C.arg{c: c.p}
	return int(C.arg_use_at(&a)) // want `c may be finalized`
}

func Asserted(v any) int {
	c, ok := v.(*Codec)
	if !ok {
		return 0
	}
	return int(C.codec_size(c.p)) // want `c may be finalized`
}

func (c *Codec) Unlocks() {
	C.codec_lock(c.p)
	defer C.codec_unlock(c.p) // want `c may be finalized, and its native memory freed, while C.codec_unlock, which is deferred, uses it; defer runtime.KeepAlive\(c\) before it`
	C.codec_size(c.p)
}

func (c *Codec) UnlocksAfterKept() {
	C.codec_lock(c.p)
	defer C.codec_unlock(c.p) // want `runtime.KeepAlive\(c\) in line 116 comes before C.codec_unlock`
	C.codec_size(c.p)
	runtime.KeepAlive(c)
}

func (c *Codec) Starts() {
	go C.codec_unlock(c.p) // want `c may be finalized`
}

type Header struct{ p *C.header }

func NewHeader() *Header {
	h := &Header{C.header_new()}
	finalize(h, func(h *Header) { C.header_free(h.p) })
	return h
}

// finalize is a helper for any type.
func finalize[T any](object *T, free func(*T)) { runtime.SetFinalizer(object, free) }

func (h *Header) Label() string {
	return C.GoString(h.p.label) // want `h may be finalized`
}

// Good.

func (c *Codec) LentAndKept() int {
	defer runtime.KeepAlive(c)
	return int(C.buf_use(unsafe.Pointer(C.codec_data(c.p))))
}

func (c *Codec) TextKept() string {
	name := C.codec_name(c.p)
	s := C.GoString(name)
	runtime.KeepAlive(c)
	return s
}

// Copy is the caller's, and freed.
func (c *Codec) Copy() string {
	p := C.codec_get_copy(c.p)
	runtime.KeepAlive(c)
	defer C.free(unsafe.Pointer(p))
	return C.GoString(p)
}

// Run opens what has a life of its own.
func (c *Codec) Run() {
	s := C.codec_open_stream(c.p)
	runtime.KeepAlive(c)
	C.stream_run(s)
	C.stream_close(s)
}

func (c *Codec) UnlocksKept() {
	defer runtime.KeepAlive(c)
	C.codec_lock(c.p)
	defer C.codec_unlock(c.p)
}

func (c *Codec) UnlocksUsed() {
	C.codec_lock(c.p)
	defer func() {
		C.codec_unlock(c.p)
		runtime.KeepAlive(c)
	}()
}

func AssertedKept(v any) int {
	c, ok := v.(*Codec)
	if !ok {
		return 0
	}
	defer runtime.KeepAlive(c)
	return int(C.codec_size(c.p))
}

func (c *Codec) StartsKept() string {
	go C.codec_unlock(c.p)
	return c.label
}

// At once: nothing lies between the pointer and what it points to.
func (h *Header) Width() int { return int(h.p.width) }

// Local has memory of Go's, which outlives it.
type Local struct{ p *C.header }

func NewLocal() *Local {
	l := &Local{new(C.header)}
	runtime.SetFinalizer(l, func(l *Local) { C.header_free(l.p) })
	return l
}

func (l *Local) Twice() int {
	p := l.p
	n := step()
	return n + int(p.width)
}

func step() int { return 0 }

// Take takes the memory out of the object, whose finalizer finds nothing then.
func (h *Header) Take() int {
	p := h.p
	h.p = nil
	n := step()
	return n + int(p.width)
}
