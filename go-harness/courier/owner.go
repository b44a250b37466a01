package courier

import (
	"context"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/handle"
)

// An Owner has a [Runtime] on an OS thread of its own, for programs that do not want to give one of theirs.
// It is a helper on top of the other types, and optional. A goroutine that is locked to its thread creates
// the runtime, runs the jobs that others submit, pumps, hands out events, and closes the runtime.
//
// Jobs run one at a time, in the order of their submission. The owner goroutine waits in Go, not in the
// library: jobs, finished loads and deadlines wake it. When the library fails to pump or to drain, that goes
// to [SetPanicHandler], and the owner tries again a second later.
//
// That is all. An Owner never starts a load, opens a session, runs a job again, drops or reorders one, or
// interrupts one that runs; and it closes no session, but when too many Goexits end it: see [Owner.Do]. A
// [Loader] is built on top of it.
//
// An Owner is closed like a handle. One that is forgotten is reported as a leak of kind "owner"; its
// goroutine, its thread and its runtime stay, because only a Close ends them.
type Owner struct {
	watched handle.Watched
	thread  *ownerThread // it does not refer back: who has forgotten the Owner is found
}

// NewOwner starts an owner with a new runtime. handle is called on the owner's thread with each event of
// the sessions that jobs open, and owns its payload; events of a session that has been closed meanwhile are
// dropped. With nil, all payloads are closed unseen. A panic in handle goes to [SetPanicHandler].
func NewOwner(handle func(rt *Runtime, event Event), opts ...Option) (*Owner, error) {
	o := new(Owner)
	if err := o.start(newOwnerThread(handle), opts); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *Owner) start(thread *ownerThread, opts []Option) error {
	const op = "start owner"
	options, err := newOptions(op, opts) // here: an option is a function, and not ours
	if err != nil {
		return err
	}
	started := make(chan error)
	go thread.live(op, started, options)
	if err := <-started; err != nil {
		return err
	}
	o.thread = thread
	o.watched.Init("owner")
	return nil
}

// Do runs f on the owner's thread and returns what it returns. If f panics, so does Do, with a [*JobPanic];
// if f calls [runtime.Goexit], so does Do. On the owner's thread itself, in a job or event handler, Do calls
// f like any function.
//
// When ctx is done Do returns its error: f does not run if it has not begun, and otherwise goes on alone;
// what it returns is lost then, and a panic in it goes to [SetPanicHandler]. After [Owner.Close], Do
// returns [ErrClosed] and f does not run. Inside a callback of the library Do returns [ErrInvalidState],
// because the owner may be waiting for that callback to return; use Post there. So it does in a job of
// another owner that this one is waiting for.
//
// A Goexit ends the goroutine that the owner lives in, and all that Go allows is to live on in its deferred
// calls, each of which takes some of its stack. An owner lives through 1000 of them, in jobs and event
// handlers. Then it closes the sessions that are left, and itself, and tells [SetPanicHandler].
func (o *Owner) Do(ctx context.Context, f func(*Runtime) error) error {
	const op = "do"
	if f == nil {
		return refuse(op, ErrInvalidArgument, "the job is nil")
	}
	if o.thread == nil {
		return closed(op)
	}
	thread := capi.Owner()
	inline := thread == o.thread.number
	if !inline {
		done, err := waitFor(op, thread, o.thread.number)
		if err != nil {
			return err
		}
		defer done()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if inline {
		return f(o.thread.runtime)
	}
	return o.thread.do(ctx, op, f)
}

// Post has f run on the owner's thread, after what was submitted before, and does not wait. It may be
// called anywhere. A panic in f goes to [SetPanicHandler]. After [Owner.Close], Post returns [ErrClosed];
// what is still queued then does not run.
func (o *Owner) Post(f func(*Runtime)) error {
	const op = "post"
	if f == nil {
		return refuse(op, ErrInvalidArgument, "the job is nil")
	}
	if o.thread == nil {
		return closed(op)
	}
	return o.thread.jobs.submit(op, job{post: f})
}

// Close closes the runtime on the owner's thread, after the jobs that were submitted before, and ends the
// owner. Jobs that come later are rejected with [ErrClosed]. While jobs have sessions open, it fails with
// [ErrInvalidState], and the owner goes on. When the library fails to close the runtime, Close returns that
// error and can be called again; jobs are rejected from then on. It cannot be called in a job that the owner
// waits for, or inside a callback. After a success, and at the same time, further calls return nil.
func (o *Owner) Close() error {
	const op = "close owner"
	if o.thread == nil {
		return nil
	}
	done, err := waitFor(op, capi.Owner(), o.thread.number)
	if err != nil {
		return err
	}
	defer done()
	c := newCall(func(*Runtime) error { return o.thread.close(op) })
	c.closes = true
	if o.thread.jobs.submit(op, job{call: c}) == nil {
		<-c.done
		if err := c.result(); err != nil {
			return err
		}
	}
	<-o.thread.ended
	o.watched.Rest()
	return nil
}
