//go:build courier_nolink && courier_fake

package fakecourier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/fakecourier"
	"github.com/cgolab/cgolab/go-harness/internal/watchdog"
)

const message = "[made-up] the fake's own words"

func honest(t *testing.T) {
	watchdog.Guard(t)
	fakecourier.Reset()
	t.Cleanup(fakecourier.Reset)
}

func newSession(t *testing.T) (*courier.Runtime, *courier.Session) {
	t.Helper()
	honest(t)
	rt, err := courier.NewRuntime()
	must(t, err)
	session, err := rt.NewSession()
	must(t, err)
	return rt, session
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCalls checks how often the binding has called a function.
func wantCalls(t *testing.T, function string, want int) {
	t.Helper()
	if got := fakecourier.Calls(function); got != want {
		t.Errorf("%d calls of %s, want %d", got, function, want)
	}
}

// wantMismatch checks that nothing is done with a library like this.
func wantMismatch(t *testing.T) {
	t.Helper()
	rt, err := courier.NewRuntime()
	if rt != nil || !errors.Is(err, courier.ErrABIMismatch) {
		t.Errorf("NewRuntime returned %v, %v", rt, err)
	}
	if err := courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}); !errors.Is(err, courier.ErrABIMismatch) {
		t.Errorf("SetLogger returned %v", err)
	}
	if _, err := courier.NewOwner(nil); !errors.Is(err, courier.ErrABIMismatch) {
		t.Errorf("NewOwner returned %v", err)
	}
	wantCalls(t, "courier_runtime_options_init", 0)
	wantCalls(t, "courier_runtime_create", 0)
	wantCalls(t, "courier_set_log_callback", 0)
}

func TestABI01AnotherVersionIsRefusedBeforeAnythingElse(t *testing.T) {
	for _, version := range []uint32{0, capi.ABIVersion + 1, ^uint32(0)} {
		honest(t)
		fakecourier.Pretend(version, capi.LayoutFingerprint())
		wantMismatch(t)
	}
}

func TestABI08AnotherBuildIsRefusedBeforeAnythingElse(t *testing.T) {
	for _, fingerprint := range []uint64{0, capi.LayoutFingerprint() + 1, ^uint64(0)} {
		honest(t)
		fakecourier.Pretend(capi.ABIVersion, fingerprint)
		wantMismatch(t)
	}
	honest(t)
	rt, err := courier.NewRuntime()
	must(t, err)
	must(t, rt.Close())
}

