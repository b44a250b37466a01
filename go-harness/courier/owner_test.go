package courier

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// newOwner makes an owner, until the test ends.
func newOwner(t *testing.T, handle func(*Runtime, Event), opts ...Option) *Owner {
	t.Helper()
	watchdog.Guard(t)
	o, err := NewOwner(handle, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, o.Close()) })
	return o
}

// newLoader makes a loader, until the test ends.
func newLoader(t *testing.T, handle func(*Runtime, Event), opts ...Option) *Loader {
	t.Helper()
	watchdog.Guard(t)
	l, err := NewLoader(handle, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, l.Close()) })
	return l
}

// do runs f as a job that cannot fail.
func do(t *testing.T, o *Owner, f func(rt *Runtime)) {
	t.Helper()
	ok(t, o.Do(context.Background(), func(rt *Runtime) error { f(rt); return nil }))
}

// hold keeps the owner in a job until release is called.
func hold(t *testing.T, o *Owner) (release func()) {
	t.Helper()
	inside, finish := make(chan struct{}), make(chan struct{})
	ok(t, o.Post(func(*Runtime) {
		close(inside)
		<-finish
	}))
	<-inside
	return func() { close(finish) }
}

// waitQueued waits until n jobs or more are queued behind the one that holds the owner.
func waitQueued(o *Owner, n int) {
	for {
		o.thread.jobs.mu.Lock()
		queued := len(o.thread.jobs.queue)
		o.thread.jobs.mu.Unlock()
		if queued >= n {
			return
		}
		runtime.Gosched()
	}
}

// later runs f on another goroutine.
func later(f func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- f() }()
	return result
}

