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

func TestTheLimitOfAVariableIsUsed(t *testing.T) {
	switch child.Variant() {
	case "":
	case "wrong":
		t.Setenv(watchdog.Variable, "20")
		watchdog.Guard(t)
	default:
		t.Setenv(watchdog.Variable, "2ms")
		watchdog.Guard(t)
		waitsForEver()
	}
	for variant, want := range map[string]string{
		"short": "panic: " + t.Name() + " hangs after 2ms",
		"wrong": `CGOLAB_WATCHDOG="20" is no time such as 20s`,
	} {
		if ended := child.Run(t, variant); !strings.Contains(ended.Output, want) {
			t.Errorf("%s: no %q in:\n%s", variant, want, ended.Output)
		}
	}
}
