//go:build bench

package courier

import (
	"context"
	"runtime"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/internal/compare"
)

// A question to a request, which any thread may ask. What ours does besides: it counts the use, which takes two
// atomic operations, locks the thread (5 ns with its defer), and ends the use in another deferred call (3 ns);
// the rest is the one function that all calls go through.
func BenchmarkCall(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	rt, err := NewRuntime(Stepped())
	must(err)
	defer rt.Close()
	session, err := rt.NewSession()
	must(err)
	defer session.Close()
	var request *Request
	must(rt.SetProvider(func(r *Request, _ string) Decision {
		request = r
		return Handle
	}))
	_, err = session.Load("app:x")
	must(err)
	_, err = rt.Step()
	must(err)
	defer request.Close()

	id, _ := request.handle.Begin()
	request.handle.End()
	compare.Cases(b,
		compare.Each("raw", func() { capi.BenchIsCancelled(id) }),
		compare.Each("ours", func() { _, _ = request.Cancelled() }),
		compare.Each("raw-in-window", func() {
			runtime.LockOSThread()
			capi.BenchIsCancelled(id)
			runtime.UnlockOSThread()
		}),
		compare.Each("empty-c-function", capi.BenchEmpty),
	)
}

// Do has to know whether it is called on the owner's thread. A goroutine does not know its thread, nor does Go
// tell one goroutine from another; so C is asked, and a call into C is what it costs. A job that wants to save
// that calls the function itself: it has the runtime.
func BenchmarkOwnerInline(b *testing.B) {
	o, err := NewOwner(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer o.Close()
	ctx := context.Background()
	job := func(*Runtime) error { return nil }
	inJob := func(call func()) func(b *testing.B) {
		return func(b *testing.B) {
			_ = o.Do(ctx, func(*Runtime) error {
				for i := 0; i < b.N; i++ {
					call()
				}
				return nil
			})
		}
	}
	compare.Cases(b,
		compare.Case{Name: "empty-call", Run: inJob(capi.BenchEmpty)},
		compare.Case{Name: "ours", Run: inJob(func() { _ = o.Do(ctx, job) })},
	)
}
