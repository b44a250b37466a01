package courier

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// A job is what was submitted to an owner: one of the two. It is no pointer: posting allocates nothing.
type job struct {
	post func(*Runtime) // nobody waits for it
	call *call          // somebody does
}

// closes reports whether it is a Close.
func (j job) closes() bool { return j.call != nil && j.call.closes }

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
		reportEnd("job", p, exited)
	}
}

// end ends a job that does not run.
func (j job) end(err error) {
	if j.call != nil {
		j.call.err = err
		close(j.call.done)
	}
}

// A call is what a submitter waits for. Its state says who has the last word on it.
type call struct {
	f        func(*Runtime) error
	closes   bool // it is a Close
	state    atomic.Int32
	done     chan struct{} // closed when err and the rest are set
	err      error
	panicked *JobPanic
	exited   bool
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
	Value any    // the job's own
	Stack []byte // where
}

func (p *JobPanic) Error() string { return fmt.Sprintf("panic in a job: %v\n%s", p.Value, p.Stack) }

// Unwrap returns the value, if it is an error.
func (p *JobPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// tell calls f, which is not ours, and then ended, with how it ended. It does not return from a Goexit.
func tell(f func(), ended func(p *JobPanic, exited bool)) {
	returned := false
	defer func() {
		value := recover()
		switch {
		case returned:
			ended(nil, false)
		case value != nil:
			ended(&JobPanic{value, debug.Stack()}, false)
		default:
			ended(nil, true)
		}
	}()
	f()
	returned = true
}

// reportEnd tells of an end that nobody waits for.
func reportEnd(name string, p *JobPanic, exited bool) {
	switch {
	case p != nil:
		capi.Report(name, p.Value, p.Stack)
	case exited:
		capi.Report(name, fmt.Errorf("the %s called runtime.Goexit", name), nil)
	}
}
