package courier

import (
	"math"
	"strings"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/handle"
)

// An Option sets up a new [Runtime]. What no option mentions is left to the library.
type Option func(*options)

type options = capi.RuntimeOptions

// Root names the directory that file: URLs are resolved under: file:///a/b is the file a/b in it. What
// lies outside is refused, also behind a symbolic link. Without this option file: URLs are not served.
// The path must be UTF-8, must not be empty, and must name a directory that can be listed.
func Root(path string) Option {
	return func(o *options) { o.Root = &path }
}

// Threads lets n worker threads of the library's own run the loads, from 1 to 64. It is the default,
// with an n of 2.
func Threads(n uint32) Option {
	return func(o *options) { o.Workers, o.WorkerThreads = workers(capi.WorkersThreads), &n }
}

// Stepped gives the runtime no threads: loads run only inside [Runtime.Step], one at a time.
func Stepped() Option {
	return func(o *options) { o.Workers = workers(capi.WorkersStepped) }
}

func workers(kind int32) *int32 { return &kind }

// MaxLoads bounds the number of loads that the runtime has at once, from [Session.Load] until their
// event is drained, and so all its queues. The default is 1024; 0 is refused.
func MaxLoads(n uint32) Option {
	return func(o *options) { o.MaxLoads = &n }
}

// Forever is a timeout for [Runtime.Pump].
const Forever time.Duration = -1

// A Runtime loads resources. It belongs to the OS thread that created it: see the package
// documentation. On another thread, its methods do nothing and return [ErrWrongThread]; inside a
// callback on the owner thread, they do nothing and return [ErrInvalidState].
type Runtime struct {
	handle   handle.Bound
	provider installed
	wake     installed
	owner    *ownerThread // whose runtime it is, or nil

	// Used on the owner thread only.
	sessions map[uint64]struct{} // the ids of open ones: their handles are not kept alive
	deadline time.Time           // of a load, the earliest that is known of, or an owner's next try; zero if there is none
}

// NewRuntime creates a runtime and makes the calling thread its owner. The caller has called
// runtime.LockOSThread, and closes the runtime before it unlocks. A thread owns one runtime at a time.
func NewRuntime(opts ...Option) (*Runtime, error) {
	const op = "create runtime"
	o, err := newOptions(op, opts)
	if err != nil {
		return nil, err
	}
	return createRuntime(op, o)
}

func newOptions(op string, opts []Option) (o options, err error) {
	for _, option := range opts {
		if option == nil {
			return o, refuse(op, ErrInvalidArgument, "an option is nil")
		}
		option(&o)
	}
	if o.Root != nil && strings.IndexByte(*o.Root, 0) >= 0 {
		return o, refuse(op, ErrInvalidArgument, "the root directory's path holds a NUL byte")
	}
	return o, nil
}

func createRuntime(op string, o options) (*Runtime, error) {
	if err := checkABI(op); err != nil {
		return nil, err
	}
	id, err := capi.RuntimeCreate(o)
	if err != nil {
		return nil, wrap(op, err)
	}
	rt := &Runtime{sessions: map[uint64]struct{}{}}
	rt.handle.Init("runtime", id)
	return rt, nil
}

// Close destroys the runtime. It waits for provider calls that are running, and discards loads that
// have not begun. It fails with [ErrInvalidState] while the runtime has open sessions, and can then be
// called again. Requests, blobs and wake sources outlive the runtime.
func (rt *Runtime) Close() error {
	const op = "close runtime"
	if rt.owner != nil && !rt.handle.Closed() {
		return refuse(op, ErrInvalidState, "the runtime belongs to an Owner; close that")
	}
	return rt.close(op)
}

func (rt *Runtime) close(op string) error {
	return wrapClose(op, rt.handle.Close(func(id uint64) error {
		if err := capi.RuntimeDestroy(id); err != nil {
			return err
		}
		rt.provider.gone(nil)
		rt.wake.gone(nil)
		return nil
	}))
}

// Pump turns finished loads into events, and returns how many events wait for [Runtime.Drain]. Loads
// whose deadline has passed end here. If there is nothing to do it waits: for at most timeout, or without
// limit if timeout is negative (see [Forever]), or not at all if it is 0. A wake signal ends the wait; so
// may other things, with nothing done. A pump that waits occupies the OS thread; only a [WakeSource], a
// finished load or a deadline interrupts it.
func (rt *Runtime) Pump(timeout time.Duration) (unread int, err error) {
	return rt.PumpSome(timeout, math.MaxUint32)
}

// PumpSome is [Runtime.Pump] that turns at most budget finished loads into events, but one at least. If
// it leaves work behind it calls the wake function, and the next pump does not wait.
func (rt *Runtime) PumpSome(timeout time.Duration, budget uint32) (unread int, err error) {
	const op = "pump"
	if rt.handle.Closed() {
		return 0, closed(op)
	}
	unread, err = capi.RuntimePump(rt.handle.ID(), milliseconds(timeout), budget)
	return unread, wrapBound(op, err)
}

// NextTimeout is for programs that pump from a loop of their own: how long the loop may sleep before it
// pumps. It is 0 if there is work or an unread event, positive if there is a deadline, and [Forever] if
// only the wake function can end the sleep.
func (rt *Runtime) NextTimeout() (time.Duration, error) {
	const op = "ask for the next timeout"
	if rt.handle.Closed() {
		return 0, closed(op)
	}
	ms, err := capi.RuntimeNextTimeout(rt.handle.ID())
	return duration(ms), wrapBound(op, err)
}

// expires notes the deadline of a load.
func (rt *Runtime) expires(deadline time.Time) {
	if rt.deadline.IsZero() || deadline.Before(rt.deadline) {
		rt.deadline = deadline
	}
}

