package courier

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// A Loader loads for any number of goroutines at the same time, each with a context. It has an [Owner], and
// a session there that is its own.
//
// A load that the runtime has no room for waits until there is room, in the order of the calls. Nothing else
// is decided here: a Loader never tries a failed load again, keeps no result, and joins no two loads of one
// URL.
//
// A Loader is closed like a handle. One that is forgotten is reported as its Owner is.
type Loader struct {
	owner Owner
	loads *loads // it does not refer back, like the owner's thread
}

// NewLoader starts a loader, with an [Owner] and a new runtime. handle is called with the events of sessions
// that jobs open, as in [NewOwner], and never with those of the loader's own.
func NewLoader(handle func(rt *Runtime, event Event), opts ...Option) (*Loader, error) {
	l := new(Loader)
	loads := &loads{handle: handle, underWay: map[LoadID]*oneLoad{}, waiting: list.New()}
	if handle == nil {
		loads.handle = discard
	}
	loads.owner = newOwnerThread(loads.dispatch)
	loads.owner.guest = loads
	if err := l.owner.start(loads.owner, opts); err != nil {
		return nil, err
	}
	l.loads = loads
	return l, nil
}

// Owner returns the owner, for jobs such as the one that sets a provider. To close it is to close the loader.
func (l *Loader) Owner() *Owner { return &l.owner }

// Load loads url and waits for the bytes. A load that fails returns a [*LoadError].
//
// When ctx is done Load returns its error and cancels the load, and no other; an answer that comes late is
// freed. A [Deadline] begins when there is room for the load. Load waits for the owner, and so returns
// [ErrInvalidState] where [Owner.Do] does, and in a job.
func (l *Loader) Load(ctx context.Context, url string, opts ...LoadOption) ([]byte, error) {
	const op = "load"
	if l.loads == nil {
		return nil, closed(op)
	}
	options, err := newLoadOptions(op, opts) // here: an option is a function, and not ours
	if err != nil {
		return nil, err
	}
	done, err := waitFor(op, capi.Owner(), l.loads.owner.number)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return l.loads.load(ctx, op, &oneLoad{url: url, options: options, done: make(chan struct{})})
}

// Close ends all loads with [ErrClosed], and closes the owner: see [Owner.Close].
func (l *Loader) Close() error { return l.owner.Close() }

// loads are the calls of [Loader.Load].
type loads struct {
	owner *ownerThread

	// The rest is used on the owner's thread only.
	handle   func(*Runtime, Event) // takes the events of other sessions
	session  *Session              // nil before the first load
	underWay map[LoadID]*oneLoad   // of session, without an event so far
	waiting  *list.List            // of *oneLoad, for room
	posted   bool                  // the job that looks whether there is room
}

// oneLoad is one call of [Loader.Load].
type oneLoad struct {
	url     string
	options loadOptions
	claimed atomic.Bool // by its event, by its caller who has gone, or by the owner's end
	done    chan struct{}
	bytes   []byte // set before done is closed
	err     error

	// Used on the owner's thread only.
	number LoadID        // set when it is started
	place  *list.Element // among those that wait, if it does
}

