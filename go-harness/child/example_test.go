package child_test

import (
	"os"
	"testing"

	"github.com/cgolab/cgolab/go-harness/child"
)

var t *testing.T // of the test

// A test of what a process does at its end begins by asking where it is.
func Example() {
	if child.Variant() == "exit" {
		os.Exit(7) // in the child, with a handle open, say
	}
	child.Run(t, "exit").WantCode(t, 7)
}
