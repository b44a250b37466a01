package courier

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// ownThread gives the test an OS thread of its own, and a watchdog. Nothing unlocks the thread: it ends
// with the test, and with it whatever a failed test leaves on it.
func ownThread(t *testing.T) {
	watchdog.Guard(t)
	runtime.LockOSThread()
}

// newRuntime makes the test's thread the owner of a runtime, until the test ends.
func newRuntime(t *testing.T, opts ...Option) *Runtime {
	t.Helper()
	ownThread(t)
	rt, err := NewRuntime(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, rt.Close()) })
	return rt
}

func newSession(t *testing.T, rt *Runtime) *Session {
	t.Helper()
	session, err := rt.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, session.Close()) })
	return session
}

func load(t *testing.T, session *Session, url string) LoadID {
	t.Helper()
	id, err := session.Load(url)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// settle runs a stepped runtime until nothing is left to do, and returns its events.
func settle(t *testing.T, rt *Runtime) []Event {
	t.Helper()
	for {
		ran, err := rt.Step()
		if err != nil {
			t.Fatal(err)
		}
		if !ran {
			break
		}
	}
	if _, err := rt.Pump(0); err != nil {
		t.Fatal(err)
	}
	return drain(t, rt)
}

func drain(t *testing.T, rt *Runtime) []Event {
	t.Helper()
	var events [64]Event
	n, err := rt.Drain(events[:])
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events[:n] {
		if blob := event.Payload; blob != nil {
			t.Cleanup(func() { ok(t, blob.Close()) })
		}
	}
	return events[:n]
}

// next waits for one event.
func next(t *testing.T, rt *Runtime) Event {
	t.Helper()
	for {
		unread, err := rt.Pump(Forever)
		if err != nil {
			t.Fatal(err)
		}
		if unread > 0 {
			break
		}
	}
	events := drain(t, rt)
	if len(events) != 1 {
		t.Fatalf("%d events: %v", len(events), events)
	}
	return events[0]
}

// loadOne loads url on a stepped runtime and returns the one event that it ends in.
func loadOne(t *testing.T, rt *Runtime, session *Session, url string) Event {
	t.Helper()
	id := load(t, session, url)
	events := settle(t, rt)
	if len(events) != 1 || events[0].Load != id || events[0].Session != session.ID() {
		t.Fatalf("load %d of session %d ended in events %v", id, session.ID(), events)
	}
	return events[0]
}

// text is the payload of an event.
func text(t *testing.T, event Event) string {
	t.Helper()
	if event.Payload == nil {
		t.Fatalf("%v event without payload", event.Kind)
	}
	bytes, err := event.Payload.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes)
}

// want checks that a load was completed with body.
func want(t *testing.T, event Event, body string) {
	t.Helper()
	if event.Kind != Completed {
		t.Fatalf("%v (%v): %s", event.Kind, event.Failure, text(t, event))
	}
	if got := text(t, event); got != body {
		t.Errorf("completed with %q, want %q", got, body)
	}
}