func TestSTA02UnknownStatusOfAnyCallKeepsNumberAndMessage(t *testing.T) {
	rt, session := newSession(t)
	source, err := rt.NewWakeSource()
	must(t, err)
	var request *courier.Request
	must(t, rt.SetProvider(func(r *courier.Request, _ string) courier.Decision { request = r; return courier.Handle }))
	fakecourier.Installed(false).Offer(1<<40, "app:a")
	for function, call := range map[string]func() error{
		"courier_runtime_options_init":      func() error { _, err := courier.NewRuntime(); return err },
		"courier_runtime_create":            func() error { _, err := courier.NewRuntime(); return err },
		"courier_runtime_pump":              func() error { _, err := rt.Pump(0); return err },
		"courier_runtime_next_timeout":      func() error { _, err := rt.NextTimeout(); return err },
		"courier_runtime_step":              func() error { _, err := rt.Step(); return err },
		"courier_runtime_drain_events":      func() error { _, err := rt.Drain(make([]courier.Event, 1)); return err },
		"courier_runtime_set_provider":      func() error { return rt.SetProvider(func(*courier.Request, string) courier.Decision { return 0 }) },
		"courier_runtime_clear_provider":    rt.ClearProvider,
		"courier_runtime_set_wake_callback": func() error { return rt.SetWake(func() {}) },
		"courier_runtime_wake_source":       func() error { _, err := rt.NewWakeSource(); return err },
		"courier_wake_source_signal":        source.Signal,
		"courier_session_create":            func() error { _, err := rt.NewSession(); return err },
		"courier_load_options_init":         func() error { _, err := session.Load("app:a"); return err },
		"courier_session_load":              func() error { _, err := session.Load("app:a"); return err },
		"courier_session_cancel":            func() error { return session.Cancel(1) },
		"courier_session_attach_buffer":     func() error { return session.Attach(make([]byte, 1)) },
		"courier_session_detach_buffer":     session.Detach,
		"courier_session_snapshot":          func() error { _, err := session.Snapshot(); return err },
		"courier_session_set_surface":       func() error { return session.SetSurface(1) },
		"courier_request_is_cancelled":      func() error { _, err := request.Cancelled(); return err },
		"courier_request_on_cancel":         func() error { _, err := request.OnCancel(func() {}); return err },
		"courier_request_surface":           func() error { _, err := request.Surface(); return err },
		"courier_request_complete":          func() error { return request.Complete(nil) },
		"courier_set_log_callback":          func() error { return courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}) },
		"courier_clear_log_callback":        func() error { return courier.SetLogger(courier.LogDebug, nil) },
		"courier_session_destroy":           session.Close,
		"courier_runtime_destroy":           rt.Close,
	} {
		for _, status := range []int32{1, 77, -6, -1 << 31} {
			if function == "courier_request_complete" && status != 77 || function == "courier_request_on_cancel" && status != 77 {
				continue // they go to the library once
			}
			fakecourier.Return(function, 0, status, message)
			err := call()
			var e *courier.Error
			if !errors.Is(err, courier.ErrUnknownStatus) || !errors.As(err, &e) || e.Status != status || e.Message != message ||
				!strings.Contains(err.Error(), fmt.Sprint(status)) {
				t.Errorf("%s: status %d became %v", function, status, err)
			}
		}
	}
	must(t, request.Close())
	must(t, source.Close())
	must(t, session.Close())
	must(t, rt.Close())
}

func TestEVT08UnknownKindsAndFailuresKeepNumberAndBytes(t *testing.T) {
	rt, session := newSession(t)
	for _, number := range []int32{0, 4, 1000, -1, -1 << 31} {
		fakecourier.Queue(uint64(session.ID()), number, number+100, "a new payload")
		var events [2]courier.Event
		n, err := rt.Drain(events[:])
		must(t, err)
		event := events[0]
		if n != 1 || event.Kind != courier.EventKind(number) || event.Failure != courier.Failure(number+100) || event.Session != session.ID() {
			t.Fatalf("%d events: %v", n, events)
		}
		if !strings.Contains(event.Kind.String(), fmt.Sprint(number)) || !strings.Contains(event.Failure.String(), fmt.Sprint(number+100)) {
			t.Errorf("%d is called %q, its failure %q", number, event.Kind, event.Failure)
		}
		bytes, err := event.Payload.Bytes()
		if err != nil || string(bytes) != "a new payload" {
			t.Errorf("payload %q, %v", bytes, err)
		}
		must(t, event.Payload.Close())
	}
	must(t, session.Close())
	must(t, rt.Close())
}

// catchPanics collects what is reported.
func catchPanics(t *testing.T) *[]courier.CallbackPanic {
	panics := new([]courier.CallbackPanic)
	courier.SetPanicHandler(func(p courier.CallbackPanic) { *panics = append(*panics, p) })
	t.Cleanup(func() { courier.SetPanicHandler(nil) })
	return panics
}