func TestTHR05EverythingRunsOnOneLockedThread(t *testing.T) {
	watchdog.Guard(t)
	var l *Loader
	var wrong sync.Map
	onThread := func(what string) {
		if capi.Owner() != l.owner.thread.number {
			wrong.Store(what, true)
		}
	}
	handled := make(chan struct{}, 1)
	l, err := NewLoader(func(_ *Runtime, event Event) {
		onThread("event")
		if event.Payload != nil {
			_ = event.Payload.Close()
		}
		handled <- struct{}{}
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var mu sync.Mutex
	capi.Observe(func(point string) {
		if strings.HasPrefix(point, "courier_runtime_") || strings.HasPrefix(point, "courier_session_") {
			onThread(point)
			mu.Lock()
			defer mu.Unlock()
			seen[point] = true
		}
	})
	defer capi.Observe(nil)
	o := l.Owner()
	var session *Session
	do(t, o, func(rt *Runtime) {
		onThread("job")
		session, err = rt.NewSession()
		ok(t, err)
		load(t, session, "app:a")
	})
	<-handled
	_, err = l.Load(context.Background(), "data:,a")
	ok(t, err)
	do(t, o, func(*Runtime) { ok(t, session.Close()) })
	ok(t, l.Close())
	wrong.Range(func(what, _ any) bool {
		t.Errorf("%v: on another thread", what)
		return true
	})
	mu.Lock()
	defer mu.Unlock()
	for _, point := range []string{"courier_session_create", "courier_session_load", "courier_runtime_pump", "courier_runtime_drain_events", "courier_runtime_destroy"} {
		if !seen[point] {
			t.Errorf("%s was not called", point)
		}
	}
}

// While a job waits, its thread waits too: no other goroutine gets it. With one P, one would.
func TestTHR05TheThreadIsLocked(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	o := newOwner(t, nil)
	for i := 0; i < 20; i++ {
		do(t, o, func(*Runtime) {
			others := make(chan uint64)
			for j := 0; j < 4; j++ {
				go func() { others <- capi.Owner() }()
			}
			for j := 0; j < 4; j++ {
				if number := <-others; number != 0 {
					t.Errorf("another goroutine runs on the thread of owner %d", number)
				}
			}
			if number := capi.Owner(); number != o.thread.number {
				t.Errorf("the job goes on as %d, began as %d", number, o.thread.number)
			}
		})
	}
}

func TestTHR05ARefusedCreateIsToldAndLeavesNothing(t *testing.T) {
	watchdog.Guard(t)
	calls := countCalls(t)
	o, err := NewOwner(nil, Threads(0))
	if o != nil {
		t.Error("an owner exists")
	}
	wantError(t, err, ErrInvalidArgument, "[bad-value] ")
	if made, freed := calls.of("cell.new"), calls.of("cell.free"); made != freed {
		t.Errorf("%d cells made, %d freed", made, freed)
	}
}

func TestTHR06JobsOfASubmitterRunOnceInOrder(t *testing.T) {
	const submitters, jobs = 8, 200
	o := newOwner(t, nil)
	var ran [submitters][]int // written on the owner's thread
	var done sync.WaitGroup
	for s := 0; s < submitters; s++ {
		done.Add(1)
		go func(s int) {
			defer done.Done()
			for j := 0; j < jobs; j++ {
				j := j
				f := func(*Runtime) { ran[s] = append(ran[s], j) }
				if j%3 == 0 {
					do(t, o, f)
				} else {
					ok(t, o.Post(f))
				}
			}
		}(s)
	}
	done.Wait()
	do(t, o, func(*Runtime) {
		for s := range ran {
			for j, number := range ran[s] {
				if number != j {
					t.Fatalf("submitter %d: job %d ran in the place of %d", s, number, j)
				}
			}
			if len(ran[s]) != jobs {
				t.Errorf("submitter %d: %d of %d jobs ran", s, len(ran[s]), jobs)
			}
		}
	})
}

// An owner that sleeps is woken by a job and by a finished load: if not, the watchdog ends this.
func TestTHR06ASleepingOwnerIsWoken(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	for i := 0; i < 50; i++ {
		waitForStack("(*ownerThread).sleep")
		do(t, o, func(*Runtime) {})
		waitForStack("(*ownerThread).sleep")
		if bytes, err := l.Load(context.Background(), "data:,a"); string(bytes) != "a" || err != nil {
			t.Fatalf("Load = %q, %v", bytes, err)
		}
	}
}

// A handler that loads again and again does not keep jobs waiting.
func TestTHR06EventsDoNotStarveJobs(t *testing.T) {
	var session *Session
	again := func(rt *Runtime) {
		load(t, session, "data:,a")
		if _, err := rt.Step(); err != nil {
			t.Error(err)
		}
	}
	o := newOwner(t, func(rt *Runtime, event Event) {
		ok(t, event.Payload.Close())
		again(rt)
	}, Stepped())
	do(t, o, func(rt *Runtime) {
		var err error
		session, err = rt.NewSession()
		ok(t, err)
		again(rt)
	})
	for i := 0; i < 10; i++ {
		do(t, o, func(*Runtime) {})
	}
	do(t, o, func(*Runtime) { ok(t, session.Close()) })
}

// Nor do jobs that submit jobs keep events and deadlines waiting.
func TestTHR06JobsDoNotStarveEventsAndDeadlines(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	do(t, o, func(rt *Runtime) { ok(t, rt.SetProvider(keepForever(t))) })
	var stop atomic.Bool
	var again func(*Runtime)
	again = func(*Runtime) {
		if !stop.Load() {
			ok(t, o.Post(again))
		}
	}
	ok(t, o.Post(again))
	defer stop.Store(true)
	_, err := l.Load(context.Background(), "app:a", Deadline(time.Millisecond))
	wantLoadError(t, err, FailureExpired)
}

// keepForever takes requests and answers none; they are closed when the test ends.
func keepForever(t *testing.T) Provider {
	return func(r *Request, _ string) Decision {
		t.Cleanup(func() { ok(t, r.Close()) })
		return Handle
	}
}

func wantLoadError(t *testing.T, err error, failure Failure) {
	t.Helper()
	var failed *LoadError
	if !errors.As(err, &failed) || failed.Failure != failure {
		t.Errorf("error %v, want %v", err, failure)
	}
}

func TestTHR07CloseRunsWhatCameBeforeAndRejectsTheRestBeforeItDestroys(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	release := hold(t, o)
	var ran []string
	job := func(name string) func() error {
		return func() error {
			return o.Do(context.Background(), func(*Runtime) error { ran = append(ran, name); return nil })
		}
	}
	before := later(job("before"))
	waitQueued(o, 1)
	ok(t, o.Post(func(*Runtime) { ran = append(ran, "posted") }))
	closing := later(o.Close)
	waitQueued(o, 3)
	after := later(job("after"))
	waitQueued(o, 4)
	ok(t, o.Post(func(*Runtime) { t.Error("a job that was posted after Close ran") }))

	destroyed := false
	capi.Observe(func(point string) {
		if point == "courier_runtime_destroy" {
			destroyed = true
			if capi.Owner() != o.thread.number {
				t.Error("destroyed on another thread")
			}
			wantError(t, <-after, ErrClosed, "") // else this hangs
		}
	})
	defer capi.Observe(nil)
	release()
	ok(t, <-before)
	ok(t, <-closing)
	if !destroyed {
		t.Error("not destroyed")
	}
	if fmt.Sprint(ran) != "[before posted]" {
		t.Errorf("ran %v", ran)
	}
	wantError(t, job("late")(), ErrClosed, "")
	wantError(t, o.Post(func(*Runtime) {}), ErrClosed, "")
	_, err := l.Load(context.Background(), "data:,a")
	wantError(t, err, ErrClosed, "")
	ok(t, o.Close())
	ok(t, o.thread.runtime.Close())
}

func TestTHR07CloseRacesWithSubmitters(t *testing.T) {
	for round := 0; round < 20; round++ {
		o := newOwner(t, nil)
		var ran, accepted atomic.Int32
		var submitters sync.WaitGroup
		for s := 0; s < 4; s++ {
			submitters.Add(1)
			go func() {
				defer submitters.Done()
				for {
					err := o.Do(context.Background(), func(*Runtime) error { ran.Add(1); return nil })
					if err != nil {
						wantError(t, err, ErrClosed, "")
						return
					}
					accepted.Add(1)
				}
			}()
		}
		closers := [2]<-chan error{later(o.Close), later(o.Close)}
		submitters.Wait()
		for _, closer := range closers {
			ok(t, <-closer)
		}
		if ran.Load() != accepted.Load() {
			t.Fatalf("%d jobs ran, %d were told so", ran.Load(), accepted.Load())
		}
	}
}

func TestTHR07ARefusedCloseLeavesTheOwnerRunning(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	var session *Session
	do(t, o, func(rt *Runtime) {
		var err error
		session, err = rt.NewSession()
		ok(t, err)
		wantError(t, rt.Close(), ErrInvalidState, "the runtime belongs to an Owner")
		wantError(t, rt.SetWake(func() {}), ErrInvalidState, "the runtime belongs to an Owner")
	})
	for i := 0; i < 2; i++ {
		wantError(t, o.Close(), ErrInvalidState, "[live-children] ")
		if bytes, err := l.Load(context.Background(), "data:,a"); string(bytes) != "a" || err != nil {
			t.Fatalf("Load = %q, %v", bytes, err)
		}
	}
	do(t, o, func(*Runtime) { ok(t, session.Close()) })
	ok(t, o.Close())
}

// Close waits for the provider, and the provider for a goroutine that waits for the owner: it is told of
// the end first.
func TestTHR07CloseEndsAProviderThatWaitsForASubmitter(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	inside := make(chan struct{})
	waiting := make(chan error, 1)
	do(t, o, func(rt *Runtime) {
		ok(t, rt.SetProvider(func(*Request, string) Decision {
			close(inside)
			waiting <- <-later(func() error { return o.Do(context.Background(), func(*Runtime) error { return nil }) })
			return Pass
		}))
	})
	release := hold(t, o)
	loading := later(func() error { _, err := l.Load(context.Background(), "app:a"); return err })
	waitQueued(o, 1)
	closing := later(o.Close)
	waitQueued(o, 2)
	// The load starts before the close; what its provider submits comes after it.
	capi.Observe(func(point string) {
		if point == "courier_session_destroy" {
			<-inside
		}
	})
	defer capi.Observe(nil)
	release()
	wantError(t, <-loading, ErrClosed, "")
	wantError(t, <-waiting, ErrClosed, "")
	ok(t, <-closing)
}

func TestTHR08APanicReachesTheSubmitter(t *testing.T) {
	o := newOwner(t, nil)
	cause := errors.New("cause")
	for _, value := range []any{"text", cause, nil} {
		func() {
			defer func() {
				var p *JobPanic
				if err, _ := recover().(error); !errors.As(err, &p) {
					t.Fatalf("panic(%v) became %v", value, err)
				}
				if value == nil {
					if _, ok := p.Value.(*runtime.PanicNilError); !ok {
						t.Errorf("panic(nil) has value %v", p.Value)
					}
				} else if p.Value != value || errors.Is(p, cause) != (value == cause) {
					t.Errorf("panic(%v) has value %v", value, p.Value)
				}
				if !strings.Contains(string(p.Stack), "panicWith") || !strings.Contains(p.Error(), "panic in a job") {
					t.Errorf("it says: %v", p)
				}
			}()
			_ = o.Do(context.Background(), func(*Runtime) error { panicWith(value); return nil })
			t.Error("Do returned")
		}()
	}
	do(t, o, func(*Runtime) {})
}

// The owner's goroutine lives on in the deferred calls of a job that exits, and so after many of them,
// with panics between.
func TestTHR08GoexitReachesTheSubmitter(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	panics := catchPanics(t)
	for i := 0; i < 200; i++ {
		ended := make(chan bool)
		go func() {
			exited := true
			defer func() { ended <- exited }()
			_ = o.Do(context.Background(), func(*Runtime) error { runtime.Goexit(); return nil })
			exited = false
		}()
		if !<-ended {
			t.Fatal("Do returned")
		}
		ok(t, o.Post(func(*Runtime) { panic(i) }))
		if p := <-panics; p.Value != i || p.Callback != "job" {
			t.Fatalf("report %v of the %s", p.Value, p.Callback)
		}
	}
	ok(t, o.Post(func(*Runtime) { runtime.Goexit() }))
	if p := <-panics; p.Callback != "job" || !strings.Contains(fmt.Sprint(p.Value), "Goexit") {
		t.Errorf("report %v of the %s", p.Value, p.Callback)
	}
	if bytes, err := l.Load(context.Background(), "data:,a"); string(bytes) != "a" || err != nil {
		t.Errorf("Load = %q, %v", bytes, err)
	}
}

// A deferred call that panics in a Goexit can be recovered from, and then the Goexit goes on.
func TestTHR08APanicInAGoexitEndsTheJobAndNotTheOwner(t *testing.T) {
	o := newOwner(t, nil)
	panics := catchPanics(t)
	both := func() {
		defer panic("in a Goexit")
		runtime.Goexit()
	}
	for i := 0; i < 3; i++ {
		ok(t, o.Post(func(*Runtime) { both() }))
		if p := <-panics; p.Callback != "job" || p.Value != "in a Goexit" {
			t.Errorf("report %v of the %s", p.Value, p.Callback)
		}
		func() {
			defer func() {
				if p, _ := recover().(*JobPanic); p == nil || p.Value != "in a Goexit" {
					t.Errorf("Do panicked with %v", p)
				}
			}()
			_ = o.Do(context.Background(), func(*Runtime) error { both(); return nil })
			t.Error("Do returned")
		}()
	}
	do(t, o, func(*Runtime) {})
}

// As t.Fatal in it would.
func TestTHR08APanicHandlerThatExitsDoesNotEndTheOwner(t *testing.T) {
	o := newOwner(t, nil)
	SetPanicHandler(func(CallbackPanic) { runtime.Goexit() })
	defer SetPanicHandler(nil)
	for i := 0; i < 3; i++ {
		ok(t, o.Post(func(*Runtime) { panic("on purpose") }))
		do(t, o, func(*Runtime) {})
	}
}

func TestTHR08AnEventHandlersEndIsReported(t *testing.T) {
	panics := catchPanics(t)
	ends := []func(){func() { panic("in the handler") }, runtime.Goexit, func() {}}
	handled := make(chan struct{})
	o := newOwner(t, func(_ *Runtime, event Event) {
		_ = event.Payload.Close()
		end := ends[0]
		ends = ends[1:]
		defer func() { handled <- struct{}{} }()
		end()
	})
	var session *Session
	do(t, o, func(rt *Runtime) {
		var err error
		session, err = rt.NewSession()
		ok(t, err)
	})
	for _, report := range []string{"in the handler", "the event handler called runtime.Goexit", ""} {
		do(t, o, func(*Runtime) { load(t, session, "data:,a") })
		<-handled
		if report == "" {
			break
		}
		if p := <-panics; p.Callback != "event handler" || fmt.Sprint(p.Value) != report {
			t.Errorf("report %v of the %s", p.Value, p.Callback)
		}
	}
	do(t, o, func(*Runtime) { ok(t, session.Close()) })
}

func TestTHR09InAJobDoRunsAtOnceAndWaitsAreRefused(t *testing.T) {
	var l *Loader
	var o *Owner
	handled := make(chan struct{})
	inside := func(rt *Runtime) {
		ran := false
		ok(t, o.Do(context.Background(), func(inner *Runtime) error {
			ran = inner == rt
			return nil
		}))
		if !ran {
			t.Error("Do did not run its job at once")
		}
		done, cancel := context.WithCancel(context.Background())
		cancel()
		if err := o.Do(done, func(*Runtime) error { t.Error("ran"); return nil }); err != context.Canceled {
			t.Errorf("with a context that is done: %v", err)
		}
		_, err := l.Load(context.Background(), "data:,a")
		wantError(t, err, ErrInvalidState, "called in a job")
		wantError(t, o.Close(), ErrInvalidState, "called in a job")
	}
	l = newLoader(t, func(rt *Runtime, event Event) {
		ok(t, event.Payload.Close())
		inside(rt)
		close(handled)
	})
	o = l.Owner()
	var session *Session
	posted := make(chan struct{})
	do(t, o, func(rt *Runtime) {
		inside(rt)
		ok(t, o.Post(func(*Runtime) { close(posted) }))
		select {
		case <-posted:
			t.Error("Post ran its job inside another")
		default:
		}
		var err error
		session, err = rt.NewSession()
		ok(t, err)
		load(t, session, "data:,a")
	})
	<-posted
	<-handled
	do(t, o, func(*Runtime) { ok(t, session.Close()) })
}

func TestTHR11AContextEndsTheWait(t *testing.T) {
	o := newOwner(t, nil)
	panics := catchPanics(t)
	t.Run("before the job begins", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		release := hold(t, o)
		waiting := later(func() error {
			return o.Do(ctx, func(*Runtime) error { t.Error("a dropped job ran"); return nil })
		})
		waitQueued(o, 1)
		cancel()
		if err := <-waiting; err != context.Canceled {
			t.Errorf("Do = %v", err)
		}
		release()
		do(t, o, func(*Runtime) {})
	})
	t.Run("while it runs", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		inside, finish := make(chan struct{}), make(chan struct{})
		waiting := later(func() error {
			return o.Do(ctx, func(*Runtime) error {
				close(inside)
				<-finish
				panic("with nobody waiting")
			})
		})
		<-inside
		cancel()
		if err := <-waiting; err != context.Canceled {
			t.Errorf("Do = %v", err)
		}
		close(finish)
		if p := <-panics; p.Value != "with nobody waiting" || p.Callback != "job" {
			t.Errorf("report %v of the %s", p.Value, p.Callback)
		}
	})
	t.Run("before Do", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 0)
		defer cancel()
		err := o.Do(ctx, func(*Runtime) error { t.Error("ran"); return nil })
		if err != context.DeadlineExceeded {
			t.Errorf("Do = %v", err)
		}
	})
	t.Run("when it ends at the same time", func(t *testing.T) {
		for i := 0; i < 200; i++ {
			ctx, cancel := context.WithCancel(context.Background())
			ran := false
			result := errors.New("result")
			err := o.Do(ctx, func(*Runtime) error {
				ran = true
				cancel()
				return result
			})
			if err != result && err != context.Canceled {
				t.Fatalf("Do = %v", err)
			}
			do(t, o, func(*Runtime) {
				if !ran {
					t.Error("lost")
				}
			})
		}
	})
}

