package courier

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// finishLoads leaves n finished loads for the next pump.
func finishLoads(t *testing.T, rt *Runtime, session *Session, n int) {
	t.Helper()
	for i := 0; i < n; i++ {
		load(t, session, "data:,a")
		if ran, err := rt.Step(); !ran || err != nil {
			t.Fatalf("Step = %v, %v", ran, err)
		}
	}
}

func TestEVT09ABoundedPumpTakesOneAtLeastAndIsArmedAgain(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	finishLoads(t, rt, session, 6)
	wakes := 0
	ok(t, rt.SetWake(func() { wakes++ }))
	if wakes != 1 {
		t.Errorf("installed with work there: %d wakes", wakes)
	}
	unread := 0
	for _, step := range []struct{ budget, taken, wakes uint32 }{{0, 1, 1}, {1, 1, 1}, {3, 3, 1}, {math.MaxUint32, 1, 0}} {
		before := wakes
		n, err := rt.PumpSome(Forever, step.budget) // work is left: it does not wait
		ok(t, err)
		if taken := n - unread; taken != int(step.taken) || wakes-before != int(step.wakes) {
			t.Errorf("budget %d: took %d with %d wakes, want %+v", step.budget, taken, wakes-before, step)
		}
		unread = n
	}
	for i, event := range drain(t, rt) {
		if event.Load != LoadID(i+1) {
			t.Errorf("event %d is of load %d", i, event.Load)
		}
	}
}

func TestEVT10NextTimeoutSaysHowLongALoopMaySleep(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	timeout := func() time.Duration {
		t.Helper()
		timeout, err := rt.NextTimeout()
		ok(t, err)
		return timeout
	}
	if got := timeout(); got != Forever {
		t.Errorf("idle: %v", got)
	}
	finishLoads(t, rt, session, 1)
	if got := timeout(); got != 0 {
		t.Errorf("with a finished load: %v", got)
	}
	_, err := rt.Pump(0)
	ok(t, err)
	if got := timeout(); got != 0 {
		t.Errorf("with an unread event: %v", got)
	}
	drain(t, rt)
	_, err = session.Load("data:,a", Deadline(time.Hour))
	ok(t, err)
	if got := timeout(); got <= 0 || got > time.Hour {
		t.Errorf("with a deadline in an hour: %v", got)
	}
	_, err = session.Load("data:,a", Deadline(0))
	ok(t, err)
	if got := timeout(); got != 0 {
		t.Errorf("with a deadline that is over: %v", got)
	}
	const most = math.MaxInt64 / int64(time.Millisecond) // of the milliseconds that a Duration reaches
	for ms, want := range map[int64]time.Duration{
		-1: Forever, 0: 0, 1000: time.Second,
		most: time.Duration(most) * time.Millisecond, most + 1: math.MaxInt64, math.MaxInt64: math.MaxInt64,
	} {
		if got := duration(ms); got != want {
			t.Errorf("%d ms: %v, want %v", ms, got, want)
		}
	}
}

// A loop of the program's own sleeps in Go and is told when to pump. If it is not, the watchdog ends this.
func TestEVT03AnOwnLoopIsTold(t *testing.T) {
	rt := newRuntime(t, Threads(2))
	session := newSession(t, rt)
	bell := make(chan struct{}, 1)
	ok(t, rt.SetWake(func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	}))
	const loads = 100
	for ended := 0; ended < loads; {
		for i := 0; i < 10; i++ {
			load(t, session, "data:,a")
		}
		for left := 10; left > 0; {
			<-bell
			_, err := rt.Pump(0)
			ok(t, err)
			n := len(drain(t, rt))
			left, ended = left-n, ended+n
		}
	}
}

