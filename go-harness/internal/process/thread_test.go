//go:build lab && linux

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/internal/process/native"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// A wait that a context has ended is over, and while it lasted it was Go that waited: no OS thread did.
func TestTHR12ACancelledWaitHoldsNoThread(t *testing.T) {
	if child.Variant() != "" {
		const waits = 200
		loader, err := courier.NewLoader(nil, courier.Threads(2))
		must(err)
		requests := make(chan *courier.Request, waits)
		must(loader.Owner().Do(context.Background(), func(rt *courier.Runtime) error {
			return rt.SetProvider(func(request *courier.Request, _ string) courier.Decision {
				requests <- request
				return courier.Handle
			})
		}))
		before := len(threads())
		ctx, cancel := context.WithCancel(context.Background())
		var waiting sync.WaitGroup
		for i := 0; i < waits; i++ {
			waiting.Add(1)
			go func() {
				defer waiting.Done()
				if _, err := loader.Load(ctx, "app:a"); !errors.Is(err, context.Canceled) {
					die("Load returned %v", err)
				}
			}()
		}
		until(func() bool { return len(requests) == waits })
		if during := len(threads()); during > before+20 {
			die("%d threads before, %d while %d loads wait", before, during, waits)
		}
		cancel()
		waiting.Wait()
		for i := 0; i < waits; i++ {
			must((<-requests).Close())
		}
		must(loader.Close())
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "wait").WantCode(t, 7)
}

// A pump that waits without limit occupies its thread, as documented, until a wake source ends it.
func TestTHR12APumpIsInterruptedByAWakeSource(t *testing.T) {
	if child.Variant() != "" {
		rt, session := newRuntime()
		source, err := rt.NewWakeSource()
		must(err)
		go func() {
			time.Sleep(10 * time.Millisecond) // likely in the middle of the wait; right whenever it comes
			must(source.Signal())
		}()
		unread, err := rt.Pump(courier.Forever)
		must(err)
		if unread != 0 {
			die("%d events", unread)
		}
		must(errors.Join(source.Close(), session.Close(), rt.Close()))
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "pump").WantCode(t, 7)
}

// onFreshThread runs f on an OS thread of its own, which ends with it.
func onFreshThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocks: the thread ends with the goroutine
		f()
	}()
	<-done
}

// residentKB is the memory that the process has.
func residentKB() int {
	kb, err := strconv.Atoi(strings.TrimSuffix(status("", "VmRSS"), " kB"))
	must(err)
	return kb
}

// One request after the other, each of whose steps is made on another OS thread. Each thread is refused
// something, which leaves it a diagnostic to keep.
func TestTHR13HopsOverManyThreadsAreBounded(t *testing.T) {
	if child.Variant() != "" {
		rt, session := newRuntime(courier.Threads(2))
		requests := make(chan *courier.Request, 1)
		must(rt.SetProvider(func(request *courier.Request, _ string) courier.Decision {
			requests <- request
			return courier.Handle
		}))
		before := len(threads())
		var warm int
		for i := 0; i < 300; i++ {
			load(session, "app:"+strings.Repeat("x", 1000))
			request := <-requests
			onFreshThread(func() {
				if _, err := rt.Step(); err == nil {
					die("a step on another thread")
				}
				must(request.Complete(make([]byte, 1000)))
			})
			onFreshThread(func() { must(request.Close()) })
			event := next(rt)
			onFreshThread(func() { text(event) })
			if i == 100 {
				warm = residentKB()
			}
		}
		// 600 threads have come and gone. 4 KiB left by each would be 2400.
		if grown := residentKB() - warm; grown > 1500 {
			die("the process has grown by %d KiB", grown)
		}
		until(func() bool { return len(threads()) <= before+10 })
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "hop", "GOGC=10").WantCode(t, 7)
}

// used calls the library in the ways in which it keeps something for a thread.
func used(rt *courier.Runtime, source *courier.WakeSource, request *courier.Request) {
	if _, err := rt.Pump(0); err == nil {
		die("a pump on another thread")
	}
	must(source.Signal())
	_, err := request.Cancelled()
	must(err)
}

