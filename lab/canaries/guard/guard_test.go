//go:build canary && unix

package guard

import (
	"os"
	"testing"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/guard"
)

func TestCanaryReadsLater(t *testing.T) {
	if child.Variant() != "" {
		input := guard.Bytes(t, []byte("content"))
		borrow(input.Bytes())
		read(0)
		if child.Variant() == "later" {
			input.Protect()
			read(0)
		}
		os.Exit(0)
	}
	child.Run(t, "at once").WantCode(t, 0)
	wantAlive(t, "later")
}

func TestCanaryReadsTooFar(t *testing.T) {
	if child.Variant() != "" {
		borrow(guard.Bytes(t, []byte("content")).Bytes())
		read(len("content"))
		os.Exit(0)
	}
	wantAlive(t, "too far")
}

// wantAlive says, for the engine, how the child has died.
func wantAlive(t *testing.T, variant string) {
	t.Helper()
	if ended := child.Run(t, variant); ended.Code != 0 {
		t.Errorf("%s: the child ended with code %d, signal %v:\n%s", t.Name(), ended.Code, ended.Signal, ended.Output)
	}
}
