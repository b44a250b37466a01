//go:build asan

package courier

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// AddressSanitizer looks on in every test of a build with -asan. Those here bring about what only it can
// see: memory that is used when it is not there any more. A report ends the test process.

// fill gives freed memory of the library another content, or another owner.
func fill(t *testing.T, rt *Runtime, session *Session) {
	t.Helper()
	for i := 0; i < 50; i++ {
		load(t, session, "app:"+strings.Repeat("x", 10*i))
		if event := settle(t, rt)[0]; event.Payload != nil {
			ok(t, event.Payload.Close())
		}
	}
}

// Text that the library lends to a callback is kept by the callback, and read when the loan is long over.
func TestVAL01LentTextIsCopied(t *testing.T) {
	var records []string
	ok(t, SetLogger(LogDebug, func(_ LogLevel, text string) { records = append(records, text) }))
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	var urls []string
	ok(t, rt.SetProvider(func(request *Request, url string) Decision {
		urls = append(urls, url)
		return Fail
	}))
	var messages []string
	for i := 0; i < 10; i++ {
		load(t, session, fmt.Sprintf("app:%d%s", i, strings.Repeat("y", 100)))
		settle(t, rt)
		_, err := session.Load(strings.Repeat("no URL ", i))
		messages = append(messages, err.(*Error).Message)
	}
	ok(t, SetLogger(LogDebug, nil))
	fill(t, rt, session)
	for i := range messages {
		if !strings.HasPrefix(urls[i], fmt.Sprintf("app:%dyyy", i)) || !strings.HasPrefix(messages[i], "[bad-url] ") {
			t.Errorf("%d: %q, %q", i, urls[i], messages[i])
		}
	}
	if len(records) == 0 || strings.Contains(strings.Join(records, ""), "\x00") {
		t.Errorf("records %q", records)
	}
}

// completeForgotten answers with bytes that nothing refers to when it has returned.
//
//go:noinline
func completeForgotten(t *testing.T, request *Request, collected chan<- struct{}) {
	body := new([4096]byte)
	copy(body[:], "content")
	runtime.SetFinalizer(body, func(any) { close(collected) })
	ok(t, request.Complete(body[:]))
}

func TestREQ18ResponseBytesOutliveTheirLender(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	requests := handOver(t, rt)
	load(t, session, "app:a")
	_, err := rt.Step()
	ok(t, err)
	request := <-requests
	collected := make(chan struct{})
	completeForgotten(t, request, collected)
	waitCollected(t, collected)
	ok(t, request.Close())
	if got := text(t, settle(t, rt)[0]); len(got) != 4096 || !strings.HasPrefix(got, "content\x00") {
		t.Errorf("%d bytes arrived", len(got))
	}
}

// attachPart attaches a part of memory that nothing but the binding refers to when it has returned.
//
//go:noinline
func attachPart(t *testing.T, session *Session, size int, collected chan<- struct{}) {
	memory := new([4096]byte)
	runtime.SetFinalizer(memory, func(any) { close(collected) })
	ok(t, session.Attach(memory[:size]))
}

// The library writes to memory that only the pin keeps.
func TestVAL03AnAttachedBufferIsPinnedAndNotLonger(t *testing.T) {
	for name, end := range map[string]func(*Session) error{"detach": (*Session).Detach, "close": (*Session).Close} {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			ok(t, rt.SetProvider(answerWith("written late")))
			collected := make(chan struct{})
			attachPart(t, session, 100, collected)
			for i := 0; i < 3; i++ {
				runtime.GC()
				debug.FreeOSMemory()
			}
			want(t, loadOne(t, rt, session, "app:a"), "written late")
			blob, err := session.Snapshot()
			ok(t, err)
			bytes, err := blob.Bytes()
			ok(t, err)
			ok(t, blob.Close())
			if !strings.HasPrefix(string(bytes), "written late") {
				t.Errorf("the buffer holds %q", bytes)
			}
			select {
			case <-collected:
				t.Fatal("collected while the library could write to it")
			default:
			}
			ok(t, end(session))
			waitCollected(t, collected)
		})
	}
}

// Callbacks are exchanged while threads of the library call them: a cell is there as long as it may be
// used, and goes once.
func TestCBK08CellsAreFreedAfterTheirLastUse(t *testing.T) {
	rt := newRuntime(t, Threads(4))
	session := newSession(t, rt)
	calls := countCalls(t)
	provider := func(request *Request, url string) Decision {
		cancelled, err := request.OnCancel(func() {})
		if err != nil || cancelled {
			t.Errorf("%v, %v", cancelled, err)
		}
		return answerWith(url)(request, url)
	}
	ok(t, rt.SetProvider(provider))
	pending := 0
	for i := 0; i < 100; i++ {
		for j := 0; j < 8; j++ {
			load(t, session, "app:a")
			pending++
		}
		ok(t, rt.SetProvider(provider))
		ok(t, rt.SetWake(func() {}))
		ok(t, SetLogger(LogDebug, func(LogLevel, string) {}))
		for pending > 0 {
			if _, err := rt.Pump(Forever); err != nil {
				t.Fatal(err)
			}
			for _, event := range drain(t, rt) {
				want(t, event, "app:a")
				pending--
			}
		}
	}
	ok(t, SetLogger(LogDebug, nil))
	ok(t, session.Close())
	ok(t, rt.Close())
	if made, freed := calls.of("cell.new"), calls.of("cell.free"); made != freed || made != 1+100*(3+8) {
		t.Errorf("%d cells made, %d freed", made, freed)
	}
}