// Threads that C has made, that end before and after the runtime is closed, and that use the library until
// their very end.
func TestTHR15ThreadsEndAfterNativeCalls(t *testing.T) {
	if child.Variant() != "" {
		rt, session := newRuntime(courier.Threads(2))
		var request *courier.Request
		got := make(chan struct{})
		must(rt.SetProvider(func(r *courier.Request, _ string) courier.Decision {
			request = r
			native.AtThreadEnd() // the worker, too
			close(got)
			return courier.Handle
		}))
		load(session, "app:a")
		<-got
		source, err := rt.NewWakeSource()
		must(err)
		ended := 0
		end := func(f func()) {
			ended++
			_, err := native.OnThread(1<<20, func() { native.AtThreadEnd(); f() })
			must(err)
			if n := native.EndedThreads(); n != ended {
				die("%d threads ended, want %d", n, ended)
			}
		}
		end(func() { used(rt, source, request) })
		end(func() { must(request.Complete([]byte("x"))) })
		// One thread lives through the close and ends after it.
		inside, closed, gone := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(gone)
			end(func() {
				used(rt, source, request)
				close(inside)
				<-closed
				must(source.Signal())
			})
		}()
		<-inside
		must(session.Close())
		must(rt.Close())
		if n := native.EndedThreads(); n != 3 { // two of ours, and the worker
			die("%d threads ended with the runtime", n)
		}
		ended++
		close(closed)
		<-gone
		end(func() { must(request.Close()) })
		end(func() { must(source.Close()) })
		end(func() { // an owner that ends without closing
			_, session := newRuntime(courier.Stepped())
			load(session, "app:b")
		})
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "end").WantCode(t, 7)
}

// smallStack is what some systems give to threads that ask for nothing.
const smallStack = 128 << 10

// everyExport makes every call that the binding can make, good and refused, on the calling thread.
func everyExport(root string) {
	must(courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}))
	rt, session := newRuntime(courier.Stepped(), courier.Root(root), courier.MaxLoads(8))
	must(rt.SetWake(func() {}))
	source, err := rt.NewWakeSource()
	must(err)
	must(source.Signal())
	must(session.SetSurface(1))
	must(session.Attach(make([]byte, 64)))
	var kept *courier.Request
	must(rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		switch {
		case strings.HasPrefix(url, "keep:"):
			kept = request
			_, err := request.OnCancel(func() {})
			must(err)
			_, err = request.Surface()
			must(err)
			_, err = request.Cancelled()
			must(err)
			return courier.Handle
		case strings.HasPrefix(url, "app:"):
			return answer(request, url)
		case strings.HasPrefix(url, "fail:"):
			must(request.Fail(url))
			must(request.Close())
			return courier.Handle
		}
		return courier.Pass
	}))
	long := "app:" + strings.Repeat("x", 10_000)
	wantLoad(rt, session, long, long)
	wantLoad(rt, session, "file:///dir/a%20file", "content")
	wantLoad(rt, session, "data:;base64,Y29udGVudA==", "content")
	finish(rt, session, "file:///../outside")
	finish(rt, session, "fail:")
	blob, err := session.Snapshot()
	must(err)
	must(blob.Close())
	must(session.Detach())
	id, err := session.Load("keep:", courier.Deadline(time.Hour))
	must(err)
	_, err = rt.Step()
	must(err)
	_, err = rt.NextTimeout()
	must(err)
	must(session.Cancel(id))
	next(rt)
	if err := kept.Complete(nil); !errors.Is(err, courier.ErrInvalidState) {
		die("a late completion: %v", err)
	}
	must(kept.Close())
	for _, url := range []string{"", "no url", "app:\xff", strings.Repeat("x", 10_000)} {
		if _, err := session.Load(url); err == nil {
			die("%q is a URL", url)
		}
	}
	if _, err := courier.NewRuntime(); err == nil {
		die("two runtimes on one thread")
	}
	if err := rt.Close(); err == nil {
		die("closed with a session")
	}
	must(rt.ClearProvider())
	must(rt.SetWake(nil))
	must(session.Close())
	must(source.Close())
	must(rt.Close())
	must(courier.SetLogger(courier.LogDebug, nil))
}

// The Go code that a C thread calls runs on stacks of its own. What the thread's stack has to hold is C:
// cgo's part and the library's.
func TestTHR16EveryExportFitsASmallStack(t *testing.T) {
	if child.Variant() != "" {
		root := testRoot()
		used, err := native.OnThread(smallStack, func() { everyExport(root) })
		must(err)
		fmt.Println("used", used, "of", smallStack)
		_ = os.RemoveAll(root)
		os.Exit(7)
	}
	watchdog.Guard(t)
	ended := child.Run(t, "small stack")
	ended.WantCode(t, 7)
	t.Log(strings.TrimSpace(ended.Output))
}

// documentedStack is what the library's worker threads have.
const documentedStack = 512 << 10

func TestTHR16WorkersHaveTheDocumentedStack(t *testing.T) {
	watchdog.Guard(t)
	rt, session := newRuntime(courier.Threads(2))
	sizes := make(chan int, 1)
	must(rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		sizes <- native.StackSize()
		return answer(request, url)
	}))
	wantLoad(rt, session, "app:a", "app:a")
	if size := <-sizes; size != documentedStack {
		t.Errorf("a worker has a stack of %d bytes, want %d", size, documentedStack)
	}
	must(session.Close())
	must(rt.Close())
}