// Waits that contexts have ended hold no OS thread: they were made in Go.
func TestTHR12CancelledWaitsHoldNoThread(t *testing.T) {
	o := newOwner(t, nil)
	release := hold(t, o)
	defer release()
	threads := pprof.Lookup("threadcreate")
	before := threads.Count()
	ctx, cancel := context.WithCancel(context.Background())
	const waits = 200
	ended := make(chan error)
	for i := 0; i < waits; i++ {
		go func() { ended <- o.Do(ctx, func(*Runtime) error { return nil }) }()
	}
	waitQueued(o, waits)
	cancel()
	for i := 0; i < waits; i++ {
		if err := <-ended; err != context.Canceled {
			t.Fatal(err)
		}
	}
	if grown := threads.Count() - before; grown > waits/4 {
		t.Errorf("%d threads for %d waits", grown, waits)
	}
}

// A pump that waits in the library is ended by a wake source, and so by a context.
func TestTHR12AContextEndsAPumpThroughAWakeSource(t *testing.T) {
	rt := newRuntime(t, Threads(1))
	source, err := rt.NewWakeSource()
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, func() { ok(t, source.Signal()) })
	defer stop()
	go func() {
		waitForStack("capi.RuntimePump")
		cancel()
	}()
	for ctx.Err() == nil {
		if _, err := rt.Pump(Forever); err != nil {
			t.Fatal(err)
		}
	}
}