// Each in every order that ends it: a second free would be reported.
func TestVAL05CellsAreFreedOnceInEveryOrder(t *testing.T) {
	for _, order := range []string{"CR", "CRX", "CXR", "XR", "XRX", "XCR", "R", "RX", "RR", "CRR"} {
		t.Run(order, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			requests := handOver(t, rt)
			id := load(t, session, "app:a")
			_, err := rt.Step()
			ok(t, err)
			request := <-requests
			_, err = request.OnCancel(func() {})
			ok(t, err)
			for _, step := range order {
				switch step {
				case 'C':
					_ = request.Complete(nil) // too late after a cancel
				case 'R':
					ok(t, request.Close())
				case 'X':
					_ = session.Cancel(id) // the load may have ended
				}
			}
		})
	}
}

// A blob that nothing refers to while it is read is not released under the read.
func TestHDL22ABlobIsNotReleasedWhileItIsRead(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	body := strings.Repeat("content", 1000)
	ok(t, rt.SetProvider(answerWith(body)))
	calls := countCalls(t)
	for i := 0; i < 5; i++ {
		load(t, session, "app:a")
		_, err := rt.Step()
		ok(t, err)
		_, err = rt.Pump(0)
		ok(t, err)
		inside, finish := calls.holdFirst("courier_blob_copy")
		read := make(chan string)
		go readOnce(t, read, forget(t, rt))
		<-inside
		for j := 0; j < 3; j++ {
			runtime.GC()
		}
		if n := calls.of("courier_blob_release"); n != i {
			t.Fatal("released during the read")
		}
		close(finish)
		if got := <-read; got != body {
			t.Errorf("read %d bytes", len(got))
		}
		for calls.of("courier_blob_release") == i {
			runtime.GC() // now nothing keeps it
		}
	}
}

// forget drains an event, whose blob nothing else refers to.
func forget(t *testing.T, rt *Runtime) *Blob {
	var events [1]Event
	if n, err := rt.Drain(events[:]); n != 1 || err != nil {
		t.Fatalf("%d events, %v", n, err)
	}
	return events[0].Payload
}

func readOnce(t *testing.T, read chan<- string, blob *Blob) {
	bytes, err := blob.Bytes()
	ok(t, err)
	read <- string(bytes)
}

// At the end of a program that has closed everything, nothing of the C heap is lost.
func TestVAL15NothingIsLostAtTheEnd(t *testing.T) {
	switch child.Variant() {
	case "lost":
		for i := 0; i < 100; i++ {
			capi.NewCell(capi.Notify(func() {}))
		}
		runtime.GC()
		os.Exit(0)
	case "closed":
		useEverything(t)
		if t.Failed() {
			os.Exit(1)
		}
		runtime.GC()
		os.Exit(0)
	}
	watchdog.Guard(t)
	const clobber = "GODEBUG=clobberfree=1" // what the collector has freed refers to nothing
	const report = "LeakSanitizer: detected memory leaks"
	if planted := child.Run(t, "lost", clobber); !strings.Contains(planted.Output, report) {
		t.Skip("this Go does not look for leaks at the end of a program: a planted one was not reported")
	}
	ended := child.Run(t, "closed", clobber)
	ended.WantCode(t, 0)
	if strings.Contains(ended.Output, report) {
		t.Errorf("the child said:\n%s", ended.Output)
	}
}

// useEverything makes one of each, and closes it.
func useEverything(t *testing.T) {
	var done sync.WaitGroup
	for _, workers := range []Option{Stepped(), Threads(2)} {
		workers := workers
		done.Add(1)
		go func() {
			defer done.Done()
			runtime.LockOSThread()
			rt, err := NewRuntime(workers)
			ok(t, err)
			session, err := rt.NewSession()
			ok(t, err)
			ok(t, rt.SetProvider(answerWith("x")))
			ok(t, rt.SetWake(func() {}))
			source, err := rt.NewWakeSource()
			ok(t, err)
			ok(t, source.Signal())
			for _, url := range []string{"app:a", "data:,a", "file:///a"} {
				_, err = session.Load(url)
				ok(t, err)
			}
			_, err = session.Load("no URL")
			wantError(t, err, ErrInvalidArgument, "[bad-url] ")
			_, _ = rt.Step()
			_, err = rt.Pump(Forever)
			ok(t, err)
			var events [8]Event
			n, err := rt.Drain(events[:])
			ok(t, err)
			for _, event := range events[:n] {
				ok(t, event.Payload.Close())
			}
			ok(t, source.Close())
			ok(t, session.Close())
			ok(t, rt.Close())
		}()
	}
	done.Wait()
}
