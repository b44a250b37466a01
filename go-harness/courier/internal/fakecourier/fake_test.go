//go:build courier_nolink && courier_fake

package fakecourier_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/fakecourier"
	"github.com/cgolab/cgolab/go-harness/internal/stack"
	"github.com/cgolab/cgolab/go-harness/watchdog"
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

// Functions whose status nobody gets: a request that is taken back has no caller to be told.
var unheard = map[string]bool{"courier_request_clear_on_cancel": true}

// statusFunctions are the functions of the header that return a status.
func statusFunctions(t *testing.T) []string {
	t.Helper()
	header, err := os.ReadFile("../capi/courier.h")
	must(t, err)
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^courier_status (courier_\w+)\(`).FindAllSubmatch(header, -1) {
		names = append(names, string(match[1]))
	}
	if len(names) < 30 {
		t.Fatalf("%d functions were found: %v", len(names), names)
	}
	return names
}

func TestSTA02UnknownStatusOfAnyCallKeepsNumberAndMessage(t *testing.T) {
	rt, session := newSession(t)
	source, err := rt.NewWakeSource()
	must(t, err)
	var request *courier.Request
	must(t, rt.SetProvider(func(r *courier.Request, _ string) courier.Decision { request = r; return courier.Handle }))
	fakecourier.Installed(false).Offer(1<<40, "app:a")
	blob, err := session.Snapshot()
	must(t, err)
	calls := map[string]func() error{
		"courier_runtime_options_init":        func() error { _, err := courier.NewRuntime(); return err },
		"courier_runtime_create":              func() error { _, err := courier.NewRuntime(); return err },
		"courier_runtime_pump":                func() error { _, err := rt.Pump(0); return err },
		"courier_runtime_next_timeout":        func() error { _, err := rt.NextTimeout(); return err },
		"courier_runtime_step":                func() error { _, err := rt.Step(); return err },
		"courier_runtime_drain_events":        func() error { _, err := rt.Drain(make([]courier.Event, 1)); return err },
		"courier_runtime_set_provider":        func() error { return rt.SetProvider(func(*courier.Request, string) courier.Decision { return 0 }) },
		"courier_runtime_clear_provider":      rt.ClearProvider,
		"courier_runtime_set_wake_callback":   func() error { return rt.SetWake(func() {}) },
		"courier_runtime_clear_wake_callback": func() error { return rt.SetWake(nil) },
		"courier_runtime_wake_source":         func() error { _, err := rt.NewWakeSource(); return err },
		"courier_wake_source_signal":          source.Signal,
		"courier_session_create":              func() error { _, err := rt.NewSession(); return err },
		"courier_load_options_init":           func() error { _, err := session.Load("app:a"); return err },
		"courier_session_load":                func() error { _, err := session.Load("app:a"); return err },
		"courier_session_cancel":              func() error { return session.Cancel(1) },
		"courier_session_attach_buffer":       func() error { return session.Attach(make([]byte, 1)) },
		"courier_session_detach_buffer":       session.Detach,
		"courier_session_snapshot":            func() error { _, err := session.Snapshot(); return err },
		"courier_blob_copy":                   func() error { _, err := blob.Bytes(); return err },
		"courier_session_set_surface":         func() error { return session.SetSurface(1) },
		"courier_request_is_cancelled":        func() error { _, err := request.Cancelled(); return err },
		"courier_request_on_cancel":           func() error { _, err := request.OnCancel(func() {}); return err },
		"courier_request_surface":             func() error { _, err := request.Surface(); return err },
		"courier_request_complete":            func() error { return request.Complete(nil) },
		"courier_set_log_callback":            func() error { return courier.SetLogger(courier.LogDebug, func(courier.LogLevel, string) {}) },
		"courier_clear_log_callback":          func() error { return courier.SetLogger(courier.LogDebug, nil) },
		"courier_session_destroy":             session.Close,
		"courier_runtime_destroy":             rt.Close,
	}
	for _, function := range statusFunctions(t) {
		if calls[function] == nil && !unheard[function] {
			t.Errorf("%s is not called", function)
		}
	}
	for function, call := range calls {
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
	must(t, blob.Close())
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
		loader, err := courier.NewLoader(nil)
		must(t, err)
		owner := loader.Owner()
		fakecourier.Return("courier_blob_copy", skip, capi.NativeError, message)
		if _, err := loader.Load(context.Background(), "app:a"); !errors.Is(err, courier.ErrNative) {
			t.Errorf("loaded: %v", err)
		}
		wantCalls(t, "courier_blob_copy", calls)
		catchUp(t, owner)
		wantCalls(t, "courier_blob_release", 1)
		bytes, err := loader.Load(context.Background(), "app:b")
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
	fakecourier.Give("courier_runtime_drain_events", 0, 3)
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

// newLoader makes a loader that has loaded, so that it has a session of its own.
func newLoader(t *testing.T) *courier.Loader {
	t.Helper()
	honest(t)
	loader, err := courier.NewLoader(nil)
	must(t, err)
	wantLoad(t, loader)
	return loader
}

func wantLoad(t *testing.T, loader *courier.Loader) {
	t.Helper()
	if bytes, err := loader.Load(context.Background(), "app:a"); err != nil || string(bytes) != "app:a" {
		t.Errorf("Load returned %q, %v", bytes, err)
	}
}

func TestREQ19ALoadFailsIfThereIsNoSessionForIt(t *testing.T) {
	honest(t)
	loader, err := courier.NewLoader(nil)
	must(t, err)
	fakecourier.Return("courier_session_create", 0, capi.NativeError, message)
	if _, err := loader.Load(context.Background(), "app:a"); !errors.Is(err, courier.ErrNative) {
		t.Errorf("Load returned %v", err)
	}
	wantLoad(t, loader)
	must(t, loader.Close())
}

// Nobody has asked the owner to pump: what fails there is reported, and the owner goes on.
func TestAnOwnersFailuresToPumpAreReported(t *testing.T) {
	loader := newLoader(t)
	owner := loader.Owner()
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
	wantLoad(t, loader)
	must(t, loader.Close())
}

// A pump that fails leaves events behind, and nothing tells of them again: it is tried again, but not all the
// time, also when a deadline has passed.
func TestTHR06APumpThatFailsIsTriedAgain(t *testing.T) {
	for _, function := range []string{"courier_runtime_pump", "courier_runtime_drain_events", "courier_runtime_next_timeout"} {
		loader := newLoader(t)
		fail := func() { fakecourier.Return(function, 0, capi.NativeError, message) }
		var fails atomic.Bool
		fails.Store(true)
		courier.SetPanicHandler(func(courier.CallbackPanic) {
			if fails.Load() {
				fail()
			}
		})
		must(t, loader.Owner().Do(context.Background(), func(rt *courier.Runtime) error {
			session, err := rt.NewSession()
			must(t, err)
			_, err = session.Load("app:a", courier.Deadline(0))
			must(t, err)
			must(t, session.Close())
			fakecourier.Queue(1<<40, int32(courier.Completed), 0, "of a session that nobody knows")
			fail()
			fakecourier.Installed(true).Wake()
			return nil
		}))
		before := fakecourier.Calls("courier_runtime_pump")
		for i := 0; i < 100; i++ {
			catchUp(t, loader.Owner())
		}
		if pumps := fakecourier.Calls("courier_runtime_pump") - before; pumps > 50 {
			t.Errorf("%s fails: %d pumps in 100 turns", function, pumps)
		}
		fails.Store(false)
		succeeded := fakecourier.Calls("courier_runtime_next_timeout") + 1
		if function == "courier_runtime_next_timeout" {
			succeeded++ // the one that is to fail still
		}
		for fakecourier.Calls("courier_runtime_next_timeout") < succeeded {
			runtime.Gosched() // a watchdog ends it
		}
		courier.SetPanicHandler(nil)
		must(t, loader.Close())
	}
}

// wantNative checks that a call has met what no library may return.
func wantNative(t *testing.T, what string, err error, word string) {
	t.Helper()
	var e *courier.Error
	if !errors.As(err, &e) || !errors.Is(err, courier.ErrNative) || e.Word != word || !strings.HasPrefix(e.Message, "["+word+"] ") {
		t.Errorf("%s: %v, want [%s]", what, err, word)
	}
}

// Whatever the library returns as a count or a size: nothing is allocated for it, and no bytes are made up.
func TestVAL10SizesAndCountsAreCheckedBeforeTheyAreUsed(t *testing.T) {
	rt, session := newSession(t)
	fakecourier.Queue(uint64(session.ID()), int32(courier.Completed), 0, "contents")
	var events [1]courier.Event
	n, err := rt.Drain(events[:])
	must(t, err)
	blob := events[0].Payload
	const copies = "courier_blob_copy"
	for _, size := range []uint64{^uint64(0), 1 << 63, 1<<63 - 1, 1 << 40, 1 << 31} { // make panics over the first
		fakecourier.Give(copies, 0, size)
		bytes, err := blob.Bytes()
		if bytes != nil {
			t.Errorf("a size of %d: %d bytes", size, len(bytes))
		}
		wantNative(t, fmt.Sprint("a size of ", size), err, "too-large")
	}
	for _, size := range []uint64{0, 3, 7, 9, 1 << 40} {
		fakecourier.Give(copies, 1, size)
		bytes, err := blob.Bytes()
		if bytes != nil {
			t.Errorf("8 bytes, and then %d: %q", size, bytes)
		}
		wantNative(t, fmt.Sprint("8 bytes, and then ", size), err, "size-changed")
	}
	if bytes, err := blob.Bytes(); string(bytes) != "contents" || err != nil {
		t.Errorf("%d events, contents %q, %v", n, bytes, err)
	}
	must(t, blob.Close())
	fakecourier.Give("courier_runtime_pump", 0, 1<<31)
	unread, err := rt.Pump(0)
	if unread != 0 {
		t.Errorf("%d unread events", unread)
	}
	wantNative(t, "unread events", err, "too-many")
	fakecourier.Give("courier_runtime_pump", 0, math.MaxInt32)
	if unread, err := rt.Pump(0); unread != math.MaxInt32 || err != nil {
		t.Errorf("%d unread events, %v", unread, err)
	}
	must(t, session.Close())
	must(t, rt.Close())
}

// A null handle names nothing, and the binding makes no Go handle of one.
func TestVAL10ANullHandleIsAnError(t *testing.T) {
	rt, session := newSession(t)
	for function, create := range map[string]func() (bool, error){
		"courier_runtime_create":      func() (bool, error) { h, err := courier.NewRuntime(); return h != nil, err },
		"courier_session_create":      func() (bool, error) { h, err := rt.NewSession(); return h != nil, err },
		"courier_runtime_wake_source": func() (bool, error) { h, err := rt.NewWakeSource(); return h != nil, err },
		"courier_session_snapshot":    func() (bool, error) { h, err := session.Snapshot(); return h != nil, err },
	} {
		fakecourier.Give(function, 0, 0)
		made, err := create()
		if made {
			t.Errorf("%s: a handle was made", function)
		}
		wantNative(t, function, err, "null-handle")
	}
	must(t, session.Close())
	must(t, rt.Close())
}

// A load without its bytes is no success with bytes that nobody sent.
func TestVAL10ACompletionWithoutAPayloadIsAnError(t *testing.T) {
	loader := newLoader(t)
	fakecourier.Give("courier_event.payload", 0, 0)
	bytes, err := loader.Load(context.Background(), "app:b")
	if bytes != nil || !errors.Is(err, courier.ErrNative) || !strings.Contains(err.Error(), "without a payload") {
		t.Errorf("Load returned %q, %v", bytes, err)
	}
	wantLoad(t, loader)
	must(t, loader.Close())
}

// Flags and timeouts have a meaning whatever their number; a surface is any.
func TestVAL11NumbersThatNobodyExpectsHaveAMeaning(t *testing.T) {
	rt, session := newSession(t)
	var request *courier.Request
	must(t, rt.SetProvider(func(r *courier.Request, _ string) courier.Decision { request = r; return courier.Handle }))
	fakecourier.Installed(false).Offer(1<<40, "app:a")
	fakecourier.Give("courier_runtime_step", 0, 77)
	if ran, err := rt.Step(); !ran || err != nil {
		t.Errorf("Step = %v, %v", ran, err)
	}
	fakecourier.Give("courier_request_is_cancelled", 0, 77)
	if cancelled, err := request.Cancelled(); !cancelled || err != nil {
		t.Errorf("Cancelled = %v, %v", cancelled, err)
	}
	fakecourier.Give("courier_request_on_cancel", 0, 77)
	if cancelled, err := request.OnCancel(func() {}); !cancelled || err != nil {
		t.Errorf("OnCancel = %v, %v", cancelled, err)
	}
	fakecourier.Give("courier_request_surface", 0, 1)
	if surface, err := request.Surface(); surface != 1 || err != nil {
		t.Errorf("Surface = %v, %v", surface, err)
	}
	for ms, want := range map[uint64]time.Duration{^uint64(0): courier.Forever, 1 << 63: courier.Forever, 1<<63 - 1: 1<<63 - 1, 5: 5 * time.Millisecond} {
		fakecourier.Give("courier_runtime_next_timeout", 0, ms)
		if timeout, err := rt.NextTimeout(); timeout != want || err != nil {
			t.Errorf("%d ms: %v, %v", int64(ms), timeout, err)
		}
	}
	var null *courier.Request
	must(t, rt.SetProvider(func(r *courier.Request, _ string) courier.Decision { null = r; return courier.Handle }))
	fakecourier.Installed(false).Offer(0, "app:a")
	if err := null.Complete(nil); !errors.Is(err, courier.ErrClosed) {
		t.Errorf("a null request: %v", err)
	}
	must(t, null.Close())
	must(t, request.Close())
	must(t, session.Close())
	must(t, rt.Close())
}

// An empty text may have any address, also one that no pointer of Go's may have; one that is not empty may
// not be nowhere.
func TestVAL16AnEmptyViewOfTheLibrarysMayCarryAnyPointer(t *testing.T) {
	rt, session := newSession(t)
	panics := catchPanics(t)
	var urls, records []string
	must(t, rt.SetProvider(func(_ *courier.Request, url string) courier.Decision {
		stack.Move(1000)
		urls = append(urls, url)
		return courier.Fail
	}))
	must(t, courier.SetLogger(courier.LogDebug, func(_ courier.LogLevel, text string) {
		stack.Move(1000)
		records = append(records, text)
	}))
	for _, address := range []uintptr{0, 1, 0xfff, ^uintptr(0)} {
		if decision := fakecourier.Installed(false).OfferView(1<<40, address, 0); decision != capi.DecisionFail {
			t.Errorf("decision %d", decision)
		}
		fakecourier.Log(77, address, 0)
		fakecourier.Return("courier_runtime_pump", 0, capi.NativeError, "")
		fakecourier.Lend(address, 0)
		_, err := rt.Pump(0)
		var e *courier.Error
		if !errors.As(err, &e) || e.Message != "" || e.Word != "" {
			t.Errorf("an empty message: %v", err)
		}
	}
	if fmt.Sprint(urls, records) != fmt.Sprint(make([]string, 4), make([]string, 4)) || len(*panics) != 0 {
		t.Errorf("URLs %q, records %q, %v", urls, records, *panics)
	}
	for _, view := range []struct {
		address uintptr
		length  uint64
	}{{0, 1}, {1 << 20, 1 << 40}, {1 << 20, 1<<63 - 1}, {1 << 20, ^uint64(0)}} {
		*panics = nil
		if decision := fakecourier.Installed(false).OfferView(1<<40, view.address, view.length); decision != capi.DecisionFail {
			t.Errorf("%v: decision %d", view, decision)
		}
		fakecourier.Log(1, view.address, view.length)
		fakecourier.Return("courier_runtime_pump", 0, capi.NativeError, "")
		fakecourier.Lend(view.address, view.length)
		_, err := rt.Pump(0)
		wantNative(t, fmt.Sprint(view), err, "bad-text")
		if len(*panics) != 2 || len(urls) != 4 || len(records) != 4 {
			t.Errorf("%v: reports %v, URLs %q, records %q", view, *panics, urls, records)
		}
	}
	must(t, courier.SetLogger(courier.LogDebug, nil))
	must(t, session.Close())
	must(t, rt.Close())
}

// A load that ends in a way without a name ends so for its caller, with number and bytes.
func TestEVT08ALoadThatEndsInAnUnknownWayKeepsNumberAndBytes(t *testing.T) {
	for _, kind := range []courier.EventKind{0, 4, 77, -1, courier.Cancelled, courier.Failed} {
		loader := newLoader(t)
		loaded := make(chan error, 1)
		release := make(chan struct{})
		must(t, loader.Owner().Post(func(*courier.Runtime) { <-release }))
		go func() {
			_, err := loader.Load(context.Background(), "app:b")
			loaded <- err
		}()
		fakecourier.NextKind(int32(kind), -5)
		close(release)
		err := <-loaded
		var failed *courier.LoadError
		if !errors.As(err, &failed) || failed.Kind != kind || failed.Failure != -5 || failed.Message != "app:b" || failed.URL != "app:b" {
			t.Errorf("kind %d: %#v", kind, err)
		}
		if errors.Is(err, context.Canceled) != (kind == courier.Cancelled) {
			t.Errorf("kind %d: %v", kind, err)
		}
		must(t, loader.Close())
	}
}

// An event of a load that is not under way reaches no other load, and its payload is released.
func TestEVT08AnEventOfNoLoadIsReported(t *testing.T) {
	loader := newLoader(t)
	reports := catchPanics(t)
	must(t, loader.Owner().Do(context.Background(), func(rt *courier.Runtime) error {
		fakecourier.Queue(fakecourier.LastSession(), int32(courier.Completed), 0, "of no load")
		fakecourier.Installed(true).Wake()
		return nil
	}))
	catchUp(t, loader.Owner())
	if len(*reports) != 1 || (*reports)[0].Callback != "loader" || !strings.Contains(fmt.Sprint((*reports)[0].Value), "is not under way") {
		t.Errorf("reports %v", *reports)
	}
	wantCalls(t, "courier_blob_release", 2)
	wantLoad(t, loader)
	must(t, loader.Close())
}

// Two loads under one number cannot be told apart.
func TestEVT06ASecondLoadOfTheSameNumberIsRefused(t *testing.T) {
	loader := newLoader(t)
	fakecourier.Keep()
	results := make(chan error, 2)
	load := func() {
		fakecourier.Give("courier_session_load", 0, 7)
		before := fakecourier.Calls("courier_session_load")
		go func() {
			_, err := loader.Load(context.Background(), "app:a")
			results <- err
		}()
		for fakecourier.Calls("courier_session_load") == before {
			runtime.Gosched() // a watchdog ends it
		}
		catchUp(t, loader.Owner())
	}
	load()
	load()
	if err := <-results; !errors.Is(err, courier.ErrNative) || !strings.Contains(err.Error(), "a second load 7") {
		t.Errorf("Load returned %v", err)
	}
	must(t, loader.Close())
	if err := <-results; !errors.Is(err, courier.ErrClosed) {
		t.Errorf("the first load: %v", err)
	}
}

// The owner asks for a deadline and hears that it has passed: it pumps at once, and does not sleep.
func TestTHR06ADeadlineThatHasJustPassedIsNotSleptThrough(t *testing.T) {
	honest(t)
	owner, err := courier.NewOwner(nil)
	must(t, err)
	must(t, owner.Do(context.Background(), func(rt *courier.Runtime) error {
		session, err := rt.NewSession()
		must(t, err)
		_, err = session.Load("app:a", courier.Deadline(0))
		must(t, err)
		fakecourier.Give("courier_runtime_next_timeout", 0, 0)
		return session.Close()
	}))
	for fakecourier.Calls("courier_runtime_next_timeout") < 2 {
		runtime.Gosched() // a watchdog ends it
	}
	must(t, owner.Close())
}

// An owner that is told of events which do not come goes on, and does not ask for ever.
func TestVAL10EventsThatAreCountedAndNotThereAreNotWaitedFor(t *testing.T) {
	loader := newLoader(t)
	fakecourier.Give("courier_runtime_pump", -1, 5)
	fakecourier.Installed(true).Wake()
	catchUp(t, loader.Owner())
	catchUp(t, loader.Owner())
	pumps := fakecourier.Calls("courier_runtime_pump")
	for i := 0; i < 100; i++ {
		catchUp(t, loader.Owner())
	}
	if more := fakecourier.Calls("courier_runtime_pump") - pumps; more > 0 {
		t.Errorf("%d more pumps", more)
	}
	fakecourier.Give("", 0, 0)
	wantLoad(t, loader)
	must(t, loader.Close())
}

// The library fails to close: it is tried again by the next Close, also by one that comes at the same time.
// All that wait for the owner have heard of its end, and that stays true.
func TestTHR07ACloseThatTheLibraryFailsEndsTheJobsAndIsTriedAgain(t *testing.T) {
	for _, function := range []string{"courier_session_destroy", "courier_runtime_destroy"} {
		loader := newLoader(t)
		owner := loader.Owner()
		inside, release := make(chan struct{}), make(chan struct{})
		must(t, owner.Post(func(*courier.Runtime) { close(inside); <-release }))
		<-inside
		fakecourier.Return(function, 0, capi.NativeError, message)
		closing := make(chan error, 3)
		for i := 0; i < cap(closing); i++ {
			go func() { closing <- loader.Close() }()
		}
		close(release)
		failed := 0
		for i := 0; i < cap(closing); i++ {
			if err := <-closing; errors.Is(err, courier.ErrNative) {
				failed++
			} else if err != nil {
				t.Errorf("Close returned %v", err)
			}
		}
		if failed != 1 {
			t.Errorf("%s: %d Closes failed, want the first", function, failed)
		}
		must(t, loader.Close())
		wantCalls(t, "courier_runtime_destroy", map[string]int{"courier_session_destroy": 1, "courier_runtime_destroy": 2}[function])

		loader = newLoader(t)
		owner = loader.Owner()
		fakecourier.Return(function, 0, capi.NativeError, message)
		if err := loader.Close(); !errors.Is(err, courier.ErrNative) {
			t.Errorf("%s: Close returned %v", function, err)
		}
		_, err := loader.Load(context.Background(), "app:a")
		for _, late := range []error{err, owner.Post(func(*courier.Runtime) {}), owner.Do(context.Background(), func(*courier.Runtime) error { return nil })} {
			if !errors.Is(late, courier.ErrClosed) {
				t.Errorf("%s: after a Close that failed: %v", function, late)
			}
		}
		must(t, loader.Close())
		must(t, loader.Close())
	}
}

// waitForDo waits until a goroutine waits for its job, as stacks show it.
func waitForDo() {
	stacks := make([]byte, 1<<20)
	for {
		for _, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			state, calls, _ := strings.Cut(stack, "\n")
			if strings.Contains(state, "[select") && strings.Contains(calls, "(*ownerThread).do(") {
				return
			}
		}
		runtime.Gosched() // a watchdog ends it
	}
}

// A library that destroys a runtime with sessions open, which it must not, leaves nobody hanging either: not
// those that come meanwhile, nor those that come later.
func TestTHR07ARuntimeThatIsGoneRejectsWhatIsQueued(t *testing.T) {
	honest(t)
	owner, err := courier.NewOwner(nil)
	must(t, err)
	must(t, owner.Do(context.Background(), func(rt *courier.Runtime) error { _, err := rt.NewSession(); return err }))
	do := func() error {
		return owner.Do(context.Background(), func(*courier.Runtime) error { t.Error("a job ran"); return nil })
	}
	queued := make(chan error, 1)
	capi.Observe(func(point string) {
		if point == "courier_runtime_destroy" {
			go func() { queued <- do() }()
			waitForDo()
		}
	})
	defer capi.Observe(nil)
	must(t, owner.Close())
	for _, err := range []error{<-queued, do()} {
		if !errors.Is(err, courier.ErrClosed) {
			t.Errorf("Do returned %v", err)
		}
	}
}

// Too many Goexits close the owner; when the library fails at that, Close tries again.
func TestTHR08AnOwnerThatCannotCloseAfterTooManyExitsIsClosedByClose(t *testing.T) {
	honest(t)
	reports := make(chan string, 2000)
	courier.SetPanicHandler(func(p courier.CallbackPanic) { reports <- fmt.Sprint(p.Value) })
	defer courier.SetPanicHandler(nil)
	owner, err := courier.NewOwner(nil)
	must(t, err)
	must(t, owner.Do(context.Background(), func(rt *courier.Runtime) error {
		_, err := rt.NewSession()
		fakecourier.Return("courier_session_destroy", 0, capi.NativeError, message)
		return err
	}))
	for i := 0; i < 1000; i++ {
		must(t, owner.Post(func(*courier.Runtime) { runtime.Goexit() }))
	}
	for report := ""; !strings.Contains(report, "but not its runtime: "); {
		report = <-reports
	}
	if err := owner.Post(func(*courier.Runtime) {}); !errors.Is(err, courier.ErrClosed) {
		t.Errorf("Post returned %v", err)
	}
	must(t, owner.Close())
	wantCalls(t, "courier_session_destroy", 2)
	wantCalls(t, "courier_runtime_destroy", 1)
}
