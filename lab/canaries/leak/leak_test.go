//go:build canary && linux

package leak

import (
	"testing"
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/heap"
)

func TestCanaryLost(t *testing.T) {
	heap.WantNone(t, t.Name(), func() { take() })
}

var held []unsafe.Pointer

func TestCanaryHeldByGo(t *testing.T) {
	heap.WantNone(t, t.Name(), func() { held = append(held, take()) })
}

// Nor is every leak one of each round.
func TestCanaryLostNowAndThen(t *testing.T) {
	n := 0
	heap.WantNone(t, t.Name(), func() {
		block := take()
		if n++; n%16 != 0 {
			give(block)
		}
	})
}
