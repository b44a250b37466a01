//go:build bench

package capi

import (
	"runtime"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/courier/internal/token"
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

// shardedMap is another registry of numbers that are never used twice.
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

// lookups are of one callback among a hundred.
func lookups(b *testing.B, each func(name string, call func()) compare.Case) {
	var h cgo.Handle
	var t token.Token
	var m shardedMap
	var number uintptr
	for i := 0; i < 100; i++ {
		h = cgo.NewHandle(Notify(nothing))
		b.Cleanup(h.Delete)
		t = token.New(Notify(nothing))
		b.Cleanup(t.Delete)
		number = m.add(Notify(nothing))
	}
	compare.Cases(b,
		each("cgo.Handle", func() { _ = h.Value().(Notify) }),
		each("ours", func() { _ = callback[Notify](t) }),
		each("sharded-map", func() { _ = m.lookup(number).(Notify) }),
	)
}

func BenchmarkTokenLookup(b *testing.B)         { lookups(b, compare.Each) }
func BenchmarkTokenLookupParallel(b *testing.B) { lookups(b, compare.Parallel) }

// The cells have the token in a word of C memory, and so make two calls into C more.
func BenchmarkTokenLife(b *testing.B) {
	var m shardedMap
	compare.Cases(b,
		compare.Each("cgo.Handle", func() {
			h := cgo.NewHandle(Notify(nothing))
			_ = h.Value().(Notify)
			h.Delete()
		}),
		compare.Each("ours", func() {
			t := token.New(Notify(nothing))
			_ = callback[Notify](t)
			t.Delete()
		}),
		compare.Each("sharded-map", func() {
			number := m.add(Notify(nothing))
			_ = m.lookup(number).(Notify)
			m.remove(number)
		}),
		compare.Each("cgo.Handle-cell", func() {
			h := cgo.NewHandle(Notify(nothing))
			word := benchMemory(int(unsafe.Sizeof(h)))
			*(*cgo.Handle)(word) = h
			_ = h.Value().(Notify)
			h.Delete()
			benchFree(word)
		}),
		compare.Each("ours-cell", func() {
			cell := NewCell(Notify(nothing))
			_ = callback[Notify](cell.token)
			cell.Free()
		}),
	)
}

// Ours has two deferred calls, one in the other, to tell a Goexit from a panic, which the peer lets through to
// C; and it marks the thread as inside a callback.
func BenchmarkCallback(b *testing.B) {
	SetPanicHandler(func(Panic) {})
	defer SetPanicHandler(nil)
	quiet, loud := NewCell(Notify(nothing)), NewCell(Notify(func() { panic("loud") }))
	defer quiet.Free()
	defer loud.Free()
	h := cgo.NewHandle(Notify(nothing))
	defer h.Delete()
	compare.Cases(b,
		compare.Case{Name: "empty", Run: func(b *testing.B) { benchCallEmpty(b.N) }},
		compare.Case{Name: "ours", Run: func(b *testing.B) { benchCallWake(quiet, b.N) }},
		compare.Case{Name: "cgo.Handle", Run: func(b *testing.B) { benchCallHandle(h, b.N) }},
		compare.Case{Name: "ours-panicking", Run: func(b *testing.B) { benchCallWake(loud, b.N) }},
	)
}
