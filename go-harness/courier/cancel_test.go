package courier

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// onCancel registers f, which the load's end must not have overtaken.
func onCancel(t *testing.T, request *Request, f func()) {
	t.Helper()
	if cancelled, err := request.OnCancel(f); cancelled || err != nil {
		t.Fatalf("OnCancel = %v, %v", cancelled, err)
	}
}

// expire starts a load whose deadline is over at the next pump, and has its provider keep the request.
func expire(t *testing.T, rt *Runtime, session *Session) *Request {
	t.Helper()
	requests := handOver(t, rt)
	if _, err := session.Load("app:expiring", Deadline(0)); err != nil {
		t.Fatal(err)
	}
	if ran, err := rt.Step(); !ran || err != nil {
		t.Fatalf("Step = %v, %v", ran, err)
	}
	return <-requests
}

func TestREQ21TheCancellationFunctionRunsOnceForAnUncompletedRequest(t *testing.T) {
	type end struct {
		name string
		do   func(t *testing.T, rt *Runtime, session *Session, request *Request, id LoadID)
		want int32
	}
	cancel := func(t *testing.T, _ *Runtime, session *Session, _ *Request, id LoadID) { ok(t, session.Cancel(id)) }
	complete := func(t *testing.T, _ *Runtime, _ *Session, request *Request, _ LoadID) { ok(t, request.Complete(nil)) }
	release := func(t *testing.T, _ *Runtime, _ *Session, request *Request, _ LoadID) { ok(t, request.Close()) }
	for _, end := range []end{
		{"cancel", cancel, 1},
		{"session closed", func(t *testing.T, _ *Runtime, session *Session, _ *Request, _ LoadID) { ok(t, session.Close()) }, 1},
		{"completed", complete, 0},
		{"failed", func(t *testing.T, _ *Runtime, _ *Session, request *Request, _ LoadID) { ok(t, request.Fail("no")) }, 0},
		{"closed", release, 0},
	} {
		t.Run(end.name, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			request, id := pendingRequest(t, rt, session)
			var ran atomic.Int32
			onCancel(t, request, func() { ran.Add(1) })
			end.do(t, rt, session, request, id)
			if n := ran.Load(); n != end.want {
				t.Errorf("ran %d times, want %d", n, end.want)
			}
			_ = session.Cancel(id) // whatever comes later
			ok(t, session.Close())
			ok(t, request.Close())
			if n := ran.Load(); n != end.want {
				t.Errorf("ran %d times afterwards, want %d", n, end.want)
			}
		})
	}
	t.Run("deadline", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		request := expire(t, rt, newSession(t, rt))
		ran := 0
		onCancel(t, request, func() { ran++ })
		if _, err := rt.Pump(0); err != nil || ran != 1 {
			t.Errorf("ran %d times, %v", ran, err)
		}
		wantFailure(t, next(t, rt), FailureExpired)
		wantError(t, request.Complete(nil), ErrInvalidState, "[expired] ")
		ok(t, request.Close())
	})
}

func TestREQ21ARefusedRegistrationKeepsNothing(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	calls := countCalls(t)
	never := func() { t.Error("a function that was not kept was called") }

	cancelled, id := pendingRequest(t, rt, session)
	ok(t, session.Cancel(id))
	for i := 0; i < 2; i++ {
		if told, err := cancelled.OnCancel(never); !told || err != nil {
			t.Errorf("after the cancel: OnCancel = %v, %v", told, err)
		}
	}
	completed, _ := pendingRequest(t, rt, session)
	ok(t, completed.Complete(nil))
	_, err := completed.OnCancel(never)
	wantError(t, err, ErrInvalidState, "[completed] ")

	twice, id := pendingRequest(t, rt, session)
	ran := 0
	onCancel(t, twice, func() { ran++ })
	_, err = twice.OnCancel(never)
	wantError(t, err, ErrInvalidState, "[callback-set] ")
	ok(t, session.Cancel(id))
	if ran != 1 {
		t.Errorf("the first function ran %d times", ran)
	}
	_, err = twice.OnCancel(nil)
	wantError(t, err, ErrInvalidArgument, "the function is nil")

	for _, request := range []*Request{cancelled, completed, twice} {
		ok(t, request.Close())
		_, err := request.OnCancel(never)
		wantError(t, err, ErrClosed, "")
	}
	ok(t, rt.ClearProvider())
	if made, freed := calls.of("cell.new"), calls.of("cell.free"); made != freed {
		t.Errorf("%d cells made, %d freed", made, freed)
	}
}