func TestVAL08DeadlineAbsentZeroAndFar(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	requests := handOver(t, rt)
	start := func(opts ...LoadOption) (LoadID, *Request) {
		t.Helper()
		id, err := session.Load("app:a", opts...)
		ok(t, err)
		_, err = rt.Step()
		ok(t, err)
		return id, <-requests
	}
	absent, one := start()
	far, two := start(Deadline(math.MaxInt64))
	zero, three := start(Deadline(0))
	negative, four := start(Deadline(-time.Hour))
	_, err := rt.Pump(0)
	ok(t, err)
	expired := map[LoadID]bool{}
	for _, event := range drain(t, rt) {
		wantFailure(t, event, FailureExpired)
		expired[event.Load] = true
	}
	if len(expired) != 2 || !expired[zero] || !expired[negative] {
		t.Errorf("expired: %v", expired)
	}
	for id, request := range map[LoadID]*Request{absent: one, far: two} {
		ok(t, request.Complete([]byte(fmt.Sprint(id))))
		want(t, next(t, rt), fmt.Sprint(id))
	}
	for _, request := range []*Request{one, two, three, four} {
		ok(t, request.Close())
	}
}

// A pump waits for the deadline, and no longer; a deadline that an Owner sleeps through wakes it.
func TestREQ17ADeadlineEndsALoad(t *testing.T) {
	const deadline = 20 * time.Millisecond
	t.Run("pump", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		session := newSession(t, rt)
		requests := handOver(t, rt)
		start := time.Now()
		_, err := session.Load("app:a", Deadline(deadline))
		ok(t, err)
		_, err = rt.Step() // also when it is late: a load expires in a pump
		ok(t, err)
		request := <-requests
		wantFailure(t, next(t, rt), FailureExpired)
		if waited := time.Since(start); waited < deadline {
			t.Errorf("over after %v of %v", waited, deadline)
		}
		wantError(t, request.Complete(nil), ErrInvalidState, "[expired] ")
		ok(t, request.Close())
	})
	t.Run("owner", func(t *testing.T) {
		l := newLoader(t, nil)
		o := l.Owner()
		requests := takeLoads(t, o)
		for i := 0; i < 3; i++ {
			_, err := l.Load(context.Background(), "app:a", Deadline(deadline))
			wantLoadError(t, err, FailureExpired)
		}
		do(t, o, func(rt *Runtime) {
			if !rt.deadline.IsZero() {
				t.Errorf("no load is left, and a deadline is %v", rt.deadline)
			}
		})
		ok(t, o.Close()) // no provider runs any more
		closeOffered(t, requests)
	})
}

// Back-pressure: the bound counts loads until their event is drained.
func TestVAL08MaxLoadsAbsentAndZero(t *testing.T) {
	t.Run("zero", func(t *testing.T) {
		ownThread(t)
		_, err := NewRuntime(MaxLoads(0))
		wantError(t, err, ErrInvalidArgument, "[bad-value] ")
	})
	for name, limit := range map[string]struct {
		opts  []Option
		loads int
	}{"absent": {[]Option{Stepped()}, 1024}, "two": {[]Option{Stepped(), MaxLoads(2)}, 2}} {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, limit.opts...)
			session := newSession(t, rt)
			for i := 0; i < limit.loads; i++ {
				load(t, session, "data:,a")
			}
			full := func() {
				t.Helper()
				_, err := session.Load("data:,a")
				wantError(t, err, ErrInvalidState, "[queue-full] ")
			}
			full()
			_, err := rt.Step()
			ok(t, err)
			full()
			_, err = rt.Pump(0)
			ok(t, err)
			full()
			drain(t, rt)
			load(t, session, "data:,a")
			full()
			ok(t, session.Close())
			session = newSession(t, rt)
			load(t, session, "data:,a")
		})
	}
}

