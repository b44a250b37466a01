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
		runtime.LockOSThread() // and so it stays, as below
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

// FuzzCalls reads bytes as calls on a stepped runtime, in any order, and knows what each of them returns and
// how each load ends: once, and as the first of those who end it says.
func FuzzCalls(f *testing.F) {
	f.Add([]byte("lhso0c0c0f0r0c0r0d"))  // completed twice
	f.Add([]byte("lhso0o0x0c0x0r0do0"))  // cancelled, with a function
	f.Add([]byte("lhsx0o0c0r0d"))        // without one
	f.Add([]byte("lpslfslislksdo2o3c1")) // whatever a provider can answer
	f.Add([]byte("lhlhlhso0sSf0o1r1r0lislhSd"))
	f.Add([]byte("lhlislhsc0x1r1dr0d")) // events one by one
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 200 {
			return
		}
		// Not unlocked: if the test fails, the thread ends with what it has left.
		runtime.LockOSThread()
		calls := countAll(t)
		c := newCaller(t)
		for len(script) > 0 {
			script = c.call(script)
		}
		c.finish()
		if made, freed := calls.of("cell.new"), calls.of("cell.free"); made != freed {
			t.Errorf("%d cells made, %d freed", made, freed)
		}
	})
}

// A caller makes the calls of FuzzCalls.
type caller struct {
	t       *testing.T
	rt      *Runtime
	session *Session
	loads   []*knownLoad
	offered []*knownLoad // with a request, in the order of the offers
}

// A knownLoad is what has been done to a load.
type knownLoad struct {
	session SessionID
	id      LoadID
	url     string
	request *Request

	ended    EventKind // how; 0 while it has not
	silent   bool      // its session was closed first: no event comes
	told     bool      // the event has come
	answered bool      // Complete or Fail was called
	closed   bool      // the request
	function bool      // of OnCancel, taken
	called   int       // the function
}

func newCaller(t *testing.T) *caller {
	rt, err := NewRuntime(Stepped())
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, rt: rt}
	ok(t, rt.SetProvider(c.provide))
	c.open()
	return c
}

func (c *caller) open() {
	session, err := c.rt.NewSession()
	if err != nil {
		c.t.Fatal(err)
	}
	c.session = session
}

// provide answers as the URL says: h(andle), p(ass), f(ail), i(nline completion), k(eep: completion, pass).
func (c *caller) provide(request *Request, url string) Decision {
	// The oldest that nobody has ended: the others are not offered.
	var known *knownLoad
	for _, l := range c.loads {
		if l.request == nil && l.ended == 0 && !l.silent {
			known = l
			break
		}
	}
	if known == nil || known.url != url {
		c.t.Errorf("offered %q out of turn", url)
		return Fail
	}
	known.request = request
	c.offered = append(c.offered, known)
	switch url {
	case "app:p", "app:f":
		known.ended, known.closed = Failed, true
		if url == "app:f" {
			return Fail
		}
		return Pass
	case "app:i", "app:k":
		c.answer(known, Completed)
		if url == "app:k" {
			return Pass
		}
	}
	return Handle
}

// call makes the first call of the script and returns the rest.
func (c *caller) call(script []byte) []byte {
	op := script[0]
	argument := byte(0)
	if len(script) > 1 {
		argument = script[1]
	}
	switch op {
	case 'l':
		c.load(argument)
	case 'c', 'f', 'o', 'r', 'x':
		if len(c.offered) > 0 {
			c.use(op, c.offered[int(argument)%len(c.offered)])
		}
	case 's':
		_, err := c.rt.Step()
		ok(c.t, err)
		return script[1:]
	case 'S':
		c.closeSession()
		c.open()
		return script[1:]
	case 'd':
		c.drain()
		return script[1:]
	default:
		return script[1:]
	}
	if len(script) == 1 {
		return nil
	}
	return script[2:]
}

func (c *caller) load(answer byte) {
	url := "app:h"
	switch answer {
	case 'p', 'f', 'i', 'k':
		url = "app:" + string(rune(answer))
	}
	c.loads = append(c.loads, &knownLoad{session: c.session.ID(), id: load(c.t, c.session, url), url: url})
}

func (c *caller) use(op byte, l *knownLoad) {
	switch op {
	case 'c':
		c.answer(l, Completed)
	case 'f':
		c.answer(l, Failed)
	case 'o':
		c.onCancel(l)
	case 'r':
		ok(c.t, l.request.Close())
		l.closed = true
		if l.ended == 0 && !l.silent {
			l.ended = Failed
		}
	case 'x':
		c.cancel(l)
	}
}

