package courier

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/internal/stack"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// cells says how many were made and freed.
func (c *calls) cells() (made, freed int) { return c.of("cell.new"), c.of("cell.free") }

func wantCells(t *testing.T, calls *calls, after string, made, freed int) {
	t.Helper()
	if m, f := calls.cells(); m != made || f != freed {
		t.Errorf("after %s: %d cells made and %d freed, want %d and %d", after, m, f, made, freed)
	}
}

// An installed callback: the provider, the wake function, the logger.
type place struct {
	set   func(rt *Runtime, body func()) error
	clear func(rt *Runtime) error
	// provoke makes one call of what is installed, at least.
	provoke func(t *testing.T, rt *Runtime, session *Session)
}

var places = map[string]place{
	"provider": {
		func(rt *Runtime, body func()) error {
			return rt.SetProvider(func(*Request, string) Decision { body(); return Pass })
		},
		(*Runtime).ClearProvider,
		func(t *testing.T, rt *Runtime, session *Session) { loadOne(t, rt, session, "data:,a") },
	},
	"wake": {
		func(rt *Runtime, body func()) error { return rt.SetWake(body) },
		func(rt *Runtime) error { return rt.SetWake(nil) },
		func(t *testing.T, rt *Runtime, session *Session) { loadOne(t, rt, session, "data:,a") },
	},
	"log": {
		func(_ *Runtime, body func()) error { return SetLogger(LogDebug, func(LogLevel, string) { body() }) },
		func(*Runtime) error { return SetLogger(LogDebug, nil) },
		func(t *testing.T, rt *Runtime, session *Session) { loadOne(t, rt, session, "data:,a") },
	},
}

// clearLogger leaves no logger behind for the next test.
func clearLogger(t *testing.T) {
	watchdog.Guard(t) // also of the cleanup
	t.Cleanup(func() { ok(t, SetLogger(LogError, nil)) })
}

func TestCBK01EveryInstalledCallbackIsReplacedAndCleared(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			clearLogger(t)
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			called := map[string]int{}
			for _, which := range []string{"first", "second"} {
				which := which
				ok(t, place.set(rt, func() { called[which]++ }))
				before := fmt.Sprint(called)
				place.provoke(t, rt, session)
				if called[which] == 0 {
					t.Errorf("the %s was not called", which)
				}
				if which == "second" && before != fmt.Sprint(map[string]int{"first": called["first"]}) {
					t.Errorf("replaced, the first one was called: %v, before %s", called, before)
				}
			}
			ok(t, place.clear(rt))
			before := fmt.Sprint(called)
			place.provoke(t, rt, session)
			if after := fmt.Sprint(called); after != before {
				t.Errorf("cleared, it was called: %s, before %s", after, before)
			}
			ok(t, place.clear(rt))
		})
	}
}

func TestCBK08CellsAreFreedOnce(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			clearLogger(t)
			rt := newRuntime(t, Stepped())
			calls := countCalls(t)
			ok(t, place.set(rt, func() {}))
			wantCells(t, calls, "install", 1, 0)
			ok(t, place.set(rt, func() {}))
			wantCells(t, calls, "replace", 2, 1)
			refuseInstall(t, name, rt, place)
			wantCells(t, calls, "a refused install", 3, 2)
			ok(t, place.clear(rt))
			ok(t, place.clear(rt))
			wantCells(t, calls, "clear", 3, 3)
			ok(t, place.set(rt, func() {}))
			ok(t, rt.Close())
			if name == "log" { // it belongs to no runtime
				wantCells(t, calls, "close", 4, 3)
				ok(t, place.clear(nil))
			}
			wantCells(t, calls, "close", 4, 4)
		})
	}
}

// refuseInstall makes an install that the library refuses.
func refuseInstall(t *testing.T, name string, rt *Runtime, place place) {
	t.Helper()
	if name == "log" {
		wantError(t, SetLogger(99, func(LogLevel, string) { t.Error("a refused logger was called") }), ErrInvalidArgument, "[bad-value] ")
		return
	}
	elsewhere(func() {
		wantError(t, place.set(rt, func() { t.Error("a refused callback was called") }), ErrWrongThread, "[wrong-thread] ")
	})
}

