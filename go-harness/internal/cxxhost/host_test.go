//go:build asan

package cxxhost

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

func plays(t *testing.T, part func() error) {
	t.Helper()
	watchdog.Guard(t)
	if err := part(); err != nil {
		t.Error(err)
	}
}

// Memory of Go cannot tell this: it is there until the next collection.
func TestREQ18BytesOfCxxAreFreedBeforeTheRelease(t *testing.T) { plays(t, lendsBytesForOneCall) }

func TestREQ18BytesOfAThreadOfCxxAreCopied(t *testing.T) { plays(t, answersFromAThread) }

func TestEventsFitIntoMemoryOfCxx(t *testing.T) { plays(t, takesEventsIntoMemoryThatFits) }

func TestAnExceptionStaysInItsCallback(t *testing.T) { plays(t, catchesWhatItsCallbackThrows) }