// answer completes or fails the load.
func (c *caller) answer(l *knownLoad, how EventKind) {
	var err error
	if how == Completed {
		err = l.request.Complete([]byte(l.url))
	} else {
		err = l.request.Fail(l.url)
	}
	switch {
	case l.closed:
		c.refused(err, ErrClosed)
	case l.answered:
		c.refused(err, ErrAlreadyCompleted)
	case l.ended != 0 || l.silent:
		c.refused(err, ErrInvalidState)
	default:
		ok(c.t, err)
		l.ended = how
	}
	l.answered = true
}

func (c *caller) onCancel(l *knownLoad) {
	cancelled, err := l.request.OnCancel(func() { l.called++ })
	gone := l.ended == Cancelled || l.silent && l.ended == 0
	switch {
	case l.closed:
		c.refused(err, ErrClosed)
	case gone:
		if !cancelled || err != nil {
			c.t.Errorf("cancelled: %v, %v", cancelled, err)
		}
	case l.function || l.ended != 0:
		c.refused(err, ErrInvalidState)
	default:
		if cancelled || err != nil {
			c.t.Errorf("not cancelled: %v, %v", cancelled, err)
		}
		l.function = true
	}
}

func (c *caller) cancel(l *knownLoad) {
	if l.session != c.session.ID() {
		return // there is nobody to ask
	}
	called := l.called
	err := c.session.Cancel(l.id)
	if l.ended != 0 {
		c.refused(err, ErrInvalidState)
		return
	}
	ok(c.t, err)
	l.ended = Cancelled
	c.wantCalled(l, called)
}

// wantCalled looks whether the end that was just made has called the function, if there was one.
func (c *caller) wantCalled(l *knownLoad, before int) {
	want := before
	if l.function {
		want++
	}
	if l.called != want {
		c.t.Errorf("load %d: its function was called %d times, want %d", l.id, l.called, want)
	}
}

func (c *caller) closeSession() {
	before := map[*knownLoad]int{}
	for _, l := range c.loads {
		before[l] = l.called
	}
	ok(c.t, c.session.Close())
	for _, l := range c.loads {
		if l.session != c.session.ID() {
			continue
		}
		if l.ended == 0 {
			c.wantCalled(l, before[l])
		}
		l.silent = true
	}
}

func (c *caller) drain() {
	_, err := c.rt.Pump(0)
	ok(c.t, err)
	var events [256]Event
	n, err := c.rt.Drain(events[:])
	ok(c.t, err)
	for _, event := range events[:n] {
		payload := ""
		if event.Payload != nil {
			payload = text(c.t, event)
			ok(c.t, event.Payload.Close())
		}
		l := c.find(event)
		if l == nil || l.told || l.silent || l.ended != event.Kind {
			c.t.Errorf("event %v of load %+v", event, l)
			continue
		}
		l.told = true
		// Completions and failures by the provider say their URL.
		provided := event.Kind == Completed || event.Failure == FailureProvider && l.url != "app:f"
		if provided && payload != l.url {
			c.t.Errorf("load %+v has payload %q", l, payload)
		}
	}
	for _, l := range c.loads {
		if l.ended != 0 && !l.silent && !l.told {
			c.t.Errorf("no event of load %+v", l)
		}
	}
}

func (c *caller) find(event Event) *knownLoad {
	for _, l := range c.loads {
		if l.session == event.Session && l.id == event.Load {
			return l
		}
	}
	return nil
}

// finish ends all loads, and closes everything.
func (c *caller) finish() {
	for ran := true; ran; {
		var err error
		if ran, err = c.rt.Step(); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, l := range c.offered {
		c.use('r', l)
	}
	c.drain()
	for _, l := range c.loads {
		if l.ended == 0 && !l.silent {
			c.t.Errorf("load %+v has not ended", l)
		}
	}
	ok(c.t, c.session.Close())
	ok(c.t, c.rt.Close())
}

func (c *caller) refused(err, category error) {
	c.t.Helper()
	// ErrAlreadyCompleted is an ErrInvalidState, too.
	if !errors.Is(err, category) || category == ErrInvalidState && errors.Is(err, ErrAlreadyCompleted) {
		c.t.Errorf("refused with %v, want %v", err, category)
	}
}

func fuzzStep(t *testing.T, rt *Runtime, requests <-chan *Request) *Request {
	ran, err := rt.Step()
	if !ran || err != nil {
		t.Fatal(ran, err)
	}
	return <-requests
}