// Callbacks that were replaced, were never installed, or are of another kind.
func TestCBK10CallsThatNobodyExpectsAreReportedAndNothingElse(t *testing.T) {
	rt, session := newSession(t)
	panics := catchPanics(t)
	called := 0
	provider := func(*courier.Request, string) courier.Decision { called++; return courier.Handle }
	must(t, rt.SetProvider(provider))
	replaced := fakecourier.Installed(false)
	must(t, rt.SetProvider(provider))
	must(t, rt.SetWake(func() { called++ }))
	waker := fakecourier.Installed(true)
	strangers := []fakecourier.Callback{replaced, waker, fakecourier.Stranger(0), fakecourier.Stranger(^uint64(0))}
	for i, stranger := range strangers {
		if decision := stranger.Offer(1<<40, "app:a"); decision != capi.DecisionFail {
			t.Errorf("%d: decision %d", i, decision)
		}
		if len(*panics) != i+1 || !strings.Contains(fmt.Sprint((*panics)[i].Value), "unknown callback token") {
			t.Fatalf("%d: reported %v", i, *panics)
		}
	}
	must(t, rt.SetWake(nil))
	waker.Wake()
	fakecourier.Installed(false).Wake() // a provider
	if len(*panics) != len(strangers)+2 {
		t.Errorf("%d reports", len(*panics))
	}
	must(t, session.Close())
	last := fakecourier.Installed(false)
	must(t, rt.Close())
	last.Offer(1<<40, "app:a") // the runtime is closed
	if len(*panics) != len(strangers)+3 || called != 0 {
		t.Errorf("%d reports, %d calls", len(*panics), called)
	}
}

func TestHDL02ARefusedDestroyLeavesTheHandleOpen(t *testing.T) {
	rt, session := newSession(t)
	for _, status := range []int32{capi.InvalidState, capi.NativeError, capi.WrongThread, 77} {
		fakecourier.Return("courier_session_destroy", 0, status, message)
		if err := session.Close(); err == nil {
			t.Errorf("status %d: session closed", status)
		}
		if _, err := session.Load("app:a"); err != nil {
			t.Errorf("status %d: after a refused close: %v", status, err)
		}
	}
	must(t, session.Close())
	wantCalls(t, "courier_session_destroy", 5)
	must(t, rt.SetProvider(func(*courier.Request, string) courier.Decision { return courier.Fail }))
	for _, status := range []int32{capi.InvalidState, capi.NativeError, 77} {
		fakecourier.Return("courier_runtime_destroy", 0, status, message)
		if err := rt.Close(); err == nil {
			t.Errorf("status %d: runtime closed", status)
		}
		// Its callbacks are still what the library may call.
		panics := catchPanics(t)
		fakecourier.Installed(false).Offer(1<<40, "app:a")
		if _, err := rt.Pump(0); err != nil || len(*panics) > 0 {
			t.Errorf("status %d: after a refused close: %v, %v", status, err, *panics)
		}
	}
	must(t, rt.Close())
	must(t, rt.Close())
	wantCalls(t, "courier_runtime_destroy", 4)
}

func TestREQ11ACompletionIsTerminalWhateverTheLibraryReturns(t *testing.T) {
	rt, session := newSession(t)
	var request *courier.Request
	must(t, rt.SetProvider(func(r *courier.Request, _ string) courier.Decision { request = r; return courier.Handle }))
	for i, status := range []int32{capi.InvalidArgument, capi.InvalidState, capi.NativeError, capi.Unsupported, 77} {
		fakecourier.Installed(false).Offer(1<<40+uint64(i), "app:a")
		fakecourier.Return("courier_request_complete", 0, status, message)
		if err := request.Complete(nil); err == nil {
			t.Errorf("status %d: completed", status)
		}
		for _, again := range []error{request.Complete(nil), request.Fail("")} {
			if !errors.Is(again, courier.ErrAlreadyCompleted) {
				t.Errorf("status %d: a second completion: %v", status, again)
			}
		}
		wantCalls(t, "courier_request_complete", i+1)
		must(t, request.Close())
		wantCalls(t, "courier_request_release", i+1)
	}
	must(t, session.Close())
	must(t, rt.Close())
}

// catchUp waits until the owner has done with the events that were there.
func catchUp(t *testing.T, owner *courier.Owner) {
	t.Helper()
	must(t, owner.Do(context.Background(), func(*courier.Runtime) error { return nil }))
}

