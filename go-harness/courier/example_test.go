package courier_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"sync"

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
