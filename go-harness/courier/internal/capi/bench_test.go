//go:build bench

package capi

import (
	"runtime"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/internal/compare"
)

// A call that fails, and needs no runtime for that.
func BenchmarkFailingCall(b *testing.B) {
	const null = 0
	buffer := make([]byte, 256)
	compare.Cases(b,
		compare.Each("code-only", func() { benchSignal(null) }),
		compare.Each("ours", func() { _ = WakeSourceSignal(null) }),
		compare.Each("one-c-helper", func() { _ = benchSignalWithMessage(null, buffer) }),
	)
}

func BenchmarkBuffer(b *testing.B) {
	const size = 64
	buffer := make([]byte, size)
	memory := benchMemory(size)
	defer benchFree(memory)
	compare.Cases(b,
		compare.Each("without", func() { benchTake(nil, size) }),
		compare.Each("ours", func() { benchTake(unsafe.Pointer(unsafe.SliceData(buffer)), size) }),
		compare.Each("pinner", func() {
			var pinner runtime.Pinner
			pinner.Pin(&buffer[0])
			benchTake(unsafe.Pointer(&buffer[0]), size)
			pinner.Unpin()
		}),
		compare.Each("copied-to-c", func() {
			copy(unsafe.Slice((*byte)(memory), size), buffer)
			benchTake(memory, size)
		}),
	)
}

// shardedMap is what a registry of our own would be: tokens are never used twice.
type shardedMap struct {
	last   atomic.Uintptr
	shards [16]struct {
		sync.RWMutex
		callbacks map[uintptr]any
		_         [64]byte // a cache line between locks
	}
}

func (m *shardedMap) add(callback any) uintptr {
	token := m.last.Add(1)
	shard := &m.shards[token%uintptr(len(m.shards))]
	shard.Lock()
	defer shard.Unlock()
	if shard.callbacks == nil {
		shard.callbacks = map[uintptr]any{}
	}
	shard.callbacks[token] = callback
	return token
}

func (m *shardedMap) lookup(token uintptr) any {
	shard := &m.shards[token%uintptr(len(m.shards))]
	shard.RLock()
	defer shard.RUnlock()
	return shard.callbacks[token]
}

func (m *shardedMap) remove(token uintptr) {
	shard := &m.shards[token%uintptr(len(m.shards))]
	shard.Lock()
	defer shard.Unlock()
	delete(shard.callbacks, token)
}

func nothing() {}

// tokens are of one callback among a hundred.
func tokens(b *testing.B) (h cgo.Handle, m *shardedMap, token uintptr) {
	m = new(shardedMap)
	for i := 0; i < 100; i++ {
		h = cgo.NewHandle(Notify(nothing))
		b.Cleanup(h.Delete)
		token = m.add(Notify(nothing))
	}
	return h, m, token
}

func BenchmarkTokenLookup(b *testing.B) {
	h, m, token := tokens(b)
	compare.Cases(b,
		compare.Each("cgo.Handle", func() { _ = h.Value().(Notify) }),
		compare.Each("ours", func() { _, _ = lookup[Notify](uintptr(h)) }),
		compare.Each("sharded-map", func() { _ = m.lookup(token).(Notify) }),
	)
}

func BenchmarkTokenLookupParallel(b *testing.B) {
	h, m, token := tokens(b)
	compare.Cases(b,
		compare.Parallel("cgo.Handle", func() { _ = h.Value().(Notify) }),
		compare.Parallel("ours", func() { _, _ = lookup[Notify](uintptr(h)) }),
		compare.Parallel("sharded-map", func() { _ = m.lookup(token).(Notify) }),
	)
}

func BenchmarkTokenLife(b *testing.B) {
	m := new(shardedMap)
	compare.Cases(b,
		compare.Each("cgo.Handle", func() {
			h := cgo.NewHandle(Notify(nothing))
			_ = h.Value().(Notify)
			h.Delete()
		}),
		compare.Each("ours", func() {
			cell := NewCell(Notify(nothing))
			_, _ = lookup[Notify](uintptr(cell.token))
			cell.Free()
		}),
		compare.Each("sharded-map", func() {
			token := m.add(Notify(nothing))
			_ = m.lookup(token).(Notify)
			m.remove(token)
		}),
	)
}

func BenchmarkCallback(b *testing.B) {
	SetPanicHandler(func(Panic) {})
	defer SetPanicHandler(nil)
	quiet, loud := NewCell(Notify(nothing)), NewCell(Notify(func() { panic("loud") }))
	defer quiet.Free()
	defer loud.Free()
	compare.Cases(b,
		compare.Case{Name: "empty", Run: func(b *testing.B) { benchCallEmpty(b.N) }},
		compare.Case{Name: "ours", Run: func(b *testing.B) { benchCallWake(quiet, b.N) }},
		compare.Case{Name: "cgo.Handle", Run: func(b *testing.B) { benchCallHandle(quiet.token, b.N) }},
		compare.Case{Name: "ours-panicking", Run: func(b *testing.B) { benchCallWake(loud, b.N) }},
	)
}