// A job that drained would take the ends of other goroutines' loads.
func TestTHR05AJobCannotDrain(t *testing.T) {
	o := newOwner(t, nil)
	ok(t, o.Do(context.Background(), func(rt *Runtime) error {
		n, err := rt.Drain(make([]Event, 4))
		if n != 0 {
			t.Errorf("%d events", n)
		}
		wantError(t, err, ErrInvalidState, "the runtime belongs to an Owner")
		return nil
	}))
}

// loadAndStep leaves n finished loads for the owner's next pump.
func loadAndStep(t *testing.T, o *Owner, n int) (session *Session) {
	t.Helper()
	do(t, o, func(rt *Runtime) {
		var err error
		session, err = rt.NewSession()
		ok(t, err)
		finishLoads(t, rt, session, n)
	})
	return session
}

func TestTHR06NoEventIsLostWhenThereAreMoreThanADrainTakes(t *testing.T) {
	const loads = 1024 + 1
	handled := 0 // on the owner's thread
	all := make(chan struct{})
	o := newOwner(t, func(_ *Runtime, event Event) {
		ok(t, event.Payload.Close())
		if handled++; handled == loads {
			close(all)
		}
	}, Stepped(), MaxLoads(loads))
	session := loadAndStep(t, o, loads)
	<-all
	do(t, o, func(*Runtime) { ok(t, session.Close()) })
}

