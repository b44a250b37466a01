//go:build linux && !asan

package heap_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/heap"
)

type handle struct{}

func (handle) Close() error { return nil }

var (
	t    *testing.T                          // of the test
	open = func() handle { return handle{} } // a function of a binding
)

func ExampleWantNone() {
	heap.WantNone(t, "open and close", func() {
		if err := open().Close(); err != nil {
			t.Fatal(err)
		}
	})
}
