package child_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

func TestHowAChildEnds(t *testing.T) {
	switch child.Variant() {
	case "code":
		fmt.Fprintln(os.Stderr, "hello", os.Getenv("MORE"))
		os.Exit(7)
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	watchdog.Guard(t)
	ended := child.Run(t, "code", "MORE=world")
	ended.WantCode(t, 7)
	if strings.TrimSpace(ended.Output) != "hello world" {
		t.Errorf("it said %q", ended.Output)
	}
	if ended := child.Run(t, "signal"); ended.Code != -1 || ended.Signal != syscall.SIGKILL {
		t.Errorf("%+v", ended)
	}
}

func TestSubtestsHaveChildren(t *testing.T) {
	t.Run("here", func(t *testing.T) {
		if child.Variant() != "" {
			os.Exit(3)
		}
		child.Run(t, "child").WantCode(t, 3)
	})
}

func TestAChildThatHangsIsEndedAndFailsItsTest(t *testing.T) {
	switch child.Variant() {
	case "hangs":
		time.Sleep(time.Hour)
	case "waits":
		t.Setenv(watchdog.Variable, "600ms")
		t.Log(child.Run(t, "hangs").Output)
		return
	}
	ended := child.Run(t, "waits")
	ended.WantCode(t, 1)
	if !strings.Contains(ended.Output, "the child hung for 500ms") {
		t.Errorf("it said %q", ended.Output)
	}
	if !strings.Contains(ended.Output, "time.Sleep(") {
		t.Errorf("the child's stacks are missing in %q", ended.Output)
	}
}
