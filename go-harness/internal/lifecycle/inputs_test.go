//go:build courier_oracle

package lifecycle

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// mostThreads is the largest number of worker threads that a runtime takes.
const mostThreads = 64

// FuzzInputs gives any text, bytes and counts to whatever takes them. Each is in memory that is written over and
// freed when the call has returned.
func FuzzInputs(f *testing.F) {
	f.Fuzz(func(t *testing.T, root, url string, body []byte, message string, threads uint32, room uint16) {
		clean(t)
		runtime.LockOSThread() // and so it stays: if the test fails, the thread ends with what it has left
		in := &inputs{judge: newJudge(t)}
		in.roots(root)
		in.counts(threads)
		in.values(url, body, message, int(room))
		in.end()
	})
}

// inputs is one run of FuzzInputs.
type inputs struct {
	judge
	rt      *courier.Runtime
	session *courier.Session
	// What the provider was offered: URLs, and requests that have no answer.
	offered  []string
	requests []*courier.Request
}

// check notes that a contract was put to the test, and fails the test if it does not hold.
func (in *inputs) check(contract string, holds bool, expected string, observed ...any) {
	in.t.Helper()
	if !holds {
		in.broken(contract, expected, observed...)
	}
	in.seen.check(contract)
}

// roots opens a runtime with a root directory of any name.
func (in *inputs) roots(root string) {
	lent := lend(root)
	rt, err := courier.NewRuntime(courier.Stepped(), courier.Root(lent.text()))
	lent.end()
	if strings.Contains(root, "\x00") {
		told := err != nil && errors.Is(err, courier.ErrInvalidArgument) && strings.Contains(err.Error(), "NUL")
		in.check("STA-08", told, "a root with NUL in it is refused for that", err)
	}
	if root == "" {
		in.check("VAL-08", errors.Is(err, courier.ErrInvalidArgument), "an empty root is refused", err)
	}
	if err == nil {
		in.ok(rt.Close())
	}
}

// counts asks for a number of threads that is out of range. Threads are not started here: that takes long.
func (in *inputs) counts(threads uint32) {
	if threads > 0 && threads <= mostThreads {
		return
	}
	_, err := courier.NewRuntime(courier.Threads(threads))
	in.check("VAL-10", errors.Is(err, courier.ErrInvalidArgument), "a number of threads out of range is refused", threads, " ", err)
}

// values loads a URL that somebody else's memory has, and one of its own, and answers both.
func (in *inputs) values(url string, body []byte, message string, room int) {
	retained := in.open(1 + room%64)
	lent := lend(url)
	_, err := in.session.Load(lent.text())
	lent.end()
	if !utf8.ValidString(url) {
		in.check("VAL-17", errors.Is(err, courier.ErrInvalidArgument), "a URL that is no UTF-8 is refused", err)
	}
	taken := err == nil
	if !taken && (!errors.Is(err, courier.ErrInvalidArgument) || isOurs(url)) {
		in.broken("VAL-02", fmt.Sprintf("%q is taken, or is no URL", url), err)
	}
	in.load("app:second")
	if taken {
		ours := len(in.offered) == 2 && in.offered[0] == url
		in.check("VAL-02", ours, fmt.Sprintf("%q is offered", url), fmt.Sprintf("%q", in.offered))
		in.complete(body)
	}
	in.fail(message)

	events := in.drain(room)
	if taken {
		in.payload(events[0], string(body))
		events = events[1:]
	}
	if utf8.ValidString(message) {
		in.payload(events[0], message)
	} else {
		in.ok(events[0].Payload.Close())
	}
	in.detached(retained)
	in.ok(in.session.Close())
	in.ok(in.rt.Close())
	if report := left(); report != "" {
		in.t.Fatal(report)
	}
}

// isOurs reports whether the provider is offered a URL, whatever else may be one.
func isOurs(url string) bool {
	name, found := strings.CutPrefix(url, "app:")
	return found && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == ""
}

