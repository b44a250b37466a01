package courier

import (
	"runtime"
	"testing"
)

// The memory of a queue is used again, and does not keep what was in it.
func TestTHR06AJobThatHasRunIsLetGo(t *testing.T) {
	o := newOwner(t, nil)
	collected := make(chan struct{})
	post(t, o, collected)
	do(t, o, func(*Runtime) {})
	waitCollected(t, collected)
}

//go:noinline
func post(t *testing.T, o *Owner, collected chan struct{}) {
	f := capture(collected, nil)
	ok(t, o.Post(func(*Runtime) { f() }))
}

// A leak of an event handler is found, also while the owner sleeps.
func TestHDL16APayloadThatAHandlerForgetsIsFound(t *testing.T) {
	ownThread(t)
	leaks := catchLeaks(t)
	o := newOwner(t, func(*Runtime, Event) {})
	var session *Session
	do(t, o, func(rt *Runtime) {
		var err error
		session, err = rt.NewSession()
		ok(t, err)
		load(t, session, "data:,a")
		load(t, session, "data:,b")
	})
	for leaks.kinds()["blob"] < 2 { // a watchdog ends it
		collect(1)
		runtime.Gosched()
	}
	do(t, o, func(*Runtime) { ok(t, session.Close()) })
}

func TestTHR06ABurstOfJobsLeavesNoMemoryBehind(t *testing.T) {
	o := newOwner(t, nil)
	do(t, o, func(*Runtime) {
		for i := 0; i < 100_000; i++ {
			ok(t, o.Post(func(*Runtime) {}))
		}
	})
	do(t, o, func(*Runtime) {}) // the last of the burst's batch, or one behind
	do(t, o, func(*Runtime) {
		o.thread.jobs.mu.Lock()
		defer o.thread.jobs.mu.Unlock()
		if c := cap(o.thread.jobs.batch) + cap(o.thread.jobs.queue); c > 4096 {
			t.Errorf("memory for %d jobs", c)
		}
	})
}
