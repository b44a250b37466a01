//go:build unix

package guard_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/guard"
)

var (
	t     *testing.T        // of the test
	write = func([]byte) {} // functions of a binding
	flush = func() {}
)

// A function that borrows its argument for the time of the call must not read it later.
func Example() {
	input := guard.Bytes(t, []byte("content"))
	write(input.Bytes())
	input.Protect()
	flush() // ends the process with SIGSEGV if write has kept the pointer
}
