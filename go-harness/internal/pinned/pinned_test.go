package pinned

import (
	"runtime"
	"testing"
	"unsafe"
)

func TestIs(t *testing.T) {
	object := new([64]byte)
	var pinner runtime.Pinner
	for _, want := range []bool{false, true, false} {
		if got := Is(unsafe.Pointer(object)); got != want {
			t.Errorf("pinned %v, want %v", got, want)
		}
		if pinner.Unpin(); !want {
			pinner.Pin(object)
		}
	}
	pinner.Unpin()
}
