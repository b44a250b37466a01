//go:build lab && linux

package process

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/internal/process/native"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// endings are the ways in which a child of THR-10 ends, each with everything still open, and their codes.
// Of a race build, a program that succeeds goes through C's exit, where C's destructors run.
var endings = map[string]struct {
	code int
	end  func()
}{
	"success": {0, func() { os.Exit(0) }},
	"failure": {7, func() { os.Exit(7) }},
	"panic":   {2, func() { panic("the program's own") }},
}

// everything opens one handle of each kind and installs each callback. Every callback counts itself.
func everything(workers uint32) (*courier.Runtime, *courier.Session, chan *courier.Request) {
	must(courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) { native.Upcall() }))
	rt, session := newRuntime(courier.Threads(workers))
	must(rt.SetWake(native.Upcall))
	requests := make(chan *courier.Request, 1000)
	must(rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		native.Upcall()
		if !strings.HasPrefix(url, "keep:") {
			return answer(request, url)
		}
		_, err := request.OnCancel(native.Upcall)
		must(err)
		requests <- request
		return courier.Handle
	}))
	source, err := rt.NewWakeSource()
	must(err)
	must(source.Signal())
	must(session.Attach(make([]byte, 64)))
	load(session, "app:a")
	next(rt)
	return rt, session, requests
}

// With everything open and nothing going on, C's exit finds nothing to call back about.
func TestTHR10ExitWithOpenHandlesCallsNothingBack(t *testing.T) {
	endingsOf(t, func() {
		_, session, requests := everything(1)
		load(session, "keep:b")
		<-requests // by now the one worker has nothing more to do for the load before
		native.SayAtExit()
	}, func(t *testing.T, ended child.Ended) {
		said := "upcalls after main returned: 0\n"
		if race && ended.Code == 0 && !strings.Contains(ended.Output, said) {
			t.Errorf("no %q in:\n%s", said, ended.Output)
		}
	})
}

// In the middle of everything: workers call the provider, and other goroutines complete requests.
func TestTHR10ExitInTheMiddleOfCallbacks(t *testing.T) {
	endingsOf(t, func() {
		_, session, requests := everything(2)
		go func() {
			for request := range requests {
				_ = request.Complete([]byte("late"))
				_ = request.Close()
			}
		}()
		for i := 0; i < 500; i++ {
			load(session, fmt.Sprintf("%s:%d", []string{"app", "keep"}[i%2], i))
		}
	}, nil)
}

// Inside a callback, on the library's thread or the owner's.
func TestTHR10ExitInsideACallback(t *testing.T) {
	variants(t, func(t *testing.T, _ string, trigger func(func())) {
		if child.Variant() != "" {
			trigger(endings[child.Variant()].end)
			die("it went on")
		}
		t.Parallel()
		watchdog.Guard(t)
		for _, variant := range []string{"success", "failure"} {
			child.Run(t, variant).WantCode(t, endings[variant].code)
		}
	})
	t.Run("provider_on_a_worker", func(t *testing.T) {
		if child.Variant() != "" {
			rt, session := newRuntime(courier.Threads(2))
			must(rt.SetProvider(func(*courier.Request, string) courier.Decision {
				endings[child.Variant()].end()
				return courier.Pass
			}))
			finish(rt, session, "app:a")
			die("it went on")
		}
		t.Parallel()
		watchdog.Guard(t)
		for _, variant := range []string{"success", "failure"} {
			child.Run(t, variant).WantCode(t, endings[variant].code)
		}
	})
}

// endingsOf runs prepare in children, and ends them in each way, with and without the profiler.
func endingsOf(t *testing.T, prepare func(), check func(t *testing.T, ended child.Ended)) {
	for name, ending := range endings {
		for _, profiled := range []bool{false, true} {
			variant := name
			if profiled {
				variant += ", profiled"
			}
			ending, profiled := ending, profiled
			t.Run(strings.ReplaceAll(variant, " ", "_"), func(t *testing.T) {
				if child.Variant() != "" {
					if profiled {
						must(pprof.StartCPUProfile(io.Discard))
					}
					prepare()
					ending.end()
				}
				t.Parallel() // a race build waits for a second before it exits
				watchdog.Guard(t)
				ended := child.Run(t, variant)
				ended.WantCode(t, ending.code)
				for _, bad := range []string{"SIG", "fatal error", "Rust", "abort"} {
					if strings.Contains(ended.Output, bad) {
						t.Errorf("the child said:\n%s", ended.Output)
					}
				}
				if check != nil {
					check(t, ended)
				}
			})
		}
	}
}