// The blob of an event is released once, also when its bytes cannot be had.
func TestVAL06APayloadIsReleasedOnceAlsoWhenCopyingItFails(t *testing.T) {
	for skip, calls := range []int{1, 2} { // the probe fails, or the copy
		honest(t)
		owner, err := courier.NewOwner(nil)
		must(t, err)
		fakecourier.Return("courier_blob_copy", skip, capi.NativeError, message)
		if _, err := owner.Load(context.Background(), "app:a"); !errors.Is(err, courier.ErrNative) {
			t.Errorf("loaded: %v", err)
		}
		wantCalls(t, "courier_blob_copy", calls)
		catchUp(t, owner)
		wantCalls(t, "courier_blob_release", 1)
		bytes, err := owner.Load(context.Background(), "app:b")
		if err != nil || string(bytes) != "app:b" {
			t.Errorf("the next load: %q, %v", bytes, err)
		}
		catchUp(t, owner)
		wantCalls(t, "courier_blob_release", 2)
		must(t, owner.Close())
	}
}

func TestVAL10AnEventCountBeyondTheRoomIsAnError(t *testing.T) {
	rt, _ := newSession(t)
	var events [2]courier.Event
	fakecourier.Overcount(3)
	n, err := rt.Drain(events[:])
	if n != 0 || !errors.Is(err, courier.ErrNative) || !strings.Contains(fmt.Sprint(err), "[too-many] ") {
		t.Errorf("Drain returned %d, %v", n, err)
	}
}

// An owner whose wake function is refused is none, and leaves no runtime behind.
func TestTHR05AnOwnerThatCannotBeWokenIsNotStarted(t *testing.T) {
	honest(t)
	fakecourier.Return("courier_runtime_set_wake_callback", 0, capi.NativeError, message)
	if owner, err := courier.NewOwner(nil); owner != nil || !errors.Is(err, courier.ErrNative) {
		t.Errorf("NewOwner returned %v, %v", owner, err)
	}
	wantCalls(t, "courier_runtime_destroy", 1)
}

// newOwner makes an owner that has loaded, so that it has a session of its own.
func newOwner(t *testing.T) *courier.Owner {
	t.Helper()
	honest(t)
	owner, err := courier.NewOwner(nil)
	must(t, err)
	wantLoad(t, owner)
	return owner
}

func wantLoad(t *testing.T, owner *courier.Owner) {
	t.Helper()
	if bytes, err := owner.Load(context.Background(), "app:a"); err != nil || string(bytes) != "app:a" {
		t.Errorf("Load returned %q, %v", bytes, err)
	}
}

func TestHDL02ARefusedDestroyLeavesTheOwnerOpen(t *testing.T) {
	for _, function := range []string{"courier_session_destroy", "courier_runtime_destroy"} {
		owner := newOwner(t)
		fakecourier.Return(function, 0, capi.NativeError, message)
		if err := owner.Close(); !errors.Is(err, courier.ErrNative) {
			t.Errorf("%s: Close returned %v", function, err)
		}
		wantLoad(t, owner)
		must(t, owner.Close())
	}
}

func TestREQ19ALoadFailsIfThereIsNoSessionForIt(t *testing.T) {
	honest(t)
	owner, err := courier.NewOwner(nil)
	must(t, err)
	fakecourier.Return("courier_session_create", 0, capi.NativeError, message)
	if _, err := owner.Load(context.Background(), "app:a"); !errors.Is(err, courier.ErrNative) {
		t.Errorf("Load returned %v", err)
	}
	wantLoad(t, owner)
	must(t, owner.Close())
}

// Nobody has asked the owner to pump: what fails there is reported, and the owner goes on.
func TestAnOwnersFailuresToPumpAreReported(t *testing.T) {
	owner := newOwner(t)
	reports := catchPanics(t)
	for _, function := range []string{"courier_runtime_pump", "courier_runtime_drain_events"} {
		*reports = nil
		must(t, owner.Do(context.Background(), func(*courier.Runtime) error {
			fakecourier.Queue(1<<40, int32(courier.Completed), 0, "of a session that nobody knows")
			fakecourier.Return(function, 0, capi.NativeError, message)
			fakecourier.Installed(true).Wake()
			return nil
		}))
		catchUp(t, owner)
		if len(*reports) != 1 || (*reports)[0].Callback != "owner" || !strings.Contains(fmt.Sprint((*reports)[0].Value), message) {
			t.Errorf("%s failed: reports %v", function, *reports)
		}
	}
	wantLoad(t, owner)
	must(t, owner.Close())
}