// wantFailure checks that a load failed in this way.
func wantFailure(t *testing.T, event Event, failure Failure) {
	t.Helper()
	if event.Kind != Failed || event.Failure != failure {
		t.Errorf("%v (%v), want failed (%v)", event.Kind, event.Failure, failure)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// wantError checks the category of an error, and the word that its message begins with.
func wantError(t *testing.T, err, category error, word string) {
	t.Helper()
	if !errors.Is(err, category) {
		t.Errorf("error %v, want category %q", err, category)
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("error %v is a %T", err, err)
	} else if !strings.HasPrefix(e.Message, word) {
		t.Errorf("message %q, want %s first", e.Message, word)
	}
}

// calls counts what reaches C.
type calls struct {
	mu     sync.Mutex
	counts map[string]int
	first  map[string]func()
}

// countCalls starts counting, until the test ends. What earlier tests have leaked, and a finalizer releases,
// is not counted.
func countCalls(t *testing.T) *calls {
	collect(3)
	return countAll(t)
}

// countAll is countCalls without collections, which are slow.
func countAll(t *testing.T) *calls {
	c := &calls{counts: map[string]int{}, first: map[string]func(){}}
	capi.Observe(func(point string) {
		c.mu.Lock()
		c.counts[point]++
		first := c.first[point]
		delete(c.first, point)
		if first == nil && strings.HasPrefix(point, anyCall) {
			first = c.first[anyCall]
			delete(c.first, anyCall)
		}
		c.mu.Unlock()
		if first != nil {
			first()
		}
	})
	t.Cleanup(func() { capi.Observe(nil) })
	return c
}

// holdFirst stops the next call of point just before it goes to C. Inside is closed when it is there;
// it goes on when the test closes finish.
func (c *calls) holdFirst(point string) (inside, finish chan struct{}) {
	inside, finish = make(chan struct{}), make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first[point] = func() {
		close(inside)
		<-finish
	}
	return inside, finish
}

func (c *calls) of(point string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[point]
}

func (c *calls) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := 0
	for _, n := range c.counts {
		total += n
	}
	return total
}

// holdCall is holdFirst for the next call that goes to C, whichever it is.
func (c *calls) holdCall() (inside, finish chan struct{}) { return c.holdFirst(anyCall) }

// anyCall is no point: it stands for whichever call comes next.
const anyCall = "courier_"

// handOver is a provider that takes every load and sends its request to the test.
func handOver(t *testing.T, rt *Runtime) <-chan *Request {
	t.Helper()
	requests := make(chan *Request, 64)
	err := rt.SetProvider(func(r *Request, _ string) Decision {
		requests <- r
		return Handle
	})
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

// closeOffered closes the requests that were handed over meanwhile, if any. A load whose deadline passes
// before a worker comes to it is not offered at all.
func closeOffered(t *testing.T, requests <-chan *Request) {
	t.Helper()
	for len(requests) > 0 {
		ok(t, (<-requests).Close())
	}
}

// answerWith is a provider that completes every load at once.
func answerWith(body string) Provider {
	return func(r *Request, _ string) Decision {
		defer r.Close()
		_ = r.Complete([]byte(body))
		return Handle
	}
}

// catchPanics sends reported panics to the test, until it ends.
func catchPanics(t *testing.T) <-chan CallbackPanic {
	panics := make(chan CallbackPanic, 64)
	SetPanicHandler(func(p CallbackPanic) { panics <- p })
	t.Cleanup(func() { SetPanicHandler(nil) })
	return panics
}

// elsewhere runs f on another OS thread: the test's own is locked.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// ownerElsewhere is elsewhere with a runtime and a session that f may leave behind: its thread ends with it.
func ownerElsewhere(t *testing.T, f func(rt *Runtime, session *Session)) {
	t.Helper()
	elsewhere(func() {
		runtime.LockOSThread()
		rt, err := NewRuntime(Stepped())
		if err != nil {
			t.Error(err)
			return
		}
		session, err := rt.NewSession()
		ok(t, err)
		f(rt, session)
	})
}

// race makes calls at the same time, each of which may come too late.
func race(t *testing.T, calls ...func() error) (racers *sync.WaitGroup) {
	racers = new(sync.WaitGroup)
	for _, call := range calls {
		racers.Add(1)
		go func(call func() error) {
			defer racers.Done()
			if err := call(); err != nil && !errors.Is(err, ErrInvalidState) && !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		}(call)
	}
	return racers
}

// waitForStack waits until a goroutine is inside the function of that name, as stacks show it.
func waitForStack(function string) {
	stacks := make([]byte, 1<<20)
	for {
		if n := runtime.Stack(stacks, true); strings.Contains(string(stacks[:n]), function+"(") {
			return
		}
		runtime.Gosched()
	}
}

func writeFile(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