func TestCBK02ARefusedInstallKeepsTheOldCallback(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			clearLogger(t)
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			called := 0
			ok(t, place.set(rt, func() { called++ }))
			refuseInstall(t, name, rt, place)
			place.provoke(t, rt, session)
			if called == 0 {
				t.Error("the old one was not called")
			}
		})
	}
}

// The cell of OnCancel, in every order of what can happen to its request: freed once, and by the time
// that Close has returned.
func TestCBK08TheCellOfOnCancelIsFreedOnceInEveryOrder(t *testing.T) {
	for _, order := range permutations([]string{"register", "complete", "cancel", "release", "teardown"}) {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			request, id := pendingRequest(t, rt, session)
			calls := countCalls(t)
			ran, stored, provider := 0, 0, 0
			for _, operation := range order {
				var err error
				switch operation {
				case "register":
					var cancelled bool
					cancelled, err = request.OnCancel(func() { ran++ })
					if !cancelled && err == nil {
						stored = 1
					}
				case "complete":
					err = request.Complete(nil)
				case "cancel":
					err = session.Cancel(id)
				case "release":
					err = request.Close()
					if made, freed := calls.cells(); made != freed-provider {
						t.Errorf("after Close: %d cells made and %d freed", made, freed)
					}
				case "teardown":
					settle(t, rt)
					ok(t, session.Close())
					ok(t, rt.Close())
					provider = 1 // its cell was made before we counted
				}
				if err != nil && !errors.Is(err, ErrInvalidState) && !errors.Is(err, ErrClosed) {
					t.Errorf("%s: %v", operation, err)
				}
			}
			made, freed := calls.cells()
			if freed != made+1 || ran > stored {
				t.Errorf("%d cells made and %d freed, with the provider's; ran %d times, stored %d", made, freed, ran, stored)
			}
		})
	}
}

func TestCBK08TheCellOfOnCancelIsFreedWithARequestThatIsTakenBack(t *testing.T) {
	panics := catchPanics(t)
	for name, end := range map[string]func() Decision{
		"pass":     func() Decision { return Pass },
		"fail":     func() Decision { return Fail },
		"nonsense": func() Decision { return 99 },
		"panic":    func() Decision { panic(1) },
	} {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			calls := countCalls(t)
			ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
				onCancel(t, r, func() { t.Error("called for a request that was taken back") })
				return end()
			}))
			loadOne(t, rt, session, "app:a")
			wantCells(t, calls, name, 2, 1) // the provider's is installed
			if name == "panic" {
				<-panics
			}
		})
	}
	t.Run("expired", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		request := expire(t, rt, newSession(t, rt))
		calls := countCalls(t)
		onCancel(t, request, func() {})
		wantFailure(t, next(t, rt), FailureExpired)
		ok(t, request.Close())
		wantCells(t, calls, "the deadline and Close", 1, 1)
	})
}

// The library has taken the function out before its cell is freed: between that and the provider's return,
// the load may be cancelled. A provider that panics stays there as long as its report takes.
func TestCBK08TheFunctionOfARequestThatIsTakenBackIsTakenOutFirst(t *testing.T) {
	rt := newRuntime(t, Threads(1))
	session := newSession(t, rt)
	reports := make(chan CallbackPanic, 8)
	reported, cancelled := make(chan struct{}), make(chan struct{})
	SetPanicHandler(func(p CallbackPanic) {
		reports <- p
		if p.Callback == "provider" {
			close(reported)
			<-cancelled
		}
	})
	defer SetPanicHandler(nil)
	calls := countCalls(t)
	ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
		onCancel(t, r, func() { t.Error("called for a request that was taken back") })
		panic("no answer")
	}))
	id := load(t, session, "app:a")
	<-reported
	if n := calls.of("courier_request_clear_on_cancel"); n != 1 {
		t.Errorf("taken out %d times", n)
	}
	ok(t, session.Cancel(id))
	close(cancelled)
	ok(t, rt.ClearProvider())
	close(reports)
	for p := range reports {
		if p.Callback != "provider" {
			t.Errorf("report %v of the %s", p.Value, p.Callback)
		}
	}
}

