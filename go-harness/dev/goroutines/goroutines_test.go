package goroutines

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// watch fails the test if it ends with a goroutine that was not there when it began.
func watch(t *testing.T) {
	watchdog.Guard(t)
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := left(before); err != nil {
			t.Error(err)
		}
	})
}

// left describes the goroutines that are there beside those before. Each look gives them half a second to
// end; on a busy machine they may need more.
func left(before goleak.Option) (err error) {
	for looks := 0; looks < 20; looks++ {
		if err = goleak.Find(before); err == nil {
			return nil
		}
	}
	return err
}

func TestTheInstrumentIsOn(t *testing.T) {
	watch(t)
	before := goleak.IgnoreCurrent()
	finish := make(chan struct{})
	defer close(finish)
	go leftBehind(finish)
	if err := goleak.Find(before); err == nil || !strings.Contains(err.Error(), "leftBehind") {
		t.Errorf("a goroutine that is left behind: %v", err)
	}
}

func leftBehind(finish <-chan struct{}) { <-finish }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// is says how a call has to fail.
func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func newOwner(t *testing.T, handle func(*courier.Runtime, courier.Event)) *courier.Owner {
	t.Helper()
	o, err := courier.NewOwner(handle)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func newLoader(t *testing.T, handle func(*courier.Runtime, courier.Event)) *courier.Loader {
	t.Helper()
	l, err := courier.NewLoader(handle)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var background = context.Background()

// group runs functions at the same time.
type group struct{ sync.WaitGroup }

func (g *group) start(f func()) {
	g.Add(1)
	go func() {
		defer g.Done()
		f()
	}()
}

// do runs f as a job that cannot fail.
func do(t *testing.T, o *courier.Owner, f func(*courier.Runtime)) {
	t.Helper()
	ok(t, o.Do(background, func(rt *courier.Runtime) error { f(rt); return nil }))
}

// hold keeps the owner in a job until release is called.
func hold(t *testing.T, o *courier.Owner) (release func()) {
	inside, finish := make(chan struct{}), make(chan struct{})
	ok(t, o.Post(func(*courier.Runtime) {
		close(inside)
		<-finish
	}))
	<-inside
	return func() { close(finish) }
}

// quiet takes reports of panics that a test makes.
func quiet(t *testing.T) {
	courier.SetPanicHandler(func(courier.CallbackPanic) {})
	t.Cleanup(func() { courier.SetPanicHandler(nil) })
}

func TestTHR17AnOwnersGoroutineEndsWithIt(t *testing.T) {
	for name, life := range map[string]func(*testing.T, *courier.Owner){
		"closed at once": func(*testing.T, *courier.Owner) {},
		"used": func(t *testing.T, o *courier.Owner) {
			do(t, o, func(*courier.Runtime) {})
			ok(t, o.Post(func(*courier.Runtime) {}))
		},
		"closed by many": func(t *testing.T, o *courier.Owner) {
			var closers group
			for i := 0; i < 8; i++ {
				closers.start(func() { ok(t, o.Close()) })
			}
			closers.Wait()
		},
		"with jobs queued": func(t *testing.T, o *courier.Owner) {
			release := hold(t, o)
			var submitters group
			for i := 0; i < 8; i++ {
				ok(t, o.Post(func(*courier.Runtime) {}))
				submitters.start(func() {
					// Before Close or after it, both are fine.
					if err := o.Do(background, func(*courier.Runtime) error { return nil }); err != nil {
						is(t, err, courier.ErrClosed)
					}
				})
			}
			submitters.start(func() { ok(t, o.Close()) })
			release()
			submitters.Wait()
		},
		"after a refused close": func(t *testing.T, o *courier.Owner) {
			var session *courier.Session
			do(t, o, func(rt *courier.Runtime) {
				var err error
				session, err = rt.NewSession()
				ok(t, err)
			})
			is(t, o.Close(), courier.ErrInvalidState)
			do(t, o, func(*courier.Runtime) { ok(t, session.Close()) })
		},
		"after a deadline far away": func(t *testing.T, o *courier.Owner) {
			do(t, o, func(rt *courier.Runtime) {
				session, err := rt.NewSession()
				ok(t, err)
				_, err = session.Load("data:,a", courier.Deadline(time.Hour))
				ok(t, err)
				ok(t, session.Close())
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			watch(t)
			o := newOwner(t, nil)
			life(t, o)
			ok(t, o.Close())
		})
	}
	t.Run("never begun", func(t *testing.T) {
		watch(t)
		_, err := courier.NewOwner(nil, courier.Threads(0))
		is(t, err, courier.ErrInvalidArgument)
	})
}

// After a Goexit the owner lives on in a goroutine that is already ending.
func TestTHR17JobsThatPanicOrExitLeaveNothing(t *testing.T) {
	ends := map[string]func(){"panic": func() { panic("on purpose") }, "Goexit": runtime.Goexit}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			watch(t)
			quiet(t)
			l := newLoader(t, func(_ *courier.Runtime, event courier.Event) {
				ok(t, event.Payload.Close())
				end()
			})
			o := l.Owner()
			for i := 0; i < 3; i++ {
				var submitter group
				submitter.start(func() {
					defer func() { _ = recover() }()
					_ = o.Do(background, func(*courier.Runtime) error { end(); return nil })
					t.Error("Do returned")
				})
				submitter.Wait()
				ok(t, o.Post(func(*courier.Runtime) { end() }))
			}
			var session *courier.Session
			do(t, o, func(rt *courier.Runtime) {
				var err error
				session, err = rt.NewSession()
				ok(t, err)
				_, err = session.Load("data:,a")
				ok(t, err)
			})
			_, err := l.Load(background, "data:,a")
			ok(t, err)
			do(t, o, func(*courier.Runtime) { ok(t, session.Close()) })
			ok(t, o.Close())
		})
	}
}

