package courier

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// takeLoads has the owner's provider send every request to the test.
func takeLoads(t *testing.T, o *Owner) <-chan *Request {
	t.Helper()
	var requests <-chan *Request
	do(t, o, func(rt *Runtime) { requests = handOver(t, rt) })
	return requests
}

// loading is a call of Loader.Load on another goroutine.
type loading struct {
	cancel context.CancelFunc
	ended  chan struct{}
	bytes  []byte
	err    error
}

func startLoad(loader *Loader, url string, opts ...LoadOption) *loading {
	ctx, cancel := context.WithCancel(context.Background())
	l := &loading{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		l.bytes, l.err = loader.Load(ctx, url, opts...)
	}()
	return l
}

func (l *loading) want(t *testing.T, body string, err error) {
	t.Helper()
	<-l.ended
	if string(l.bytes) != body || !errors.Is(l.err, err) {
		t.Errorf("Load = %q, %v; want %q, %v", l.bytes, l.err, body, err)
	}
}

func TestREQ19ACancelledContextCancelsTheLoad(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	requests := takeLoads(t, o)
	load := startLoad(l, "app:a")
	request := <-requests
	told := make(chan struct{})
	onCancel(t, request, func() { close(told) })
	load.cancel()
	load.want(t, "", context.Canceled)
	<-told
	wantError(t, request.Complete([]byte("late")), ErrInvalidState, "[cancelled] ")
	ok(t, request.Close())
}

// The answer comes when its caller has gone and the cancel is on its way: it is freed, and nobody sees it.
func TestREQ19ALateAnswerIsFreedSilently(t *testing.T) {
	l := newLoader(t, func(_ *Runtime, event Event) { t.Errorf("event %+v", event) })
	o := l.Owner()
	requests := takeLoads(t, o)
	load := startLoad(l, "app:a")
	request := <-requests
	calls := countCalls(t)
	release := hold(t, o)
	load.cancel()
	load.want(t, "", context.Canceled)
	ok(t, request.Complete([]byte("late")))
	ok(t, request.Close())
	release()
	do(t, o, func(*Runtime) {})
	if n := calls.of("courier_blob_release"); n != 1 {
		t.Errorf("%d payloads were freed", n)
	}
	if n := calls.of("courier_session_cancel"); n != 0 {
		t.Errorf("a load that had ended was cancelled %d times", n)
	}
}

// A caller who has gone has claimed the load: its end writes nothing where nobody reads.
func TestREQ19AnEndIsClaimedOnce(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	load := &oneLoad{done: make(chan struct{})}
	load.claimed.Store(true)
	event := loadOne(t, rt, session, "data:,late")
	load.finish(event)
	load.end(nil, closed("load"))
	select {
	case <-load.done:
		t.Error("it ended again")
	default:
	}
	if load.bytes != nil || load.err != nil {
		t.Errorf("it has a result: %q, %v", load.bytes, load.err)
	}
	_, err := event.Payload.Bytes()
	wantError(t, err, ErrClosed, "") // freed
}

// The caller has gone before its load is started: it is not started, or is cancelled when it is.
func TestREQ19ALoadIsNotStartedForACallerWhoHasGone(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	calls := countCalls(t)
	release := hold(t, o)
	load := startLoad(l, "data:,a")
	waitQueued(o, 1)
	load.cancel()
	load.want(t, "", context.Canceled)
	release()
	do(t, o, func(*Runtime) {})
	if n := calls.of("courier_session_load"); n != 0 {
		t.Errorf("%d loads were started", n)
	}

	inside, finish := calls.holdFirst("courier_session_load")
	load = startLoad(l, "data:,a")
	<-inside
	load.cancel()
	load.want(t, "", context.Canceled)
	close(finish)
	do(t, o, func(*Runtime) {
		if load := l.loads.underWay[1]; load != nil && !load.claimed.Load() {
			t.Error("a load without a caller is under way, and not claimed")
		}
	})
}

