package courier

import (
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

func TestEVT06StaleSourceIsNoNewerSession(t *testing.T) {
	rt := newRuntime(t, Stepped())
	old := newSession(t, rt)
	event := loadOne(t, rt, old, "app:a")
	ok(t, old.Close())
	for i := 0; i < 100; i++ {
		session, err := rt.NewSession() // in the place that the old one left
		if err != nil {
			t.Fatal(err)
		}
		if event.Session == session.ID() {
			t.Fatal("the event of a closed session names a newer one")
		}
		ok(t, session.Close())
	}
	if event.Session != old.ID() {
		t.Error("the event does not name its own session")
	}
}

func TestEVT08UnknownKindsKeepNumberAndBytes(t *testing.T) {
	rt := newRuntime(t, Stepped())
	ok(t, rt.SetProvider(answerWith("kept")))
	known := loadOne(t, rt, newSession(t, rt), "app:a")
	id, _ := known.Payload.handle.Begin()
	known.Payload.handle.End()

	event := newEvent(capi.Event{Kind: 77, Failure: -5, Session: 3, Load: 4, Payload: id})
	if event.Kind != 77 || event.Failure != -5 || event.Session != 3 || event.Load != 4 {
		t.Errorf("event %+v", event)
	}
	if event.Kind.String() != "event kind 77" || event.Failure.String() != "failure -5" {
		t.Errorf("names %q and %q", event.Kind, event.Failure)
	}
	if got := text(t, event); got != "kept" {
		t.Errorf("payload %q", got)
	}
	for failure, name := range map[Failure]string{
		-1: "failure -1", FailureNone: "none", FailureExpired: "expired", FailureExpired + 1: "failure 11",
	} {
		if got := failure.String(); got != name {
			t.Errorf("failure %d is named %q", int32(failure), got)
		}
	}
}

// A positive timeout stays bounded and positive; every negative one waits.
func TestEVT10TimeoutsKeepTheirMeaning(t *testing.T) {
	for timeout, want := range map[time.Duration]int64{
		0:                        0,
		1:                        1,
		time.Millisecond:         1,
		time.Millisecond + 1:     2,
		time.Hour:                3_600_000,
		-1:                       -1,
		-time.Hour:               -1,
		time.Duration(1<<63 - 1): 9_223_372_036_855,
	} {
		if got := milliseconds(timeout); got != want {
			t.Errorf("%v: %d ms, want %d", timeout, got, want)
		}
	}
}

// A parked owner is woken by a signal and by a finished load. If it is not, the watchdog ends this.
func TestEVT10ForeverWaitsForWork(t *testing.T) {
	rt := newRuntime(t, Threads(1))
	session := newSession(t, rt)
	source, err := rt.NewWakeSource()
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	go func() { ok(t, source.Signal()) }()
	if unread, err := rt.Pump(Forever); unread != 0 || err != nil {
		t.Errorf("Pump = %d, %v", unread, err)
	}
	load(t, session, "app:a")
	wantFailure(t, next(t, rt), FailureUnsupported)
}

// A bounded wait ends, and not before its time. (That it takes longer on a busy machine is no error.)
func TestEVT10ABoundedPumpWaitsAndEnds(t *testing.T) {
	rt := newRuntime(t, Threads(1))
	const timeout = 20 * time.Millisecond
	start := time.Now()
	if unread, err := rt.Pump(timeout); unread != 0 || err != nil {
		t.Errorf("Pump = %d, %v", unread, err)
	}
	if waited := time.Since(start); waited < timeout {
		t.Errorf("waited %v of %v", waited, timeout)
	}
}

// However much room the caller has: the copy that C fills is of bounded size.
func TestVAL10DrainTakesABoundedNumber(t *testing.T) {
	const loads = 1024 + 7
	rt := newRuntime(t, Stepped(), MaxLoads(loads))
	session := newSession(t, rt)
	for i := 0; i < loads; i++ {
		load(t, session, "nobody:serves-this")
		_, err := rt.Step()
		ok(t, err)
	}
	_, err := rt.Pump(0)
	ok(t, err)
	events := make([]Event, loads)
	for _, want := range []int{1024, 7, 0} {
		n, err := rt.Drain(events)
		if n != want || err != nil {
			t.Fatalf("Drain = %d, %v, want %d", n, err, want)
		}
		for _, event := range events[:n] {
			ok(t, event.Payload.Close())
		}
	}
}
