// Package watchdog turns a hanging test into a failing one.
package watchdog

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// limit is generous: a slow machine must not fail a test, only a hang.
const limit = time.Minute

// Guard ends the test binary with the stacks of all goroutines if the test is still running after
// a minute. The panic names the test, and so the contract that hangs.
func Guard(t testing.TB) {
	name := t.Name()
	timer := time.AfterFunc(limit, func() {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		panic(fmt.Sprintf("%s hangs after %v\n\n%s", name, limit, stacks))
	})
	t.Cleanup(func() { timer.Stop() })
}
