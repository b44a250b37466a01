//go:build canary

package race

import (
	"sync"
	"testing"
)

// Two goroutines write one variable and nothing orders them: the detector reports that however they
// are scheduled.
func TestCanaryRace(t *testing.T) {
	var shared int
	var writers sync.WaitGroup
	writers.Add(2)
	for i := 0; i < 2; i++ {
		go func() {
			defer writers.Done()
			shared++
		}()
	}
	writers.Wait()
}
