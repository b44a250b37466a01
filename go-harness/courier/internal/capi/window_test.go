package capi

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// Two calls that fail with different words and need no runtime.
func failWithNull() error      { return WakeSourceSignal(0) }
func failWithMalformed() error { return WakeSourceSignal(^uint64(0)) }

func message(t *testing.T, err error) string {
	t.Helper()
	var native *Error
	if !errors.As(err, &native) {
		t.Fatalf("error %v", err)
	}
	return native.Message
}

// With one P, a goroutine that waits gives its OS thread away, unless it has locked it. Between status
// and message another goroutine makes a failing call: it must not find itself on our thread.
func TestSTA03MessageBelongsToTheFailingCall(t *testing.T) {
	watchdog.Guard(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	own, other := message(t, failWithNull()), message(t, failWithMalformed())
	if own == other || own == "" {
		t.Fatalf("messages %q and %q do not tell the calls apart", own, other)
	}
	defer func() { betweenStatusAndMessage = nil }()
	for i := 0; i < 100; i++ {
		betweenStatusAndMessage = func() {
			betweenStatusAndMessage = nil
			done := make(chan error)
			go func() { done <- failWithMalformed() }()
			if got := message(t, <-done); got != other {
				t.Errorf("the other call has message %q", got)
			}
		}
		if got := message(t, failWithNull()); got != own {
			t.Fatalf("round %d: the failing call has message %q, want %q", i, got, own)
		}
	}
}

// The message is copied: later calls on the same thread reuse the memory that it came from.
func TestSTA04MessageSurvivesLaterCalls(t *testing.T) {
	watchdog.Guard(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	first := message(t, failWithNull())
	copied := strings.Clone(first)
	for i := 0; i < 100; i++ {
		_ = failWithMalformed()
		done := make(chan error)
		go func() { done <- failWithMalformed() }()
		<-done
	}
	if first != copied {
		t.Errorf("message became %q, was %q", first, copied)
	}
}

// locked reports whether the calling goroutine is locked to its thread: its stack says so in the first
// line.
func locked() bool {
	var header [128]byte
	line, _, _ := strings.Cut(string(header[:runtime.Stack(header[:], false)]), "\n")
	return strings.Contains(line, "locked to thread")
}

func TestSTA09TheWindowIsBalancedOnEveryPath(t *testing.T) {
	watchdog.Guard(t)
	defer func() { betweenStatusAndMessage = nil }()
	paths := map[string]func(){
		"a call that succeeds": func() {
			if err := ClearLogCallback(); err != nil {
				t.Error(err)
			}
		},
		"a call that fails": func() {
			within := false
			betweenStatusAndMessage = func() { within = locked() }
			_ = message(t, failWithNull())
			if !within {
				t.Error("not locked between status and message")
			}
		},
		"a panic in the window": func() {
			defer func() {
				if value := recover(); value != "in the window" {
					t.Errorf("recovered %v", value)
				}
			}()
			betweenStatusAndMessage = func() { panic("in the window") }
			_ = failWithNull()
		},
	}
	for name, path := range paths {
		path()
		if locked() {
			t.Errorf("%s leaves the thread locked", name)
			runtime.UnlockOSThread()
		}
		runtime.LockOSThread()
		path()
		if !locked() {
			t.Errorf("%s ends the caller's own lock", name)
		}
		runtime.UnlockOSThread()
		if locked() {
			t.Errorf("%s nests wrongly in the caller's lock", name)
			runtime.UnlockOSThread()
		}
		betweenStatusAndMessage = nil
	}
}
