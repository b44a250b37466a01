// Package watchdog turns a hanging test into a failing one. A test that hangs until go test itself gives up takes ten
// minutes, and is one of many that were running; this package ends it after one, or after what Variable says, and says
// which test it was.
//
//	func TestCompletion(t *testing.T) {
//		watchdog.Guard(t)
//		<-completed
//	}
package watchdog

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// Limit is the time that Guard gives a test. It is generous: a slow machine must not fail a test, only a hang.
const Limit = time.Minute

// Variable is the environment variable with another limit for Guard, such as 20s: who plants a hundred hangs
// does not wait for each so long, and a machine may be slower still.
const Variable = "CGOLAB_WATCHDOG"

// Guard ends the test binary with the stacks of all goroutines if the test is still running after
// its Time. The panic names the test, and so the contract that hangs.
func Guard(t testing.TB) { GuardFor(t, Time(t)) }

// Time returns the time that Guard gives a test: Limit, or that of Variable. A variable that is no time fails the test.
func Time(t testing.TB) time.Duration {
	t.Helper()
	text, ok := os.LookupEnv(Variable)
	if !ok {
		return Limit
	}
	limit, err := time.ParseDuration(text)
	if err != nil || limit <= 0 {
		t.Fatalf("%s=%q is no time such as 20s", Variable, text)
	}
	return limit
}

// GuardFor is Guard with another limit, for a test that must take longer.
func GuardFor(t testing.TB, limit time.Duration) {
	name := t.Name()
	timer := time.AfterFunc(limit, func() {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		panic(fmt.Sprintf("%s hangs after %v\n\n%s", name, limit, stacks))
	})
	t.Cleanup(func() { timer.Stop() })
}
