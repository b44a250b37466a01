package courier

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

var categories = []error{
	ErrInvalidArgument, ErrInvalidState, ErrWrongThread, ErrUnsupported, ErrNative,
	ErrUnknownStatus, ErrClosed, ErrABIMismatch,
}

func TestSTA01EachStatusHasOneCategory(t *testing.T) {
	statuses := map[int32]error{
		capi.InvalidArgument: ErrInvalidArgument,
		capi.InvalidState:    ErrInvalidState,
		capi.WrongThread:     ErrWrongThread,
		capi.Unsupported:     ErrUnsupported,
		capi.NativeError:     ErrNative,
	}
	if len(statuses) != 5 {
		t.Fatal("two statuses have one number")
	}
	for status, want := range statuses {
		err := wrap("try", &capi.Error{Status: status, Message: "[word] text"})
		for _, category := range categories {
			if got := errors.Is(err, category); got != (category == want) {
				t.Errorf("status %d: errors.Is(err, %q) = %v", status, category, got)
			}
		}
		if !strings.Contains(err.Error(), "[word] text") {
			t.Errorf("status %d: %q lacks the native message", status, err)
		}
	}
	if err := wrap("try", nil); err != nil {
		t.Errorf("no error became %v", err)
	}
	if err := wrap("try", fs.ErrClosed); err != fs.ErrClosed {
		t.Errorf("an error that is not the library's became %v", err)
	}
}

// Errors of one category are told apart by a word, without a look at the text.
func TestSTA01ErrorsOfOneCategoryHaveWords(t *testing.T) {
	rt := newRuntime(t, Stepped(), MaxLoads(1))
	session := newSession(t, rt)
	request, id := pendingRequest(t, rt, session)
	_, full := session.Load("app:b")
	ok(t, session.Cancel(id))
	settle(t, rt)
	expired := expire(t, rt, session)
	_, err := rt.Pump(0)
	ok(t, err)
	for word, err := range map[string]error{
		"queue-full":    full,
		"live-children": rt.Close(),
		"cancelled":     request.Complete(nil),
		"expired":       expired.Complete(nil),
		"load-ended":    session.Cancel(id),
	} {
		var e *Error
		if !errors.As(err, &e) || e.Word != word || !errors.Is(err, ErrInvalidState) || !strings.HasPrefix(e.Message, "["+word+"] ") {
			t.Errorf("%s: %#v", word, err)
		}
	}
	ok(t, request.Close())
	ok(t, expired.Close())
	var own *Error
	if err := request.Complete(nil); !errors.As(err, &own) || own.Word != "" {
		t.Errorf("the binding's own: %#v", err)
	}
	for message, word := range map[string]string{"": "", "text": "", "[": "", "[] x": "", "[a-b] text [c]": "a-b"} {
		if got := (&capi.Error{Message: message}).Word(); got != word {
			t.Errorf("%q has the word %q", message, got)
		}
	}
}

// A failed load has the standard library's name for its failure, if there is one.
func TestSTA01ALoadErrorIsWhatItSays(t *testing.T) {
	dir := t.TempDir()
	ok(t, os.Symlink("/", filepath.Join(dir, "outside")))
	l := newLoader(t, nil, Root(dir))
	for url, want := range map[string]error{
		"file:///none": fs.ErrNotExist, "file:///outside/etc": fs.ErrPermission, "gopher:a": errors.ErrUnsupported,
		"data:bad": ErrInvalidArgument,
	} {
		_, err := l.Load(context.Background(), url)
		wantLoadErrorIs(t, err, want)
	}
	requests := takeLoads(t, l.Owner())
	_, err := l.Load(context.Background(), "app:late", Deadline(0))
	wantLoadErrorIs(t, err, os.ErrDeadlineExceeded)
	do(t, l.Owner(), func(rt *Runtime) { ok(t, rt.ClearProvider()) })
	closeOffered(t, requests)
	for failure, want := range map[Failure]error{
		FailureNone: nil, FailureProvider: nil, FailureDropped: nil, FailureBadResponse: nil,
		FailureIO: ErrNative, FailureInternal: ErrNative, 77: nil,
	} {
		if got := errors.Unwrap(&LoadError{Kind: Failed, Failure: failure}); got != want {
			t.Errorf("%v unwraps to %v", failure, got)
		}
	}
	if err := error(&LoadError{URL: "app:a", Kind: 77, Failure: -5, Message: "text"}); !strings.Contains(err.Error(), "event kind 77: text") {
		t.Errorf("an unknown kind: %v", err)
	}
}

func wantLoadErrorIs(t *testing.T, err, want error) {
	t.Helper()
	var failed *LoadError
	var own *Error
	if !errors.Is(err, want) || !errors.As(err, &failed) || failed.Kind != Failed || errors.As(err, &own) {
		t.Errorf("%v, want %v", err, want)
	}
}

