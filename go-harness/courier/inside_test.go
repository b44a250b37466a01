package courier

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// insides call f inside one callback of each kind: on the owner thread, or on another.
var insides = map[string]struct {
	opt     Option
	onOwner bool
	run     func(t *testing.T, rt *Runtime, session *Session, f func())
}{
	"provider": {Stepped(), true, func(t *testing.T, rt *Runtime, session *Session, f func()) {
		ok(t, rt.SetProvider(func(*Request, string) Decision { f(); return Pass }))
		finish(t, rt, load(t, session, "data:,a"))
	}},
	"provider on a worker": {Threads(1), false, func(t *testing.T, rt *Runtime, session *Session, f func()) {
		ok(t, rt.SetProvider(func(*Request, string) Decision { f(); return Pass }))
		finish(t, rt, load(t, session, "data:,a"))
	}},
	"cancel": {Stepped(), true, func(t *testing.T, rt *Runtime, session *Session, f func()) {
		request, id := pendingRequest(t, rt, session)
		onCancel(t, request, f)
		ok(t, session.Cancel(id))
		ok(t, request.Close())
	}},
	"wake": {Stepped(), true, func(t *testing.T, rt *Runtime, session *Session, f func()) {
		signalled(t, rt, f, func(signal func() error) { ok(t, signal()) })
	}},
	"wake elsewhere": {Stepped(), false, func(t *testing.T, rt *Runtime, session *Session, f func()) {
		signalled(t, rt, f, func(signal func() error) { elsewhere(func() { ok(t, signal()) }) })
	}},
	"log": {Stepped(), true, func(t *testing.T, rt *Runtime, session *Session, f func()) {
		ok(t, rt.ClearProvider())
		first := firstOnly(f)
		ok(t, SetLogger(LogDebug, func(LogLevel, string) { first() }))
		finish(t, rt, load(t, session, "data:,a"))
		ok(t, SetLogger(LogDebug, nil))
	}},
}

// finish waits for the end of a load, on a runtime of either kind, and passes over other ends.
func finish(t *testing.T, rt *Runtime, id LoadID) Event {
	t.Helper()
	for {
		_, _ = rt.Step() // with threads it is refused, and a worker runs the load
		if _, err := rt.Pump(Forever); err != nil {
			t.Fatal(err)
		}
		for _, event := range drain(t, rt) {
			if event.Load == id {
				return event
			}
		}
	}
}

// firstOnly calls f the first time. Unlike a sync.Once, it does not keep other callers waiting meanwhile.
func firstOnly(f func()) func() {
	var called atomic.Bool
	return func() {
		if called.CompareAndSwap(false, true) {
			f()
		}
	}
}

func signalled(t *testing.T, rt *Runtime, f func(), call func(signal func() error)) {
	source, err := rt.NewWakeSource()
	ok(t, err)
	defer source.Close()
	_, err = rt.Pump(0) // nothing is left to do: the signal is news
	ok(t, err)
	ok(t, rt.SetWake(firstOnly(f)))
	call(source.Signal)
	ok(t, rt.SetWake(nil))
}

// While a callback runs, calls of other threads go through: a lock of the library's that was held meanwhile
// would stop them, and the watchdog would tell.
func TestCBK13NoLockIsHeldDuringACallback(t *testing.T) {
	for name, inside := range insides {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, inside.opt)
			session := newSession(t, rt)
			h := newHandles(t, rt, session)
			ran := false
			inside.run(t, rt, session, func() {
				ran = true
				elsewhere(func() {
					_, err := h.blob.Bytes()
					ok(t, err)
					ok(t, h.blob.Close())
					_, err = h.request.Cancelled()
					ok(t, err)
					ok(t, h.request.Complete([]byte("from another thread")))
					ok(t, h.request.Close())
					ok(t, h.source.Signal())
					ok(t, h.source.Close())
					_, err = rt.Pump(0)
					wantError(t, err, ErrWrongThread, "[wrong-thread] ")
				})
			})
			if !ran {
				t.Error("the callback was not called")
			}
		})
	}
}

