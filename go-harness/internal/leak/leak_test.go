//go:build lab && linux

package leak

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/heap"
	"github.com/cgolab/cgolab/go-harness/note"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// host is a runtime with a session, and all that the operations below need.
type host struct {
	t       *testing.T
	rt      *courier.Runtime
	session *courier.Session
	kept    chan *courier.Request
}

// newHost makes the test's thread an owner.
func newHost(t *testing.T, workers courier.Option) *host {
	t.Helper()
	watchdog.Guard(t)
	runtime.LockOSThread()
	root := t.TempDir()
	h := &host{t: t, kept: make(chan *courier.Request, 1)}
	h.must(os.WriteFile(filepath.Join(root, "file"), []byte(strings.Repeat("content", 100)), 0o600))
	h.must(os.Symlink("/", filepath.Join(root, "outside")))
	var err error
	h.rt, err = courier.NewRuntime(workers, courier.Root(root), courier.MaxLoads(2))
	h.must(err)
	h.session, err = h.rt.NewSession()
	h.must(err)
	h.must(h.rt.SetProvider(h.provide))
	t.Cleanup(func() { h.must(errors.Join(h.session.Close(), h.rt.Close())) })
	return h
}

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refused says that a call has to fail.
func (h *host) refused(err error, category error) {
	h.t.Helper()
	if !errors.Is(err, category) {
		h.t.Fatalf("error %v, want %v", err, category)
	}
}

// provide answers as the URL's scheme says. It runs on any thread.
func (h *host) provide(request *courier.Request, url string) courier.Decision {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "file", "data", "pass":
		return courier.Pass
	case "refuse":
		return courier.Fail
	case "panic":
		panic(url)
	case "strange":
		return courier.Decision(99)
	case "keep":
		h.kept <- request
		return courier.Handle
	case "app":
		_ = request.Complete([]byte(rest))
	case "error":
		_ = request.Fail(rest)
	case "malformed":
		_ = request.Fail("\xff")
	case "twice":
		_, _ = request.OnCancel(func() {})
		_, _ = request.OnCancel(func() {})
		_ = request.Complete(nil)
		_ = request.Complete(nil)
	}
	_ = request.Close() // not completed: dropped
	return courier.Handle
}

// run lets the workers run a load.
func (h *host) run() {
	for ran := true; ran; {
		ran, _ = h.rt.Step() // with threads it is refused
	}
}

// end takes the next event, which has to be of this kind.
func (h *host) end(kind courier.EventKind) {
	h.t.Helper()
	var events [1]courier.Event
	for n := 0; n == 0; {
		_, err := h.rt.Pump(courier.Forever)
		h.must(err)
		n, err = h.rt.Drain(events[:])
		h.must(err)
	}
	if events[0].Kind != kind {
		h.t.Fatalf("%v, want %v", events[0].Kind, kind)
	}
	if blob := events[0].Payload; blob != nil {
		_, err := blob.Bytes()
		h.must(err)
		h.must(blob.Close())
	}
}

func (h *host) load(url string, opts ...courier.LoadOption) courier.LoadID {
	h.t.Helper()
	id, err := h.session.Load(url, opts...)
	h.must(err)
	return id
}

// finish is a load that ends as this kind.
func (h *host) finish(url string, kind courier.EventKind) func() {
	return func() {
		h.t.Helper()
		h.load(url)
		h.run()
		h.end(kind)
	}
}

// taken starts a load that the provider keeps.
func (h *host) taken(opts ...courier.LoadOption) (courier.LoadID, *courier.Request) {
	id := h.load("keep:", opts...)
	h.run()
	return id, <-h.kept
}