func TestREQ19CloseEndsLoadsUnderWay(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	requests := takeLoads(t, o)
	loads := []*loading{startLoad(l, "app:a"), startLoad(l, "app:b")}
	taken := []*Request{<-requests, <-requests}
	ok(t, o.Close())
	for _, load := range loads {
		load.want(t, "", ErrClosed)
	}
	for _, request := range taken {
		wantError(t, request.Complete([]byte("late")), ErrInvalidState, "[cancelled] ")
		ok(t, request.Close())
	}
}

// The error of a load is told to its caller alone.
func TestREQ19FailuresReachTheirCaller(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	_, err := l.Load(context.Background(), "app:a")
	wantLoadError(t, err, FailureUnsupported)
	_, err = l.Load(context.Background(), "data:nonsense")
	wantLoadError(t, err, FailureMalformed)
	_, err = l.Load(context.Background(), "no URL")
	wantError(t, err, ErrInvalidArgument, "[bad-url] ")
	do(t, o, func(rt *Runtime) {
		ok(t, rt.SetProvider(func(request *Request, url string) Decision {
			defer request.Close()
			ok(t, request.Fail("no "+url))
			return Handle
		}))
	})
	_, err = l.Load(context.Background(), "app:a")
	wantLoadError(t, err, FailureProvider)
	if want := "courier: load app:a: provider error: no app:a"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Completions, cancels and Close at the same time: every call ends, in one way, and every payload is freed.
func TestREQ19EveryLoadEndsOnceWhenAllRace(t *testing.T) {
	const loads = 40
	leaks := catchLeaks(t)
	for round := 0; round < 10; round++ {
		l := newLoader(t, nil, Threads(2))
		o := l.Owner()
		calls := countCalls(t)
		do(t, o, func(rt *Runtime) {
			ok(t, rt.SetProvider(func(request *Request, url string) Decision {
				go func() {
					defer request.Close()
					if err := request.Complete([]byte(url)); err != nil {
						wantError(t, err, ErrInvalidState, "[cancelled] ")
					}
				}()
				return Handle
			}))
		})
		var callers sync.WaitGroup
		for i := 0; i < loads; i++ {
			callers.Add(1)
			go func(url string, cancelled bool) {
				defer callers.Done()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if cancelled {
					go cancel()
				}
				bytes, err := l.Load(ctx, url)
				switch {
				case err == nil && string(bytes) != url:
					t.Errorf("%s loaded %q", url, bytes)
				case err != nil && err != context.Canceled && !errors.Is(err, ErrClosed):
					t.Errorf("%s: %v", url, err)
				}
			}(fmt.Sprint("app:", i), i%2 == 0)
		}
		if round%2 == 0 {
			ok(t, o.Close())
		}
		callers.Wait()
		ok(t, o.Close())
		// The provider's and the owner's own.
		if calls.of("cell.free") != 2 {
			t.Errorf("calls %v", calls.counts)
		}
	}
	collect(3)
	leaks.want(t, map[string]int{})
}

func TestREQ20ACancelReachesItsOwnLoadOnly(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	requests := takeLoads(t, o)
	first := startLoad(l, "app:same")
	one := <-requests
	second := startLoad(l, "app:same")
	two := <-requests
	first.cancel()
	first.want(t, "", context.Canceled)
	do(t, o, func(*Runtime) {}) // after the cancel
	if cancelled, err := one.Cancelled(); !cancelled || err != nil {
		t.Errorf("the cancelled one: %v, %v", cancelled, err)
	}
	if cancelled, err := two.Cancelled(); cancelled || err != nil {
		t.Errorf("the other one: %v, %v", cancelled, err)
	}
	ok(t, two.Complete([]byte("second")))
	second.want(t, "second", nil)
	ok(t, one.Close())
	ok(t, two.Close())
}

func TestREQ19ALoadThatHasWaitedForRoomIsCancelledLikeOthers(t *testing.T) {
	l := newLoader(t, nil, MaxLoads(1), Threads(1))
	requests := takeLoads(t, l.Owner())
	first := startLoad(l, "app:first")
	one := <-requests
	second := startLoad(l, "app:second")
	waitWaiting(t, l, 1)
	ok(t, one.Complete([]byte("first")))
	ok(t, one.Close())
	first.want(t, "first", nil)
	two := <-requests
	second.cancel()
	second.want(t, "", context.Canceled)
	do(t, l.Owner(), func(*Runtime) {}) // after the cancel
	if cancelled, err := two.Cancelled(); !cancelled || err != nil {
		t.Errorf("Cancelled = %v, %v", cancelled, err)
	}
	ok(t, two.Close())
}

// A cancel that comes when its load has ended does not reach the next one.
func TestREQ20ALateCancelReachesNothing(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	requests := takeLoads(t, o)
	first := startLoad(l, "app:same")
	one := <-requests
	release := hold(t, o)
	second := startLoad(l, "app:same")
	waitQueued(o, 1)
	first.cancel() // its cancel is queued behind the second load
	first.want(t, "", context.Canceled)
	ok(t, one.Complete([]byte("first")))
	release()
	two := <-requests
	do(t, o, func(*Runtime) {}) // after the cancel
	if cancelled, err := two.Cancelled(); cancelled || err != nil {
		t.Errorf("Cancelled = %v, %v", cancelled, err)
	}
	ok(t, two.Complete([]byte("second")))
	second.want(t, "second", nil)
	ok(t, one.Close())
	ok(t, two.Close())
}

// Its caller goes after the job has begun, and before it has called the library.
func TestREQ19ALoadWhoseCallerHasGoneIsNotStarted(t *testing.T) {
	l := newLoader(t, nil)
	calls := countCalls(t)
	load := &oneLoad{url: "data:,a", done: make(chan struct{})}
	load.claimed.Store(true)
	do(t, l.Owner(), func(*Runtime) { ok(t, l.loads.start("load", load)) })
	if n := calls.of("courier_session_load"); n != 0 {
		t.Errorf("%d loads were started", n)
	}
}

func TestREQ19ALoadForAContextThatIsDoneIsNotStarted(t *testing.T) {
	l := newLoader(t, nil)
	calls := countCalls(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Load(ctx, "data:,a"); err != context.Canceled {
		t.Errorf("Load: %v", err)
	}
	do(t, l.Owner(), func(*Runtime) {})
	if n := calls.of("courier_session_load"); n != 0 {
		t.Errorf("%d loads were started", n)
	}
}

// A load that ends as cancelled, though its caller has cancelled nothing.
func TestREQ16ACancelledLoadEndsWhoeverHasCancelledIt(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	requests := takeLoads(t, o)
	load := startLoad(l, "app:a")
	request := <-requests
	do(t, o, func(*Runtime) {
		for number := range l.loads.underWay {
			ok(t, l.loads.session.Cancel(number))
		}
	})
	load.want(t, "", context.Canceled)
	ok(t, request.Close())
}

// waitWaiting waits until n loads wait for room.
func waitWaiting(t *testing.T, l *Loader, n int) {
	t.Helper()
	for waiting := -1; waiting != n; {
		runtime.Gosched() // the owner and this goroutine, in turns, would leave a single processor to nobody else
		do(t, l.Owner(), func(*Runtime) { waiting = l.loads.waiting.Len() })
	}
}

func TestTHR18AnyNumberOfGoroutinesLoadAtTheSameTime(t *testing.T) {
	l := newLoader(t, nil)
	var loads sync.WaitGroup
	for i := 0; i < 3000; i++ {
		loads.Add(1)
		go func(body string) {
			defer loads.Done()
			bytes, err := l.Load(context.Background(), "data:,"+body)
			if string(bytes) != body || err != nil {
				t.Errorf("Load = %q, %v", bytes, err)
			}
		}(fmt.Sprint(i))
	}
	loads.Wait()
}

func TestTHR18LoadsWaitForRoomInTheirOrder(t *testing.T) {
	const room, loads = 2, 7
	panics := catchPanics(t)
	l := newLoader(t, nil, MaxLoads(room), Threads(1))
	requests := takeLoads(t, l.Owner())
	var all []*loading
	for i := 0; i < loads; i++ {
		all = append(all, startLoad(l, fmt.Sprint("app:", i)))
		if i < room {
			waitUnderWay(t, l, i+1)
		} else {
			waitWaiting(t, l, i-room+1)
		}
	}
	for i := range all {
		request := <-requests
		ok(t, request.Complete([]byte(fmt.Sprint(i))))
		ok(t, request.Close())
		all[i].want(t, fmt.Sprint(i), nil)
	}
	do(t, l.Owner(), func(*Runtime) {}) // behind the job that found nothing more to start
	if len(panics) > 0 {
		t.Errorf("a load that waits for nothing: %v", (<-panics).Value)
	}
}

// A load that waits for room keeps the options that it was called with.
func TestTHR18ALoadThatWaitsKeepsItsDeadline(t *testing.T) {
	l := newLoader(t, nil, MaxLoads(1), Threads(1))
	requests := takeLoads(t, l.Owner())
	first := startLoad(l, "app:first")
	request := <-requests
	do(t, l.Owner(), func(rt *Runtime) { ok(t, rt.SetProvider(answerWith("in time"))) })
	var waiting []*loading
	for i := 0; i < 10; i++ {
		waiting = append(waiting, startLoad(l, "app:waits", Deadline(time.Hour)))
	}
	waitWaiting(t, l, len(waiting))
	for i := 0; i < 100000; i++ {
		runtime.Gosched() // a collector that never rests comes round many times, and no other one
	}
	ok(t, request.Complete(nil))
	ok(t, request.Close())
	first.want(t, "", nil)
	for _, load := range waiting {
		load.want(t, "in time", nil)
	}
}

// waitUnderWay waits until n loads are under way.
func waitUnderWay(t *testing.T, l *Loader, n int) {
	t.Helper()
	for underWay := -1; underWay != n; {
		runtime.Gosched() // as above
		do(t, l.Owner(), func(*Runtime) { underWay = len(l.loads.underWay) })
	}
}

func TestALoaderWithoutAHandlerTakesWhatOthersLoad(t *testing.T) {
	panics := catchPanics(t)
	l := newLoader(t, nil, Threads(1))
	var session *Session
	do(t, l.Owner(), func(rt *Runtime) {
		ok(t, rt.SetProvider(answerWith("text")))
		var err error
		session, err = rt.NewSession()
		ok(t, err)
		_, err = session.Load("app:other")
		ok(t, err)
	})
	// One worker: the other load has ended before, and its event came first.
	startLoad(l, "app:own").want(t, "text", nil)
	if len(panics) > 0 {
		t.Errorf("the event of the other load: %v", (<-panics).Value)
	}
	do(t, l.Owner(), func(*Runtime) { ok(t, session.Close()) })
}

// The room is taken by loads that are not the loader's, and that go in another way than by an event.
func TestTHR18ASessionThatEndsMakesRoom(t *testing.T) {
	l := newLoader(t, nil, MaxLoads(2), Stepped())
	var session *Session
	do(t, l.Owner(), func(rt *Runtime) {
		var err error
		session, err = rt.NewSession()
		ok(t, err)
		load(t, session, "data:,a")
		load(t, session, "data:,b")
	})
	first := startLoad(l, "data:,c")
	waitWaiting(t, l, 1)
	second := startLoad(l, "no URL") // it would be refused at once, but it has to wait for its turn
	waitWaiting(t, l, 2)
	do(t, l.Owner(), func(*Runtime) { ok(t, session.Close()) })
	second.want(t, "", ErrInvalidArgument)
	do(t, l.Owner(), func(rt *Runtime) {
		ran, err := rt.Step()
		ok(t, err)
		if !ran {
			t.Error("nothing was started")
		}
	})
	first.want(t, "c", nil)
}

func TestTHR18AContextAndCloseEndTheWaitForRoom(t *testing.T) {
	l := newLoader(t, nil, MaxLoads(1))
	requests := takeLoads(t, l.Owner())
	first := startLoad(l, "app:first")
	request := <-requests
	calls := countCalls(t)
	waitUnderWay(t, l, 1)
	gone, left := startLoad(l, "app:gone"), startLoad(l, "app:left")
	waitWaiting(t, l, 2)
	gone.cancel()
	gone.want(t, "", context.Canceled)
	waitWaiting(t, l, 1)
	ok(t, l.Close())
	first.want(t, "", ErrClosed)
	left.want(t, "", ErrClosed)
	ok(t, request.Close())
	if n := calls.of("courier_session_load"); n > 1 {
		t.Errorf("%d loads were tried that had no room", n)
	}
}
