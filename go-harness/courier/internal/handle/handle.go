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
	once     sync.Once
}

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

// Close waits for the uses in flight and then calls release. Later calls, and calls at the same
// time, call nothing; all return after the release has ended, also when it ended in a panic.
//
// It reports false, and does nothing, if inUse says that the calling thread is itself in the middle of a
// use, or of the release: it would wait for itself.
func (s *Shared) Close(inUse func(id uint64) bool, release func(id uint64)) bool {
	if inUse(s.id) {
		return false
	}
	s.once.Do(func() {
		s.uses.Lock()
		s.sentinel.rest()
		release(s.id)
	})
	return true
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
