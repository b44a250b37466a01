package courier

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// collect runs the garbage collector, and the finalizers of what it has found, so often.
func collect(times int) {
	for i := 0; i < times; i++ {
		// Finalizers run in order on one goroutine: when this one has run, so have those before it.
		ran := make(chan struct{})
		runtime.SetFinalizer(new([16]byte), func(*[16]byte) { close(ran) })
		runtime.GC()
		<-ran
	}
}

// leaks collects the reports of leaks.
type leaks struct {
	mu   sync.Mutex
	seen []Leak
}

// catchLeaks collects reports until the test ends. What earlier tests have left is passed over.
func catchLeaks(t *testing.T) *leaks {
	collect(3)
	l := new(leaks)
	SetLeakHandler(func(leak Leak) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.seen = append(l.seen, leak)
	})
	t.Cleanup(func() { SetLeakHandler(nil) })
	return l
}

// kinds says how many handles of each kind were reported.
func (l *leaks) kinds() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	kinds := map[string]int{}
	for _, leak := range l.seen {
		kinds[leak.Kind]++
	}
	return kinds
}

func (l *leaks) want(t *testing.T, want map[string]int) {
	t.Helper()
	if got := l.kinds(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("leaks %v, want %v", got, want)
	}
}

// abandon makes one handle of each kind and forgets them all. The thread ends with the goroutine, and
// the native runtime stays behind.
//
//go:noinline
func abandon(t *testing.T) {
	elsewhere(func() {
		runtime.LockOSThread()
		rt, err := NewRuntime(Stepped())
		if err != nil {
			t.Error(err)
			return
		}
		session, err := rt.NewSession()
		ok(t, err)
		_, err = rt.NewWakeSource()
		ok(t, err)
		_, err = session.Load("data:,a")
		ok(t, err)
		_, err = rt.Step()
		ok(t, err)
		_, err = rt.Pump(0)
		ok(t, err)
		if n, err := rt.Drain(make([]Event, 1)); n != 1 || err != nil {
			t.Errorf("Drain = %d, %v", n, err)
		}
		ok(t, rt.SetProvider(func(*Request, string) Decision { return Handle }))
		_, err = session.Load("app:a")
		ok(t, err)
		_, err = rt.Step()
		ok(t, err)
		ok(t, rt.ClearProvider())
	})
}

// All kinds in one: each is reported once, within three collections, and what may be released by a
// finalizer is: blobs and wake sources, and never a runtime, a session or a request.
func TestHDL15LeaksAreReportedOnceAndThreadBoundHandlesNotReleased(t *testing.T) {
	ownThread(t)
	leaks := catchLeaks(t)
	calls := countCalls(t)
	abandon(t)
	collect(3)
	every := map[string]int{"blob": 1, "request": 1, "runtime": 1, "session": 1, "wake source": 1}
	leaks.want(t, every)
	collect(3)
	leaks.want(t, every)
	for _, leak := range leaks.seen {
		if releasable := leak.Kind == "blob" || leak.Kind == "wake source"; leak.Released != releasable {
			t.Errorf("%s: released %v", leak.Kind, leak.Released)
		}
		if leak.Stack != nil {
			t.Errorf("%s: has a stack, and nobody asked", leak.Kind)
		}
	}
	for call, want := range map[string]int{
		"courier_blob_release": 1, "courier_wake_source_release": 1, // HDL-16
		"courier_request_release": 0, "courier_session_destroy": 0, "courier_runtime_destroy": 0,
	} {
		if n := calls.of(call); n != want {
			t.Errorf("%s called %d times, want %d", call, n, want)
		}
	}
}

func TestHDL15TheCreationSiteIsToldOnRequest(t *testing.T) {
	ownThread(t)
	TraceLeaks(true)
	defer TraceLeaks(false)
	leaks := catchLeaks(t)
	abandon(t)
	collect(3)
	for _, leak := range leaks.seen {
		if stack := string(leak.Stack); leak.Kind != "request" && !strings.Contains(stack, "courier.abandon") {
			t.Errorf("%s: made at\n%s", leak.Kind, stack)
		}
	}
	if len(leaks.seen) != 5 {
		t.Errorf("leaks %v", leaks.kinds())
	}
}

