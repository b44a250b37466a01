package courier

import (
	"bytes"
	"testing"
)

func TestVAL07ValuesDoNotAlias(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	var urls []string
	var caller []byte
	ok(t, rt.SetProvider(func(r *Request, url string) Decision {
		defer r.Close()
		urls = append(urls, url)
		caller = []byte("original")
		ok(t, r.Complete(caller))
		copy(caller, "reused!!")
		return Handle
	}))
	event := loadOne(t, rt, session, "app:first")
	blob := event.Payload
	first, err := blob.Bytes()
	ok(t, err)
	if string(first) != "original" {
		t.Errorf("payload %q", first)
	}
	copy(first, "scribble")
	second, err := blob.Bytes()
	ok(t, err)
	if string(second) != "original" {
		t.Errorf("payload %q after its copy was written to", second)
	}
	ok(t, blob.Close())
	loadOne(t, rt, session, "app:other")
	if string(second) != "original" || string(caller) != "reused!!" {
		t.Errorf("copy %q, caller's buffer %q", second, caller)
	}
	ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
		defer r.Close()
		ok(t, r.Fail("no such thing"))
		return Handle
	}))
	failed := loadOne(t, rt, session, "app:third")
	wantFailure(t, failed, FailureProvider)
	if got := text(t, failed); got != "no such thing" {
		t.Errorf("message %q", got)
	}
	if urls[0] != "app:first" || urls[1] != "app:other" {
		t.Errorf("URLs %q", urls)
	}
}

func TestVAL08AbsentEmptyAndZeroDiffer(t *testing.T) {
	t.Run("options", func(t *testing.T) {
		ownThread(t)
		_, err := NewRuntime(Root(""))
		wantError(t, err, ErrInvalidArgument, "[bad-root] ")
		_, err = NewRuntime(Threads(0))
		wantError(t, err, ErrInvalidArgument, "[bad-value] ")
		rt := newRuntime(t, Stepped()) // no Root
		wantFailure(t, loadOne(t, rt, newSession(t, rt), "file:///a"), FailureUnsupported)
	})
	t.Run("root", func(t *testing.T) {
		dir := t.TempDir()
		writeFile(t, dir, "full", "content")
		writeFile(t, dir, "empty", "")
		rt := newRuntime(t, Stepped(), Root(dir))
		session := newSession(t, rt)
		want(t, loadOne(t, rt, session, "file:///full"), "content")
		want(t, loadOne(t, rt, session, "file:///empty"), "")
		wantFailure(t, loadOne(t, rt, session, "file:///absent"), FailureNotFound)
	})
	t.Run("payload", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		session := newSession(t, rt)
		for _, body := range [][]byte{nil, {}} {
			ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
				defer r.Close()
				ok(t, r.Complete(body))
				return Handle
			}))
			event := loadOne(t, rt, session, "app:empty")
			got, err := event.Payload.Bytes()
			if event.Kind != Completed || !bytes.Equal(got, nil) || got == nil || err != nil {
				t.Errorf("empty payload: %v, %#v, %v", event.Kind, got, err)
			}
		}
		requests := handOver(t, rt)
		id := load(t, session, "app:cancelled")
		settle(t, rt)
		ok(t, session.Cancel(id))
		if events := settle(t, rt); len(events) != 1 || events[0].Kind != Cancelled || events[0].Payload != nil {
			t.Errorf("cancelled: %+v", events)
		}
		ok(t, (<-requests).Close())
	})
	t.Run("no message", func(t *testing.T) {
		rt := newRuntime(t, Stepped())
		ok(t, rt.SetProvider(func(r *Request, _ string) Decision {
			defer r.Close()
			ok(t, r.Fail(""))
			return Handle
		}))
		event := loadOne(t, rt, newSession(t, rt), "app:a")
		wantFailure(t, event, FailureProvider)
		if got := text(t, event); got != "" {
			t.Errorf("message %q", got)
		}
	})
}

// Of an empty slice or string there is no first byte whose address could go to C.
func TestVAL16EmptyArgumentsHaveNoFirstByte(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	full := make([]byte, 8)
	for name, empty := range map[string][]byte{"nil": nil, "empty": {}, "the end of one": full[8:], "the beginning of one": full[:0]} {
		request, _ := pendingRequest(t, rt, session)
		ok(t, session.Attach(empty))
		ok(t, request.Complete(empty))
		ok(t, request.Close())
		want(t, settle(t, rt)[0], "")
		ok(t, session.Detach())
		if n, err := rt.Drain(make([]Event, 1)[:0]); n != 0 || err != nil {
			t.Errorf("%s: Drain = %d, %v", name, n, err)
		}
	}
	request, _ := pendingRequest(t, rt, session)
	ok(t, request.Fail(""))
	ok(t, request.Close())
	if got := text(t, settle(t, rt)[0]); got != "" {
		t.Errorf("message %q", got)
	}
	_, err := session.Load("")
	wantError(t, err, ErrInvalidArgument, "[bad-url] ")
}
