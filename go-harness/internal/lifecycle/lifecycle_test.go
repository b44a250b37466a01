//go:build courier_oracle

package lifecycle

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/internal/scenario"
)

// FuzzLifecycle makes the calls of a scenario, in the binary form of docs/scenarios.md, and ends it: the model says
// what must come of each, and nothing may be left alive.
func FuzzLifecycle(f *testing.F) {
	player, err := scenario.NewPlayer(setup())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		clean(t)
		if report := run(player, input); report != "" {
			t.Fatal(report)
		}
	})
}

// clean skips the test if one that failed in this process has left something: it would be found again here.
func clean(t *testing.T) {
	if report := left(); report != "" {
		t.Skip("an input that failed has left ", report)
	}
}