// operations are all that a host does, each as one round that leaves everything as it was.
func (h *host) operations() map[string]func() {
	const text = "a text that is not short enough to be kept without an allocation"
	return map[string]func(){
		"completed":        h.finish("app:"+text, courier.Completed),
		"completed, empty": h.finish("app:", courier.Completed),
		"completed, twice": h.finish("twice:", courier.Completed),
		"error":            h.finish("error:"+text, courier.Failed),
		"malformed":        h.finish("malformed:", courier.Failed),
		"dropped":          h.finish("drop:", courier.Failed),
		"passed":           h.finish("pass:", courier.Failed),
		"refused":          h.finish("refuse:", courier.Failed),
		"unknown decision": h.finish("strange:", courier.Failed),
		"panic":            h.finish("panic:", courier.Failed),
		"file":             h.finish("file:///file", courier.Completed),
		"no file":          h.finish("file:///none", courier.Failed),
		"outside":          h.finish("file:///outside/etc", courier.Failed),
		"data":             h.finish("data:;base64,Y29udGVudA==", courier.Completed),
		"malformed data":   h.finish("data:;base64,?", courier.Failed),
		"no URL":           func() { _, err := h.session.Load(text); h.refused(err, courier.ErrInvalidArgument) },
		"URL not UTF-8":    func() { _, err := h.session.Load("app:\xff"); h.refused(err, courier.ErrInvalidArgument) },
		"no such load":     func() { h.refused(h.session.Cancel(1<<40), courier.ErrInvalidArgument) },
		"second runtime":   func() { _, err := courier.NewRuntime(); h.refused(err, courier.ErrInvalidState) },
		"close with child": func() { h.refused(h.rt.Close(), courier.ErrInvalidState) },
		"surface":          func() { h.must(h.session.SetSurface(1)) },
		"no such root": func() {
			elsewhere(func() {
				_, err := courier.NewRuntime(courier.Root("/no/such"))
				h.refused(err, courier.ErrInvalidArgument)
			})
		},
		"on another thread": func() {
			elsewhere(func() { _, err := h.session.Load("app:a"); h.refused(err, courier.ErrWrongThread) })
		},
		"completed later": func() {
			_, request := h.taken()
			h.must(request.Complete([]byte(text)))
			h.must(request.Close())
			h.end(courier.Completed)
		},
		"cancelled": func() {
			id, request := h.taken()
			h.must(h.session.Cancel(id))
			h.refused(request.Complete([]byte(text)), courier.ErrInvalidState)
			h.must(request.Close())
			h.end(courier.Cancelled)
			h.refused(h.session.Cancel(id), courier.ErrInvalidState)
		},
		"cancelled with callback": func() {
			id, request := h.taken()
			_, err := request.OnCancel(func() {})
			h.must(err)
			h.must(h.session.Cancel(id))
			h.must(request.Close())
			h.end(courier.Cancelled)
		},
		"callback not called": func() {
			_, request := h.taken()
			_, err := request.OnCancel(func() {})
			h.must(err)
			h.must(request.Complete(nil))
			h.must(request.Close())
			h.end(courier.Completed)
		},
		"callback too late": func() {
			id, request := h.taken()
			h.must(h.session.Cancel(id))
			cancelled, err := request.OnCancel(func() {})
			h.must(err)
			if !cancelled {
				h.t.Fatal("not cancelled")
			}
			h.must(request.Close())
			h.end(courier.Cancelled)
		},
		"expired": func() {
			_, request := h.taken(courier.Deadline(0)) // over at the next pump
			_, err := h.rt.NextTimeout()
			h.must(err)
			h.end(courier.Failed)
			h.refused(request.Complete(nil), courier.ErrInvalidState)
			h.must(request.Close())
		},
		"too many": func() {
			_, first := h.taken()
			_, second := h.taken()
			_, err := h.session.Load("app:a")
			h.refused(err, courier.ErrInvalidState)
			h.must(errors.Join(first.Close(), second.Close()))
			h.end(courier.Failed)
			h.end(courier.Failed)
		},
		"buffer": func() {
			h.must(h.session.Attach(make([]byte, 16)))
			h.refused(h.session.Attach(make([]byte, 16)), courier.ErrInvalidState)
			h.finish("app:"+text, courier.Completed)()
			blob, err := h.session.Snapshot()
			h.must(err)
			h.must(blob.Close())
			h.must(h.session.Detach())
			_, err = h.session.Snapshot()
			h.refused(err, courier.ErrInvalidState)
		},
		"session": func() {
			session, err := h.rt.NewSession()
			h.must(err)
			h.must(session.Attach(make([]byte, 16)))
			_, err = session.Load("data:,a")
			h.must(err)
			h.must(session.Close())
		},
		"wake source": func() {
			source, err := h.rt.NewWakeSource()
			h.must(err)
			h.must(errors.Join(source.Signal(), source.Close()))
		},
		"log": func() {
			h.must(courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}))
			h.finish("error:"+text, courier.Failed)()
			h.must(courier.SetLogger(courier.LogDebug, nil))
		},
		"wake function": func() {
			h.must(h.rt.SetWake(func() {}))
			h.finish("app:"+text, courier.Completed)()
			h.must(h.rt.SetWake(nil))
		},
		"provider": func() { h.must(h.rt.SetProvider(h.provide)) },
	}
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

// wantNone fails the test if the C heap grows while operation is repeated, and notes the rounds.
func wantNone(t *testing.T, name string, operation func()) {
	t.Helper()
	note.Log(t, note.Executions(uint64(heap.WantNone(t, name, operation))))
}

var workers = map[string]courier.Option{"stepped": courier.Stepped(), "threads": courier.Threads(2)}

