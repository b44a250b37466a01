package courier

import (
	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/handle"
)

// A WakeSource interrupts [Runtime.Pump]. It outlives its runtime. All methods may be called on any
// goroutine.
type WakeSource struct {
	handle handle.Shared
}

// Signal ends the runtime's current pump, or else its next one. Several signals before that count as
// one. After the runtime's end it does nothing.
func (w *WakeSource) Signal() error {
	const op = "signal"
	id, ok := w.handle.Begin()
	if !ok {
		return closed(op)
	}
	defer w.handle.End()
	return wrap(op, capi.WakeSourceSignal(id))
}

// Close releases the wake source. It always returns nil.
func (w *WakeSource) Close() error {
	w.handle.Close(capi.WakeSourceRelease)
	return nil
}
