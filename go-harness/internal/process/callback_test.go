//go:build lab && linux

package process

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// A panic of a callback is said once, with its stack, and the process lives on.
func TestCBK03APanicInAnyCallbackIsSaidAndContained(t *testing.T) {
	variants(t, func(t *testing.T, name string, trigger func(func())) {
		if child.Variant() == "panic" {
			trigger(panics)
			rt, session := newRuntime(courier.Stepped())
			must(rt.SetProvider(answer))
			wantLoad(rt, session, "app:after", "app:after")
			os.Exit(7)
		}
		watchdog.Guard(t)
		ended := child.Run(t, "panic")
		ended.WantCode(t, 7)
		said := "courier: panic in the " + name + ": on purpose\n"
		if strings.Count(ended.Output, said) != 1 || !strings.Contains(ended.Output, "process.panics(") {
			t.Errorf("the child said:\n%s", ended.Output)
		}
	})
}

//go:noinline
func panics() { panic("on purpose") }

func TestCBK03APanicOfThePanicHandlerIsSaidAndContained(t *testing.T) {
	variants(t, func(t *testing.T, name string, trigger func(func())) {
		if child.Variant() == "panic" {
			courier.SetPanicHandler(func(courier.CallbackPanic) { panic("in the handler") })
			trigger(panics)
			os.Exit(7)
		}
		watchdog.Guard(t)
		ended := child.Run(t, "panic")
		ended.WantCode(t, 7)
		for _, said := range []string{"panic in the " + name + ": on purpose", "panic in the panic handler: in the handler"} {
			if !strings.Contains(ended.Output, said) {
				t.Errorf("no %q in:\n%s", said, ended.Output)
			}
		}
	})
}

// Goexit cannot be stopped. The process ends, and its last line says why.
func TestCBK04GoexitInAnyCallbackEndsTheProcess(t *testing.T) {
	variants(t, func(t *testing.T, name string, trigger func(func())) {
		endings := map[string]func(){
			"Goexit":  runtime.Goexit,
			"FailNow": t.FailNow,
			"SkipNow": t.SkipNow,
			// A deferred call can recover from the panic, and then the Goexit goes on.
			"panic in a Goexit": func() {
				defer panics()
				runtime.Goexit()
			},
			"panic handler": func() {
				courier.SetPanicHandler(func(courier.CallbackPanic) { runtime.Goexit() })
				panics()
			},
		}
		before := map[string]string{
			"panic in a Goexit": "panic in the " + name + ": on purpose",
			"panic handler":     "the panic handler called runtime.Goexit",
		}
		if ending := endings[child.Variant()]; ending != nil {
			trigger(ending)
			os.Exit(0)
		}
		watchdog.Guard(t)
		for variant := range endings {
			ended := child.Run(t, variant)
			ended.WantCode(t, 2)
			lines := strings.Split(strings.TrimSpace(ended.Output), "\n")
			last := lines[len(lines)-1]
			more := len(lines) > 1
			if !strings.Contains(last, "the "+name+" called runtime.Goexit") ||
				more != (before[variant] != "") || !strings.Contains(ended.Output, before[variant]) {
				t.Errorf("%s: the child said:\n%s", variant, ended.Output)
			}
		}
	})
}

// From a worker thread, where no Go is below the callback.
func TestCBK04GoexitOnAThreadOfTheLibraryEndsTheProcess(t *testing.T) {
	if child.Variant() != "" {
		rt, session := newRuntime(courier.Threads(1))
		must(rt.SetProvider(func(*courier.Request, string) courier.Decision {
			t.FailNow()
			return courier.Pass
		}))
		finish(rt, session, "app:a")
		os.Exit(0)
	}
	watchdog.Guard(t)
	ended := child.Run(t, "FailNow")
	ended.WantCode(t, 2)
	if !strings.Contains(ended.Output, "the provider called runtime.Goexit") {
		t.Errorf("the child said:\n%s", ended.Output)
	}
}

// The runtime that this package's init starts, on the main thread.
var early *courier.Runtime

const earlyLoads = 4

func init() {
	if child.Variant() != "init" {
		return
	}
	must(courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}))
	rt, session := newRuntime(courier.Threads(2))
	must(rt.SetProvider(answer))
	must(rt.SetWake(func() {}))
	source, err := rt.NewWakeSource()
	must(err)
	for i := 0; i < earlyLoads; i++ {
		load(session, fmt.Sprintf("app:%d", i))
	}
	must(source.Signal())
	must(source.Close())
	_, err = rt.Pump(0)
	must(err)
	early = rt
}

// TestMain runs on the main thread, too.
func TestMain(m *testing.M) {
	if early != nil {
		for i := 0; i < earlyLoads; i++ {
			if event := next(early); event.Kind != courier.Completed {
				die("load %d: %v", event.Load, event.Kind)
			}
		}
		os.Exit(7)
	}
	os.Exit(m.Run())
}

// A call of Go that a thread of the library makes waits until all init functions have returned. So a call
// that waited for one would hang there for ever.
func TestCBK15CallsFromInitDoNotWaitForCallbacks(t *testing.T) {
	watchdog.Guard(t)
	child.Run(t, "init").WantCode(t, 7)
}