func TestVAL15EachOperationIsNeutral(t *testing.T) {
	courier.SetPanicHandler(func(courier.CallbackPanic) {})
	defer courier.SetPanicHandler(nil)
	for kind, option := range workers {
		t.Run(kind, func(t *testing.T) {
			h := newHost(t, option)
			for name, operation := range h.operations() {
				wantNone(t, name, operation)
			}
		})
	}
}

// Cells are words of C memory, one for each callback; a round frees as many as it makes.
func TestVAL05CellsAndBuffersAreFreedOnce(t *testing.T) {
	for kind, option := range workers {
		t.Run(kind, func(t *testing.T) {
			h := newHost(t, option)
			wantNone(t, "cells", func() {
				h.must(h.rt.SetProvider(h.provide))
				h.must(h.rt.ClearProvider())
				h.must(h.rt.ClearProvider())
				h.must(h.rt.SetProvider(h.provide))
				h.must(h.rt.SetWake(func() {}))
				h.must(h.rt.SetWake(func() {}))
				h.must(courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}))
				h.must(courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}))
				_, request := h.taken()
				_, err := request.OnCancel(func() {})
				h.must(err)
				h.must(request.Close())
				h.end(courier.Failed)
				h.must(h.rt.SetWake(nil))
				h.must(courier.SetLogger(courier.LogDebug, nil))
			})
			// Those of a runtime are freed with it.
			wantNone(t, "runtime", func() {
				elsewhere(func() {
					runtime.LockOSThread()
					defer runtime.UnlockOSThread()
					rt, err := courier.NewRuntime(courier.Root("/"), option)
					h.must(err)
					h.must(rt.SetProvider(h.provide))
					h.must(rt.SetWake(func() {}))
					session, err := rt.NewSession()
					h.must(err)
					_, err = session.Load("data:,a")
					h.must(err)
					h.must(errors.Join(session.Close(), rt.Close()))
				})
			})
		})
	}
}

func TestCBK02ARefusedInstallLeavesNothing(t *testing.T) {
	h := newHost(t, courier.Stepped())
	wantNone(t, "provider", func() {
		elsewhere(func() { h.refused(h.rt.SetProvider(h.provide), courier.ErrWrongThread) })
	})
	wantNone(t, "wake function", func() {
		elsewhere(func() { h.refused(h.rt.SetWake(func() {}), courier.ErrWrongThread) })
	})
	var refused error
	h.must(h.rt.SetProvider(func(*courier.Request, string) courier.Decision {
		refused = h.rt.SetProvider(h.provide)
		return courier.Pass
	}))
	wantNone(t, "provider, in a callback", func() {
		h.finish("app:", courier.Failed)()
		h.refused(refused, courier.ErrInvalidState)
	})
}

// A loader gives back all that it takes for a load, whoever comes first.
func TestVAL06ResultsAreReleasedOnceWhateverBecomesOfThem(t *testing.T) {
	watchdog.Guard(t)
	loader, err := courier.NewLoader(nil, courier.Threads(2))
	if err != nil {
		t.Fatal(err)
	}
	defer loader.Close()
	h := &host{t: t, kept: make(chan *courier.Request, 1)}
	background := context.Background()
	h.must(loader.Owner().Do(background, func(rt *courier.Runtime) error { return rt.SetProvider(h.provide) }))
	wantNone(t, "completed", func() {
		_, err := loader.Load(background, "app:a text")
		h.must(err)
	})
	wantNone(t, "failed", func() {
		_, err := loader.Load(background, "error:a text")
		var failed *courier.LoadError
		if !errors.As(err, &failed) {
			t.Fatal(err)
		}
	})
	wantNone(t, "cancelled, with an answer on the way", func() {
		ctx, cancel := context.WithCancel(background)
		done := make(chan error)
		go func() {
			_, err := loader.Load(ctx, "keep:")
			done <- err
		}()
		request := <-h.kept
		go cancel()
		_ = request.Complete([]byte("late, or not"))
		h.must(request.Close())
		<-done
	})
	wantNone(t, "an event that nobody wants", func() {
		h.must(loader.Owner().Do(background, func(rt *courier.Runtime) error {
			session, err := rt.NewSession()
			if err != nil {
				return err
			}
			_, err = session.Load("app:a text")
			return errors.Join(err, session.Close())
		}))
	})
}

// Threads come, leave a diagnostic behind, and end.
func TestTHR13MemoryOfAThreadIsGivenBackWithIt(t *testing.T) {
	h := newHost(t, courier.Stepped())
	wantNone(t, "thread", func() {
		elsewhere(func() {
			runtime.LockOSThread() // and never unlocks: the thread ends with the goroutine
			h.refused(h.session.Cancel(1), courier.ErrWrongThread)
		})
	})
}
