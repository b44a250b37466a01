// Package child runs a test again in a process of its own: for what ends a process, such as an exit, an
// abort or a signal, and for what only a fresh process shows.
//
// A test asks first where it is:
//
//	if child.Variant() == "exit" {
//		... // in the child; it ends with os.Exit(7)
//	}
//	child.Run(t, "exit").WantCode(t, 7)
//
// A child that hangs is ended with its stacks in its output, and fails the test, after five sixths of the time of a
// watchdog: 50 seconds.
package child

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

const variable = "CGOLAB_TEST_CHILD"

// Variant returns what this process was started for; "" in the test's own process.
func Variant() string { return os.Getenv(variable) }

// Ended is the end of a child.
type Ended struct {
	Code   int            // -1 after a signal
	Signal syscall.Signal // 0 unless a signal ended it
	Output string         // standard output and error
}

// Run starts the calling test in a process of its own, where Variant returns variant, and waits for its
// end. Each of env is a "NAME=value".
func Run(t testing.TB, variant string, env ...string) Ended {
	t.Helper()
	var pattern []string
	for _, name := range strings.Split(t.Name(), "/") {
		pattern = append(pattern, "^"+name+"$")
	}
	var output bytes.Buffer
	command := exec.Command(os.Args[0], "-test.run="+strings.Join(pattern, "/"))
	command.Stdout, command.Stderr = &output, &output
	command.Env = append(append(os.Environ(), variable+"="+variant), env...)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	// Less than the watchdog's, so that the stacks that are seen are the child's.
	limit := watchdog.Time(t) * 5 / 6
	hangs := time.AfterFunc(limit, func() {
		_ = command.Process.Signal(syscall.SIGQUIT) // a Go program prints its stacks
		time.AfterFunc(limit/10, func() { _ = command.Process.Kill() })
	})
	err := command.Wait()
	if !hangs.Stop() {
		t.Errorf("the child hung for %v", limit)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	ended := Ended{Code: command.ProcessState.ExitCode(), Output: output.String()}
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		ended.Signal = status.Signal()
	}
	return ended
}

// WantCode fails the test unless the child ended by itself with this code. The message has the child's output.
func (e Ended) WantCode(t testing.TB, code int) {
	t.Helper()
	if e.Code != code {
		t.Errorf("the child ended with code %d, signal %v; want code %d. It said:\n%s", e.Code, e.Signal, code, e.Output)
	}
}