// abandon makes a runtime and one of each of its children, and leaves them. It says what it made.
//
//go:noinline
func abandon() []string {
	rt, session := newRuntime(courier.Stepped())
	var kept *courier.Request
	must(rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		if url == "keep:" {
			kept = request
			return courier.Handle
		}
		return answer(request, url)
	}))
	finish := func(url string) {
		load(session, url)
		_, err := rt.Step()
		must(err)
	}
	finish("app:a")
	event := next(rt)
	_, err := rt.NewWakeSource()
	must(err)
	finish("keep:")
	must(rt.ClearProvider()) // an installed provider keeps what it refers to
	runtime.KeepAlive(kept)
	runtime.KeepAlive(event)
	return []string{"runtime", "session", "blob", "wake source", "request"}
}

// collect runs the garbage collector, and waits until the finalizers that it has found have run.
func collect() {
	done := make(chan struct{})
	sentinel := new(struct{ _ [16]byte })
	runtime.SetFinalizer(sentinel, func(any) { close(done) })
	runtime.KeepAlive(sentinel)
	sentinel = nil
	for {
		runtime.GC()
		select {
		case <-done:
			return
		case <-time.After(time.Second):
		}
	}
}

// leaksOf abandons handles in a fresh process, where nothing else refers to them, and returns the reports
// of three collections.
func leaksOf() (made []string, leaks []courier.Leak) {
	found := make(chan courier.Leak, 100)
	courier.SetLeakHandler(func(leak courier.Leak) { found <- leak })
	runtime.LockOSThread()
	made = abandon()
	for i := 0; i < 3; i++ {
		collect()
	}
	for len(found) > 0 {
		leaks = append(leaks, <-found)
	}
	return made, leaks
}

// Each kind is reported, once; thread-bound ones are not released.
func TestHDL15AbandonedHandlesAreReportedOnceAndStay(t *testing.T) {
	if child.Variant() != "" {
		courier.TraceLeaks(true)
		_, leaks := leaksOf()
		for _, leak := range leaks {
			fmt.Printf("leak %q, released %v, made in abandon: %v\n",
				leak.Kind, leak.Released, strings.Contains(string(leak.Stack), "process.abandon("))
		}
		// This thread still owns the runtime that was abandoned.
		_, err := courier.NewRuntime()
		fmt.Println("another runtime:", err)
		os.Exit(7)
	}
	watchdog.Guard(t)
	ended := child.Run(t, "abandon")
	ended.WantCode(t, 7)
	for kind, released := range map[string]bool{
		"runtime": false, "session": false, "request": false, "blob": true, "wake source": true,
	} {
		line := fmt.Sprintf("leak %q, released %v, made in abandon: true\n", kind, released)
		if n := strings.Count(ended.Output, line); n != 1 {
			t.Errorf("%d times %q", n, line)
		}
	}
	if n := strings.Count(ended.Output, "leak \""); n != 5 {
		t.Errorf("%d reports", n)
	}
	if !strings.Contains(ended.Output, "[owner-has-runtime]") {
		t.Error("the runtime was released")
	}
	if t.Failed() {
		t.Logf("the child said:\n%s", ended.Output)
	}
}

func TestHDL20ParentAndChildAreReportedWithinThreeCollections(t *testing.T) {
	if child.Variant() != "" {
		made, leaks := leaksOf()
		count := map[string]int{}
		for _, leak := range leaks {
			count[leak.Kind]++
		}
		for _, kind := range made {
			if count[kind] != 1 {
				die("%d reports of the %s", count[kind], kind)
			}
		}
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "abandon").WantCode(t, 7)
}