// The header's table of what may be called inside callbacks, cell by cell.
func TestCBK09InsideCallbacksOnlyTheTablesCallsWork(t *testing.T) {
	for name, inside := range insides {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, inside.opt)
			session := newSession(t, rt)
			h := newHandles(t, rt, session)
			refusal, word := ErrInvalidState, "[inside-callback] "
			if !inside.onOwner {
				refusal, word = ErrWrongThread, "[wrong-thread] "
			}
			ran := false
			inside.run(t, rt, session, func() {
				ran = true
				for name, call := range ownerCalls(t, rt, session) {
					wantNamed(t, name, call(), refusal, word)
				}
				for name, call := range map[string]func() error{"Runtime.Close": rt.Close, "Session.Close": session.Close} {
					wantNamed(t, name, call(), refusal, word)
				}
				_, err := NewRuntime()
				wantError(t, err, ErrInvalidState, "[inside-callback] ")
				wantError(t, SetLogger(LogError, nil), ErrInvalidState, "called inside a callback")
				wantError(t, SetLogger(LogError, func(LogLevel, string) {}), ErrInvalidState, "called inside a callback")

				_, err = h.request.Surface()
				ok(t, err)
				_, err = h.request.Cancelled()
				ok(t, err)
				onCancel(t, h.request, func() {})
				ok(t, h.request.Complete([]byte("from inside")))
				ok(t, h.request.Close())
				_, err = h.blob.Bytes()
				ok(t, err)
				ok(t, h.blob.Close())
				ok(t, h.source.Signal())
				ok(t, h.source.Close())
			})
			if !ran {
				t.Error("the callback was not called")
			}
		})
	}
}

func TestCBK14WaitsForTheOwnerAreRefusedInsideEveryCallback(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	for name, inside := range insides {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, inside.opt)
			session := newSession(t, rt)
			posted := make(chan struct{})
			inside.run(t, rt, session, func() {
				for name, wait := range waits(l) {
					wantNamed(t, name, wait(), ErrInvalidState, "called in")
				}
				ok(t, o.Post(func(*Runtime) { close(posted) }))
			})
			<-posted
		})
	}
}

// wantNamed is wantError for one of many. No subtest: that would be another goroutine, and so another
// thread than the callback's.
func wantNamed(t *testing.T, name string, err, category error, word string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, category) || !strings.HasPrefix(e.Message, word) {
		t.Errorf("%s: error %v, want category %q with %s", name, err, category, word)
	}
}

// waits are the calls that wait for an owner.
func waits(l *Loader) map[string]func() error {
	return map[string]func() error{
		"Do":           func() error { return l.Owner().Do(context.Background(), func(*Runtime) error { return nil }) },
		"Load":         func() error { _, err := l.Load(context.Background(), "data:,a"); return err },
		"Close":        l.Owner().Close,
		"Loader.Close": l.Close,
	}
}

// The owner's own pump has called the logger, on the owner's thread: no job may begin there before the pump has
// ended.
func TestCBK14TheLoggerOfAnOwnersPumpCannotWaitForTheOwner(t *testing.T) {
	clearLogger(t)
	l := newLoader(t, nil)
	o := l.Owner()
	do(t, o, func(rt *Runtime) { ok(t, rt.SetProvider(keepForever(t))) })
	posted := make(chan struct{})
	first := firstOnly(func() {
		for name, wait := range waits(l) {
			wantNamed(t, name, wait(), ErrInvalidState, "called inside a callback")
		}
		ok(t, o.Post(func(*Runtime) { close(posted) }))
	})
	ok(t, SetLogger(LogWarn, func(LogLevel, string) { first() })) // a load failed
	_, err := l.Load(context.Background(), "app:a", Deadline(0))
	wantLoadError(t, err, FailureExpired)
	<-posted
	ok(t, SetLogger(LogDebug, nil))
}

