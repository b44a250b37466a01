//go:build courier_oracle

package lifecycle

import (
	"fmt"
	"os"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/internal/scenario"
	"github.com/cgolab/cgolab/go-harness/note"
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

// A judge has what one run of a test is judged by.
type judge struct {
	t *testing.T
	// Panics of callbacks, of which there may be none. The binding reports its own mistakes in the same way.
	panics <-chan courier.CallbackPanic
	seen   ledger
}

// newJudge begins a run; it takes the process's panic handler.
func newJudge(t *testing.T) judge {
	panics := make(chan courier.CallbackPanic, 1)
	courier.SetPanicHandler(func(p courier.CallbackPanic) {
		select {
		case panics <- p:
		default:
		}
	})
	return judge{t: t, panics: panics}
}

// broken fails the test for a contract.
func (j *judge) broken(contract, expected string, observed ...any) {
	j.t.Helper()
	j.t.Fatalf("  expected: %s\n  observed: %s\n%s", expected, fmt.Sprint(observed...), note.Broken(contract))
}

// ok fails the test for an error of a call that must succeed.
func (j *judge) ok(err error) {
	j.t.Helper()
	if err != nil {
		j.t.Fatal(err)
	}
}

// end fails the test if a callback has panicked, and else counts what was seen.
func (j *judge) end() {
	j.t.Helper()
	select {
	case p := <-j.panics:
		j.t.Fatalf("a callback has panicked: %+v", p)
	default:
		j.seen.count()
	}
}