// milliseconds rounds away from 0: a positive timeout must not become a poll, nor a negative one.
func milliseconds(d time.Duration) int64 {
	switch {
	case d < 0:
		return -1
	case d%time.Millisecond == 0:
		return d.Milliseconds()
	default:
		return d.Milliseconds() + 1
	}
}

// duration is the inverse of milliseconds, as far as a Duration reaches.
func duration(ms int64) time.Duration {
	switch {
	case ms < 0:
		return Forever
	case ms > math.MaxInt64/int64(time.Millisecond):
		return math.MaxInt64
	default:
		return time.Duration(ms) * time.Millisecond
	}
}

// maxDrain bounds the memory that a drain takes beside the caller's.
const maxDrain = 1024

// Drain moves events to the caller, oldest first: as many as there are and as fit, but at most 1024 at
// a time. It never waits. The payloads then belong to the caller, who closes them.
func (rt *Runtime) Drain(events []Event) (n int, err error) {
	const op = "drain"
	if rt.owner != nil {
		return 0, refuse(op, ErrInvalidState, "the runtime belongs to an Owner, which hands out its events")
	}
	return rt.drain(op, events)
}

func (rt *Runtime) drain(op string, events []Event) (n int, err error) {
	if rt.handle.Closed() {
		return 0, closed(op)
	}
	drained, err := capi.RuntimeDrainEvents(rt.handle.ID(), uint32(min(len(events), maxDrain)))
	for i, e := range drained {
		events[i] = newEvent(e)
	}
	return len(drained), wrapBound(op, err)
}

// Step runs one load on the calling thread, the provider's call included, and reports whether there was
// one. It needs a runtime made with [Stepped]; others return [ErrUnsupported].
func (rt *Runtime) Step() (ran bool, err error) {
	const op = "step"
	if rt.handle.Closed() {
		return false, closed(op)
	}
	ran, err = capi.RuntimeStep(rt.handle.ID())
	return ran, wrapBound(op, err)
}

// SetProvider installs a provider, or replaces the one there is. It returns when no call of the old one
// runs any more; none comes later. Requests that the old one holds stay usable. If it fails, the old
// one stays.
func (rt *Runtime) SetProvider(provider Provider) error {
	const op = "set provider"
	if provider == nil {
		return refuse(op, ErrInvalidArgument, "the provider is nil; use ClearProvider to take one out")
	}
	if rt.handle.Closed() {
		return closed(op)
	}
	cell := capi.NewCell[capi.Provide](provider.provide)
	return wrapBound(op, rt.provider.replace(cell, func(cell *capi.Cell) error {
		return capi.RuntimeSetProvider(rt.handle.ID(), cell)
	}))
}

// ClearProvider takes the provider out, and returns when no call of it runs any more. Without a
// provider it does nothing.
func (rt *Runtime) ClearProvider() error {
	const op = "clear provider"
	if rt.handle.Closed() {
		return closed(op)
	}
	return wrapBound(op, rt.provider.clear(func() error { return capi.RuntimeClearProvider(rt.handle.ID()) }))
}

// SetWake has wake called when the owner thread should pump: there was nothing to do for it, and now
// there is, or [Runtime.PumpSome] has left work behind. It is for programs that pump from a loop of their
// own; wake tells the loop and returns. It is called on any thread, several at once, and may be called
// although a pump has done the work meanwhile. If there is work already, it is called before SetWake
// returns. It replaces the wake function there is, as [Runtime.SetProvider] does; nil takes it out.
func (rt *Runtime) SetWake(wake func()) error {
	const op = "set wake function"
	if rt.handle.Closed() {
		return closed(op)
	}
	if rt.owner != nil {
		return refuse(op, ErrInvalidState, "the runtime belongs to an Owner, which has a wake function of its own")
	}
	return rt.setWake(op, wake)
}

func (rt *Runtime) setWake(op string, wake func()) error {
	if wake == nil {
		return wrapBound(op, rt.wake.clear(func() error { return capi.RuntimeClearWakeCallback(rt.handle.ID()) }))
	}
	cell := capi.NewCell[capi.Notify](wake)
	return wrapBound(op, rt.wake.replace(cell, func(cell *capi.Cell) error {
		return capi.RuntimeSetWakeCallback(rt.handle.ID(), cell)
	}))
}

// NewSession opens a session. It must be closed before the runtime.
func (rt *Runtime) NewSession() (*Session, error) {
	const op = "create session"
	if rt.handle.Closed() {
		return nil, closed(op)
	}
	id, err := capi.SessionCreate(rt.handle.ID())
	if err != nil {
		return nil, wrapBound(op, err)
	}
	session := &Session{runtime: rt}
	rt.sessions[id] = struct{}{}
	session.handle.Init("session", id)
	return session, nil
}

// closeSession ends a session and what it has.
func (rt *Runtime) closeSession(id uint64) error {
	if err := capi.SessionDestroy(id); err != nil {
		return err
	}
	unpin(id)
	delete(rt.sessions, id)
	if rt.owner != nil {
		rt.owner.forget(SessionID(id))
	}
	return nil
}

// NewWakeSource makes a wake source for this runtime.
func (rt *Runtime) NewWakeSource() (*WakeSource, error) {
	const op = "create wake source"
	if rt.handle.Closed() {
		return nil, closed(op)
	}
	id, err := capi.RuntimeWakeSource(rt.handle.ID())
	if err != nil {
		return nil, wrapBound(op, err)
	}
	source := new(WakeSource)
	source.handle.Init("wake source", id, capi.WakeSourceRelease)
	return source, nil
}
