package courier

import (
	"strings"
	"sync/atomic"
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

// Forever is a timeout for [Runtime.Pump].
const Forever time.Duration = -1

// A Runtime loads resources. It belongs to the OS thread that created it: see the package
// documentation. On another thread, its methods do nothing and return [ErrWrongThread]; inside a
// [Provider] called by [Runtime.Step], they do nothing and return [ErrInvalidState].
type Runtime struct {
	handle handle.Bound
	cell   atomic.Pointer[capi.Cell] // of the installed provider, or nil; swapped by the owner thread
}

// NewRuntime creates a runtime and makes the calling thread its owner. The caller has called
// runtime.LockOSThread, and closes the runtime before it unlocks. A thread owns one runtime at a time.
func NewRuntime(opts ...Option) (*Runtime, error) {
	const op = "create runtime"
	if err := checkABI(op); err != nil {
		return nil, err
	}
	var o options
	for _, option := range opts {
		option(&o)
	}
	if o.Root != nil && strings.IndexByte(*o.Root, 0) >= 0 {
		return nil, refuse(op, ErrInvalidArgument, "the root directory's path holds a NUL byte")
	}
	id, err := capi.RuntimeCreate(o)
	if err != nil {
		return nil, wrap(op, err)
	}
	rt := new(Runtime)
	rt.handle.Init(id)
	return rt, nil
}

// Close destroys the runtime. It waits for provider calls that are running, and discards loads that
// have not begun. It fails with [ErrInvalidState] while the runtime has open sessions, and can then be
// called again. Requests, blobs and wake sources outlive the runtime.
func (rt *Runtime) Close() error {
	return wrapClose("close runtime", rt.handle.Close(func(id uint64) error {
		if err := capi.RuntimeDestroy(id); err != nil {
			return err
		}
		rt.cell.Swap(nil).Free()
		return nil
	}))
}

// Pump turns finished loads into events, and returns how many events wait for [Runtime.Drain]. If there
// is nothing to do it waits: for at most timeout, or without limit if timeout is negative (see
// [Forever]), or not at all if it is 0. A wake signal ends the wait; so may other things, with nothing
// done. A pump that waits occupies the OS thread; only a [WakeSource] or a finished load interrupts it.
func (rt *Runtime) Pump(timeout time.Duration) (unread int, err error) {
	const op = "pump"
	if rt.handle.Closed() {
		return 0, closed(op)
	}
	n, err := capi.RuntimePump(rt.handle.ID(), milliseconds(timeout))
	return int(n), wrapBound(op, err)
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

// Drain moves events to the caller, oldest first: as many as there are and as fit, but at most 1024 at
// a time. It never waits. The payloads then belong to the caller, who closes them.
func (rt *Runtime) Drain(events []Event) (n int, err error) {
	const op = "drain"
	if rt.handle.Closed() {
		return 0, closed(op)
	}
	limit := len(events)
	if limit > 1024 {
		limit = 1024
	}
	drained, err := capi.RuntimeDrainEvents(rt.handle.ID(), uint32(limit))
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
	cell := capi.NewCell(provider.provide)
	if err := capi.RuntimeSetProvider(rt.handle.ID(), cell); err != nil {
		cell.Free()
		return wrapBound(op, err)
	}
	rt.cell.Swap(cell).Free()
	return nil
}

// ClearProvider takes the provider out, and returns when no call of it runs any more. Without a
// provider it does nothing.
func (rt *Runtime) ClearProvider() error {
	const op = "clear provider"
	if rt.handle.Closed() {
		return closed(op)
	}
	if err := capi.RuntimeClearProvider(rt.handle.ID()); err != nil {
		return wrapBound(op, err)
	}
	rt.cell.Swap(nil).Free()
	return nil
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
	session := new(Session)
	session.handle.Init(id)
	return session, nil
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
	source.handle.Init(id)
	return source, nil
}
