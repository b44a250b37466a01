package scenario

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// A setup is what both sides agree on.
type setup struct {
	// Values has, by field and name, what is passed to the library.
	Values map[string]map[string]json.RawMessage
	// Calls has, by field and name, the calls that a callback makes.
	Calls map[string]map[string][]string
	// Numbers has what is no field's value.
	Numbers struct {
		Briefly int64 // the shortest wait, in milliseconds
		Surface int   // the address of the first surface
		Fill    byte  // of a buffer
	}
}

// value is what a field of a call stands for.
func value[T any](w *world, c call, field string) T {
	var v T
	raw, found := w.setup.Values[field][c.fields[field]]
	if !found {
		panic(fmt.Sprintf("the setup has no %s %q", field, c.fields[field]))
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	return v
}

// A response is a value of an answer: bytes, or the text of an error, in hexadecimal digits.
type response struct {
	Bytes, Error *string
}

// A world has the objects so far, by ordinal. Lanes take turns, so that nothing is locked.
type world struct {
	setup     *setup
	runtimes  []*courier.Runtime
	sessions  []*courier.Session
	requests  []*courier.Request
	blobs     []*courier.Blob
	sources   []*courier.WakeSource
	buffers   map[*courier.Session][]byte
	callbacks int // the number of attempts to install one
	upcalls   []upcall
}

// pick is the object that an ordinal names; a handle that was never made while there is none.
func pick[T any](all []*T, ordinal int) *T {
	if len(all) == 0 {
		return new(T)
	}
	return all[ordinal%len(all)]
}

func (w *world) runtime(c call) *courier.Runtime { return pick(w.runtimes, c.number("runtime")) }
func (w *world) session(c call) *courier.Session { return pick(w.sessions, c.number("session")) }
func (w *world) request(c call) *courier.Request { return pick(w.requests, c.number("request")) }
func (w *world) blob(c call) *courier.Blob       { return pick(w.blobs, c.number("blob")) }
func (w *world) source(c call) *courier.WakeSource {
	return pick(w.sources, c.number("source"))
}

// created adds an object.
func created[T any](all *[]*T, object *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	*all = append(*all, object)
	return is("Created", len(*all)-1), nil
}

// An observation is what came of a step.
type observation struct {
	Outcome any      `json:"outcome"`
	Upcalls []upcall `json:"upcalls"`
}

// An upcall is one call of a callback.
type upcall struct {
	Callback int   `json:"callback"`
	Kind     any   `json:"kind"`
	Inside   []any `json:"inside"`
}

// is has the form in which the other side names an outcome.
func is(name string, value any) any { return map[string]any{name: value} }

func (w *world) step(c call) observation {
	w.upcalls = []upcall{}
	return observation{w.outcome(c), w.upcalls}
}

func (w *world) outcome(c call) any {
	outcome, err := w.do(c)
	if err != nil {
		return refusal(err)
	}
	if outcome == nil {
		return "Done"
	}
	return outcome
}

// refusal tells errors of the library by their word, and the binding's own by their category.
func refusal(err error) any {
	var own *courier.Error
	switch {
	case errors.As(err, &own) && own.Word != "":
		return is("Refused", own.Word)
	case errors.Is(err, courier.ErrClosed):
		return is("Unasked", "Closed")
	case errors.Is(err, courier.ErrAlreadyCompleted):
		return is("Unasked", "AlreadyCompleted")
	case errors.Is(err, courier.ErrInvalidState):
		return is("Unasked", "InvalidState")
	default:
		return is("Unknown", err.Error())
	}
}

// A script is a callback that was given to the library.
type script struct {
	w        *world
	number   int
	reaction string
	runtime  int
	request  int
}

// script numbers a callback. One that is refused counts, too.
func (w *world) script(c call) script {
	w.callbacks++
	return script{w: w, number: w.callbacks - 1, reaction: c.fields["reaction"]}
}

// called makes the callback's calls, and notes that it was called.
func (s script) called(kind any, more ...string) {
	inside := []any{}
	for _, text := range append(s.w.setup.Calls["reaction"][s.reaction], more...) {
		c, err := parse(text)
		if err != nil {
			panic(err)
		}
		inside = append(inside, s.w.outcome(c.own(s.runtime, s.request)))
	}
	s.w.upcalls = append(s.w.upcalls, upcall{s.number, kind, inside})
}

// read is a blob's content, and nothing if it is not there to be read.
func read(blob *courier.Blob) (string, error) {
	bytes, err := blob.Bytes()
	return hex.EncodeToString(bytes), err
}