// load is called on any thread that may wait for the owner.
func (l *loads) load(ctx context.Context, op string, load *oneLoad) ([]byte, error) {
	err := l.owner.do(ctx, op, func(*Runtime) error { return l.start(op, load) })
	if err == nil {
		select {
		case <-load.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil || !load.claimed.CompareAndSwap(false, true) {
		<-load.done
		return load.bytes, load.err
	}
	if ctx.Err() != nil {
		// Closed meanwhile is fine: there is nothing to cancel then.
		_ = l.owner.jobs.submit(op, job{post: func(*Runtime) { l.cancel(load) }})
	}
	return nil, err
}

// start starts a load, or has it wait behind the others.
func (l *loads) start(op string, load *oneLoad) error {
	if load.claimed.Load() {
		return nil // its caller has gone
	}
	started, err := l.waiting.Len() == 0, error(nil)
	if started {
		started, err = l.begin(op, load)
	}
	if err == nil && !started {
		load.place = l.waiting.PushBack(load)
	}
	return err
}

// begin starts a load if there is room for it.
func (l *loads) begin(op string, load *oneLoad) (started bool, err error) {
	if l.session == nil {
		if l.session, err = l.owner.runtime.NewSession(); err != nil {
			return false, err
		}
	}
	number, err := l.session.load(op, load.url, load.options)
	var refused *Error
	switch {
	case errors.As(err, &refused) && refused.Word == "queue-full":
		return false, nil
	case err != nil:
		return false, err
	case l.underWay[number] != nil:
		return false, refuse(op, ErrNative, fmt.Sprintf("the library has started a second load %d", number))
	}
	load.number = number
	l.underWay[number] = load
	return true, nil
}

// sessions implements guest.
func (l *loads) sessions() int {
	if l.session == nil || l.session.handle.Closed() {
		return 0
	}
	return 1
}

// room implements guest. It comes in the middle of other calls: what it has to do is a job.
func (l *loads) room() {
	if l.waiting.Len() > 0 && !l.posted {
		l.posted = l.owner.jobs.submit("load", job{post: func(*Runtime) { l.resume() }}) == nil
	}
}

// resume starts loads that wait, as long as there is room.
func (l *loads) resume() {
	l.posted = false
	for l.waiting.Len() > 0 {
		load := l.waiting.Front().Value.(*oneLoad)
		started, err := l.begin("load", load)
		if err == nil && !started {
			return
		}
		l.unwait(load)
		if err != nil {
			load.end(nil, err)
		}
	}
}

func (l *loads) unwait(load *oneLoad) {
	l.waiting.Remove(load.place)
	load.place = nil
}

// cancel cancels a load whose caller has gone. The load's own number is what keeps it from reaching another.
func (l *loads) cancel(load *oneLoad) {
	switch {
	case load.place != nil:
		l.unwait(load)
	case l.session != nil && l.underWay[load.number] == load:
		_ = l.session.Cancel(load.number) // it may have ended: its event is on the way
	}
}

// dispatch is the owner's event handler.
func (l *loads) dispatch(rt *Runtime, event Event) {
	if l.session == nil || event.Session != l.session.ID() {
		l.handle(rt, event)
		return
	}
	load := l.underWay[event.Load]
	delete(l.underWay, event.Load)
	if load == nil {
		discard(rt, event)
		capi.Report("loader", fmt.Errorf("an event of load %d, which is not under way", event.Load), nil)
		return
	}
	load.finish(event)
}

// leave implements guest.
func (l *loads) leave() error {
	for _, load := range l.underWay {
		load.end(nil, closed("load"))
	}
	for l.waiting.Len() > 0 {
		load := l.waiting.Front().Value.(*oneLoad)
		l.unwait(load)
		load.end(nil, closed("load"))
	}
	if l.session == nil {
		return nil
	}
	return l.session.Close()
}

// finish gives the load's end to its caller, or frees it if the caller has gone.
func (l *oneLoad) finish(event Event) {
	var bytes []byte
	var err error
	switch {
	case event.Payload != nil:
		defer event.Payload.Close()
		bytes, err = event.Payload.Bytes()
	case event.Kind == Completed:
		err = refuse("load", ErrNative, "the library has completed it without a payload")
	}
	if err == nil && event.Kind != Completed {
		bytes, err = nil, &LoadError{l.url, event.Kind, event.Failure, string(bytes)}
	}
	l.end(bytes, err)
}

// end ends the load, unless its caller has gone.
func (l *oneLoad) end(bytes []byte, err error) {
	if l.claimed.CompareAndSwap(false, true) {
		l.bytes, l.err = bytes, err
		close(l.done)
	}
}

// LoadError tells why a load has no result. It unwraps to an error for [errors.Is], if there is one that
// says the same: [fs.ErrNotExist] for a file that there is not, [fs.ErrPermission] for one outside the root
// directory, [os.ErrDeadlineExceeded], [errors.ErrUnsupported], [context.Canceled], [ErrInvalidArgument] for
// a malformed data: URL, and [ErrNative].
type LoadError struct {
	URL     string
	Kind    EventKind // Failed, or another that is not Completed; of a newer library, one without a name
	Failure Failure
	Message string // the library's, or the provider's
}

func (e *LoadError) Error() string {
	what := e.Kind.String()
	if e.Kind == Failed {
		what = e.Failure.String()
	}
	return fmt.Sprintf("courier: load %s: %s: %s", e.URL, what, e.Message)
}

// Unwrap returns the error that says the same, or nil.
func (e *LoadError) Unwrap() error {
	if e.Kind == Cancelled {
		return context.Canceled
	}
	switch e.Failure {
	case FailureNotFound:
		return fs.ErrNotExist
	case FailureOutsideRoot:
		return fs.ErrPermission
	case FailureExpired:
		return os.ErrDeadlineExceeded
	case FailureUnsupported:
		return errors.ErrUnsupported
	case FailureMalformed:
		return ErrInvalidArgument
	case FailureIO, FailureInternal:
		return ErrNative
	default:
		return nil
	}
}