// open makes a runtime and a session with a retained buffer, which it returns.
func (in *inputs) open(size int) (retained []byte) {
	var err error
	in.rt, err = courier.NewRuntime(courier.Stepped())
	in.ok(err)
	in.session, err = in.rt.NewSession()
	in.ok(err)
	in.ok(in.rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
		in.offered, in.requests = append(in.offered, url), append(in.requests, request)
		return courier.Handle
	}))
	retained = make([]byte, size)
	in.ok(in.session.Attach(retained))
	return retained
}

// load starts a load, and has all that were started offered.
func (in *inputs) load(url string) {
	_, err := in.session.Load(url)
	in.ok(err)
	for ran := true; ran; {
		ran, err = in.rt.Step()
		in.ok(err)
	}
}

// next is the oldest request without an answer.
func (in *inputs) next() *courier.Request {
	if len(in.requests) == 0 {
		in.t.Fatal("no request was offered")
	}
	next := in.requests[0]
	in.requests = in.requests[1:]
	return next
}

// complete answers with bytes that are gone afterwards; nil is nil.
func (in *inputs) complete(body []byte) {
	request := in.next()
	lent := lend(string(body))
	err := in.answered(func() error {
		if body == nil {
			return request.Complete(nil)
		}
		return request.Complete(lent.bytes())
	})
	lent.end()
	switch {
	case body == nil:
		// Each input has this one: it puts nothing to the test.
		if err != nil {
			in.broken("VAL-16", "nil is an answer", err)
		}
	case len(body) == 0:
		in.check("VAL-16", err == nil, "no bytes are an answer", err)
	default:
		in.ok(err)
	}
	in.ok(request.Close())
}

// fail answers with a message that is gone afterwards. One that is no text is refused.
func (in *inputs) fail(message string) {
	request := in.next()
	lent := lend(message)
	err := in.answered(func() error { return request.Fail(lent.text()) })
	lent.end()
	switch {
	case !utf8.ValidString(message):
		in.check("VAL-17", errors.Is(err, courier.ErrInvalidArgument), "a message that is no UTF-8 is refused", err)
	case message == "":
		in.check("VAL-16", err == nil, "an empty message is an answer", err)
	default:
		in.ok(err)
	}
	in.ok(request.Close())
}

// answered makes a call. Whoever takes the address of a first byte that there is not, panics.
func (in *inputs) answered(call func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			in.broken("VAL-16", "no first byte of nothing", value)
		}
	}()
	return call()
}

// drain takes all events, so many at a time.
func (in *inputs) drain(room int) []courier.Event {
	_, err := in.rt.Pump(0)
	in.ok(err)
	if none, err := in.rt.Drain(nil); none != 0 || err != nil {
		in.t.Fatal("a drain without room: ", none, err)
	}
	var all []courier.Event
	for {
		events := make([]courier.Event, room+1)
		n, err := in.rt.Drain(events)
		in.ok(err)
		if n == 0 {
			return all
		}
		all = append(all, events[:n]...)
	}
}

// payload compares what came with what was answered, in memory that is long gone.
func (in *inputs) payload(event courier.Event, want string) {
	got, err := event.Payload.Bytes()
	in.ok(err)
	if string(got) != want {
		in.broken("VAL-02", fmt.Sprintf("%q", want), fmt.Sprintf("%q", got))
	}
	if want == "" && got == nil {
		in.broken("VAL-08", "bytes, if only none", "nil")
	}
	in.ok(event.Payload.Close())
}

// detached takes the buffer back, and lets other loads end, one with nothing: nobody writes into it any more.
func (in *inputs) detached(retained []byte) {
	in.ok(in.session.Detach())
	for i := range retained {
		retained[i] = 0xaa
	}
	const misplaced = "where it must not be"
	in.load("app:third")
	in.load("app:fourth")
	in.complete([]byte(misplaced))
	in.complete(nil)
	events := in.drain(2)
	in.payload(events[0], misplaced)
	in.payload(events[1], "")
	if bytes.Count(retained, []byte{0xaa}) != len(retained) {
		in.broken("VAL-02", "a detached buffer stays as it is", retained)
	}
}
