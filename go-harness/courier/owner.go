package courier

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// An Owner has a [Runtime] on an OS thread of its own, for programs that do not want to give one of theirs.
// It is a helper on top of the other types, and optional. A goroutine that is locked to its thread creates
// the runtime, runs the jobs that others submit, pumps, hands out events, and closes the runtime.
//
// Jobs run one at a time, in the order of their submission. The owner goroutine waits in Go, not in the
// library: jobs, finished loads and deadlines wake it.
type Owner struct {
	number uint64        // by which its thread is known
	bell   chan struct{} // capacity 1: rung when there is a job or work for a pump
	work   atomic.Bool   // there is work for a pump
	ended  chan struct{} // closed when the runtime is closed and the goroutine has nothing more to do

	mu     sync.Mutex
	queue  []job
	closed bool // no job is taken any more

	// The rest is used on the owner's thread only.
	runtime *Runtime
	handle  func(*Runtime, Event)
	batch   []job   // taken from the queue
	next    int     // of batch, the first that has not begun
	unread  []Event // drained
	session *Session
	loads   map[LoadID]*ownerLoad // of session, without an event so far
}

var owners atomic.Uint64

// NewOwner starts an owner with a new runtime. handle is called on the owner's thread with each event of
// the sessions that jobs open, and then owns the payload; with nil, payloads are closed unseen. A panic in
// it goes to [SetPanicHandler].
func NewOwner(handle func(rt *Runtime, event Event), opts ...Option) (*Owner, error) {
	o := &Owner{
		number: owners.Add(1),
		bell:   make(chan struct{}, 1),
		ended:  make(chan struct{}),
		handle: handle,
		loads:  map[LoadID]*ownerLoad{},
	}
	started := make(chan error)
	go o.live(started, opts)
	if err := <-started; err != nil {
		return nil, err
	}
	return o, nil
}

// Do runs f on the owner's thread and returns what it returns. If f panics, so does Do, with a [*JobPanic];
// if f calls [runtime.Goexit], so does Do. On the owner's thread itself, in a job or event handler, Do calls
// f like any function.
//
// When ctx is done Do returns its error: f does not run if it has not begun, and otherwise goes on alone;
// what it returns is lost then, and a panic in it goes to [SetPanicHandler]. After [Owner.Close], Do
// returns [ErrClosed] and f does not run. Inside a callback of the library Do returns [ErrInvalidState],
// because the owner may be waiting for that callback to return; use Post there.
func (o *Owner) Do(ctx context.Context, f func(*Runtime) error) error {
	const op = "do"
	thread := capi.Owner()
	if thread == capi.Inside {
		return refuse(op, ErrInvalidState, "called inside a callback, which the owner may be waiting for")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if thread == o.number {
		return f(o.runtime)
	}
	c := newCall(f)
	if !o.submit(job{call: c}) {
		return closed(op)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(queued, dropped) || c.state.CompareAndSwap(running, abandoned) {
			return ctx.Err()
		}
		<-c.done
	}
	return c.result()
}

// Post has f run on the owner's thread, after what was submitted before, and does not wait. It may be
// called anywhere. A panic in f goes to [SetPanicHandler]. After [Owner.Close], Post returns [ErrClosed];
// what is still queued then does not run.
func (o *Owner) Post(f func(*Runtime)) error {
	if !o.submit(job{post: f}) {
		return closed("post")
	}
	return nil
}

// Close closes the runtime on the owner's thread, after the jobs that were submitted before, and ends the
// owner. Jobs that come later are rejected with [ErrClosed], and so are loads under way. While jobs have
// sessions open, it fails with [ErrInvalidState], and the owner goes on. It cannot be called in a job or
// inside a callback. Further calls return nil.
func (o *Owner) Close() error {
	const op = "close owner"
	if number := capi.Owner(); number == o.number || number == capi.Inside {
		return refuse(op, ErrInvalidState, "called in a job or inside a callback, which the owner would wait for")
	}
	c := newCall(func(*Runtime) error { return o.close(op) })
	if o.submit(job{call: c}) {
		<-c.done
		if err := c.result(); err != nil && !c.rejected {
			return err
		}
	}
	<-o.ended
	return nil
}

// live is the life of the owner's goroutine.
func (o *Owner) live(started chan<- error, opts []Option) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	rt, err := NewRuntime(opts...)
	if err == nil {
		err = rt.setWake("start owner", o.wake)
	}
	if err != nil {
		if rt != nil {
			_ = rt.Close()
		}
		started <- err
		return
	}
	rt.owner, o.runtime = o, rt
	capi.SetOwner(o.number)
	started <- nil
	defer close(o.ended)
	defer capi.SetOwner(0)
	o.serve()
}