func TestVAL11UnknownInputIsRefusedAndUnknownOutputKept(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	ok(t, rt.SetProvider(func(*Request, string) Decision { return 77 }))
	event := loadOne(t, rt, session, "app:a")
	wantFailure(t, event, FailureBadResponse)
	if got := text(t, event); !strings.Contains(got, "77") {
		t.Errorf("message %q", got)
	}
	for _, limit := range []LogLevel{0, 5, -1} {
		wantError(t, SetLogger(limit, func(LogLevel, string) {}), ErrInvalidArgument, "[bad-value] ")
	}
	wantError(t, session.Cancel(99), ErrInvalidArgument, "[unknown-load] ")
	for value, name := range map[fmt.Stringer]string{
		LogLevel(9): "log level 9", LogWarn: "warning", EventKind(9): "event kind 9", Failure(99): "failure 99", FailureExpired: "expired",
	} {
		if value.String() != name {
			t.Errorf("%q is called %q", name, value)
		}
	}
}

type record struct {
	level LogLevel
	text  string
}

func TestCBK01TheLoggerGetsRecordsUpToItsLimit(t *testing.T) {
	clearLogger(t)
	for limit, want := range map[LogLevel][]LogLevel{
		LogError: nil,
		LogWarn:  {LogWarn},
		LogInfo:  {LogInfo, LogWarn, LogInfo},
		LogDebug: {LogInfo, LogDebug, LogWarn, LogDebug, LogInfo},
	} {
		t.Run(limit.String(), func(t *testing.T) {
			var records []record
			ok(t, SetLogger(limit, func(level LogLevel, text string) { records = append(records, record{level, text}) }))
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			loadOne(t, rt, session, "data:,a")
			loadOne(t, rt, session, "data:bad")
			ok(t, session.Cancel(load(t, session, "data:,a")))
			ok(t, session.Close())
			ok(t, rt.Close())
			ok(t, SetLogger(LogError, nil))
			var levels []LogLevel
			for _, record := range records {
				levels = append(levels, record.level)
				if record.text == "" || strings.Contains(record.text, "\n") {
					t.Errorf("record %q", record.text)
				}
			}
			if fmt.Sprint(levels) != fmt.Sprint(want) {
				t.Errorf("records %v, want levels %v", records, want)
			}
		})
	}
}

// Records that a logger causes do not come back to it.
func TestCBK09TheLoggersOwnRecordsAreNotDelivered(t *testing.T) {
	clearLogger(t)
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	request, _ := pendingRequest(t, rt, session)
	ok(t, rt.ClearProvider())
	records := 0
	ok(t, SetLogger(LogDebug, func(LogLevel, string) {
		records++
		_ = request.Complete(nil)
	}))
	wantFailure(t, finish(t, rt, load(t, session, "no-such-scheme:a")), FailureUnsupported)
	ok(t, SetLogger(LogDebug, nil))
	ok(t, request.Close())
	if records != 1 {
		t.Errorf("%d records", records)
	}
}

func TestDataURLs(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	for url, body := range map[string]string{
		"data:,": "", "data:,a%20b": "a b", "data:text/plain;base64,aGVsbG8=": "hello", "data:text/plain,hello": "hello",
	} {
		want(t, loadOne(t, rt, session, url), body)
	}
	for _, url := range []string{"data:nonsense", "data:;base64,a"} {
		wantFailure(t, loadOne(t, rt, session, url), FailureMalformed)
	}
}

// The deadline that is noted is of one load; when it has passed, the next one is asked for.
func TestREQ17ADeadlineIsFollowedByTheNext(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	requests := takeLoads(t, o)
	far := later(func() error {
		_, err := l.Load(context.Background(), "app:far", Deadline(time.Hour))
		return err
	})
	request := <-requests
	_, err := l.Load(context.Background(), "app:near", Deadline(time.Millisecond))
	wantLoadError(t, err, FailureExpired)
	do(t, o, func(rt *Runtime) {
		if left := time.Until(rt.deadline); left <= 0 || left > time.Hour {
			t.Errorf("the next deadline is in %v", left)
		}
	})
	ok(t, request.Complete(nil))
	ok(t, <-far)
	ok(t, request.Close())
	ok(t, o.Close()) // no provider runs any more
	closeOffered(t, requests)
}