// A job pumps by itself, and not to the end: the owner goes on where it stopped.
func TestTHR06WhatAJobsBoundedPumpLeavesBehindIsHandedOut(t *testing.T) {
	const loads = 5
	handled := make(chan LoadID, loads)
	o := newOwner(t, func(_ *Runtime, event Event) {
		ok(t, event.Payload.Close())
		handled <- event.Load
	}, Stepped())
	session := loadAndStep(t, o, 0)
	do(t, o, func(rt *Runtime) {
		finishLoads(t, rt, session, loads)
		if n, err := rt.PumpSome(Forever, 2); n != 2 || err != nil {
			t.Errorf("PumpSome = %d, %v", n, err)
		}
	})
	for want := LoadID(1); want <= loads; want++ {
		if load := <-handled; load != want {
			t.Errorf("the end of load %d was handed out, want %d", load, want)
		}
	}
	do(t, o, func(*Runtime) { ok(t, session.Close()) })
}

func TestVAL06APayloadThatNobodyHandlesIsReleased(t *testing.T) {
	o := newOwner(t, nil, Stepped())
	calls := countCalls(t)
	session := loadAndStep(t, o, 1)
	do(t, o, func(*Runtime) { ok(t, session.Close()) }) // the event came first
	if n := calls.of("courier_blob_release"); n != 1 {
		t.Errorf("%d blobs released", n)
	}
}

