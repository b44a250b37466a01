package courier_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// wait pumps a runtime until one event has arrived. It runs on the owner thread.
func wait(rt *courier.Runtime) (courier.Event, error) {
	var events [1]courier.Event
	for {
		if n, err := rt.Drain(events[:]); n > 0 || err != nil {
			return events[0], err
		}
		if _, err := rt.Pump(courier.Forever); err != nil {
			return courier.Event{}, err
		}
	}
}

// Files are served from under a root directory.
func Example() {
	root, err := os.MkdirTemp("", "courier")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	if err := os.WriteFile(filepath.Join(root, "hello.txt"), []byte("hello, courier"), 0o600); err != nil {
		log.Fatal(err)
	}

	// The runtime belongs to this thread, so this goroutine must stay on it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	rt, err := courier.NewRuntime(courier.Root(root))
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()
	session, err := rt.NewSession()
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	if _, err := session.Load("file:///hello.txt"); err != nil {
		log.Fatal(err)
	}
	event, err := wait(rt)
	if err != nil {
		log.Fatal(err)
	}
	defer event.Payload.Close()
	body, err := event.Payload.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %s\n", event.Kind, body)
	// Output: completed: hello, courier
}

// A provider may take a load, and complete it later on another goroutine.
func ExampleRuntime_SetProvider() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	rt, err := courier.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()

	var answers sync.WaitGroup
	defer answers.Wait()
	err = rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		answers.Add(1)
		go func() {
			defer answers.Done()
			defer request.Close()
			if err := request.Complete([]byte("made for " + url)); err != nil {
				log.Print(err) // the load was cancelled meanwhile
			}
		}()
		return courier.Handle
	})
	if err != nil {
		log.Fatal(err)
	}

	session, err := rt.NewSession()
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Load("app:greeting"); err != nil {
		log.Fatal(err)
	}
	event, err := wait(rt)
	if err != nil {
		log.Fatal(err)
	}
	defer event.Payload.Close()
	body, err := event.Payload.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %s\n", event.Kind, body)
	// Output: completed: made for app:greeting
}

// newRuntime makes a runtime with a session for an example, on a thread of the example's own.
func newRuntime(opts ...courier.Option) (rt *courier.Runtime, session *courier.Session, done func()) {
	runtime.LockOSThread()
	rt, err := courier.NewRuntime(opts...)
	if err != nil {
		log.Fatal(err)
	}
	session, err = rt.NewSession()
	if err != nil {
		log.Fatal(err)
	}
	return rt, session, func() {
		if err := errors.Join(session.Close(), rt.Close()); err != nil {
			log.Fatal(err)
		}
		runtime.UnlockOSThread()
	}
}

// print shows an event, and closes its payload.
func print(event courier.Event) {
	if event.Payload == nil {
		fmt.Println(event.Kind)
		return
	}
	defer event.Payload.Close()
	body, err := event.Payload.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %s\n", event.Kind, body)
}

// load loads url, waits for the event, and prints it.
func load(rt *courier.Runtime, session *courier.Session, url string, opts ...courier.LoadOption) {
	if _, err := session.Load(url, opts...); err != nil {
		log.Fatal(err)
	}
	event, err := wait(rt)
	if err != nil {
		log.Fatal(err)
	}
	print(event)
}

// A provider that knows the answer completes the request at once, and leaves to the runtime what is not
// its own.
func ExampleProvider() {
	rt, session, done := newRuntime()
	defer done()

	err := rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		if !strings.HasPrefix(url, "app:") {
			return courier.Pass
		}
		defer request.Close()
		if err := request.Complete([]byte("at once")); err != nil {
			log.Print(err) // the load was cancelled meanwhile
		}
		return courier.Handle
	})
	if err != nil {
		log.Fatal(err)
	}
	load(rt, session, "app:greeting")
	load(rt, session, "data:,not the provider's")
	// Output:
	// completed: at once
	// completed: not the provider's
}

// A provider that works for long learns at once when nobody wants the answer any more.
func ExampleRequest_OnCancel() {
	rt, session, done := newRuntime()
	defer done()

	started := make(chan struct{})
	var work sync.WaitGroup
	defer work.Wait()
	err := rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		ctx, cancel := context.WithCancel(context.Background())
		if cancelled, err := request.OnCancel(cancel); cancelled || err != nil {
			cancel()
			return courier.Pass
		}
		work.Add(1)
		go func() {
			defer work.Done()
			defer request.Close()
			close(started)
			<-ctx.Done() // the long work
		}()
		return courier.Handle
	})
	if err != nil {
		log.Fatal(err)
	}
	id, err := session.Load("app:huge")
	if err != nil {
		log.Fatal(err)
	}
	<-started
	if err := session.Cancel(id); err != nil {
		log.Fatal(err)
	}
	event, err := wait(rt)
	if err != nil {
		log.Fatal(err)
	}
	print(event)
	// Output: cancelled
}

