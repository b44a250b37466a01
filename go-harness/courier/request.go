package courier

import (
	"sync/atomic"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/handle"
)

// A Request is a provider's hold on one load. It is completed at most once, with [Request.Complete] or
// [Request.Fail], and closed. All methods may be called on any goroutine, inside the provider and after
// it.
type Request struct {
	handle handle.Shared
	answer atomic.Int32 // pending, claimed, lost or takenBack

	answered chan struct{} // closed when a claimed completion has returned from the library
	onCancel installed
}

func newRequest(id uint64) *Request {
	r := &Request{answered: make(chan struct{})}
	r.handle.Init("request", id, nil)
	return r
}

// The states of Request.answer.
const (
	pending   = iota
	claimed   // a completion has gone to the library, or is about to
	lost      // the library refused the completion: the load had ended in another way
	takenBack // nobody will complete it: the library has taken the request back
)

// Complete ends the load with body, which may be empty. A second completion returns
// [ErrAlreadyCompleted], whatever the first returned. After the load was cancelled, Complete returns
// [ErrInvalidState].
func (r *Request) Complete(body []byte) error {
	return r.complete("complete", func(id uint64) error { return capi.RequestComplete(id, body) })
}

// Fail ends the load in a [Failed] event with this message. It is a completion, like
// [Request.Complete]. A message that is not UTF-8 fails the load too, and returns [ErrInvalidArgument].
func (r *Request) Fail(message string) error {
	return r.complete("fail", func(id uint64) error { return capi.RequestFail(id, message) })
}

// complete lets one completion through, for good: the library may have acted on it even if it returned
// an error.
func (r *Request) complete(op string, answer func(id uint64) error) error {
	id, ok := r.handle.Begin()
	if !ok {
		return closed(op)
	}
	defer r.handle.End()
	if !r.answer.CompareAndSwap(pending, claimed) {
		if r.answer.Load() == takenBack {
			return closed(op)
		}
		return refuse(op, ErrAlreadyCompleted, ErrAlreadyCompleted.Error())
	}
	defer close(r.answered)
	err := answer(id)
	if native, ok := err.(*capi.Error); ok && native.Status == capi.InvalidState {
		r.answer.Store(lost)
	}
	if err == nil {
		r.onCancel.gone(nil) // the library has taken it out
	}
	return wrap(op, err)
}

// Cancelled reports whether the load was cancelled, so that completing it is pointless.
func (r *Request) Cancelled() (bool, error) {
	const op = "check cancel"
	id, ok := r.handle.Begin()
	if !ok {
		return false, closed(op)
	}
	defer r.handle.End()
	cancelled, err := capi.RequestIsCancelled(id)
	return cancelled, wrap(op, err)
}

// OnCancel has f called, once, if the load is cancelled before the request is completed or closed; its
// deadline and the end of its session count as cancels. If that has happened, OnCancel returns true and f
// is never called. f runs on the owner thread, inside the call that ends the load; it may close the
// request. A request takes one f; a second returns [ErrInvalidState], and so does one after a completion.
func (r *Request) OnCancel(f func()) (cancelled bool, err error) {
	const op = "register for cancel"
	if f == nil {
		return false, refuse(op, ErrInvalidArgument, "the function is nil")
	}
	id, ok := r.handle.Begin()
	if !ok {
		return false, closed(op)
	}
	defer r.handle.End()
	cell := capi.NewCell[capi.Notify](once(f))
	cancelled, err = capi.RequestOnCancel(id, cell)
	if err != nil || cancelled {
		cell.Free()
		return cancelled, wrap(op, err)
	}
	r.onCancel.gone(cell)
	return false, nil
}

// once is f for one call. Nothing refers to f after that: a request that f refers to can be found leaked.
func once(f func()) func() {
	var left atomic.Pointer[func()]
	left.Store(&f)
	return func() {
		if f := left.Swap(nil); f != nil {
			(*f)()
		}
	}
}

// Surface returns what [Session.SetSurface] had named when the load was started; 0 if nothing.
func (r *Request) Surface() (NativePointer, error) {
	const op = "ask for the surface"
	id, ok := r.handle.Begin()
	if !ok {
		return 0, closed(op)
	}
	defer r.handle.End()
	surface, err := capi.RequestSurface(id)
	return NativePointer(surface), wrap(op, err)
}

// Close lets go of the request. If it was not completed, its load fails. It waits for other calls on the
// request, and for the function of [Request.OnCancel] unless it is called there, or in a callback that this
// function is waiting for. Inside a callback it does not wait for calls on other goroutines, which may be
// waiting for that callback: the last of them lets go of the request. It fails only inside a callback that
// this goroutine's own Complete, Fail or Close of the request has led to, with [ErrInvalidState].
func (r *Request) Close() error {
	return closeShared("close request", &r.handle, func(id uint64) {
		capi.RequestRelease(id)
		r.onCancel.gone(nil)
	})
}

// takeBack follows the library, which takes a request back when the provider does not want it, unless
// the provider's completion has ended the load: then it stays open until the provider closes it. The
// request is not released here.
func (r *Request) takeBack() {
	if !r.answer.CompareAndSwap(pending, takenBack) {
		// A completion on another goroutine may be on its way. Only its result says whose the request
		// is, and the library asks as soon as the provider has returned.
		<-r.answered
		if r.answer.Load() != lost {
			return
		}
	}
	// Calls on other goroutines are waited for: the function of OnCancel, which they may register or wait
	// for, does not wait for a provider.
	r.handle.Close(handle.Outside, func(id uint64) {
		if r.onCancel.cell.Load() != nil {
			// The library would drop it only after the provider has returned.
			_ = capi.RequestClearOnCancel(id)
			r.onCancel.gone(nil)
		}
	})
}
