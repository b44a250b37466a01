package courier

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// pendingRequest is a load that a provider has taken and not answered yet.
func pendingRequest(t *testing.T, rt *Runtime, session *Session) (*Request, LoadID) {
	t.Helper()
	requests := handOver(t, rt)
	id := load(t, session, "app:pending")
	settle(t, rt)
	return <-requests, id
}

func TestREQ01PassLeavesNoRequest(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a", "from the file")
	rt := newRuntime(t, Stepped(), Root(dir))
	session := newSession(t, rt)
	var request *Request
	ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
		request = r
		return Pass
	}))
	calls := countCalls(t)
	want(t, loadOne(t, rt, session, "file:///a"), "from the file")
	wantError(t, request.Complete([]byte("late")), ErrClosed, "")
	_, err := request.Cancelled()
	wantError(t, err, ErrClosed, "")
	ok(t, request.Close())
	for _, call := range []string{"courier_request_complete", "courier_request_is_cancelled", "courier_request_release"} {
		if n := calls.of(call); n != 0 {
			t.Errorf("%s reached C %d times", call, n)
		}
	}
}

// Completed inline, the request stays with the provider whatever it answers, and is released once.
func TestREQ01InlineCompletionKeepsTheRequest(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	for _, decision := range []Decision{Pass, Handle, Fail, 99} {
		var request *Request
		ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
			request = r
			ok(t, r.Complete([]byte("inline")))
			return decision
		}))
		calls := countCalls(t)
		want(t, loadOne(t, rt, session, "app:a"), "inline")
		wantError(t, request.Complete(nil), ErrAlreadyCompleted, "")
		_, err := request.Cancelled()
		ok(t, err)
		for i := 0; i < 2; i++ {
			ok(t, request.Close())
		}
		if n := calls.of("courier_request_release"); n != 1 {
			t.Errorf("decision %d: released %d times", decision, n)
		}
	}
}

// A completion that the library refuses has ended its load, unless another end came first: the request stays.
func TestREQ01AMalformedInlineCompletionKeepsTheRequest(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	for _, decision := range []Decision{Pass, Handle, Fail, 99} {
		var request *Request
		ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
			request = r
			wantError(t, r.Fail("\xff"), ErrInvalidArgument, "[not-utf8] ")
			return decision
		}))
		calls := countCalls(t)
		wantFailure(t, loadOne(t, rt, session, "app:a"), FailureBadResponse)
		_, err := request.Cancelled()
		ok(t, err)
		ok(t, request.Close())
		if n := calls.of("courier_request_release"); n != 1 {
			t.Errorf("decision %d: released %d times", decision, n)
		}
	}
}

func TestREQ01RefusedRequestsAreTakenBack(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	for decision, failure := range map[Decision]Failure{Fail: FailureProvider, 99: FailureBadResponse} {
		var request *Request
		ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
			request = r
			return decision
		}))
		wantFailure(t, loadOne(t, rt, session, "app:a"), failure)
		wantError(t, request.Complete(nil), ErrClosed, "")
	}
}

func TestREQ03SecondCompletionIsRefusedBeforeC(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	request, _ := pendingRequest(t, rt, session)
	calls := countCalls(t)
	ok(t, request.Complete([]byte("first")))
	for _, err := range []error{request.Complete([]byte("second")), request.Fail("second")} {
		wantError(t, err, ErrAlreadyCompleted, "")
		wantError(t, err, ErrInvalidState, "")
	}
	if n := calls.of("courier_request_complete"); n != 1 {
		t.Errorf("%d completions reached C", n)
	}
	ok(t, request.Close())
	want(t, settle(t, rt)[0], "first")
}

func TestREQ03ConcurrentCompletionsOneReachesC(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	request, _ := pendingRequest(t, rt, session)
	calls := countCalls(t)
	var winner atomic.Int64
	var completers sync.WaitGroup
	start := make(chan struct{})
	for i := int64(1); i <= 8; i++ {
		completers.Add(1)
		go func(i int64) {
			defer completers.Done()
			<-start
			err := request.Complete([]byte(fmt.Sprint(i)))
			if err == nil {
				winner.Add(i)
			} else {
				wantError(t, err, ErrAlreadyCompleted, "")
			}
		}(i)
	}
	close(start)
	completers.Wait()
	ok(t, request.Close())
	if n := calls.of("courier_request_complete"); n != 1 {
		t.Errorf("%d completions reached C", n)
	}
	want(t, settle(t, rt)[0], fmt.Sprint(winner.Load()))
}

// Every order of completing, cancelling, closing and teardown: one release, and the load's end is told
// at most once.
func TestREQ05OneReleaseInEveryOrder(t *testing.T) {
	for _, order := range permutations([]string{"complete", "cancel", "release", "teardown"}) {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			request, id := pendingRequest(t, rt, session)
			calls := countCalls(t)
			events := 0
			for _, operation := range order {
				var err error
				switch operation {
				case "complete":
					err = request.Complete([]byte("body"))
				case "cancel":
					err = session.Cancel(id)
				case "release":
					err = request.Close()
				case "teardown":
					events += len(settle(t, rt))
					ok(t, session.Close())
					ok(t, rt.Close())
				}
				if err != nil && !errors.Is(err, ErrInvalidState) && !errors.Is(err, ErrClosed) {
					t.Errorf("%s: %v", operation, err)
				}
			}
			ok(t, request.Close())
			if n := calls.of("courier_request_release"); n != 1 {
				t.Errorf("released %d times", n)
			}
			wantEvents := 1
			if order[0] == "teardown" {
				wantEvents = 0
			}
			if events != wantEvents {
				t.Errorf("%d events, want %d", events, wantEvents)
			}
		})
	}
}