// Events take turns with jobs: the job that closes the session comes while some are left. They are dropped,
// and those of another session are not.
func TestEVT07NoEventComesAfterItsSessionsClose(t *testing.T) {
	const loads = 5
	var closed atomic.Bool
	handled := map[SessionID][]LoadID{} // on the owner's thread
	var first, second *Session
	o := newOwner(t, func(_ *Runtime, event Event) {
		if closed.Load() && event.Session == first.ID() {
			t.Errorf("event %+v of a session that is closed", event)
		}
		handled[event.Session] = append(handled[event.Session], event.Load)
		ok(t, event.Payload.Close())
	}, Stepped())
	calls := countCalls(t)
	release := hold(t, o)
	ok(t, o.Post(func(rt *Runtime) {
		for _, session := range []**Session{&first, &second} {
			var err error
			*session, err = rt.NewSession()
			ok(t, err)
		}
		for i := 0; i < loads; i++ {
			finishLoads(t, rt, first, 1)
			finishLoads(t, rt, second, 1)
		}
	}))
	ok(t, o.Post(func(*Runtime) {}))
	ok(t, o.Post(func(*Runtime) {
		before := calls.of("courier_blob_release")
		ok(t, first.Close())
		closed.Store(true)
		if dropped := calls.of("courier_blob_release") - before; dropped != loads-len(handled[first.ID()]) {
			t.Errorf("%d payloads were released by Close", dropped)
		}
	}))
	release()
	for left := loads; left > 0; {
		runtime.Gosched()
		do(t, o, func(*Runtime) { left = loads - len(handled[second.ID()]) })
	}
	for left := 1; left > 0; {
		runtime.Gosched()
		do(t, o, func(*Runtime) { left = len(o.thread.unread) })
	}
	do(t, o, func(*Runtime) {
		if len(handled) != 2 {
			t.Errorf("events of two sessions have become %v", handled)
		}
		if n := len(handled[first.ID()]); n == 0 || n == loads {
			t.Errorf("%d of %d events were handed out before the Close", n, loads)
		}
		for i, load := range handled[second.ID()] {
			if load != LoadID(i+1) {
				t.Errorf("the other session's events are %v", handled[second.ID()])
			}
		}
		ok(t, second.Close())
	})
	if n := calls.of("courier_blob_release"); n != 2*loads {
		t.Errorf("%d of %d payloads released", n, 2*loads)
	}
}

