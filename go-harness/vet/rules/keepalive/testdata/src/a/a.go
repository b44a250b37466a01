package a

/*
#include <stdlib.h>
typedef struct codec codec;
static codec *codec_new(void) { return (codec *)malloc(4); }
static int codec_size(codec *c) { return 4; }
static const char *codec_name(codec *c) { return "name"; }
static void codec_free(codec *c) { free(c); }
static int codec_token(codec *c, int token) { return 0; }
static int fd_use(int fd) { return fd; }
static int both(codec *a, codec *b) { return 0; }
*/
import "C"

import (
	"os"
	"runtime"
	"sync"
	"unsafe"
)

type Codec struct {
	p     *C.codec
	mu    sync.Mutex
	label string
}

func New() *Codec {
	c := &Codec{p: C.codec_new()}
	runtime.SetFinalizer(c, (*Codec).finalize)
	return c
}

func (c *Codec) finalize() { C.codec_free(c.p) }

func (c *Codec) Size() int {
	return int(C.codec_size(c.p)) // want `c may be finalized, and its native memory freed, while C.codec_size uses it`
}

func (c *Codec) TooEarly() int {
	runtime.KeepAlive(c)
	return int(C.codec_size(c.p)) // want `runtime.KeepAlive\(c\) in line 42 comes before C.codec_size`
}

func (c Codec) Copied() int {
	defer runtime.KeepAlive(c)
	return int(C.codec_size(c.p)) // want `C.codec_size uses native memory of c, which is a copy`
}

func (c *Codec) Name() string {
	return C.GoString(C.codec_name(c.p)) // want `c may be finalized, and its native memory freed, while C.codec_name uses it`
}

// native is an accessor.
func (c *Codec) native() *C.codec { return c.p }

func (c *Codec) ThroughAccessor() int {
	return int(C.codec_size(c.native())) // want `c may be finalized`
}

func size(p *C.codec) int { return int(C.codec_size(p)) }

func (c *Codec) ThroughHelper() int {
	return size(c.p) // want `c may be finalized, and its native memory freed, while size uses it`
}

type Stream struct{ codec *Codec }

func (s *Stream) Size() int {
	return int(C.codec_size(s.codec.p)) // want `s.codec may be finalized`
}

func Both(a, b *Codec) int {
	n := int(C.both(a.p, b.p)) // want `a may be finalized, and its native memory freed, while C.both uses it`
	runtime.KeepAlive(b)
	return n
}

func Descriptor(f *os.File) int {
	return int(C.fd_use(C.int(f.Fd()))) // want `f may be finalized, and its descriptor closed, while C.fd_use uses it`
}

func Local() int {
	c := New()
	return int(C.codec_size(c.p)) // want `c may be finalized.* add runtime.KeepAlive\(c\) after the call`
}

func Two() int {
	n, c := 1, New()
	return n + int(C.codec_size(c.p)) // want `c may be finalized.* add runtime.KeepAlive\(c\) after the call`
}

func Declared() int {
	var c = New()
	return int(C.codec_size(c.p)) // want `c may be finalized.* add runtime.KeepAlive\(c\) after the call`
}

func open() (int, *Codec) { return 1, New() }

func Tuple() int {
	n, c := open()
	return n + int(C.codec_size(c.p)) // want `c may be finalized`
}

func Nameless() int {
	return int(C.codec_size(New().p)) // want `the \*Codec may be finalized.* add runtime.KeepAlive of a variable that holds it after the call`
}

type Of[T any] struct {
	p  *C.codec
	of T
}

func NewOf() *Of[C.int] {
	o := &Of[C.int]{p: C.codec_new()}
	runtime.SetFinalizer(o, func(o *Of[C.int]) { C.codec_free(o.p) })
	return o
}

func NamelessOf() int {
	return int(C.codec_size(NewOf().p)) // want `the \*Of\[C.int\] may be finalized`
}

type Cleaned struct{ p *C.codec }

func NewCleaned() *Cleaned {
	c := &Cleaned{p: C.codec_new()}
	runtime.AddCleanup(c, func(p *C.codec) { C.codec_free(p) }, c.p)
	return c
}

func (c *Cleaned) Size() int {
	return int(C.codec_size(c.p)) // want `c may be finalized`
}

// Good.

func (c *Codec) Kept() int {
	n := int(C.codec_size(c.p))
	runtime.KeepAlive(c)
	return n
}

func (c *Codec) Deferred() int {
	defer runtime.KeepAlive(c)
	return int(C.codec_size(c.p))
}

func (c *Codec) UsedLater() string {
	C.codec_size(c.p)
	return c.label
}

func (c *Codec) Locked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(C.codec_size(c.p))
}

func Create() unsafe.Pointer {
	c := New()
	C.codec_size(c.p)
	return unsafe.Pointer(c)
}

func maybeKeep(c *Codec, f func()) int {
	if f != nil {
		entries[len(entries)] = entry{codec: c, f: f}
	}
	return 0
}

func (c *Codec) MaybeHook(f func()) int {
	return int(C.codec_token(c.p, C.int(maybeKeep(c, f)))) // want `c may be finalized`
}

// Boxed is finalized by a function that takes anything.
type Boxed struct{ p *C.codec }

func freeBoxed(v any) { v.(*Boxed).Release() }

func NewBoxed() *Boxed {
	b := &Boxed{C.codec_new()}
	runtime.SetFinalizer(b, freeBoxed)
	return b
}

func (b *Boxed) Release() {
	if b.p != nil {
		C.codec_free(b.p)
		b.p = nil
	}
}

func (b *Boxed) Size() int {
	return int(C.codec_size(b.p)) // want `b may be finalized`
}

// locked is an accessor whose result lies in memory until the deferred call has run.
func (c *Codec) locked() *C.codec {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.label == "closed" {
		return nil
	}
	return c.p
}

func ThroughLockedAccessor() int {
	c := New()
	return int(C.codec_size(c.locked())) // want `c may be finalized`
}

// A copy of an os.File has what the runtime closes.
func Copy(f os.File) int {
	return int(C.fd_use(C.int(f.Fd()))) // want `f may be finalized, and its descriptor closed, while C.fd_use uses it; add runtime.KeepAlive\(f\) after the call`
}

func CopyKept(f os.File) int {
	n := int(C.fd_use(C.int(f.Fd())))
	runtime.KeepAlive(f)
	return n
}
