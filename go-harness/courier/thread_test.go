package courier

import (
	"runtime"
	"testing"
)

func TestTHR01WrongThreadIsRefusedWithoutEffect(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	ok(t, rt.SetProvider(answerWith("untouched")))
	id := load(t, session, "app:a")
	calls := countCalls(t)
	elsewhere(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		methods := ownerCalls(t, rt, session)
		methods["Runtime.Close"], methods["Session.Close"] = rt.Close, session.Close
		for name, method := range methods {
			t.Run(name, func(t *testing.T) { wantError(t, method(), ErrWrongThread, "[wrong-thread] ") })
		}
	})
	if made, freed := calls.of("cell.new"), calls.of("cell.free"); made != 2 || freed != 2 {
		t.Errorf("the refused callbacks: %d cells made, %d freed", made, freed)
	}
	events := settle(t, rt)
	if len(events) != 1 || events[0].Load != id {
		t.Fatalf("events %v", events)
	}
	want(t, events[0], "untouched")
}

// The library itself tells where a call came from: from inside a callback on the owner thread it
// refuses with [inside-callback], elsewhere with [wrong-thread].
func TestTHR02CallsRunOnTheCallersThread(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	ok(t, rt.SetProvider(func(*Request, string) Decision {
		_, err := rt.Pump(0)
		wantError(t, err, ErrInvalidState, "[inside-callback] ")
		elsewhere(func() {
			_, err := rt.Pump(0)
			wantError(t, err, ErrWrongThread, "[wrong-thread] ")
		})
		return Pass
	}))
	for i := 0; i < 100; i++ {
		wantFailure(t, loadOne(t, rt, session, "app:a"), FailureUnsupported)
		runtime.Gosched()
	}
}

func TestTHR14SharedHandlesWorkOnAnyThread(t *testing.T) {
	rt := newRuntime(t, Threads(1))
	session := newSession(t, rt)
	requests := handOver(t, rt)
	source, err := rt.NewWakeSource()
	if err != nil {
		t.Fatal(err)
	}
	load(t, session, "app:a")
	request := <-requests // made on a worker thread, used and released on others
	elsewhere(func() {
		ok(t, request.Complete([]byte("from elsewhere")))
		ok(t, source.Signal())
	})
	event := next(t, rt)
	elsewhere(func() {
		want(t, event, "from elsewhere")
		ok(t, request.Close())
		ok(t, event.Payload.Close())
		ok(t, source.Close())
	})
}

func TestTHR04AThreadOwnsOneRuntimeAtATime(t *testing.T) {
	rt := newRuntime(t, Stepped())
	second, err := NewRuntime(Stepped())
	if second != nil {
		t.Error("a second runtime was made")
	}
	wantError(t, err, ErrInvalidState, "[owner-has-runtime] ")
	newSession(t, rt) // the first is unharmed
	elsewhere(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		other, err := NewRuntime(Stepped())
		if err != nil {
			t.Error(err)
			return
		}
		ok(t, other.Close())
		again, err := NewRuntime(Stepped()) // the first one of that thread is gone
		if err != nil {
			t.Error(err)
			return
		}
		ok(t, again.Close())
	})
}
