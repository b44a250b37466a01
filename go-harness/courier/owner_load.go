package courier

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// Load loads url and waits for the bytes. A load that fails returns a [*LoadError].
//
// When ctx is done Load returns its error and cancels the load, and no other; an answer that comes late is
// freed. Any number of goroutines may load at the same time. Load waits for the owner, and so returns
// [ErrInvalidState] in a job and inside a callback.
func (o *Owner) Load(ctx context.Context, url string, opts ...LoadOption) ([]byte, error) {
	const op = "load"
	if number := capi.Owner(); number == o.number || number == capi.Inside {
		return nil, refuse(op, ErrInvalidState, "called in a job or inside a callback: it would wait for itself")
	}
	load := &ownerLoad{url: url, done: make(chan struct{})}
	err := o.Do(ctx, func(*Runtime) error { return o.start(load, opts) })
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
		_ = o.Post(func(*Runtime) { o.cancel(load) })
	}
	return nil, err
}

// ownerLoad is one call of [Owner.Load].
type ownerLoad struct {
	url     string
	number  LoadID      // 0 until started; used on the owner's thread only
	claimed atomic.Bool // by its event, by its caller who has gone, or by the owner's end
	done    chan struct{}
	bytes   []byte // set before done is closed
	err     error
}

// start runs on the owner's thread.
func (o *Owner) start(load *ownerLoad, opts []LoadOption) error {
	if load.claimed.Load() {
		return nil // its caller has gone
	}
	if o.session == nil {
		session, err := o.runtime.NewSession()
		if err != nil {
			return err
		}
		o.session = session
	}
	number, err := o.session.Load(load.url, opts...)
	if err != nil {
		return err
	}
	load.number = number
	o.loads[number] = load
	return nil
}

// cancel runs on the owner's thread. The load's own number is what keeps it from reaching another load.
func (o *Owner) cancel(load *ownerLoad) {
	if o.session != nil && o.loads[load.number] == load {
		_ = o.session.Cancel(load.number) // it may have ended: its event is on the way
	}
}

// finish gives the load's end to its caller, or frees it if the caller has gone.
func (l *ownerLoad) finish(event Event) {
	var bytes []byte
	var err error
	if event.Payload != nil {
		defer event.Payload.Close()
		bytes, err = event.Payload.Bytes()
	}
	if !l.claimed.CompareAndSwap(false, true) {
		return
	}
	switch {
	case err != nil:
		l.err = err
	case event.Kind == Completed:
		l.bytes = bytes
	case event.Kind == Failed:
		l.err = &LoadError{l.url, event.Failure, string(bytes)}
	default:
		l.err = context.Canceled
	}
	close(l.done)
}

// reject ends a load whose owner has been closed.
func (l *ownerLoad) reject() {
	if l.claimed.CompareAndSwap(false, true) {
		l.err = closed("load")
		close(l.done)
	}
}

// LoadError tells why a load failed.
type LoadError struct {
	URL     string
	Failure Failure
	Message string // the library's, or the provider's
}

func (e *LoadError) Error() string {
	return fmt.Sprintf("courier: load %s: %v: %s", e.URL, e.Failure, e.Message)
}