func TestREQ05OneReleaseWhenRacing(t *testing.T) {
	rt := newRuntime(t, Threads(2))
	requests := handOver(t, rt)
	for round := 0; round < 100; round++ {
		session := newSession(t, rt)
		id := load(t, session, "app:a")
		request := <-requests
		calls := countCalls(t)
		racers := race(t,
			func() error { return request.Complete([]byte("body")) },
			func() error { return request.Fail("message") },
			func() error { _, err := request.Cancelled(); return err },
			request.Close,
			request.Close,
		)
		if err := session.Cancel(id); err != nil {
			wantError(t, err, ErrInvalidState, "[load-ended] ")
		}
		if round%2 == 0 {
			ok(t, session.Close())
		} else {
			next(t, rt)
			ok(t, session.Close())
		}
		racers.Wait()
		if n := calls.of("courier_request_release"); n != 1 {
			t.Fatalf("round %d: released %d times", round, n)
		}
	}
}

func permutations(items []string) [][]string {
	if len(items) == 0 {
		return [][]string{nil}
	}
	var all [][]string
	for i, first := range items {
		rest := append(append([]string{}, items[:i]...), items[i+1:]...)
		for _, tail := range permutations(rest) {
			all = append(all, append([]string{first}, tail...))
		}
	}
	return all
}

func TestREQ06ClosedRequestRefusesEverything(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	for _, completedBefore := range []bool{false, true} {
		request, _ := pendingRequest(t, rt, session)
		if completedBefore {
			ok(t, request.Complete(nil))
		}
		ok(t, request.Close())
		calls := countCalls(t)
		wantError(t, request.Complete(nil), ErrClosed, "")
		wantError(t, request.Fail(""), ErrClosed, "")
		_, err := request.Cancelled()
		wantError(t, err, ErrClosed, "")
		if n := calls.total(); n != 0 {
			t.Errorf("%d calls reached C", n)
		}
		settle(t, rt)
	}
}

// The library refuses these completions in two ways; neither may be tried again.
func TestREQ11CompletionThatReachedCIsTerminal(t *testing.T) {
	t.Run("malformed", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		session := newSession(t, rt)
		request, _ := pendingRequest(t, rt, session)
		defer request.Close()
		calls := countCalls(t)
		wantError(t, request.Fail("\xff"), ErrInvalidArgument, "[not-utf8] ")
		wantError(t, request.Complete([]byte("again")), ErrAlreadyCompleted, "")
		if n := calls.of("courier_request_complete"); n != 1 {
			t.Errorf("%d completions reached C", n)
		}
		wantFailure(t, settle(t, rt)[0], FailureBadResponse)
	})
	t.Run("cancelled", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		session := newSession(t, rt)
		request, id := pendingRequest(t, rt, session)
		defer request.Close()
		ok(t, session.Cancel(id))
		if cancelled, err := request.Cancelled(); !cancelled || err != nil {
			t.Errorf("Cancelled = %v, %v", cancelled, err)
		}
		calls := countCalls(t)
		wantError(t, request.Complete(nil), ErrInvalidState, "[cancelled] ")
		wantError(t, request.Complete(nil), ErrAlreadyCompleted, "")
		if n := calls.of("courier_request_complete"); n != 1 {
			t.Errorf("%d completions reached C", n)
		}
		settle(t, rt)
	})
}

func TestREQ12ReleaseWaitsForCompletionAndCancelCheck(t *testing.T) {
	cancelled := func(r *Request) error { _, err := r.Cancelled(); return err }
	for call, use := range map[string]func(*Request) error{
		"courier_request_complete":     func(r *Request) error { return r.Complete([]byte("in flight")) },
		"courier_request_is_cancelled": cancelled,
	} {
		t.Run(call, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			request, _ := pendingRequest(t, rt, session)
			useDuringClose(t, countCalls(t), "courier_request_release",
				func() error { return use(request) },
				func() error { return cancelled(request) },
				request)
			event := settle(t, rt)[0]
			if call == "courier_request_complete" {
				want(t, event, "in flight")
			} else {
				wantFailure(t, event, FailureDropped)
			}
		})
	}
}

// The library takes a request back from a provider that passes, also one whose completion came too late.
// The binding follows, and releases nothing that it does not hold.
func TestREQ05ACompletionThatLostAndAPassLeaveNothingToRelease(t *testing.T) {
	rt := newRuntime(t, Threads(1))
	session := newSession(t, rt)
	calls := countCalls(t)
	offered, cancelled, done := make(chan *Request), make(chan struct{}), make(chan error, 1)
	ok(t, rt.SetProvider(func(request *Request, _ string) Decision {
		offered <- request
		<-cancelled
		done <- request.Complete([]byte("late"))
		return Pass
	}))
	id := load(t, session, "app:a")
	request := <-offered
	ok(t, session.Cancel(id))
	close(cancelled)
	wantError(t, <-done, ErrInvalidState, "[cancelled] ")
	ok(t, rt.ClearProvider()) // waits for the call
	_, err := request.Cancelled()
	wantError(t, err, ErrClosed, "")
	ok(t, request.Close())
	if n := calls.of("courier_request_release"); n != 0 {
		t.Errorf("released %d times", n)
	}
	if event := next(t, rt); event.Kind != Cancelled {
		t.Errorf("%+v", event)
	}
}

// A completion begins, and then the library takes the request back, before the completion has claimed it.
func TestREQ06ACompletionThatComesTooLateForATakenBackRequestIsClosed(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	request, _ := pendingRequest(t, rt, session)
	calls := countCalls(t)
	request.answer.Store(takenBack)
	wantError(t, request.Complete(nil), ErrClosed, "")
	if n := calls.total(); n != 0 {
		t.Errorf("%d calls reached C", n)
	}
	ok(t, request.Close())
}
