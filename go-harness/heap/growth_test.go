//go:build linux && !asan

package heap

import (
	"fmt"
	"testing"
)

// recorder keeps what a test would be failed with.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Errorf(format string, args ...any) { r.said = fmt.Sprintf(format, args...) }

// TestWhatGrowsEveryTimeIsALeak has a heap that is two numbers.
func TestWhatGrowsEveryTimeIsALeak(t *testing.T) {
	const warmUp = rounds / 4
	leak := func(blocks, bytes int) string {
		return fmt.Sprintf("x: the C heap has grown by %d blocks (%d bytes) in %d rounds", blocks, bytes, 4*rounds)
	}
	for name, row := range map[string]struct {
		grows   func(round int) Counts // by that much in each round
		said    string
		counted int
	}{
		"nothing":            {func(int) Counts { return Counts{} }, "", rounds},
		"smaller":            {func(int) Counts { return Counts{-1, -100} }, "", rounds},
		"a block each round": {func(int) Counts { return Counts{1, 16} }, leak(4*rounds, 64*rounds), 7 * rounds},
		"blocks only":        {func(int) Counts { return Counts{1, 0} }, leak(4*rounds, 0), 7 * rounds},
		"bytes only":         {func(int) Counts { return Counts{0, 16} }, leak(0, 64*rounds), 7 * rounds},
		"tables that are filled at first": {func(round int) Counts {
			if round < warmUp {
				return Counts{1, 16}
			}
			return Counts{}
		}, "", rounds},
		"what is new in the first count only": {func(round int) Counts {
			if round < warmUp+rounds {
				return Counts{1, 16}
			}
			return Counts{}
		}, "", 3 * rounds},
		"a few blocks of a thread": {func(round int) Counts {
			if round == warmUp {
				return Counts{blocksAtOnce, bytesAtOnce}
			}
			return Counts{}
		}, "", rounds},
	} {
		var holds Counts
		round := 0
		r := &recorder{TB: t}
		counted := wantNone(r, "x", func() Counts { return holds }, func() {
			growth := row.grows(round)
			holds.Blocks += growth.Blocks
			holds.Bytes += growth.Bytes
			round++
		})
		if r.said != row.said || counted != row.counted {
			t.Errorf("%s: it said %q after %d rounds, want %q after %d", name, r.said, counted, row.said, row.counted)
		}
	}
}

func TestTheHeapIsCounted(t *testing.T) {
	before := Now()
	if before.Blocks <= 0 || before.Bytes < before.Blocks {
		t.Errorf("the process holds %+v", before)
	}
}
