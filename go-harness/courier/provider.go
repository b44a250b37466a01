package courier

import "github.com/cgolab/cgolab/go-harness/courier/internal/capi"

// A Provider decides about one load. It is called on threads of the library, several at once, or by
// [Runtime.Step] on the owner thread. It may use requests, blobs and wake sources; methods of runtimes
// and sessions fail inside it. If it panics, its answer is [Fail].
type Provider func(request *Request, url string) Decision

// A Decision is what a [Provider] answers. The library fails a load when it does not know the answer.
type Decision int32

const (
	// Pass leaves the load to the runtime. The request is closed, unless the provider has completed
	// it: that counts as Handle.
	Pass Decision = capi.DecisionPass
	// Handle takes the load. The provider completes the request inline, later, or on another
	// goroutine, and closes it.
	Handle Decision = capi.DecisionHandle
	// Fail fails the load. The request is closed, as with Pass.
	Fail Decision = capi.DecisionFail
)

// provide calls p for the trampoline. If p panics, the panic goes on from here to the trampoline, which
// answers Fail; a request that p has completed is closed for it, since p does not come to it any more.
func (p Provider) provide(id uint64, url string) int32 {
	request := newRequest(id)
	decision, returned := Fail, false
	defer func() {
		if decision != Handle {
			request.takeBack()
		}
		if !returned {
			_ = request.Close()
		}
	}()
	decision = p(request, url)
	returned = true
	return int32(decision)
}

// CallbackPanic is a panic that a callback did not recover from.
type CallbackPanic struct {
	Callback string // which callback, such as "provider"
	Value    any    // what it panicked with; an error if the library named a callback that does not exist
	Stack    []byte // where
}

// SetPanicHandler makes handler see the panics of callbacks, which have been contained. It is called on
// the goroutine that panicked, so on several at once. The default, and nil, prints them to standard
// error. Any goroutine may call it; the handler is the same for all runtimes.
func SetPanicHandler(handler func(CallbackPanic)) {
	if handler == nil {
		capi.SetPanicHandler(nil)
		return
	}
	capi.SetPanicHandler(func(p capi.Panic) { handler(CallbackPanic(p)) })
}