// The library writes into memory of the program's own.
func ExampleSession_Attach() {
	rt, session, done := newRuntime()
	defer done()

	memory := make([]byte, 8)
	if err := session.Attach(memory); err != nil {
		log.Fatal(err)
	}
	load(rt, session, "data:,more than fits")

	// Meanwhile only the library may look.
	snapshot, err := session.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	defer snapshot.Close()
	copied, err := snapshot.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("snapshot: %s\n", copied)

	if err := session.Detach(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("memory: %s\n", memory)
	// Output:
	// completed: more than fits
	// snapshot: more tha
	// memory: more tha
}

// A program with a loop of its own is told when to pump, and sleeps in Go.
func ExampleRuntime_SetWake() {
	rt, session, done := newRuntime()
	defer done()

	bell := make(chan struct{}, 1)
	err := rt.SetWake(func() {
		select {
		case bell <- struct{}{}:
		default: // it has been rung
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := session.Load("data:,told"); err != nil {
		log.Fatal(err)
	}
	for events := make([]courier.Event, 16); ; {
		<-bell // and whatever else the loop waits for
		if _, err := rt.Pump(0); err != nil {
			log.Fatal(err)
		}
		n, err := rt.Drain(events)
		if err != nil {
			log.Fatal(err)
		}
		if n > 0 {
			print(events[0])
			return
		}
	}
	// Output: completed: told
}

// A context ends a pump by way of a wake source.
func ExampleWakeSource() {
	rt, _, done := newRuntime()
	defer done()
	source, err := rt.NewWakeSource()
	if err != nil {
		log.Fatal(err)
	}
	defer source.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = source.Signal() })
	defer stop()
	for ctx.Err() == nil {
		if _, err := rt.Pump(courier.Forever); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(ctx.Err())
	// Output: context deadline exceeded
}

// A load that nobody answers in time fails.
func ExampleDeadline() {
	rt, session, done := newRuntime()
	defer done()

	var kept *courier.Request
	err := rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		kept = request // and nothing more
		return courier.Handle
	})
	if err != nil {
		log.Fatal(err)
	}
	load(rt, session, "app:slow", courier.Deadline(50*time.Millisecond))
	if err := rt.ClearProvider(); err != nil { // waits for a call that is running
		log.Fatal(err)
	}
	if kept != nil {
		_ = kept.Close()
	}
	// Output: failed: the load's deadline has passed
}

// The library's log goes where the program's goes.
func ExampleSetLogger() {
	err := courier.SetLogger(courier.LogWarn, func(level courier.LogLevel, text string) {
		_, what, _ := strings.Cut(text, " failed: ") // before it are numbers
		fmt.Printf("%v: %s\n", level, what)
	})
	if err != nil {
		log.Fatal(err)
	}
	defer courier.SetLogger(courier.LogWarn, nil)

	rt, session, done := newRuntime(courier.Stepped())
	defer done()
	if _, err := session.Load("gopher://example.org/"); err != nil {
		log.Fatal(err)
	}
	if _, err := rt.Step(); err != nil {
		log.Fatal(err)
	}
	// Output: warning: nobody serves gopher://example.org/
}

// The garbage collector finds a handle that was forgotten.
func ExampleSetLeakHandler() {
	found := make(chan courier.Leak, 1)
	courier.SetLeakHandler(func(leak courier.Leak) {
		select {
		case found <- leak:
		default: // one is enough here, and the handler must not block
		}
	})
	defer courier.SetLeakHandler(nil)

	rt, _, done := newRuntime()
	defer done()
	if _, err := rt.NewWakeSource(); err != nil { // and nobody closes it
		log.Fatal(err)
	}
	for {
		runtime.GC()
		select {
		case leak := <-found:
			fmt.Printf("a %s was not closed; released: %v\n", leak.Kind, leak.Released)
			return
		default:
		}
	}
	// Output: a wake source was not closed; released: true
}

// An address of the platform's travels with the loads that are made for it.
func ExampleNativePointer() {
	rt, session, done := newRuntime(courier.Stepped())
	defer done()

	err := rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		defer request.Close()
		surface, err := request.Surface()
		if err != nil {
			log.Print(err)
		}
		_ = request.Complete([]byte(fmt.Sprintf("for the window at %#x", surface)))
		return courier.Handle
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := session.SetSurface(0x7f0012340000); err != nil {
		log.Fatal(err)
	}
	if _, err := session.Load("app:icon"); err != nil {
		log.Fatal(err)
	}
	if _, err := rt.Step(); err != nil {
		log.Fatal(err)
	}
	event, err := wait(rt)
	if err != nil {
		log.Fatal(err)
	}
	print(event)
	// Output: completed: for the window at 0x7f0012340000
}

// Outside the owner thread, the methods of a runtime are refused.
func ExampleRuntime_wrongThread() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	rt, err := courier.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close()

	done := make(chan error)
	go func() { // on another thread, because this one is locked
		_, err := rt.Pump(0)
		done <- err
	}()
	fmt.Println(<-done)
	// Output: courier: pump: [wrong-thread] this call belongs to the thread that created the runtime
}
