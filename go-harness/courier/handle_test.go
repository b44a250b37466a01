package courier

import (
	"io"
	"runtime"
	"sync"
	"testing"
)

// handles makes one open handle of each kind that any thread may use, and their release functions.
type handles struct {
	request *Request
	blob    *Blob
	source  *WakeSource
}

func newHandles(t *testing.T, rt *Runtime, session *Session) handles {
	t.Helper()
	load(t, session, "data:,payload")
	_, _ = rt.Step() // with threads it is refused, and a worker runs the load
	blob := next(t, rt).Payload
	requests := handOver(t, rt)
	load(t, session, "app:request")
	_, _ = rt.Step()
	source, err := rt.NewWakeSource()
	if err != nil {
		t.Fatal(err)
	}
	return handles{<-requests, blob, source}
}

// releases are the void release functions, by the handle that they release.
func (h handles) releases() map[string]io.Closer {
	return map[string]io.Closer{
		"courier_request_release":     h.request,
		"courier_blob_release":        h.blob,
		"courier_wake_source_release": h.source,
	}
}

func TestHDL01ConcurrentCloseReleasesOnce(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	h := newHandles(t, rt, session)
	for release, closer := range h.releases() {
		calls := countCalls(t)
		inside, finish := calls.holdFirst(release)
		var closers sync.WaitGroup
		for i := 0; i < 8; i++ {
			closers.Add(1)
			go func(alias io.Closer) {
				defer closers.Done()
				ok(t, alias.Close())
			}(closer)
		}
		<-inside
		close(finish)
		closers.Wait()
		ok(t, closer.Close())
		if n := calls.of(release); n != 1 || calls.total() != 1 {
			t.Errorf("%s: called %d times, calls %v", release, n, calls.counts)
		}
	}
}

// Owner-thread handles: one thread can close them, and the others get an answer, not a deadlock.
func TestHDL01CloseOfOwnerHandlesDestroysOnce(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	for _, closer := range []io.Closer{session, rt} {
		var others sync.WaitGroup
		start := make(chan struct{})
		for i := 0; i < 4; i++ {
			others.Add(1)
			go func(alias io.Closer) {
				defer others.Done()
				<-start
				if err := alias.Close(); err != nil {
					wantError(t, err, ErrWrongThread, "[wrong-thread] ")
				}
			}(closer)
		}
		close(start)
		ok(t, closer.Close())
		others.Wait()

		calls := countCalls(t)
		ok(t, closer.Close())
		elsewhere(func() { ok(t, closer.Close()) })
		if n := calls.total(); n != 0 {
			t.Errorf("%T: later closes made %d calls", closer, n)
		}
	}
}

// A Close on another thread that passed the binding's check before the owner's Close, and comes to the
// library after it.
func TestHDL01CloseThatLosesToTheOwnerReturnsNil(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	closeLate := func(closer io.Closer, destroy string) {
		calls := countCalls(t)
		inside, finish := calls.holdFirst(destroy)
		late := make(chan error)
		go func() { late <- closer.Close() }()
		<-inside
		ok(t, closer.Close())
		close(finish)
		ok(t, <-late)
		if n := calls.of(destroy); n != 2 {
			t.Errorf("%s called %d times, want the owner's and the late one", destroy, n)
		}
	}
	closeLate(session, "courier_session_destroy")
	closeLate(rt, "courier_runtime_destroy")
}

func TestHDL02RefusedCloseLeavesTheRuntimeLive(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	ok(t, rt.SetProvider(answerWith("still here")))
	calls := countCalls(t)
	for i := 0; i < 2; i++ {
		wantError(t, rt.Close(), ErrInvalidState, "[live-children] ")
	}
	if n := calls.of("cell.free"); n != 0 {
		t.Error("a refused close freed the provider")
	}
	want(t, loadOne(t, rt, session, "app:a"), "still here")
	ok(t, session.Close())
	ok(t, rt.Close())
	if n := calls.of("cell.free"); n != 1 {
		t.Errorf("the provider was freed %d times", n)
	}
}

func TestHDL03ParentWithChildrenStaysOpen(t *testing.T) {
	rt := newRuntime(t, Stepped())
	sessions := []*Session{newSession(t, rt), newSession(t, rt)}
	for _, session := range sessions {
		wantError(t, rt.Close(), ErrInvalidState, "[live-children] ")
		wantFailure(t, loadOne(t, rt, session, "app:a"), FailureUnsupported)
		ok(t, session.Close())
	}
	ok(t, rt.Close())
	_, err := rt.Pump(0)
	wantError(t, err, ErrClosed, "")
}

func TestHDL04ChildrenOutliveTheRuntime(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	h := newHandles(t, rt, session)
	ok(t, session.Close())
	ok(t, rt.Close())

	calls := countCalls(t)
	if bytes, err := h.blob.Bytes(); string(bytes) != "payload" || err != nil {
		t.Errorf("Bytes = %q, %v", bytes, err)
	}
	ok(t, h.source.Signal())
	if cancelled, err := h.request.Cancelled(); !cancelled || err != nil {
		t.Errorf("Cancelled = %v, %v", cancelled, err)
	}
	wantError(t, h.request.Complete(nil), ErrInvalidState, "[cancelled] ")
	for release, closer := range h.releases() {
		ok(t, closer.Close())
		if n := calls.of(release); n != 1 {
			t.Errorf("%s called %d times", release, n)
		}
	}
}