// The first Close waits for its turn when others come. None of them returns before the owner's thread is done: there
// are many, because it ends them one by one, and so some that do not wait for it come too early.
func TestTHR07ClosesAtTheSameTimeAllSucceedWhenTheThreadHasEnded(t *testing.T) {
	o := newOwner(t, nil)
	release := hold(t, o)
	var closing []<-chan error
	for i := 0; i < 1000; i++ {
		closing = append(closing, later(func() error {
			err := o.Close()
			select {
			case <-o.thread.ended:
			default:
				t.Error("a Close has returned, and the thread runs")
			}
			return err
		}))
	}
	waitQueued(o, len(closing))
	release()
	for _, closed := range closing {
		ok(t, <-closed)
	}
}

// A Goexit cannot be stopped, and each takes some of the owner's stack. There is an end to it, in order.
func TestTHR08GoexitsAreBoundedAndTheOwnerThenCloses(t *testing.T) {
	panics := catchPanics(t)
	l := newLoader(t, nil)
	o := l.Owner()
	calls := countCalls(t)
	const left = 20
	kept := make(chan struct{})
	var session *Session
	do(t, o, func(rt *Runtime) {
		var err error
		session, err = rt.NewSession()
		ok(t, err)
		keep := keepForever(t)
		ok(t, rt.SetProvider(func(r *Request, url string) Decision {
			defer close(kept)
			return keep(r, url)
		}))
		ok(t, session.Attach(make([]byte, 8)))
		o.thread.exits = left // the last of many: each makes the stack deeper that a collection reads
	})
	loading := startLoad(l, "app:a")
	<-kept // the loader's session is open
	exits := func(n int) (survived int, err error) {
		for i := 0; i < n; i++ {
			ended := make(chan error, 1)
			go func() {
				defer close(ended)
				ended <- o.Do(context.Background(), func(*Runtime) error { runtime.Goexit(); return nil })
			}()
			if err = <-ended; err == nil {
				survived++
			}
		}
		return survived, err
	}
	if n, err := exits(left - 1); n != left-1 || err != nil {
		t.Fatalf("%d survived, then %v", n, err)
	}
	do(t, o, func(*Runtime) {}) // it lives
	release := hold(t, o)
	ok(t, o.Post(func(*Runtime) { runtime.Goexit() }))
	late := later(func() error { return o.Do(context.Background(), func(*Runtime) error { t.Error("ran"); return nil }) })
	waitQueued(o, 2)
	release()
	const why = "the owner was closed after 1000 calls of runtime.Goexit"
	wantError(t, <-late, ErrClosed, why)
	for _, want := range []string{"the job called runtime.Goexit", why} {
		if p := <-panics; !strings.Contains(fmt.Sprint(p.Value), want) {
			t.Errorf("report %v, want %s", p.Value, want)
		}
	}
	loading.want(t, "", ErrClosed)
	<-o.thread.ended
	n, err := exits(100)
	wantError(t, err, ErrClosed, why)
	if n != 0 {
		t.Errorf("%d more have run", n)
	}
	for _, call := range []string{"courier_runtime_destroy", "courier_session_destroy"} {
		want := strings.Count(call, "session") + 1 // the job's session and the loader's
		if n := calls.of(call); n != want {
			t.Errorf("%s was called %d times, want %d", call, n, want)
		}
	}
	_, err = session.Load("data:,a")
	wantError(t, err, ErrClosed, "")
	ok(t, session.Close())
	ok(t, l.Close())
}

