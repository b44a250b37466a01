//go:build goexperiment.cgocheck2

package courier

import (
	"errors"
	"fmt"
	"testing"
)

// Every store of a Go pointer into other memory ends a program that was built with
// GOEXPERIMENT=cgocheck2. So this test makes the binding write all that it ever writes for C, and would
// not end if one of the words were a Go pointer. Another build would see nothing, and has no such test.
func TestVAL04NoGoPointerIsStoredInCMemory(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a", "content")
	for name, workers := range map[string]Option{"stepped": Stepped(), "threads": Threads(2)} {
		t.Run(name, func(t *testing.T) {
			panics := catchPanics(t)
			rt := newRuntime(t, Root(dir), workers) // options
			source, err := rt.NewWakeSource()
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			ok(t, source.Signal())
			session := newSession(t, rt)
			finish := func(url string) Event {
				load(t, session, url)
				for ran := true; ran; {
					ran, _ = rt.Step() // with threads it is refused, and a worker runs the load
				}
				return next(t, rt) // drained events
			}
			want(t, finish("file:///a"), "content") // bytes copied out
			wantFailure(t, finish("file:///b"), FailureNotFound)

			heap := fmt.Sprint("on the ", "heap") // and captured, so reachable from a cell
			for i := 0; i < 3; i++ {
				ok(t, rt.SetProvider(answerWith(heap))) // a cell; the second and third replace one
				want(t, finish("app:"+heap), heap)      // a response of bytes
			}
			ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
				defer r.Close()
				_, err := r.Cancelled()
				ok(t, errors.Join(err, r.Fail(heap))) // a response of text
				return Handle
			}))
			wantFailure(t, finish("app:b"), FailureProvider)
			ok(t, rt.SetProvider(func(*Request, string) Decision { panic(heap) }))
			wantFailure(t, finish("app:c"), FailureProvider)
			<-panics
			elsewhere(func() { // a refused install: its cell is made and freed
				wantError(t, rt.SetProvider(answerWith(heap)), ErrWrongThread, "[wrong-thread] ")
			})

			requests := handOver(t, rt)
			load(t, session, "app:d")
			_, _ = rt.Step()
			request := <-requests // completed later, on another thread
			elsewhere(func() { ok(t, errors.Join(request.Complete([]byte(heap)), request.Close())) })
			want(t, next(t, rt), heap)
			ok(t, rt.ClearProvider())
		})
	}
}