// serve runs jobs and hands out events until the owner is closed. They take turns: neither many jobs nor
// handlers that load again and again keep the others, or a deadline, waiting.
func (o *Owner) serve() {
	for !o.runtime.handle.Closed() {
		if len(o.unread) == 0 && (o.work.Swap(false) || o.late()) {
			o.pump()
		}
		if len(o.unread) == 0 && !o.hasJob() {
			o.sleep()
		}
		if len(o.unread) > 0 {
			event := o.unread[0]
			o.unread[0] = Event{} // its payload may be forgotten by who gets it
			o.unread = o.unread[1:]
			o.contain(func() { o.dispatch(event) }, func(p *JobPanic, exited bool) { reportJob("event handler", p, exited) })
		}
		if o.hasJob() {
			if j := o.pop(); j.begin() {
				o.contain(func() { j.run(o.runtime) }, j.finish)
			}
		}
	}
}

// late reports whether a deadline has passed.
func (o *Owner) late() bool {
	deadline := o.runtime.deadline
	return !deadline.IsZero() && !time.Now().Before(deadline)
}

// contain calls f, which is not ours, and then finished, with how it ended.
func (o *Owner) contain(f func(), finished func(p *JobPanic, exited bool)) {
	returned := false
	defer func() {
		if !returned {
			// Goexit, of f or of a panic handler. This goroutine is ending, and nothing can stop that; but
			// its deferred calls run first, on the same thread. The rest of the owner's life is such a call.
			o.serve()
		}
	}()
	tell(f, finished)
	returned = true
}

// tell calls f, and then finished. It does not return from a Goexit.
func tell(f func(), finished func(p *JobPanic, exited bool)) {
	returned := false
	defer func() {
		value := recover()
		switch {
		case returned:
			finished(nil, false)
		case value != nil:
			finished(&JobPanic{value, debug.Stack()}, false)
		default:
			finished(nil, true)
		}
	}()
	f()
	returned = true
}

// pump collects finished loads. What is left unread is work.
func (o *Owner) pump() {
	if err := o.collect(); err != nil {
		// There is nobody else to tell.
		o.contain(func() { capi.Report("owner", err, nil) }, func(*JobPanic, bool) {})
	}
}

func (o *Owner) collect() error {
	unread, err := o.runtime.Pump(0)
	if err != nil {
		return err
	}
	if unread > 0 {
		events := make([]Event, unread)
		n, err := o.runtime.drain("drain", events)
		if err != nil {
			return err
		}
		o.unread = events[:n]
		if n < unread {
			o.work.Store(true)
		}
	}
	if o.runtime.deadline.IsZero() {
		return nil
	}
	timeout, err := o.runtime.NextTimeout()
	o.runtime.deadline = time.Time{}
	if err == nil && timeout != Forever {
		o.runtime.expires(time.Now().Add(timeout))
	}
	return err
}

func (o *Owner) dispatch(event Event) {
	switch {
	case o.session != nil && event.Session == o.session.ID():
		o.loads[event.Load].finish(event)
		delete(o.loads, event.Load)
	case o.handle != nil:
		o.handle(o.runtime, event)
	case event.Payload != nil:
		_ = event.Payload.Close()
	}
}

// sleep waits for the bell, or for the next deadline.
func (o *Owner) sleep() {
	var alarm <-chan time.Time
	if deadline := o.runtime.deadline; !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-o.bell:
	case <-alarm:
	}
}

// wake is the runtime's wake function. Any thread.
func (o *Owner) wake() {
	o.work.Store(true)
	o.ring()
}

func (o *Owner) ring() {
	select {
	case o.bell <- struct{}{}:
	default: // it was rung, and the owner has not come yet
	}
}

// submit queues a job, unless the owner is closed. Any thread.
func (o *Owner) submit(j job) bool {
	taken, first := o.enqueue(j)
	if first {
		o.ring() // outside the lock, which the owner takes next
	}
	return taken
}

// enqueue reports whether the job was taken, and whether it is the first: the owner may be asleep.
func (o *Owner) enqueue(j job) (taken, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false, false
	}
	o.queue = append(o.queue, j)
	return true, len(o.queue) == 1
}

