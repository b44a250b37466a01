//go:build lab && linux

package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// must ends a child that cannot go on.
func must(err error) {
	if err != nil {
		die("%v", err)
	}
}

// die ends a child with a complaint, and with a code that no test wants.
func die(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s: "+format+"\n", append([]any{os.Args[1]}, args...)...)
	os.Exit(99)
}

// newRuntime makes the calling thread an owner, for as long as its goroutine lives.
func newRuntime(opts ...courier.Option) (*courier.Runtime, *courier.Session) {
	runtime.LockOSThread()
	rt, err := courier.NewRuntime(opts...)
	must(err)
	session, err := rt.NewSession()
	must(err)
	return rt, session
}

// answer is a provider that completes every load with its URL.
func answer(request *courier.Request, url string) courier.Decision {
	defer request.Close()
	must(request.Complete([]byte(url)))
	return courier.Handle
}

func load(session *courier.Session, url string) courier.LoadID {
	id, err := session.Load(url)
	must(err)
	return id
}

// next waits for one event.
func next(rt *courier.Runtime) courier.Event {
	for {
		_, err := rt.Pump(courier.Forever)
		must(err)
		var events [1]courier.Event
		n, err := rt.Drain(events[:])
		must(err)
		if n == 1 {
			return events[0]
		}
	}
}

// text takes the payload out of an event.
func text(event courier.Event) string {
	if event.Payload == nil {
		return ""
	}
	defer event.Payload.Close()
	bytes, err := event.Payload.Bytes()
	must(err)
	return string(bytes)
}

// finish loads url and returns what it ended with. With stepped workers, it runs the load here.
func finish(rt *courier.Runtime, session *courier.Session, url string) (courier.EventKind, string) {
	load(session, url)
	for ran := true; ran; {
		ran, _ = rt.Step() // with threads it is refused, and a worker runs the load
	}
	event := next(rt)
	return event.Kind, text(event)
}

// wantLoad ends the child unless url loads as body.
func wantLoad(rt *courier.Runtime, session *courier.Session, url, body string) {
	if kind, got := finish(rt, session, url); kind != courier.Completed || got != body {
		die("%s ended as %v with %q, want %q", url, kind, got, body)
	}
}

// testRoot is a directory with a file. The child removes it.
func testRoot() string {
	root, err := os.MkdirTemp("", "courier")
	must(err)
	must(os.Mkdir(root+"/dir", 0o700))
	must(os.WriteFile(root+"/dir/a file", []byte("content"), 0o600))
	return root
}

// threads lists the OS threads of the process.
func threads() []int {
	entries, err := os.ReadDir("/proc/self/task")
	must(err)
	var ids []int
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		must(err)
		ids = append(ids, id)
	}
	return ids
}

// status is a field of /proc/self/status, or of one thread's.
func status(thread, field string) string {
	path := "/proc/self/status"
	if thread != "" {
		path = "/proc/self/task/" + thread + "/status"
	}
	content, err := os.ReadFile(path)
	must(err)
	for _, line := range strings.Split(string(content), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && name == field {
			return strings.TrimSpace(value)
		}
	}
	die("%s has no %s", path, field)
	return ""
}

// nativeThreads lists the threads of the library's own, by the name that it gives them.
func nativeThreads() []int {
	var ids []int
	for _, id := range threads() {
		name, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", id))
		if err == nil && strings.HasPrefix(string(name), "courier") {
			ids = append(ids, id)
		}
	}
	return ids
}

// until waits for something that happens by itself; the watchdog ends a wait in vain.
func until(condition func() bool) {
	for !condition() {
		time.Sleep(time.Millisecond)
	}
}

// eachCallback calls run with the name of each callback of the library as the binding reports it, and
// with a function that makes the library call f there once.
func eachCallback(run func(name string, trigger func(f func()))) {
	run("provider", func(f func()) {
		rt, session := newRuntime(courier.Stepped())
		must(rt.SetProvider(func(*courier.Request, string) courier.Decision { f(); return courier.Pass }))
		finish(rt, session, "app:a")
		must(session.Close())
		must(rt.Close())
	})
	run("cancellation callback", func(f func()) {
		rt, session := newRuntime(courier.Stepped())
		var kept *courier.Request
		must(rt.SetProvider(func(request *courier.Request, _ string) courier.Decision {
			kept = request
			_, err := request.OnCancel(f)
			must(err)
			return courier.Handle
		}))
		id := load(session, "app:a")
		_, err := rt.Step()
		must(err)
		must(session.Cancel(id))
		must(kept.Close())
		must(session.Close())
		must(rt.Close())
	})
	run("wake callback", func(f func()) {
		rt, session := newRuntime(courier.Stepped())
		once := false
		must(rt.SetWake(func() {
			if !once {
				once = true
				f()
			}
		}))
		finish(rt, session, "data:,a")
		must(session.Close())
		must(rt.Close())
	})
	run("log callback", func(f func()) {
		once := false
		must(courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {
			if !once {
				once = true
				f()
			}
		}))
		rt, err := courier.NewRuntime(courier.Stepped())
		must(err)
		must(rt.Close())
		must(courier.SetLogger(courier.LogDebug, nil))
	})
}

// variants runs f as a subtest for each callback.
func variants(t *testing.T, f func(t *testing.T, name string, trigger func(func()))) {
	eachCallback(func(name string, trigger func(func())) {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			runtime.LockOSThread()
			f(t, name, trigger)
		})
	})
}