// A waited context tells when somebody waits for its end.
type waited struct {
	context.Context
	begun chan struct{}
	once  sync.Once
}

func newWaited() (ctx *waited, cancel func()) {
	inner, cancel := context.WithCancel(background)
	return &waited{Context: inner, begun: make(chan struct{})}, cancel
}

func (w *waited) Done() <-chan struct{} {
	w.once.Do(func() { close(w.begun) })
	return w.Context.Done()
}

func TestTHR17AContextThatEndsAWaitLeavesNothing(t *testing.T) {
	for name, begun := range map[string]bool{"before the job": false, "inside the job": true} {
		t.Run(name, func(t *testing.T) {
			watch(t)
			o := newOwner(t, nil)
			release := func() {}
			if !begun {
				release = hold(t, o)
			}
			inside, finish := make(chan struct{}), make(chan struct{})
			ctx, cancel := newWaited()
			var submitter group
			submitter.start(func() {
				is(t, o.Do(ctx, func(*courier.Runtime) error {
					close(inside)
					<-finish
					return nil
				}), context.Canceled)
			})
			<-ctx.begun
			if begun {
				<-inside
			}
			cancel()
			submitter.Wait()
			close(finish)
			release()
			ok(t, o.Close())
		})
	}
}

// host is a loader whose provider hands its requests to the test.
type host struct {
	*testing.T
	*courier.Loader
	requests chan *courier.Request
	loads    group
}

// load starts a load whose URL the provider takes, and which must end in this error.
func (h *host) load(ctx context.Context, want error) *courier.Request {
	h.loads.start(func() {
		_, err := h.Loader.Load(ctx, "app:a")
		is(h.T, err, want)
	})
	return <-h.requests
}

// fail is a load that fails.
func (h *host) fail(url string, opts ...courier.LoadOption) {
	_, err := h.Loader.Load(background, url, opts...)
	var failed *courier.LoadError
	if !errors.As(err, &failed) {
		h.Error(err)
	}
}

