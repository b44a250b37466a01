package child

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/cgolab/cgolab/go-harness/internal/watchdog"
)

func TestHowAChildEnds(t *testing.T) {
	switch Variant() {
	case "code":
		fmt.Fprintln(os.Stderr, "hello", os.Getenv("MORE"))
		os.Exit(7)
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	watchdog.Guard(t)
	ended := Run(t, "code", "MORE=world")
	ended.WantCode(t, 7)
	if strings.TrimSpace(ended.Output) != "hello world" {
		t.Errorf("it said %q", ended.Output)
	}
	if ended := Run(t, "signal"); ended.Code != -1 || ended.Signal != syscall.SIGKILL {
		t.Errorf("%+v", ended)
	}
}

func TestSubtestsHaveChildren(t *testing.T) {
	t.Run("here", func(t *testing.T) {
		if Variant() != "" {
			os.Exit(3)
		}
		Run(t, "child").WantCode(t, 3)
	})
}
