package courier

import (
	"sync/atomic"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/handle"
)

// closeShared closes a handle whose calls can lead to callbacks.
func closeShared(op string, h *handle.Shared, release func(id uint64)) error {
	from := handle.Outside
	switch {
	case capi.InUse(h.ID()):
		from = handle.InUse
	case capi.Owner() == capi.Inside:
		from = handle.InCallback
	}
	if !h.Close(from, release) {
		return refuse(op, ErrInvalidState, "the call that made this callback uses the handle")
	}
	return nil
}

// installed is a place of the library's where one callback is installed at a time.
type installed struct {
	cell atomic.Pointer[capi.Cell] // nil if there is none
}

// replace gives cell to the library with set, and frees the cell of the callback before it, which the
// library does not call any more. If set fails, it keeps the old one and cell is freed.
func (i *installed) replace(cell *capi.Cell, set func(*capi.Cell) error) error {
	if err := set(cell); err != nil {
		cell.Free()
		return err
	}
	i.gone(cell)
	return nil
}

// clear takes the callback out with clear, unless that fails.
func (i *installed) clear(clear func() error) error {
	if err := clear(); err != nil {
		return err
	}
	i.gone(nil)
	return nil
}

// gone notes that the library calls next, or nothing, and not what it called before.
func (i *installed) gone(next *capi.Cell) { i.cell.Swap(next).Free() }

// A Leak is a handle that the garbage collector found unreachable and not closed.
type Leak struct {
	Kind     string // of handle, such as "session"
	Released bool   // the native object was released: so it is for blobs and wake sources
	Stack    []byte // where the handle was made; nil unless TraceLeaks was on then
}

// SetLeakHandler makes handler see leaks: each once, some time after the handle became unreachable. The
// default, and nil, is to say nothing. All finalizers of the program wait for the handler, which must not
// block; it runs on a goroutine of its own, so that a panic or a [runtime.Goexit] in it ends nothing else.
// Both go to [SetPanicHandler]. Any goroutine may call SetLeakHandler.
//
// A handle that a callback of the library refers to stays reachable as long as the callback is installed,
// and is no leak.
func SetLeakHandler(handler func(Leak)) {
	if handler == nil {
		handle.SetReporter(nil)
		return
	}
	handle.SetReporter(func(leak handle.Leak) {
		tell(func() { handler(Leak(leak)) }, func(p *JobPanic, exited bool) { reportEnd("leak handler", p, exited) })
	})
}

// TraceLeaks makes handles remember, from now on, where they were made. It costs a stack trace a handle.
func TraceLeaks(on bool) { handle.Trace(on) }
