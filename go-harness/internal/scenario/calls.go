package scenario

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// do makes one call. A nil outcome with a nil error is a call with nothing to say.
func (w *world) do(c call) (outcome any, err error) {
	switch c.op {
	case "RuntimeCreate":
		options := []courier.Option{courier.Stepped(), courier.MaxLoads(value[uint32](w, c, "max_loads"))}
		if root := value[*string](w, c, "root"); root != nil {
			options = append(options, courier.Root(*root))
		}
		rt, err := courier.NewRuntime(options...)
		return created(&w.runtimes, rt, err)
	case "RuntimeDestroy":
		return nil, w.runtime(c).Close()
	case "Pump":
		wait := time.Duration(value[int64](w, c, "wait")) * time.Millisecond
		begin := time.Now()
		unread, err := w.runtime(c).PumpSome(wait, value[uint32](w, c, "budget"))
		waited := time.Since(begin).Milliseconds() >= w.setup.Numbers.Briefly
		return is("Pumped", map[string]any{"unread": unread, "waited": waited}), err
	case "Step":
		ran, err := w.runtime(c).Step()
		return is("Stepped", ran), err
	case "Drain":
		return w.drain(c)
	case "SetProvider":
		return nil, w.setProvider(c)
	case "ClearProvider":
		return nil, w.runtime(c).ClearProvider()
	case "SetWake":
		s := w.script(c)
		return nil, w.runtime(c).SetWake(func() { s.called("Wake") })
	case "ClearWake":
		return nil, w.runtime(c).SetWake(nil)
	case "SetLog":
		s := w.script(c)
		limit := value[courier.LogLevel](w, c, "limit")
		return nil, courier.SetLogger(limit, func(level courier.LogLevel, text string) { s.called(is("Log", level)) })
	case "ClearLog":
		return nil, courier.SetLogger(courier.LogError, nil)
	case "WakeSourceCreate":
		source, err := w.runtime(c).NewWakeSource()
		return created(&w.sources, source, err)
	case "Signal":
		return nil, w.source(c).Signal()
	case "WakeSourceRelease":
		return nil, w.source(c).Close()
	case "SessionCreate":
		session, err := w.runtime(c).NewSession()
		return created(&w.sessions, session, err)
	case "SessionDestroy":
		session := w.session(c)
		err := session.Close()
		if err == nil {
			delete(w.buffers, session)
		}
		return nil, err
	case "Load":
		var options []courier.LoadOption
		if deadline := value[*int64](w, c, "deadline"); deadline != nil {
			options = append(options, courier.Deadline(time.Duration(*deadline)*time.Millisecond))
		}
		id, err := w.session(c).Load(value[string](w, c, "url"), options...)
		return is("Started", id), err
	case "Cancel":
		return nil, w.session(c).Cancel(courier.LoadID(c.number("load")))
	case "Attach":
		return nil, w.attach(c)
	case "Detach":
		session := w.session(c)
		if err := session.Detach(); err != nil {
			return nil, err
		}
		defer delete(w.buffers, session)
		return is("Buffer", hex.EncodeToString(w.buffers[session])), nil
	case "Snapshot":
		blob, err := w.session(c).Snapshot()
		if err != nil {
			return nil, err
		}
		w.blobs = append(w.blobs, blob)
		bytes, err := read(blob)
		return is("Snapshot", []any{len(w.blobs) - 1, bytes}), err
	case "SetSurface":
		surface := courier.NativePointer(c.number("surface") * w.setup.Numbers.Surface)
		return nil, w.session(c).SetSurface(surface)
	case "Surface":
		surface, err := w.request(c).Surface()
		return is("Surface", surface), err
	case "NextWait":
		wait, err := w.runtime(c).NextTimeout()
		return is("Next", wait.Nanoseconds()), err
	case "OnCancel":
		s := w.script(c)
		s.request = c.number("request") % max(len(w.requests), 1)
		cancelled, err := w.request(c).OnCancel(func() { s.called("Cancel") })
		return is("Cancelled", cancelled), err
	case "Complete":
		return nil, w.complete(c)
	case "IsCancelled":
		cancelled, err := w.request(c).Cancelled()
		return is("Cancelled", cancelled), err
	case "RequestRelease":
		return nil, w.request(c).Close()
	case "BlobRead":
		bytes, err := read(w.blob(c))
		return is("Content", bytes), err
	case "BlobRelease":
		return nil, w.blob(c).Close()
	default:
		return nil, fmt.Errorf("the binding has no call for %s", c.op)
	}
}

func (w *world) complete(c call) error {
	answer := value[response](w, c, "answer")
	digits, send := answer.Bytes, w.request(c).Complete
	if answer.Error != nil {
		digits, send = answer.Error, func(text []byte) error { return w.request(c).Fail(string(text)) }
	}
	body, err := hex.DecodeString(*digits)
	if err != nil {
		return err
	}
	return send(body)
}

func (w *world) attach(c call) error {
	session := w.session(c)
	memory := make([]byte, value[int](w, c, "size"))
	for i := range memory {
		memory[i] = w.setup.Numbers.Fill
	}
	err := session.Attach(memory)
	if err == nil {
		if w.buffers == nil {
			w.buffers = map[*courier.Session][]byte{}
		}
		w.buffers[session] = memory
	}
	return err
}

// An answer is what a provider says in the end: a decision, or a panic.
type answer struct {
	Decision courier.Decision
	Panics   bool
}

func (w *world) setProvider(c call) error {
	s := w.script(c)
	s.runtime = c.number("runtime") % max(len(w.runtimes), 1)
	decides := value[answer](w, c, "behaviour")
	calls := w.setup.Calls["behaviour"][c.fields["behaviour"]]
	return w.runtime(c).SetProvider(func(request *courier.Request, url string) courier.Decision {
		w.requests = append(w.requests, request)
		s := s
		s.request = len(w.requests) - 1
		s.called(is("Provide", []any{s.request, url}), calls...)
		if decides.Panics {
			panic("scripted")
		}
		return decides.Decision
	})
}

// drain reads payloads at once: what is lost of one is a violation.
func (w *world) drain(c call) (any, error) {
	events := make([]courier.Event, c.number("limit"))
	n, err := w.runtime(c).Drain(events)
	if err != nil {
		return nil, err
	}
	seen := []any{}
	for _, e := range events[:n] {
		session := slices.IndexFunc(w.sessions, func(s *courier.Session) bool { return s.ID() == e.Session })
		event := map[string]any{"session": session, "load": e.Load, "kind": e.Kind, "failure": e.Failure}
		if e.Payload != nil {
			w.blobs = append(w.blobs, e.Payload)
			bytes, err := read(e.Payload)
			if err != nil {
				return nil, fmt.Errorf("a payload cannot be read: %w", err)
			}
			event["blob"], event["content"] = len(w.blobs)-1, bytes
		}
		seen = append(seen, event)
	}
	return is("Drained", seen), nil
}
