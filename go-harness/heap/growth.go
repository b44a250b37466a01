//go:build linux && !asan

package heap

import (
	"runtime/debug"
	"testing"
)

const (
	rounds = 512
	tries  = 3
	// Growth that is no leak: a block or two of each thread that is starting, or is still busy.
	blocksAtOnce, bytesAtOnce = 8, 4096
)

// WantNone fails the test if the C heap grows while operation is repeated. It counts over 512 rounds, and
// when it finds growth, over twice and four times as many: what grows every time is a leak. The garbage
// collector is off meanwhile: a finalizer that frees a block would hide that its owner did not. WantNone returns
// the number of rounds that were counted.
func WantNone(t testing.TB, name string, operation func()) (counted int) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return wantNone(t, name, Now, operation)
}

// wantNone is WantNone for any heap, of which now returns what it holds.
func wantNone(t testing.TB, name string, now func() Counts, operation func()) (counted int) {
	t.Helper()
	repeat := func(n int) Counts {
		before := now()
		for i := 0; i < n; i++ {
			operation()
		}
		return now().Minus(before)
	}
	repeat(rounds / 4) // tables and queues get as large as they will be
	var growth Counts
	n := rounds
	for try := 0; try < tries; try++ {
		growth = repeat(n)
		counted += n
		if growth.Blocks <= blocksAtOnce && growth.Bytes <= bytesAtOnce {
			return counted
		}
		n *= 2
	}
	t.Errorf("%s: the C heap has grown by %d blocks (%d bytes) in %d rounds", name, growth.Blocks, growth.Bytes, n/2)
	return counted
}
