// Package handle decides when a native handle may be used and when it is released. It knows nothing
// of cgo, so that its rules can be tested, and raced, alone.
//
// There are two kinds of handle, because there are two ways to keep a use and a release apart:
//
//   - [Shared]: any thread may use it. Uses are counted, and the release waits for them.
//   - [Bound]: one thread owns it. The native library refuses every other thread, and one thread
//     cannot use and release at the same time. Nothing waits, so nothing can deadlock: not a
//     callback that closes its own runtime, not a close on a wrong thread during a long pump.
//
// A handle that becomes unreachable without a Close is a [Leak]. It is reported; it is released only if
// Init was told how, which is for releases that any thread may make at any time and that cannot fail.
//
// The zero value of both holds the null id, which the native library refuses. Neither may be copied
// after first use.
package handle

import (
	"sync"
	"sync/atomic"
)

// Shared is a handle that any thread may use, and whose native release cannot fail.
type Shared struct {
	id       uint64
	sentinel *sentinel
	uses     sync.RWMutex // read-locked by each use; locked by Close, for good

	closing sync.Mutex
	ended   chan struct{} // nil until a Close begins; closed when the release has ended
}

// A Place is where a Close is called.
type Place int

const (
	// Outside: nothing waits for the caller.
	Outside Place = iota
	// InCallback: inside a callback of the library. A release on another thread may be waiting for
	// that callback to return.
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
	return s.id, s.uses.TryRLock() // fails only when a Close holds the lock or waits for it
}

// End ends a use.
func (s *Shared) End() { s.uses.RUnlock() }

// ID is the native id, also after Close. Only a use may give it to the library.
func (s *Shared) ID() uint64 { return s.id }

// Close waits for the uses in flight and then calls release. Later calls, and calls at the same
// time, call nothing; they return after the release has ended, also when it ended in a panic, except
// those inside a callback: the release may be waiting for that.
//
// It reports false, and does nothing, for a caller who is in use of the handle and would wait for itself.
func (s *Shared) Close(from Place, release func(id uint64)) bool {
	if from == InUse {
		return false
	}
	ended, first := s.beginClose()
	if !first {
		if from == Outside {
			<-ended
		}
		return true
	}
	defer close(ended)
	s.uses.Lock()
	s.sentinel.rest()
	release(s.id)
	return true
}

// beginClose reports whether this Close is the first, which releases.
func (s *Shared) beginClose() (ended chan struct{}, first bool) {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.ended == nil {
		s.ended, first = make(chan struct{}), true
	}
	return s.ended, first
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
func (b *Bound) Closed() bool { return b.closed.Load() }

// Close calls destroy. If that is refused, the handle stays open and a later Close tries again.
// After a success, Close returns nil and calls nothing.
//
// Closes at the same time come from different threads. All of them ask, and the native library
// lets only the owner's through: waiting for each other would deadlock when the owner's destroy
// waits for a callback that closes.
func (b *Bound) Close(destroy func(id uint64) error) error {
	if b.closed.Load() {
		return nil
	}
	err := destroy(b.id)
	if err == nil {
		b.sentinel.rest()
		b.closed.Store(true)
	}
	return err
}
