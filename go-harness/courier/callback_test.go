package courier

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

func TestCBK01InstallReplaceClear(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	calls := countCalls(t)
	ok(t, rt.SetProvider(answerWith("first")))
	want(t, loadOne(t, rt, session, "app:a"), "first")
	ok(t, rt.SetProvider(answerWith("second")))
	want(t, loadOne(t, rt, session, "app:a"), "second")
	for i := 0; i < 2; i++ {
		ok(t, rt.ClearProvider())
		wantFailure(t, loadOne(t, rt, session, "app:a"), FailureUnsupported)
	}
	if made, freed := calls.of("cell.new"), calls.of("cell.free"); made != 2 || freed != 2 {
		t.Errorf("%d cells made, %d freed", made, freed)
	}
}

func TestCBK02RefusedInstallKeepsTheOldProvider(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	ok(t, rt.SetProvider(answerWith("old")))
	calls := countCalls(t)
	collected := make(chan struct{})
	elsewhere(func() {
		wantError(t, rt.SetProvider(capturing(collected)), ErrWrongThread, "[wrong-thread] ")
	})
	if made, freed := calls.of("cell.new"), calls.of("cell.free"); made != 1 || freed != 1 {
		t.Errorf("%d cells made, %d freed", made, freed)
	}
	waitCollected(t, collected) // the closure of the refused install
	want(t, loadOne(t, rt, session, "app:a"), "old")
	elsewhere(func() { wantError(t, rt.ClearProvider(), ErrWrongThread, "[wrong-thread] ") })
	want(t, loadOne(t, rt, session, "app:a"), "old")
}

func TestCBK03PanicIsContainedAndReported(t *testing.T) {
	type custom struct{ code int }
	values := []any{"text", errors.New("error"), custom{3}, nil}
	for _, opt := range []Option{Stepped(), Threads(1)} {
		rt := newRuntime(t, opt)
		session := newSession(t, rt)
		panics := catchPanics(t)
		for _, value := range values {
			ok(t, rt.SetProvider(func(*Request, string) Decision { return panicWith(value) }))
			load(t, session, "app:a")
			for ran := true; ran; {
				ran, _ = rt.Step() // with threads it is refused, and the worker runs the load
			}
			event := next(t, rt)
			wantFailure(t, event, FailureProvider)
			p := <-panics
			if value == nil {
				if _, ok := p.Value.(*runtime.PanicNilError); !ok {
					t.Errorf("panic(nil) reported as %v", p.Value)
				}
			} else if p.Value != value {
				t.Errorf("panic(%v) reported as %v", value, p.Value)
			}
			if p.Callback != "provider" || !strings.Contains(string(p.Stack), "panicWith") {
				t.Errorf("report names %q; its stack:\n%s", p.Callback, p.Stack)
			}
		}
		ok(t, session.Close())
		ok(t, rt.Close())
	}
}

// The handler is exchanged while panics are reported. No call into C is between the two: it would put them in
// order, and hide from the race detector what it looks for.
func TestCBK03ThePanicHandlerIsExchangedWhilePanicsAreReported(t *testing.T) {
	watchdog.Guard(t)
	defer SetPanicHandler(nil)
	const rounds = 1000
	SetPanicHandler(func(CallbackPanic) {})
	exchanged := later(func() error {
		for i := 0; i < rounds; i++ {
			SetPanicHandler(func(CallbackPanic) {})
		}
		return nil
	})
	for i := 0; i < rounds; i++ {
		tell(func() { panic(i) }, func(p *JobPanic, exited bool) { reportEnd("job", p, exited) })
	}
	ok(t, <-exchanged)
}

func TestCBK03APanicIsPrintedWhenItsHandlerWasTakenBack(t *testing.T) {
	if child.Variant() == "prints" {
		SetPanicHandler(func(CallbackPanic) { os.Exit(3) })
		SetPanicHandler(nil)
		tell(func() { panic("on purpose") }, func(p *JobPanic, exited bool) { reportEnd("job", p, exited) })
		return
	}
	ended := child.Run(t, "prints")
	ended.WantCode(t, 0)
	if !strings.Contains(ended.Output, "courier: panic in the job: on purpose\n") {
		t.Errorf("it said %q", ended.Output)
	}
}

//go:noinline
func panicWith(value any) Decision { panic(value) }

// A request whose provider panicked has been taken back: it is closed.
func TestCBK03PanicClosesTheRequest(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	panics := catchPanics(t)
	calls := countCalls(t)
	var request *Request
	ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
		request = r
		panic("no answer")
	}))
	wantFailure(t, loadOne(t, rt, session, "app:a"), FailureProvider)
	<-panics
	wantError(t, request.Complete(nil), ErrClosed, "")
	ok(t, request.Close())
	if n := calls.of("courier_request_release"); n != 0 {
		t.Errorf("%d releases of a request that was taken back", n)
	}
}

