package watchdog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

func TestAHangingTestIsNamedWithItsStacks(t *testing.T) {
	if child.Variant() == "hangs" {
		watchdog.GuardFor(t, time.Millisecond)
		waitsForEver()
	}
	ended := child.Run(t, "hangs")
	ended.WantCode(t, 2)
	for _, want := range []string{"panic: " + t.Name() + " hangs after 1ms", "waitsForEver"} {
		if !strings.Contains(ended.Output, want) {
			t.Errorf("no %q in:\n%s", want, ended.Output)
		}
	}
}

func waitsForEver() { select {} }
