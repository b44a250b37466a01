package courier

import (
	"sync"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// ownerWaits notes which owner the thread of each owner is waiting for, by their numbers. In a circle they would
// wait for ever.
var ownerWaits = struct {
	sync.Mutex
	waiter map[uint64]uint64
}{waiter: map[uint64]uint64{}}

// waitFor lets the calling thread wait for the owner with this number, until it calls done. thread is the
// number of the calling thread.
func waitFor(op string, thread, owner uint64) (done func(), err error) {
	switch thread {
	case 0:
		return func() {}, nil
	case capi.Inside:
		return nil, refuse(op, ErrInvalidState, "called inside a callback, which the owner may be waiting for")
	}
	ownerWaits.Lock()
	defer ownerWaits.Unlock()
	for at := owner; at != 0; at = ownerWaits.waiter[at] {
		if at == thread {
			return nil, refuse(op, ErrInvalidState, "called in a job that the owner waits for")
		}
	}
	ownerWaits.waiter[thread] = owner
	return func() {
		ownerWaits.Lock()
		defer ownerWaits.Unlock()
		delete(ownerWaits.waiter, thread)
	}, nil
}