// The owner is waiting for the callback at that moment: waiting for the owner would never end.
func TestCBK14WhileTheOwnerWaitsForQuiescence(t *testing.T) {
	for name, quiet := range map[string]struct {
		call string
		do   func(rt *Runtime) error
	}{
		"ClearProvider": {"courier_runtime_clear_provider", (*Runtime).ClearProvider},
		"SetProvider":   {"courier_runtime_set_provider", func(rt *Runtime) error { return rt.SetProvider(answerWith("")) }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoader(t, nil)
			o := l.Owner()
			inside := make(chan struct{})
			quieting := make(chan struct{})
			do(t, o, func(rt *Runtime) {
				ok(t, rt.SetProvider(func(*Request, string) Decision {
					close(inside)
					<-quieting
					for name, wait := range waits(l) {
						if err := wait(); !errors.Is(err, ErrInvalidState) {
							t.Errorf("%s: %v", name, err)
						}
					}
					return Pass
				}))
			})
			loading := startLoad(l, "data:,a")
			<-inside
			capi.Observe(func(point string) {
				if point == quiet.call {
					close(quieting)
				}
			})
			defer capi.Observe(nil)
			ok(t, o.Do(context.Background(), quiet.do))
			loading.want(t, "a", nil)
		})
	}
	t.Run("Close", func(t *testing.T) {
		l := newLoader(t, nil)
		o := l.Owner()
		inside, closing := make(chan struct{}), make(chan struct{})
		do(t, o, func(rt *Runtime) {
			ok(t, rt.SetProvider(func(*Request, string) Decision {
				close(inside)
				<-closing
				for name, wait := range waits(l) {
					wantNamed(t, name, wait(), ErrInvalidState, "called in")
				}
				return Pass
			}))
		})
		loading := startLoad(l, "data:,a")
		<-inside
		capi.Observe(func(point string) {
			if point == "courier_runtime_destroy" {
				close(closing)
			}
		})
		defer capi.Observe(nil)
		ok(t, o.Close())
		loading.want(t, "", ErrClosed)
	})
}

// Another goroutine exchanges the logger, and waits for the callback that wants to do the same.
func TestCBK14SetLoggerInsideTheLoggerThatIsBeingReplaced(t *testing.T) {
	clearLogger(t)
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	inside := make(chan struct{})
	var once sync.Once
	calls := countCalls(t)
	ok(t, SetLogger(LogDebug, func(LogLevel, string) {
		once.Do(func() {
			arrived, goOn := calls.holdFirst("courier_clear_log_callback")
			close(inside)
			<-arrived
			close(goOn)
			wantError(t, SetLogger(LogDebug, nil), ErrInvalidState, "called inside a callback")
		})
	}))
	clearing := later(func() error { <-inside; return SetLogger(LogDebug, nil) })
	loadOne(t, rt, session, "data:,a")
	ok(t, <-clearing)
}

// Inside the callback that a handle's own call has led to, its Close is refused, by name.
func TestHDL18CloseInsideTheCallbackOfItsOwnCall(t *testing.T) {
	const word = "the call that made this callback uses the handle"
	t.Run("Signal", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		source, err := rt.NewWakeSource()
		ok(t, err)
		ok(t, rt.SetWake(func() { wantError(t, source.Close(), ErrInvalidState, word) }))
		ok(t, source.Signal())
		ok(t, rt.SetWake(nil))
		ok(t, source.Close())
	})
	for name, end := range map[string]func(*Request) error{
		"Complete": func(r *Request) error { return r.Complete(nil) },
		"Fail":     func(r *Request) error { return r.Fail("") },
		"Close":    (*Request).Close,
	} {
		for callback, install := range map[string]func(rt *Runtime, f func()) error{
			"wake": func(rt *Runtime, f func()) error { return rt.SetWake(f) },
			"log":  func(_ *Runtime, f func()) error { return SetLogger(LogDebug, func(LogLevel, string) { f() }) },
		} {
			t.Run(name+"/"+callback, func(t *testing.T) {
				clearLogger(t)
				rt := newRuntime(t, Stepped())
				session := newSession(t, rt)
				request, _ := pendingRequest(t, rt, session)
				refused := 0
				ok(t, install(rt, func() {
					wantError(t, request.Close(), ErrInvalidState, word)
					refused++
				}))
				ok(t, end(request))
				if refused == 0 {
					t.Error("the callback was not called")
				}
				ok(t, SetLogger(LogDebug, nil))
				ok(t, rt.SetWake(nil))
				ok(t, request.Close())
			})
		}
	}
}

// The wake function of one request's completion completes another: in the callback of that one, both are in use.
func TestHDL18CloseInsideTheCallbacksOfTwoCalls(t *testing.T) {
	const word = "the call that made this callback uses the handle"
	clearLogger(t)
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	one, _ := pendingRequest(t, rt, session)
	two, _ := pendingRequest(t, rt, session)
	refused := 0
	ok(t, SetLogger(LogDebug, func(LogLevel, string) {
		if capi.InUse(two.handle.ID()) {
			wantError(t, two.Close(), ErrInvalidState, word)
			wantError(t, one.Close(), ErrInvalidState, word)
			refused++
		}
	}))
	ok(t, rt.SetWake(firstOnly(func() { ok(t, two.Complete(nil)) })))
	ok(t, one.Complete(nil))
	if refused == 0 {
		t.Error("the callback was not called inside both")
	}
	ok(t, SetLogger(LogDebug, nil))
	ok(t, rt.SetWake(nil))
	ok(t, one.Close())
	ok(t, two.Close())
}

