//go:build courier_oracle

package lifecycle

import (
	"os"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/internal/scenario"
)

func TestMain(m *testing.M) {
	begin()
	code := m.Run()
	removeFiles()
	os.Exit(code)
}

// FuzzLifecycle makes the calls of a scenario, in the binary form of docs/scenarios.md, and ends it: the model says
// what must come of each, and nothing may be left alive.
func FuzzLifecycle(f *testing.F) {
	// Not before there is an input: the files of the player are made once, and for a run.
	var player *scenario.Player
	f.Fuzz(func(t *testing.T, input []byte) {
		clean(t)
		if player == nil {
			var err error
			if player, err = scenario.NewPlayer(setup()); err != nil {
				t.Fatal(err)
			}
		}
		if report := run(player, input); report != "" {
			t.Fatal(report)
		}
	})
}

// clean skips the test if one that failed in this process has left something: it would be found again here.
func clean(t *testing.T) {
	if report := left(); report != "" {
		t.Skip("an input that failed has left something: ", report)
	}
}

// panics are those of callbacks, of which there may be none. The binding reports its own mistakes in the same way.
func panics() <-chan courier.CallbackPanic {
	panics := make(chan courier.CallbackPanic, 1)
	courier.SetPanicHandler(func(p courier.CallbackPanic) {
		select {
		case panics <- p:
		default:
		}
	})
	return panics
}

// none fails the test if there was one.
func none(t *testing.T, panics <-chan courier.CallbackPanic) {
	t.Helper()
	select {
	case p := <-panics:
		t.Fatalf("a callback has panicked: %+v", p)
	default:
	}
}