// Goexit would unwind C frames. The process ends instead, with a line that says so.
func TestCBK04GoexitEndsTheProcess(t *testing.T) {
	const variable = "COURIER_TEST_GOEXIT"
	if workers := os.Getenv(variable); workers != "" {
		opt := map[string]Option{"stepped": Stepped(), "threads": Threads(1)}[workers]
		rt := newRuntime(t, opt)
		session := newSession(t, rt)
		ok(t, rt.SetProvider(func(*Request, string) Decision {
			runtime.Goexit()
			return Pass
		}))
		load(t, session, "app:a")
		_, _ = rt.Step()
		_ = next(t, rt)
		os.Exit(0)
	}
	watchdog.Guard(t)
	for _, workers := range []string{"stepped", "threads"} {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), variable+"="+workers)
		output, err := child.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 {
			t.Errorf("%s: child ended with %v", workers, err)
		}
		if lines := strings.Split(strings.TrimSpace(string(output)), "\n"); len(lines) != 1 ||
			!strings.Contains(lines[0], "provider") || !strings.Contains(lines[0], "Goexit") {
			t.Errorf("%s: child said %q", workers, output)
		}
	}
}

// All workers are inside the provider at once: each waits for the others.
func TestCBK05ConcurrentCallbacks(t *testing.T) {
	const workers = 8
	rt := newRuntime(t, Threads(workers))
	session := newSession(t, rt)
	panics := catchPanics(t)
	for round := 0; round < 5; round++ {
		var inside sync.WaitGroup
		inside.Add(workers)
		ok(t, rt.SetProvider(func(r *Request, url string) Decision {
			inside.Done()
			inside.Wait()
			if strings.HasSuffix(url, "0") {
				panic(url)
			}
			defer r.Close()
			ok(t, r.Complete([]byte(url)))
			return Handle
		}))
		urls := map[LoadID]string{}
		for i := 0; i < workers; i++ {
			url := fmt.Sprintf("app:%d", i)
			urls[load(t, session, url)] = url
		}
		for len(urls) > 0 {
			if _, err := rt.Pump(Forever); err != nil {
				t.Fatal(err)
			}
			for _, event := range drain(t, rt) {
				url := urls[event.Load]
				delete(urls, event.Load)
				if strings.HasSuffix(url, "0") {
					wantFailure(t, event, FailureProvider)
				} else {
					want(t, event, url)
				}
			}
		}
		if t.Failed() {
			return // the callback that should panic may have been given the text of another one
		}
		if p := <-panics; p.Value != "app:0" {
			t.Errorf("panic %v", p.Value)
		}
	}
}

// capturing makes a provider that is the only reference to an object, whose collection closes
// collected.
//
//go:noinline
func capturing(collected chan struct{}, owners ...*Runtime) Provider {
	object := &struct{ body [64]byte }{}
	copy(object.body[:], "captured")
	runtime.SetFinalizer(object, func(any) { close(collected) })
	return func(r *Request, _ string) Decision {
		defer r.Close()
		_ = owners
		_ = r.Complete(object.body[:8])
		return Handle
	}
}

// waitCollected collects garbage until the object is gone.
func waitCollected(t *testing.T, collected <-chan struct{}) {
	t.Helper()
	tooLate := time.After(10 * time.Second)
	for {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-tooLate:
			t.Fatal("the closure is still reachable")
		default:
			runtime.Gosched()
		}
	}
}

func TestCBK07ClosureLivesAsLongAsItIsInstalled(t *testing.T) {
	for name, release := range map[string]func(*Runtime) error{
		"clear":   (*Runtime).ClearProvider,
		"replace": func(rt *Runtime) error { return rt.SetProvider(answerWith("")) },
		"close":   (*Runtime).Close,
	} {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			collected := make(chan struct{})
			ok(t, rt.SetProvider(capturing(collected, rt)))
			for i := 0; i < 3; i++ {
				runtime.GC()
			}
			want(t, loadOne(t, rt, session, "app:a"), "captured")
			select {
			case <-collected:
				t.Fatal("collected while it was installed")
			default:
			}
			ok(t, session.Close())
			ok(t, release(rt))
			waitCollected(t, collected)
		})
	}
}

// A provider that panics cannot close a request that it has completed: it is closed for it.
func TestCBK03APanicAfterAnInlineCompletionReleasesTheRequest(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	panics := catchPanics(t)
	calls := countCalls(t)
	ok(t, rt.SetProvider(func(request *Request, _ string) Decision {
		ok(t, request.Complete([]byte("in time")))
		panic("too late")
	}))
	want(t, loadOne(t, rt, session, "app:a"), "in time")
	if p := <-panics; p.Value != "too late" {
		t.Errorf("reported %v", p.Value)
	}
	if n := calls.of("courier_request_release"); n != 1 {
		t.Errorf("released %d times", n)
	}
}