func TestTHR17NoGoroutineIsLeftOfALoad(t *testing.T) {
	for name, life := range map[string]func(h *host){
		"completed": func(h *host) {
			request := h.load(background, nil)
			ok(h.T, request.Complete([]byte("a")))
			ok(h.T, request.Close())
		},
		"failed":  func(h *host) { h.fail("data:nonsense") },
		"expired": func(h *host) { h.fail("app:a", courier.Deadline(time.Millisecond)) },
		"refused": func(h *host) {
			_, err := h.Loader.Load(background, "no URL")
			is(h.T, err, courier.ErrInvalidArgument)
		},
		"cancelled": func(h *host) {
			ctx, cancel := context.WithCancel(background)
			request := h.load(ctx, context.Canceled)
			cancel()
			h.loads.Wait()
			_ = request.Complete([]byte("late, or not"))
			ok(h.T, request.Close())
		},
		"cancelled, and told": func(h *host) {
			ctx, cancel := context.WithCancel(background)
			request := h.load(ctx, context.Canceled)
			told := make(chan struct{})
			_, err := request.OnCancel(func() {
				ok(h.T, request.Close())
				close(told)
			})
			ok(h.T, err)
			cancel()
			<-told
		},
		"cancelled while the owner works": func(h *host) {
			release := hold(h.T, h.Owner())
			ctx, cancel := newWaited()
			h.loads.start(func() {
				_, err := h.Loader.Load(ctx, "app:a")
				is(h.T, err, context.Canceled)
			})
			<-ctx.begun
			cancel()
			h.loads.Wait()
			release()
		},
		"closed first": func(h *host) {
			request := h.load(background, courier.ErrClosed)
			ok(h.T, h.Loader.Close())
			is(h.T, request.Complete([]byte("late")), courier.ErrInvalidState)
			ok(h.T, request.Close())
		},
		"many, cancelled and closed at the same time": func(h *host) {
			for i := 0; i < 20; i++ {
				ctx, cancel := context.WithCancel(background)
				h.loads.start(func() { _, _ = h.Loader.Load(ctx, "app:a") })
				h.loads.start(cancel)
			}
			h.loads.start(func() { ok(h.T, h.Loader.Close()) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			watch(t)
			h := &host{T: t, Loader: newLoader(t, nil), requests: make(chan *courier.Request, 32)}
			do(t, h.Owner(), func(rt *courier.Runtime) {
				ok(t, rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
					if url != "app:a" {
						return courier.Pass
					}
					h.requests <- request
					return courier.Handle
				}))
			})
			life(h)
			h.loads.Wait()
			ok(t, h.Loader.Close())
			for len(h.requests) > 0 {
				ok(t, (<-h.requests).Close())
			}
		})
	}
}

// Callbacks come on the library's threads. Go keeps a goroutine for each such call, and no longer.
func TestTHR17CallbacksLeaveNothing(t *testing.T) {
	watch(t)
	quiet(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ok(t, courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}))
	rt, err := courier.NewRuntime(courier.Threads(4))
	if err != nil {
		t.Fatal(err)
	}
	session, err := rt.NewSession()
	ok(t, err)
	ok(t, rt.SetWake(func() {}))
	taken := make(chan *courier.Request, 8)
	ok(t, rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		switch url {
		case "app:panic":
			panic(url)
		case "app:later":
			taken <- request
			return courier.Handle
		}
		return courier.Pass
	}))
	for i := 0; i < cap(taken)/2; i++ {
		for _, url := range []string{"app:panic", "app:pass", "data:,a"} {
			_, err = session.Load(url)
			ok(t, err)
		}
		cancelled, err := session.Load("app:later")
		ok(t, err)
		request := <-taken
		_, err = request.OnCancel(func() { panic("on purpose") })
		ok(t, err)
		ok(t, session.Cancel(cancelled))
		ok(t, request.Close())
		_, err = session.Load("app:later")
		ok(t, err)
		request = <-taken
		_, err = request.OnCancel(func() {})
		ok(t, err)
		ok(t, request.Complete([]byte("a")))
		ok(t, request.Close())
	}
	ok(t, session.Close())
	ok(t, rt.Close())
	ok(t, courier.SetLogger(courier.LogDebug, nil))
}

// Reports of leaks come on the goroutine that runs all finalizers, which is the program's.
func TestTHR17ReportsOfLeaksLeaveNothing(t *testing.T) {
	watch(t)
	quiet(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	leaks := make(chan courier.Leak, 8)
	courier.SetLeakHandler(func(leak courier.Leak) {
		leaks <- leak
		panic("on purpose")
	})
	defer courier.SetLeakHandler(nil)
	rt, err := courier.NewRuntime(courier.Stepped())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < cap(leaks); i++ {
		_, err := rt.NewWakeSource()
		ok(t, err)
	}
	for i := 0; i < cap(leaks); i++ {
		runtime.GC()
		if leak := <-leaks; leak.Kind != "wake source" {
			t.Errorf("leak %+v", leak)
		}
	}
	ok(t, rt.Close())
}
