package courier

import (
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/handle"
)

// SessionID names a session in an [Event]. It is never used for a second session, so the id of a closed
// one equals that of no other.
type SessionID uint64

// LoadID names a load in its session. Loads are numbered 1, 2, 3 and so on.
type LoadID uint64

// A Session is a group of loads that ends together. It belongs to the owner thread of its runtime, with
// the same errors as the runtime's methods.
type Session struct {
	handle  handle.Bound
	runtime *Runtime // kept: a runtime with a session in use is no leak
}

// NativePointer is the address of an object that neither Go nor this library owns, such as a window or a
// graphics device of the platform. It is a number: nothing here follows, frees or pins it. 0 is none.
type NativePointer uintptr

// A LoadOption sets up a load.
type LoadOption func(*loadOptions)

type loadOptions = capi.LoadOptions

// Deadline makes the load fail with [FailureExpired] if it has not ended after d: at the first pump after
// that, and a pump waits no longer. 0 or less is over at the next pump. Without this option a load has no
// deadline.
func Deadline(d time.Duration) LoadOption {
	ms := uint64(milliseconds(max(d, 0)))
	return func(o *loadOptions) { o.DeadlineMS = &ms }
}

// ID returns the session's id, also after Close. Any goroutine may call it.
func (s *Session) ID() SessionID { return SessionID(s.handle.ID()) }

// Load starts to load url. The load ends in exactly one event, unless the session is closed first. When
// the runtime has as many loads as it may, Load fails with [ErrInvalidState]; drain events, and try again.
func (s *Session) Load(url string, opts ...LoadOption) (LoadID, error) {
	const op = "load"
	if s.handle.Closed() {
		return 0, closed(op)
	}
	o, err := newLoadOptions(op, opts)
	if err != nil {
		return 0, err
	}
	return s.load(op, url, o)
}

func newLoadOptions(op string, opts []LoadOption) (o loadOptions, err error) {
	for _, option := range opts {
		if option == nil {
			return o, refuse(op, ErrInvalidArgument, "an option is nil")
		}
		option(&o)
	}
	return o, nil
}

func (s *Session) load(op, url string, o loadOptions) (LoadID, error) {
	load, err := capi.SessionLoad(s.handle.ID(), url, o)
	if err == nil && o.DeadlineMS != nil {
		s.runtime.expires(time.Now().Add(duration(int64(*o.DeadlineMS))))
	}
	return LoadID(load), wrapBound(op, err)
}

// Cancel ends a load in a [Cancelled] event. It fails with [ErrInvalidState] if the load has ended
// before, whether or not its event has been drained.
func (s *Session) Cancel(load LoadID) error {
	const op = "cancel"
	if s.handle.Closed() {
		return closed(op)
	}
	return wrapBound(op, capi.SessionCancel(s.handle.ID(), uint64(load)))
}

// attached holds the buffers that native sessions write to, by session. Here, and not in the Session: if
// that is leaked, the native session lives on and so must its buffer.
var attached sync.Map // uint64: *pinnedBuffer

type pinnedBuffer struct {
	pinner runtime.Pinner
}

// pin pins memory of Go's. What is not Go's stays where it is.
func pin(memory []byte) (buffer *pinnedBuffer) {
	buffer = new(pinnedBuffer)
	if len(memory) == 0 {
		return buffer
	}
	defer func() {
		// Go 1.21 panics where later releases have nothing to do.
		value := recover()
		if refused, ok := value.(error); value != nil && !(ok && strings.Contains(refused.Error(), "not a Go pointer")) {
			panic(value)
		}
	}()
	buffer.pinner.Pin(unsafe.SliceData(memory))
	return buffer
}

// unpin ends the session's hold on a buffer, if it has one.
func unpin(session uint64) {
	if buffer, ok := attached.LoadAndDelete(session); ok {
		buffer.(*pinnedBuffer).pinner.Unpin()
	}
}

// Attach lends memory to the session. Until it is detached, the bytes of each of the session's loads are
// written to it when the load completes, from the beginning, by the thread that completes it; what does
// not fit is left out. Memory of Go's is pinned meanwhile; other memory, such as that of syscall.Mmap, stays
// where it is. Neither read nor write it before [Session.Detach] or Close has succeeded;
// [Session.Snapshot] reads it. A session has one buffer at a time.
func (s *Session) Attach(memory []byte) error {
	const op = "attach buffer"
	if s.handle.Closed() {
		return closed(op)
	}
	id := s.handle.ID()
	buffer := pin(memory) // before C stores the address
	if err := capi.SessionAttachBuffer(id, memory); err != nil {
		buffer.pinner.Unpin()
		return wrapBound(op, err)
	}
	attached.Store(id, buffer)
	return nil
}

// Detach ends what [Session.Attach] began. When it has returned nil, nothing writes to the memory any
// more, and the last write can be read there.
func (s *Session) Detach() error {
	const op = "detach buffer"
	if s.handle.Closed() {
		return closed(op)
	}
	if err := capi.SessionDetachBuffer(s.handle.ID()); err != nil {
		return wrapBound(op, err)
	}
	unpin(s.handle.ID())
	return nil
}

// Snapshot copies what the last completed load has left in the attached buffer. Whoever takes the blob
// closes it.
func (s *Session) Snapshot() (*Blob, error) {
	const op = "take snapshot"
	if s.handle.Closed() {
		return nil, closed(op)
	}
	id, err := capi.SessionSnapshot(s.handle.ID())
	if err != nil {
		return nil, wrapBound(op, err)
	}
	return newBlob(id), nil
}

// SetSurface names the surface that loads are for, from now on: their providers get it from
// [Request.Surface].
func (s *Session) SetSurface(surface NativePointer) error {
	const op = "set surface"
	if s.handle.Closed() {
		return closed(op)
	}
	return wrapBound(op, capi.SessionSetSurface(s.handle.ID(), uintptr(surface)))
}

// Close cancels the session's loads, discards its events, and detaches its buffer. Requests of its loads
// stay with the provider, which closes them.
func (s *Session) Close() error {
	return wrapClose("close session", s.handle.Close(func(id uint64) error { return s.runtime.closeSession(id) }))
}
