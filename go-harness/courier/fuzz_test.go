package courier

import (
	"errors"
	"runtime"
	"testing"
	"unicode/utf8"
)

// FuzzLoad gives any bytes to whatever takes bytes: a URL, an answer and an error text, and a buffer of any
// size. It is also run by go test, with the inputs below testdata/fuzz.
func FuzzLoad(f *testing.F) {
	f.Add("app:a", []byte("body"), "message", uint8(4))
	f.Add("data:;base64,Y29udGVudA==", []byte{}, "", uint8(0))
	f.Add("\xff", []byte{0}, "\xff", uint8(255))
	f.Fuzz(func(t *testing.T, url string, body []byte, message string, size uint8) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		rt, err := NewRuntime(Stepped())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { ok(t, rt.Close()) }()
		session, err := rt.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { ok(t, session.Close()) }()
		buffer := make([]byte, size)
		ok(t, session.Attach(buffer))
		var offered []string
		requests := make(chan *Request, 2)
		ok(t, rt.SetProvider(func(r *Request, url string) Decision {
			offered = append(offered, url)
			requests <- r
			return Handle
		}))
		if _, err := session.Load(url); err != nil {
			if !errors.Is(err, ErrInvalidArgument) {
				t.Errorf("%q is refused with %v", url, err)
			}
			return
		}
		if !utf8.ValidString(url) {
			t.Errorf("%q is taken", url)
		}
		load(t, session, "app:second")
		first, second := fuzzStep(t, rt, requests), fuzzStep(t, rt, requests)
		if len(offered) != 2 || offered[1] != "app:second" {
			t.Errorf("offered %q", offered)
		}
		ok(t, first.Complete(body))
		if err := second.Fail(message); utf8.ValidString(message) != (err == nil) {
			t.Errorf("message %q: %v", message, err)
		}
		ok(t, first.Close())
		ok(t, second.Close())
		events := settle(t, rt)
		if len(events) != 2 {
			t.Fatalf("events %v", events)
		}
		want(t, events[0], string(body))
		if events[1].Kind != Failed {
			t.Errorf("event %v", events[1])
		} else if events[1].Failure == FailureProvider && text(t, events[1]) != message {
			t.Errorf("failed with %q, want %q", text(t, events[1]), message)
		}
		ok(t, session.Detach())
		landed := len(body)
		if landed > len(buffer) {
			landed = len(buffer)
		}
		if string(buffer[:landed]) != string(body[:landed]) {
			t.Errorf("%q landed in the buffer, want %q", buffer[:landed], body[:landed])
		}
	})
}

func fuzzStep(t *testing.T, rt *Runtime, requests <-chan *Request) *Request {
	ran, err := rt.Step()
	if !ran || err != nil {
		t.Fatal(ran, err)
	}
	return <-requests
}