// Two callbacks at the same time, each inside a call on one request, close each other's. The calls are in
// flight: a Close that waited for them would wait for ever. The last one of them releases.
func TestHDL18TwoCallbacksCloseEachOthersRequests(t *testing.T) {
	clearLogger(t)
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	one, _ := pendingRequest(t, rt, session)
	two, _ := pendingRequest(t, rt, session)
	calls := countCalls(t)
	var inside sync.WaitGroup
	inside.Add(2)
	ok(t, SetLogger(LogDebug, func(LogLevel, string) {
		for use, other := range map[*Request]*Request{one: two, two: one} {
			if capi.InUse(use.handle.ID()) {
				inside.Done()
				inside.Wait()
				ok(t, other.Close())
				ok(t, other.Close())
				_, err := other.Cancelled()
				wantError(t, err, ErrClosed, "")
			}
		}
	}))
	first := later(func() error { return one.Complete(nil) })
	second := later(func() error { return two.Complete(nil) })
	ok(t, <-first)
	ok(t, <-second)
	ok(t, SetLogger(LogDebug, nil))
	ok(t, one.Close())
	ok(t, two.Close())
	if n := calls.of("courier_request_release"); n != 2 {
		t.Errorf("%d releases", n)
	}
}

// Two functions of OnCancel at the same time, on two owner threads, close each other's requests: the library
// waits for a function that runs, but not in a circle.
func TestHDL18TwoFunctionsOfOnCancelCloseEachOthersRequests(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	one, first := pendingRequest(t, rt, session)
	calls := countCalls(t)
	var inside sync.WaitGroup
	inside.Add(2)
	closes := func(other *Request) func() {
		return func() {
			inside.Done()
			inside.Wait()
			ok(t, other.Close())
		}
	}
	ready, ended := make(chan *Request), make(chan struct{})
	go func() {
		defer close(ended)
		ownerElsewhere(t, func(rt *Runtime, session *Session) {
			two, second := pendingRequest(t, rt, session)
			onCancel(t, two, closes(one))
			ready <- two
			ok(t, session.Cancel(second))
			ok(t, two.Close())
			ok(t, session.Close())
			ok(t, rt.Close())
		})
	}()
	onCancel(t, one, closes(<-ready))
	ok(t, session.Cancel(first))
	ok(t, one.Close())
	<-ended
	if n := calls.of("courier_request_release"); n != 2 {
		t.Errorf("%d releases", n)
	}
}

// One callback holds a lock of the program's and closes the request in whose completion another one wants it.
func TestHDL18ACallbackWithALockOfItsOwnCloses(t *testing.T) {
	clearLogger(t)
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	one, _ := pendingRequest(t, rt, session)
	two, _ := pendingRequest(t, rt, session)
	var lock sync.Mutex
	held, wanted := make(chan struct{}), make(chan struct{})
	ok(t, SetLogger(LogDebug, func(LogLevel, string) {
		switch {
		case capi.InUse(one.handle.ID()):
			lock.Lock()
			defer lock.Unlock()
			close(held)
			<-wanted
			ok(t, two.Close())
		case capi.InUse(two.handle.ID()):
			<-held
			close(wanted)
			lock.Lock()
			defer lock.Unlock()
		}
	}))
	first := later(func() error { return one.Complete(nil) })
	second := later(func() error { return two.Complete(nil) })
	ok(t, <-first)
	ok(t, <-second)
	ok(t, SetLogger(LogDebug, nil))
	ok(t, one.Close())
}

// CBK-03 for all: a panic is contained, and the report names the callback.
func TestCBK03PanicsOfEveryCallbackAreReported(t *testing.T) {
	names := map[string]string{
		"provider": "provider", "provider on a worker": "provider", "cancel": "cancellation callback",
		"wake": "wake callback", "wake elsewhere": "wake callback", "log": "log callback",
	}
	for name, inside := range insides {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, inside.opt)
			session := newSession(t, rt)
			panics := catchPanics(t)
			inside.run(t, rt, session, func() { panic(name) })
			if p := <-panics; p.Value != name || p.Callback != names[name] {
				t.Errorf("report %v of the %s", p.Value, p.Callback)
			}
		})
	}
}