func TestHDL16LeakedBlobsAndWakeSourcesAreReleased(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	leaks := catchLeaks(t)
	calls := countCalls(t)
	func() {
		load(t, session, "data:,a")
		_, err := rt.Step()
		ok(t, err)
		_, err = rt.Pump(0)
		ok(t, err)
		_, err = rt.Drain(make([]Event, 1))
		ok(t, err)
		_, err = rt.NewWakeSource()
		ok(t, err)
	}()
	collect(3)
	leaks.want(t, map[string]int{"blob": 1, "wake source": 1})
	if blobs, sources := calls.of("courier_blob_release"), calls.of("courier_wake_source_release"); blobs != 1 || sources != 1 {
		t.Errorf("%d blobs and %d wake sources released", blobs, sources)
	}
}

func TestHDL15ClosedHandlesAreNoLeaks(t *testing.T) {
	leaks := catchLeaks(t)
	ownerElsewhere(t, func(rt *Runtime, session *Session) {
		h := newHandles(t, rt, session)
		for _, closer := range h.releases() {
			ok(t, closer.Close())
		}
		// A request that was taken back needs no Close.
		ok(t, rt.SetProvider(func(*Request, string) Decision { return Pass }))
		_, err := session.Load("app:a")
		ok(t, err)
		_, err = rt.Step()
		ok(t, err)
		ok(t, session.Close())
		ok(t, rt.Close())
	})
	collect(3)
	leaks.want(t, map[string]int{})
}

// A handler that was taken back hears of no leak.
func TestHDL15WithoutAHandlerNothingIsSaid(t *testing.T) {
	ownThread(t)
	leaks := catchLeaks(t)
	SetLeakHandler(nil)
	abandon(t)
	collect(3)
	leaks.want(t, map[string]int{})
}

// A panic in the handler is contained: the finalizer goroutine goes on.
func TestHDL15APanicInTheLeakHandlerIsContained(t *testing.T) {
	ownThread(t)
	collect(3)
	panics := catchPanics(t)
	SetLeakHandler(func(leak Leak) { panic(leak.Kind) })
	defer SetLeakHandler(nil)
	abandon(t)
	collect(3)
	for i := 0; i < 5; i++ {
		if p := <-panics; p.Callback != "leak handler" {
			t.Errorf("report %v of the %s", p.Value, p.Callback)
		}
	}
}

// A handler that ends its goroutine, as t.Fatal does, ends that of no finalizer.
func TestHDL15AGoexitInTheLeakHandlerEndsOnlyItself(t *testing.T) {
	ownThread(t)
	collect(3)
	panics := catchPanics(t)
	SetLeakHandler(func(Leak) { runtime.Goexit() })
	defer SetLeakHandler(nil)
	abandon(t)
	collect(3) // waits for a finalizer of its own
	for i := 0; i < 5; i++ {
		if p := <-panics; p.Callback != "leak handler" || !strings.Contains(fmt.Sprint(p.Value), "Goexit") {
			t.Errorf("report %v of the %s", p.Value, p.Callback)
		}
	}
	SetPanicHandler(func(CallbackPanic) { runtime.Goexit() })
	SetLeakHandler(func(Leak) { panic("on purpose") })
	abandon(t)
	collect(3)
}