// Close on another goroutine waits for the function that runs: what the function uses is in use.
func TestREQ21CloseWaitsForTheFunctionOnAnotherThread(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	request, id := pendingRequest(t, rt, session)
	calls := countCalls(t)
	inside, finish := calls.holdFirst("courier_request_release")
	var returned atomic.Bool
	closing := make(chan error, 1)
	onCancel(t, request, func() {
		go func() {
			err := request.Close()
			returned.Store(true)
			closing <- err
		}()
		<-inside
		close(finish)
		for i := 0; i < 1000; i++ {
			runtime.Gosched() // time for a Close that does not wait
		}
		if returned.Load() || calls.of("cell.free") != 0 {
			t.Error("Close returned while the function was running")
		}
	})
	ok(t, session.Cancel(id))
	ok(t, <-closing)
	if n := calls.of("cell.free"); n != 1 {
		t.Errorf("the cell was freed %d times", n)
	}
}

// A function that closes its request, as most will, meets a Close on another goroutine that waits for the
// function: if it waited too, neither would end.
func TestHDL18CloseInsideOnCancelDuringACloseElsewhere(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	request, id := pendingRequest(t, rt, session)
	calls := countCalls(t)
	inside, finish := calls.holdFirst("courier_request_release")
	elsewhere := make(chan error, 1)
	onCancel(t, request, func() {
		go func() { elsewhere <- request.Close() }()
		<-inside
		close(finish)
		ok(t, request.Close())
	})
	ok(t, session.Cancel(id))
	ok(t, <-elsewhere)
	if n := calls.of("courier_request_release"); n != 1 {
		t.Errorf("released %d times", n)
	}
}

func TestHDL18CloseInsideOnCancelCloses(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	request, id := pendingRequest(t, rt, session)
	calls := countCalls(t)
	onCancel(t, request, func() {
		ok(t, request.Close())
		ok(t, request.Close())
		_, err := request.Cancelled()
		wantError(t, err, ErrClosed, "")
	})
	ok(t, session.Cancel(id))
	if released, freed := calls.of("courier_request_release"), calls.of("cell.free"); released != 1 || freed != 1 {
		t.Errorf("%d releases, %d cells freed", released, freed)
	}
}

// A completion that is on its way when the provider answers Pass counts: the library must not take the
// request back under it.
func TestREQ09ACompletionInFlightDecidesBeforeThePass(t *testing.T) {
	for _, cancelFirst := range []bool{false, true} {
		rt := newRuntime(t, Threads(1))
		session := newSession(t, rt)
		calls := countCalls(t)
		inside, finish := calls.holdFirst("courier_request_complete")
		completed := make(chan error, 1)
		taken := make(chan *Request, 1)
		ok(t, rt.SetProvider(func(request *Request, _ string) Decision {
			go func() { completed <- request.Complete([]byte("on its way")) }()
			<-inside
			taken <- request
			return Pass
		}))
		id := load(t, session, "app:a")
		request := <-taken
		waitForStack("(*Request).takeBack")
		if cancelFirst {
			ok(t, session.Cancel(id))
		}
		close(finish)
		if cancelFirst {
			wantError(t, <-completed, ErrInvalidState, "[cancelled] ")
			ok(t, rt.ClearProvider()) // waits for the call
			wantError(t, request.Complete(nil), ErrClosed, "")
		} else {
			ok(t, <-completed)
			want(t, next(t, rt), "on its way")
			ok(t, rt.ClearProvider())
			load(t, session, "data:,x") // the one worker comes to it when it is done with the first load
			want(t, next(t, rt), "x")
			_, err := request.Cancelled()
			ok(t, err)
		}
		ok(t, request.Close())
		releases := map[bool]int{false: 1, true: 0}[cancelFirst]
		if n := calls.of("courier_request_release"); n != releases {
			t.Errorf("released %d times, want %d", n, releases)
		}
		ok(t, session.Close())
		ok(t, rt.Close())
	}
}

// Registration, completion, cancel and Close at the same time: at most one call, one release, no cell left.
func TestREQ21RegistrationRacesWithEveryEnd(t *testing.T) {
	rt := newRuntime(t, Threads(2))
	requests := handOver(t, rt)
	for round := 0; round < 100; round++ {
		session := newSession(t, rt)
		id := load(t, session, "app:a")
		request := <-requests
		calls := countCalls(t)
		var ran atomic.Int32
		racers := race(t,
			func() error {
				_, err := request.OnCancel(func() {
					ran.Add(1)
					ok(t, request.Close())
				})
				return err
			},
			func() error { return request.Complete([]byte("body")) },
			request.Close,
		)
		if err := session.Cancel(id); err != nil {
			wantError(t, err, ErrInvalidState, "[load-ended] ")
		}
		racers.Wait()
		ok(t, session.Close())
		if ran.Load() > 1 || calls.of("courier_request_release") != 1 || calls.of("cell.new") != calls.of("cell.free") {
			t.Fatalf("round %d: ran %d times; calls %v", round, ran.Load(), calls.counts)
		}
	}
}
