// Package handle decides when a native handle may be used and when it is released. It knows nothing
// of cgo, so that its rules can be tested, and raced, alone.
//
// There are two kinds of handle, because there are two ways to keep a use and a release apart:
//
//   - [Shared]: any thread may use it. Uses are counted, and whoever ends last releases.
//   - [Bound]: one thread owns it. The native library refuses every other thread, and one thread
//     cannot use and release at the same time. Nothing waits, so nothing can deadlock: not a
//     callback that closes its own runtime, not a close on a wrong thread during a long pump.
//
// A handle that becomes unreachable without a Close is a [Leak]. It is reported; it is released only if
// Init was told how, which is for releases that any thread may make at any time and that cannot fail.
//
// The zero value of both counts as closed: the native library is not called with its null id. Neither may
// be copied after first use.
package handle

import (
	"sync"
	"sync/atomic"
)

// Shared is a handle that any thread may use, and whose native release cannot fail.
type Shared struct {
	id       uint64
	sentinel *sentinel

	uses atomic.Int64 // in flight; plus closing, once a Close has begun

	mu      sync.Mutex
	release func(id uint64) // of the first Close
	ended   chan struct{}   // nil until a Close begins; closed when the release has ended
}

// closing is more than there are uses.
const closing = 1 << 62

// A Place is where a Close is called.
type Place int

const (
	// Outside: nothing waits for the caller.
	Outside Place = iota
	// InCallback: inside a callback of the library. A use on another thread, or a release, may be waiting
	// for that callback to return.
	InCallback
	// InUse: in the middle of a use of this handle, or of its release, which led to a callback.
	InUse
)

// Init sets the native id. It comes before any other call. If the handle is leaked, onLeak releases the
// native object; nil leaves it.
func (s *Shared) Init(kind string, id uint64, onLeak func(id uint64)) {
	s.id = id
	s.sentinel = watch(kind, id, onLeak)
}

// Begin begins a use of the native id. If ok, [Shared.End] must follow, deferred: that is also what keeps
// the handle from being a leak during the use. It never waits: once a Close has begun the handle counts as
// closed, and ok is false.
func (s *Shared) Begin() (id uint64, ok bool) {
	for s.id != 0 {
		uses := s.uses.Load()
		if uses >= closing {
			break
		}
		if s.uses.CompareAndSwap(uses, uses+1) {
			return s.id, true
		}
	}
	return 0, false
}

// End ends a use. The last one after a Close has begun releases.
func (s *Shared) End() {
	if s.uses.Add(-1) == closing {
		s.end()
	}
}

// ID is the native id, also after Close. Only a use may give it to the library.
func (s *Shared) ID() uint64 { return s.id }

// Close has release called when no use is in flight, and waits for its end, also when that is a panic.
// Inside a callback it does not wait: a use in flight, which may be waiting for the callback, releases when
// it ends. Later calls, and calls at the same time, call nothing; they wait in the same way.
//
// It reports false, and does nothing, for a caller who is in use of the handle and would wait for itself.
func (s *Shared) Close(from Place, release func(id uint64)) bool {
	if s.id == 0 {
		return true
	}
	if from == InUse {
		return false
	}
	ended, first := s.beginClose(release)
	if first && s.uses.Add(closing) == closing {
		s.end()
	}
	if from == Outside {
		<-ended
	}
	return true
}

// beginClose reports whether this Close is the first, whose release is called.
func (s *Shared) beginClose(release func(id uint64)) (ended chan struct{}, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.release, s.ended, first = release, make(chan struct{}), true
	}
	return s.ended, first
}

// end releases. It is called once, by who has found that there is no use any more.
func (s *Shared) end() {
	defer close(s.ended)
	s.sentinel.rest()
	s.release(s.id)
}

// Bound is a handle that belongs to one thread, and whose native destroy may be refused.
type Bound struct {
	id       uint64
	sentinel *sentinel
	closed   atomic.Bool
}

// Init sets the native id. It comes before any other call.
func (b *Bound) Init(kind string, id uint64) {
	b.id = id
	b.sentinel = watch(kind, id, nil)
}

// ID is the native id, also after Close: an id is never issued twice.
func (b *Bound) ID() uint64 { return b.id }

// Closed reports whether a Close has succeeded.
func (b *Bound) Closed() bool { return b.id == 0 || b.closed.Load() }

// Close calls destroy. If that is refused, the handle stays open and a later Close tries again.
// After a success, Close returns nil and calls nothing.
//
// Closes at the same time come from different threads. All of them ask, and the native library
// lets only the owner's through: waiting for each other would deadlock when the owner's destroy
// waits for a callback that closes.
func (b *Bound) Close(destroy func(id uint64) error) error {
	if b.Closed() {
		return nil
	}
	err := destroy(b.id)
	if err == nil {
		b.sentinel.rest()
		b.closed.Store(true)
	}
	return err
}

// Watched is a handle of the binding's own: no native object stands behind it.
type Watched struct{ sentinel *sentinel }

// Init begins to watch. It comes before any other call.
func (w *Watched) Init(kind string) { w.sentinel = watch(kind, 0, nil) }

// Rest ends the watch: the handle was closed.
func (w *Watched) Rest() { w.sentinel.rest() }
