package courier

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// ownerThread is an owner without the handle that programs have of it.
type ownerThread struct {
	number uint64 // by which its thread is known
	jobs   jobQueue
	work   atomic.Bool   // there is work for a pump
	ended  chan struct{} // closed when the runtime is closed and the goroutine has nothing more to do

	// The rest is used on the owner's thread only.
	runtime *Runtime
	handle  func(*Runtime, Event)
	guest   guest   // nil if there is none
	unread  []Event // drained
	exits   int     // calls of Goexit, in jobs and handlers, that are left to it
}

// A guest is built on an owner, and has sessions of its own there. It is called on the owner's thread.
type guest interface {
	// sessions says how many are open.
	sessions() int
	// room says that loads have left the runtime.
	room()
	// leave comes before the runtime is closed. It closes the sessions, and ends what waits for them.
	leave() error
}

var owners atomic.Uint64

func newOwnerThread(handle func(*Runtime, Event)) *ownerThread {
	if handle == nil {
		handle = discard
	}
	return &ownerThread{
		number: owners.Add(1),
		jobs:   jobQueue{bell: make(chan struct{}, 1)},
		ended:  make(chan struct{}),
		handle: handle,
		exits:  maxExits,
	}
}

// discard handles an event that nobody wants.
func discard(_ *Runtime, event Event) {
	if event.Payload != nil {
		_ = event.Payload.Close()
	}
}

// live is the life of the owner's goroutine.
func (t *ownerThread) live(op string, started chan<- error, o options) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	rt, err := createRuntime(op, o)
	if err == nil {
		err = rt.setWake(op, t.wake)
	}
	if err != nil {
		if rt != nil {
			_ = rt.Close()
		}
		started <- err
		return
	}
	rt.owner, t.runtime = t, rt
	capi.SetOwner(t.number)
	started <- nil
	defer close(t.ended)
	defer t.jobs.end()
	defer capi.SetOwner(0)
	t.serve()
}

// serve runs jobs and hands out events until the runtime is closed. They take turns: neither many jobs nor
// handlers that load again and again keep the others, or a deadline, waiting.
func (t *ownerThread) serve() {
	for !t.runtime.handle.Closed() {
		if len(t.unread) == 0 && (t.work.Swap(false) || t.late()) {
			t.pump()
		}
		if len(t.unread) == 0 && !t.jobs.has() {
			t.sleep()
		}
		if len(t.unread) > 0 {
			event := t.unread[0]
			t.unread[0] = Event{} // its payload may be forgotten by who gets it
			t.unread = t.unread[1:]
			t.contain(func() { t.handle(t.runtime, event) }, func(p *JobPanic, exited bool) { reportEnd("event handler", p, exited) })
		}
		if t.jobs.has() {
			if j := t.jobs.pop(); j.begin() {
				t.contain(func() { j.run(t.runtime) }, j.finish)
			}
		}
	}
}

// contain calls f, which is not ours, and then ended, with how it ended.
func (t *ownerThread) contain(f func(), ended func(p *JobPanic, exited bool)) {
	returned := false
	defer func() {
		if !returned {
			// Goexit, of f or of a panic handler. This goroutine is ending, and nothing can stop that; but
			// its deferred calls run first, on the same thread. The rest of the owner's life is such a call.
			if t.exits--; t.exits == 0 {
				t.giveUp()
			}
			t.serve()
		}
	}()
	tell(f, ended)
	returned = true
}

// maxExits bounds the stack, which each Goexit makes deeper by about a kilobyte.
const maxExits = 1000

// giveUp closes the owner, and with it what jobs have left open.
func (t *ownerThread) giveUp() {
	why := fmt.Sprintf("the owner was closed after %d calls of runtime.Goexit in jobs and event handlers", maxExits)
	err := t.closeAll("close owner", why)
	if err != nil {
		why += fmt.Sprintf(", but not its runtime: %v", err)
	}
	capi.Report("owner", refuse("serve", ErrClosed, why), nil)
}

// late reports whether a deadline has passed, or the moment to try a pump again.
func (t *ownerThread) late() bool {
	deadline := t.runtime.deadline
	return !deadline.IsZero() && !time.Now().Before(deadline)
}

// retry is the time after which a pump that failed is tried again. It may fail for good.
const retry = time.Second

// pump collects finished loads. What is left unread is work.
func (t *ownerThread) pump() {
	if err := t.collect(); err != nil {
		// Work that it leaves behind is no news any more: no wake would tell of it.
		t.runtime.deadline = time.Now().Add(retry)
		// There is nobody else to tell.
		t.contain(func() { capi.Report("owner", err, nil) }, func(*JobPanic, bool) {})
	}
}

func (t *ownerThread) collect() error {
	unread, err := t.runtime.Pump(0)
	if err != nil {
		return err
	}
	if unread > 0 {
		events := make([]Event, min(unread, maxDrain))
		n, err := t.runtime.drain("drain", events)
		if err != nil {
			return err
		}
		t.unread = events[:n]
		if 0 < n && n < unread {
			t.work.Store(true)
		}
		t.room()
	}
	if t.runtime.deadline.IsZero() {
		return nil
	}
	timeout, err := t.runtime.NextTimeout()
	t.runtime.deadline = time.Time{}
	if err == nil && timeout != Forever {
		t.runtime.expires(time.Now().Add(timeout))
	}
	return err
}

// forget drops what is left of a session that has been closed.
func (t *ownerThread) forget(session SessionID) {
	kept := t.unread[:0]
	for _, event := range t.unread {
		if event.Session == session {
			discard(t.runtime, event)
		} else {
			kept = append(kept, event)
		}
	}
	clear(t.unread[len(kept):])
	t.unread = kept
	t.room()
}

func (t *ownerThread) room() {
	if t.guest != nil {
		t.guest.room()
	}
}

// sleep waits for the bell, or for the next deadline.
func (t *ownerThread) sleep() {
	var alarm <-chan time.Time
	if deadline := t.runtime.deadline; !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-t.jobs.bell:
	case <-alarm:
	}
}

// wake is the runtime's wake function. Any thread.
func (t *ownerThread) wake() {
	t.work.Store(true)
	t.jobs.ring()
}

// do submits f and waits for its end. Any thread that may wait for the owner.
func (t *ownerThread) do(ctx context.Context, op string, f func(*Runtime) error) error {
	c := newCall(f)
	if err := t.jobs.submit(op, job{call: c}); err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(queued, dropped) || c.state.CompareAndSwap(running, abandoned) {
			return ctx.Err()
		}
		// It has ended: its state is set behind its result.
	}
	return c.result()
}

// close is the job of a Close.
func (t *ownerThread) close(op string) error {
	own := 0
	if t.guest != nil {
		own = t.guest.sessions()
	}
	if len(t.runtime.sessions) > own && t.exits > 0 {
		return t.runtime.close(op) // the library refuses, and says why
	}
	return t.closeAll(op, ErrClosed.Error())
}

// closeAll closes the runtime, and the sessions that are left in it.
func (t *ownerThread) closeAll(op, refusal string) error {
	// Whoever waits for the owner hears of the end first: the runtime is going to wait for providers,
	// which may be waiting for them. So there is no way back, also if the library fails.
	t.jobs.reject(refusal)
	if t.guest != nil {
		if err := t.guest.leave(); err != nil {
			return err
		}
	}
	for session := range t.runtime.sessions {
		if err := t.runtime.closeSession(session); err != nil {
			return wrapBound(op, err)
		}
	}
	return t.runtime.close(op)
}