// The same from real calls, as far as a caller can provoke them.
func TestSTA01NativeErrorsArrive(t *testing.T) {
	rt := newRuntime(t, Threads(1))
	session := newSession(t, rt)
	_, err := session.Load("no URL")
	wantError(t, err, ErrInvalidArgument, "[bad-url] ")
	wantError(t, rt.Close(), ErrInvalidState, "[live-children] ")
	_, err = rt.Step()
	wantError(t, err, ErrUnsupported, "[not-stepped] ")
	elsewhere(func() { wantError(t, session.Cancel(1), ErrWrongThread, "[wrong-thread] ") })
}

func TestSTA02UnknownStatusKeepsItsNumber(t *testing.T) {
	for _, status := range []int32{-6, 1, 1 << 30, -1 << 31} {
		err := wrap("try", &capi.Error{Status: status, Message: "[new-word] text"})
		wantError(t, err, ErrUnknownStatus, "[new-word] ")
		var e *Error
		if errors.As(err, &e) && e.Status != status {
			t.Errorf("status %d became %d", status, e.Status)
		}
	}
	err := wrap("try", &capi.Error{Status: -77})
	if !strings.Contains(err.Error(), "-77") {
		t.Errorf("%q lacks the number", err)
	}
}

func TestSTA04MessageSurvivesTheRuntime(t *testing.T) {
	rt := newRuntime(t)
	session := newSession(t, rt)
	_, err := session.Load("no URL at all")
	before := strings.Clone(err.Error())
	elsewhere(func() { _, _ = rt.Pump(0) })
	for i := 0; i < 100; i++ {
		_ = session.Cancel(LoadID(i))
	}
	ok(t, session.Close())
	ok(t, rt.Close())
	if err.Error() != before {
		t.Errorf("%q became %q", before, err)
	}
}

func TestSTA06BindingsOwnChecksHaveTheirOwnMessage(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	requests := handOver(t, rt)
	load(t, session, "app:a")
	settle(t, rt)
	request := <-requests
	ok(t, request.Complete(nil))

	checks := map[string]func() error{
		"nil provider":      func() error { return rt.SetProvider(nil) },
		"second completion": func() error { return request.Complete(nil) },
		"inner NUL":         func() error { _, err := NewRuntime(Root("a\x00b")); return err },
		"closed": func() error {
			ok(t, request.Close())
			_, err := request.Cancelled()
			return err
		},
	}
	for name, check := range checks {
		// Leave a message on this thread.
		_, err := session.Load("no URL")
		wantError(t, err, ErrInvalidArgument, "[bad-url] ")

		var own *Error
		if err := check(); !errors.As(err, &own) {
			t.Errorf("%s: %v", name, err)
		} else if own.Status != 0 || own.Message == "" || strings.Contains(own.Message, "[") {
			t.Errorf("%s: status %d with message %q", name, own.Status, own.Message)
		}
	}
}

func TestSTA08InnerNULIsRefused(t *testing.T) {
	ownThread(t)
	dir := t.TempDir() // what a root cut at its NUL would name
	calls := countCalls(t)
	for _, path := range []string{dir + "\x00", dir + "\x00/elsewhere", "\x00"} {
		rt, err := NewRuntime(Root(path))
		if rt != nil {
			t.Errorf("%q: a runtime exists", path)
		}
		wantError(t, err, ErrInvalidArgument, "")
		if err != nil && !strings.Contains(err.Error(), "NUL") {
			t.Errorf("%q: %v", path, err)
		}
	}
	if n := calls.total(); n != 0 {
		t.Errorf("%d calls reached C", n)
	}
}

// Cleanup after a refused call makes calls of its own, here a failing one: the message is the first one's.
func TestSTA07CleanupDoesNotReplaceTheMessage(t *testing.T) {
	rt := newRuntime(t, Stepped())
	refused := 0
	capi.Observe(func(point string) {
		if point == "cell.free" {
			refused++
			if err := capi.WakeSourceSignal(0); err == nil || !strings.Contains(err.Error(), "[null] ") {
				t.Errorf("the cleanup's own call: %v", err)
			}
		}
	})
	defer capi.Observe(nil)
	elsewhere(func() {
		wantError(t, rt.SetProvider(answerWith("")), ErrWrongThread, "[wrong-thread] ")
		wantError(t, rt.SetWake(func() {}), ErrWrongThread, "[wrong-thread] ")
	})
	wantError(t, SetLogger(99, func(LogLevel, string) {}), ErrInvalidArgument, "[bad-value] ")
	session := newSession(t, rt)
	request, _ := pendingRequest(t, rt, session)
	ok(t, request.Complete(nil))
	_, err := request.OnCancel(func() {})
	wantError(t, err, ErrInvalidState, "[completed] ")
	ok(t, request.Close())
	if refused != 4 {
		t.Errorf("%d cells were freed", refused)
	}
	ok(t, rt.ClearProvider())
}
