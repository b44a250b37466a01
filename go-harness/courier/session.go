package courier

import (
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
	handle handle.Bound
}

// ID returns the session's id, also after Close. Any goroutine may call it.
func (s *Session) ID() SessionID { return SessionID(s.handle.ID()) }

// Load starts to load url. The load ends in exactly one event, unless the session is closed first.
func (s *Session) Load(url string) (LoadID, error) {
	const op = "load"
	if s.handle.Closed() {
		return 0, closed(op)
	}
	load, err := capi.SessionLoad(s.handle.ID(), url)
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

// Close cancels the session's loads and discards its events. Requests of its loads stay with the
// provider, which closes them.
func (s *Session) Close() error {
	return wrapClose("close session", s.handle.Close(capi.SessionDestroy))
}