// The sessions that it closes have buffers, which C has let go then.
func TestVAL03AnOwnerThatGivesUpLetsGoOfBuffers(t *testing.T) {
	catchPanics(t)
	o := newOwner(t, nil, Stepped())
	session := loadAndStep(t, o, 0)
	isAttached := func() bool { _, found := attached.Load(uint64(session.ID())); return found }
	do(t, o, func(*Runtime) {
		ok(t, session.Attach(make([]byte, 8)))
		if !isAttached() {
			t.Error("the buffer is not attached")
		}
		o.thread.exits = 1
	})
	ok(t, o.Post(func(*Runtime) { runtime.Goexit() }))
	<-o.thread.ended
	if isAttached() {
		t.Error("the buffer of a session that was closed is still pinned")
	}
}

// Two owners whose jobs wait for each other would wait for ever, and so would more of them in a circle.
func TestTHR09OwnersInACircleAreRefused(t *testing.T) {
	for _, count := range []int{2, 3} {
		var loaders []*Loader
		for i := 0; i < count; i++ {
			loaders = append(loaders, newLoader(t, nil))
		}
		background := context.Background()
		last := func() {
			for name, wait := range waits(loaders[0]) {
				wantNamed(t, name, wait(), ErrInvalidState, "called in a job that the owner waits for")
			}
			ok(t, loaders[0].Owner().Post(func(*Runtime) {}))
		}
		var enter func(i int) error
		enter = func(i int) error {
			return loaders[i].Owner().Do(background, func(*Runtime) error {
				if i == count-1 {
					last()
					return nil
				}
				return enter(i + 1)
			})
		}
		ok(t, enter(0))
		// No circle: there is nothing to refuse, also after the waits.
		for i := count - 1; i > 0; i-- {
			i := i
			ok(t, loaders[i].Owner().Do(background, func(*Runtime) error {
				bytes, err := loaders[i-1].Load(background, "data:,a")
				if string(bytes) != "a" {
					t.Errorf("loaded %q", bytes)
				}
				return err
			}))
		}
	}
	ownerWaits.Lock()
	defer ownerWaits.Unlock()
	if n := len(ownerWaits.waiter); n != 0 {
		t.Errorf("%d waits are noted when nobody waits", n)
	}
}

// Whichever of two that wait for each other comes last is refused, however they race.
func TestTHR09OwnersThatRaceIntoACircleAllEnd(t *testing.T) {
	one, two := newOwner(t, nil), newOwner(t, nil)
	for round := 0; round < 200; round++ {
		each := func(from, to *Owner) func() error {
			return func() error {
				return from.Do(context.Background(), func(*Runtime) error {
					if err := to.Do(context.Background(), func(*Runtime) error { return nil }); err != nil {
						wantError(t, err, ErrInvalidState, "called in a job that the owner waits for")
					}
					return nil
				})
			}
		}
		first, second := later(each(one, two)), later(each(two, one))
		ok(t, <-first)
		ok(t, <-second)
	}
}
