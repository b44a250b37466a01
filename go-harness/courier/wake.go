package courier

import (
	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/handle"
)

// A WakeSource interrupts [Runtime.Pump]. It outlives its runtime. All methods may be called on any
// goroutine. A leaked wake source is released when the leak is reported.
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

// Close releases the wake source. It fails only inside a wake function that this goroutine's own
// [WakeSource.Signal] has called, with [ErrInvalidState]: it would wait for itself.
func (w *WakeSource) Close() error {
	return closeShared("close wake source", &w.handle, capi.WakeSourceRelease)
}