// hasJob reports whether there is a job to begin with.
func (o *Owner) hasJob() bool {
	if o.next == len(o.batch) {
		o.take()
	}
	return o.next < len(o.batch)
}

// take makes the queue the batch, and the batch, which has begun to the last job, the memory of the queue:
// posting allocates nothing, unless there was a burst, whose memory is not kept.
func (o *Owner) take() {
	const kept = 1024
	memory := o.batch[:0]
	if cap(memory) > kept {
		memory = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.batch, o.queue, o.next = o.queue, memory, 0
}

// pop takes the next job out of the batch, which must not keep what the job refers to.
func (o *Owner) pop() job {
	j := o.batch[o.next]
	o.batch[o.next] = job{}
	o.next++
	return j
}

// close is the job that ends the owner.
func (o *Owner) close(op string) error {
	own := 0
	if o.session != nil {
		own = 1
	}
	if o.runtime.sessions > own {
		return o.runtime.close(op) // the library refuses, and says why
	}
	// Whoever waits for the owner hears of the end first: the runtime is going to wait for providers,
	// which may be waiting for them.
	o.reject()
	if err := o.closeRuntime(op); err != nil {
		o.accept(true)
		return err
	}
	for _, event := range o.unread {
		if event.Payload != nil {
			_ = event.Payload.Close()
		}
	}
	o.unread = nil
	return nil
}

// reject ends what was submitted, and takes no more.
func (o *Owner) reject() {
	o.accept(false)
	for o.hasJob() {
		o.pop().reject()
	}
	for _, load := range o.loads {
		load.reject()
	}
}

func (o *Owner) closeRuntime(op string) error {
	if o.session != nil {
		if err := o.session.Close(); err != nil {
			return err
		}
		o.session = nil
	}
	return o.runtime.close(op)
}

// accept says whether jobs are taken.
func (o *Owner) accept(jobs bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = !jobs
}

// A job is what was submitted, one of the two. It is no pointer: posting allocates nothing.
type job struct {
	post func(*Runtime) // nobody waits for it
	call *call          // somebody does
}

// begin reports whether the job is to run.
func (j job) begin() bool { return j.call == nil || j.call.state.CompareAndSwap(queued, running) }

func (j job) run(rt *Runtime) {
	if j.call == nil {
		j.post(rt)
		return
	}
	j.call.err = j.call.f(rt)
}

func (j job) finish(p *JobPanic, exited bool) {
	if j.call == nil || !j.call.finish(p, exited) {
		reportJob("job", p, exited)
	}
}

func (j job) reject() {
	if j.call != nil {
		j.call.err, j.call.rejected = closed("do"), true
		close(j.call.done)
	}
}

// A call is what a submitter waits for. Its state says who has the last word on it.
type call struct {
	f        func(*Runtime) error
	state    atomic.Int32
	done     chan struct{} // closed when err and the rest are set
	err      error
	panicked *JobPanic
	exited   bool
	rejected bool
}

// The states of a call.
const (
	queued    = iota
	running   // begun
	dropped   // its submitter has gone before it began: it does not run
	abandoned // its submitter has gone since
	finished  // it has ended
)

func newCall(f func(*Runtime) error) *call { return &call{f: f, done: make(chan struct{})} }

// finish reports whether the submitter will hear of it.
func (c *call) finish(p *JobPanic, exited bool) bool {
	c.panicked, c.exited = p, exited
	waiting := c.state.CompareAndSwap(running, finished)
	if waiting {
		close(c.done)
	}
	return waiting
}

// result is what the submitter gets.
func (c *call) result() error {
	switch {
	case c.panicked != nil:
		panic(c.panicked)
	case c.exited:
		runtime.Goexit()
	}
	return c.err
}

// JobPanic is what [Owner.Do] panics with when its job has panicked.
type JobPanic struct {
	Value any    // what the job panicked with
	Stack []byte // where
}

func (p *JobPanic) Error() string { return fmt.Sprintf("panic in a job: %v\n%s", p.Value, p.Stack) }

// Unwrap returns the value, if it is an error.
func (p *JobPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// reportJob tells of an end that nobody waits for.
func reportJob(name string, p *JobPanic, exited bool) {
	switch {
	case p != nil:
		capi.Report(name, p.Value, p.Stack)
	case exited:
		capi.Report(name, fmt.Errorf("the %s called runtime.Goexit", name), nil)
	}
}