//go:noinline
func abandonOwners(t *testing.T) (posts []func(func(*Runtime)) error) {
	o, err := NewOwner(nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLoader(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Load(context.Background(), "data:,a")
	ok(t, err)
	for _, thread := range []*ownerThread{o.thread, l.owner.thread} {
		thread := thread
		posts = append(posts, func(f func(*Runtime)) error { return thread.jobs.submit("post", job{post: f}) })
	}
	return posts
}

// Nobody can close a forgotten owner any more. It is reported, and it is not touched: it goes on.
func TestHDL15AForgottenOwnerIsReported(t *testing.T) {
	watchdog.Guard(t)
	leaks := catchLeaks(t)
	calls := countCalls(t)
	posts := abandonOwners(t)
	collect(3)
	leaks.want(t, map[string]int{"owner": 2})
	for _, leak := range leaks.seen {
		if leak.Released {
			t.Errorf("%+v", leak)
		}
	}
	if n := calls.of("courier_runtime_destroy"); n != 0 {
		t.Errorf("%d runtimes were destroyed", n)
	}
	for _, post := range posts {
		alive := make(chan struct{})
		ok(t, post(func(*Runtime) { close(alive) }))
		<-alive
	}
	collect(3)
	leaks.want(t, map[string]int{"owner": 2})
}

//go:noinline
func closeOwners(t *testing.T) {
	o, err := NewOwner(nil)
	if err != nil {
		t.Fatal(err)
	}
	ok(t, o.Close())
	l, err := NewLoader(nil)
	if err != nil {
		t.Fatal(err)
	}
	ok(t, l.Close())
	_, err = NewOwner(nil, Threads(0))
	wantError(t, err, ErrInvalidArgument, "")
}

func TestHDL15AClosedOwnerIsNoLeak(t *testing.T) {
	watchdog.Guard(t)
	leaks := catchLeaks(t)
	closeOwners(t)
	collect(3)
	leaks.want(t, map[string]int{})
}

// A session refers to its runtime, and a provider may refer to both: they are found all the same when the
// provider is gone.
func TestHDL20AbandonedHandlesThatReferToEachOtherAreReported(t *testing.T) {
	ownThread(t)
	leaks := catchLeaks(t)
	ownerElsewhere(t, func(rt *Runtime, session *Session) {
		ok(t, rt.SetProvider(func(*Request, string) Decision { _, _ = rt, session; return Pass }))
		collect(3)
		leaks.want(t, map[string]int{}) // the provider can be called: they are in use
		ok(t, rt.ClearProvider())
	})
	collect(3)
	leaks.want(t, map[string]int{"runtime": 1, "session": 1})
}

// The last reference is gone while the library works on the handle: its finalizer waits for the call.
func TestHDL22AHandleStaysAliveUntilItsLastCallReturns(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	for call, use := range map[string]func() <-chan error{
		"courier_blob_copy": func() <-chan error {
			load(t, session, "data:,a")
			_, _ = rt.Step()
			_, _ = rt.Pump(0)
			var events [1]Event
			_, _ = rt.Drain(events[:])
			blob := events[0].Payload
			return later(func() error { _, err := blob.Bytes(); return err })
		},
		"courier_wake_source_signal": func() <-chan error {
			source, err := rt.NewWakeSource()
			ok(t, err)
			return later(source.Signal)
		},
	} {
		leaks := catchLeaks(t)
		calls := countCalls(t)
		inside, finish := calls.holdFirst(call)
		used := use()
		<-inside
		collect(3)
		leaks.want(t, map[string]int{})
		close(finish)
		ok(t, <-used)
		collect(3)
		if n := len(leaks.kinds()); n != 1 {
			t.Errorf("%s: leaks %v after the call", call, leaks.kinds())
		}
	}
}

// Close ends whatever is undrained, unanswered and queued.
func TestHDL21CloseEndsWhateverIsLeft(t *testing.T) {
	for name, opt := range map[string]Option{"stepped": Stepped(), "threads": Threads(2)} {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, opt, MaxLoads(64))
			session := newSession(t, rt)
			source, err := rt.NewWakeSource()
			ok(t, err)
			requests := handOver(t, rt)
			load(t, session, "app:unanswered")
			_, _ = rt.Step()
			request := <-requests
			ok(t, rt.ClearProvider())
			finish(t, rt, load(t, session, "data:,drained"))
			for i := 0; i < 40; i++ {
				load(t, session, "data:,queued")
			}
			_, _ = rt.Step()
			_, err = rt.Pump(0) // some are unread now
			ok(t, err)
			ok(t, session.Attach(make([]byte, 8)))
			ok(t, source.Signal())
			ok(t, session.Close())
			ok(t, rt.Close())
			ok(t, source.Close())
			ok(t, request.Close())
		})
	}
	t.Run("owner", func(t *testing.T) {
		l := newLoader(t, nil)
		o := l.Owner()
		requests := takeLoads(t, o)
		unanswered := startLoad(l, "app:unanswered")
		request := <-requests
		release := hold(t, o)
		closing := later(o.Close)
		waitQueued(o, 1)
		var queued []*loading
		for i := 0; i < 10; i++ {
			queued = append(queued, startLoad(l, "app:queued"))
		}
		waitQueued(o, 11)
		release()
		ok(t, <-closing)
		unanswered.want(t, "", ErrClosed)
		for _, load := range queued {
			load.want(t, "", ErrClosed)
		}
		ok(t, request.Close())
	})
}

// A finalizer's releases make no upcall and wait for nothing: they are the two that the header calls so.
func TestHDL16FinalizersReleaseOnlyWhatCannotBlock(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	h := newHandles(t, rt, session)
	upcalls := 0
	ok(t, rt.SetWake(func() { upcalls++ }))
	ok(t, SetLogger(LogDebug, func(LogLevel, string) { upcalls++ }))
	clearLogger(t)
	ok(t, h.blob.Close())
	ok(t, h.source.Close())
	if upcalls != 0 {
		t.Errorf("%d upcalls", upcalls)
	}
	ok(t, SetLogger(LogDebug, nil))
	ok(t, rt.SetWake(nil))
	ok(t, h.request.Close())
}
