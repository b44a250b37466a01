package watchdog_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

var (
	t         *testing.T // of the test
	completed = make(chan struct{})
)

func Example() {
	watchdog.Guard(t)
	<-completed // if nobody completes, the test fails after a minute, with all stacks
}