// A release waits for the call that passed its check, whichever it is; a later call is refused without
// waiting.
func TestHDL09ReleaseWaitsForEveryUse(t *testing.T) {
	names := sharedNames(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			h := newHandles(t, rt, session)
			for release, closer := range h.releases() {
				if use := methodsOf(t, closer)[name]; use != nil {
					useDuringClose(t, countCalls(t), release, use, h.probe(release), closer)
				} else {
					ok(t, closer.Close())
				}
			}
			ok(t, rt.ClearProvider())
		})
	}
	if len(names) < 7 {
		t.Errorf("methods %v: too few", names)
	}
}

// sharedNames are the names of the methods that any thread may call, without the Closes.
func sharedNames(t *testing.T) (names []string) {
	for name := range (handles{new(Request), new(Blob), new(WakeSource)}).sharedCalls(t) {
		names = append(names, name)
	}
	return names
}

// probe is a call on a handle that works again and again.
func (h handles) probe(release string) func() error {
	return map[string]func() error{
		"courier_request_release":     func() error { _, err := h.request.Cancelled(); return err },
		"courier_blob_release":        func() error { _, err := h.blob.Bytes(); return err },
		"courier_wake_source_release": h.source.Signal,
	}[release]
}

// useDuringClose holds a use just before it goes to C, closes meanwhile, and checks that the release
// comes after it, and that probe is refused meanwhile. It returns the held use's error.
func useDuringClose(t *testing.T, calls *calls, release string, use, probe func() error, closer io.Closer) {
	t.Helper()
	inside, finish := calls.holdCall()
	used, closedIt := make(chan error), make(chan error)
	go func() { used <- use() }()
	<-inside
	go func() { closedIt <- closer.Close() }()
	for probe() == nil {
		runtime.Gosched() // until Close has begun
	}
	wantError(t, probe(), ErrClosed, "")
	if n := calls.of(release); n != 0 {
		t.Error("released under a use in flight")
	}
	close(finish)
	ok(t, <-used)
	ok(t, <-closedIt)
	if n := calls.of(release); n != 1 {
		t.Errorf("released %d times", n)
	}
}

func TestHDL11ClosedHandlesAreRefusedBeforeC(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	h := newHandles(t, rt, session)
	for _, closer := range []io.Closer{h.request, h.blob, h.source, session, rt} {
		ok(t, closer.Close())
	}
	calls := countCalls(t)
	for _, methods := range []map[string]func() error{ownerCalls(t, rt, session), h.sharedCalls(t)} {
		for name, method := range methods {
			t.Run(name, func(t *testing.T) { wantError(t, method(), ErrClosed, "") })
		}
	}
	if n := calls.total(); n != 0 {
		t.Errorf("%d calls reached C: %v", n, calls.counts)
	}
}

// Close inside the runtime's own callback, on the owner thread and on a worker: refused by the library,
// while the step or the destroy that waits for the callback is still going on.
func TestHDL18CloseInsideACallbackIsRefused(t *testing.T) {
	t.Run("stepped", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		session := newSession(t, rt)
		ok(t, rt.SetProvider(func(*Request, string) Decision {
			wantError(t, session.Close(), ErrInvalidState, "[inside-callback] ")
			wantError(t, rt.Close(), ErrInvalidState, "[inside-callback] ")
			wantError(t, rt.ClearProvider(), ErrInvalidState, "[inside-callback] ")
			return Pass
		}))
		wantFailure(t, loadOne(t, rt, session, "app:a"), FailureUnsupported)
	})
	t.Run("threads", func(t *testing.T) {
		rt := newRuntime(t, Threads(1))
		session := newSession(t, rt)
		inside, clearing := make(chan struct{}), make(chan struct{})
		ok(t, rt.SetProvider(func(*Request, string) Decision {
			close(inside)
			<-clearing
			wantError(t, rt.Close(), ErrWrongThread, "[wrong-thread] ")
			return Pass
		}))
		load(t, session, "app:a")
		<-inside
		close(clearing)
		ok(t, rt.ClearProvider()) // waits for the callback
		wantFailure(t, next(t, rt), FailureUnsupported)
	})
	t.Run("during close", func(t *testing.T) {
		rt := newRuntime(t, Threads(1))
		session := newSession(t, rt)
		inside, closing := make(chan struct{}), make(chan struct{})
		ok(t, rt.SetProvider(func(*Request, string) Decision {
			close(inside)
			<-closing
			if err := rt.Close(); err != nil { // nil if the other has got so far
				wantError(t, err, ErrWrongThread, "[wrong-thread] ")
			}
			return Pass
		}))
		load(t, session, "app:a")
		<-inside
		ok(t, session.Close())
		close(closing)
		ok(t, rt.Close()) // waits for the callback
	})
}

// Also where the binding cannot know: a call that has passed the check when the owner's Close comes.
func TestHDL09ACallThatLosesToTheOwnersCloseIsClosed(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	lose := func(call string, use func() error, owner io.Closer) {
		t.Helper()
		calls := countCalls(t)
		inside, finish := calls.holdFirst(call)
		late := make(chan error)
		go func() { late <- use() }()
		<-inside
		ok(t, owner.Close())
		close(finish)
		wantError(t, <-late, ErrClosed, "")
	}
	lose("courier_session_load", func() error { _, err := session.Load("app:a"); return err }, session)
	lose("courier_runtime_step", func() error { _, err := rt.Step(); return err }, rt)
}