// Two SetLoggers at the same time: which cell is freed has to be the one that the library has let go of, and
// so one comes after the other.
func TestCBK08LoggersAreExchangedOneAfterTheOther(t *testing.T) {
	watchdog.Guard(t)
	clearLogger(t)
	for _, second := range []func(LogLevel, string){nil, func(LogLevel, string) {}} {
		ok(t, SetLogger(LogDebug, func(LogLevel, string) {}))
		calls := countCalls(t)
		inside, finish := calls.holdFirst("courier_set_log_callback")
		exchange := func(log func(LogLevel, string)) <-chan error {
			return later(func() error { return SetLogger(LogDebug, log) })
		}
		first := exchange(func(LogLevel, string) {})
		<-inside
		other := exchange(second)
		for !inStack("courier.SetLogger", "sync.(*Mutex)") {
			if calls.of("courier_set_log_callback")+calls.of("courier_clear_log_callback") > 1 {
				t.Error("the library is asked to exchange two loggers at once")
				break
			}
			runtime.Gosched()
		}
		close(finish)
		ok(t, <-first)
		ok(t, <-other)
	}
}

// inStack reports whether some goroutine is inside both functions.
func inStack(outer, inner string) bool {
	stacks := make([]byte, 1<<20)
	for _, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, outer+"(") && strings.Contains(stack, inner) {
			return true
		}
	}
	return false
}

// capture makes a function that is the only reference to an object, whose collection closes collected.
//
//go:noinline
func capture(collected chan struct{}, owner any) func() {
	object := &struct {
		body  [64]byte
		owner any
	}{owner: owner}
	runtime.SetFinalizer(object, func(any) { close(collected) })
	return func() { object.body[0]++ }
}

func TestCBK07EveryCallbackIsCollectableAfterItsTime(t *testing.T) {
	for name, place := range places {
		for end, release := range map[string]func(t *testing.T, rt *Runtime){
			"clear":   func(t *testing.T, rt *Runtime) { ok(t, place.clear(rt)) },
			"replace": func(t *testing.T, rt *Runtime) { ok(t, place.set(rt, func() {})) },
			"close":   func(t *testing.T, rt *Runtime) { ok(t, rt.Close()) },
		} {
			if name == "log" && end == "close" {
				continue // it belongs to no runtime
			}
			t.Run(name+"/"+end, func(t *testing.T) {
				clearLogger(t)
				rt := newRuntime(t, Stepped())
				session := newSession(t, rt)
				collected := make(chan struct{})
				ok(t, place.set(rt, capture(collected, rt)))
				for i := 0; i < 3; i++ {
					runtime.GC()
				}
				place.provoke(t, rt, session)
				select {
				case <-collected:
					t.Fatal("collected while it was installed")
				default:
				}
				ok(t, session.Close())
				release(t, rt)
				waitCollected(t, collected)
			})
		}
	}
}

// The function of OnCancel is let go of when it cannot be called any more, also while the request that it
// refers to is open.
func TestCBK07TheFunctionOfOnCancelIsCollectableAfterItsTime(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, session *Session, request *Request, id LoadID){
		"cancelled": func(t *testing.T, session *Session, _ *Request, id LoadID) { ok(t, session.Cancel(id)) },
		"completed": func(t *testing.T, _ *Session, request *Request, _ LoadID) { ok(t, request.Complete(nil)) },
		"closed":    func(t *testing.T, _ *Session, request *Request, _ LoadID) { ok(t, request.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			request, id := pendingRequest(t, rt, session)
			collected := make(chan struct{})
			onCancel(t, request, capture(collected, request))
			runtime.GC()
			end(t, session, request, id)
			waitCollected(t, collected)
			ok(t, request.Close())
		})
	}
}

// Inside every callback, the stack is made to move and the garbage is collected.
func TestCBK11AStackCopyInsideACallbackChangesNothing(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			clearLogger(t)
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			depth := 0
			ok(t, place.set(rt, func() { depth = stack.Move(1000) }))
			place.provoke(t, rt, session)
			if depth != 1000 {
				t.Errorf("it came to %d", depth)
			}
		})
	}
	t.Run("cancel", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		session := newSession(t, rt)
		request, id := pendingRequest(t, rt, session)
		depth := 0
		onCancel(t, request, func() { depth = stack.Move(1000) })
		ok(t, session.Cancel(id))
		if depth != 1000 {
			t.Errorf("it came to %d", depth)
		}
		ok(t, request.Close())
	})
}
