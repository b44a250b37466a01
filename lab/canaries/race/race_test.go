//go:build canary

package race

import (
	"runtime"
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

// The same race, and each goroutine calls C between its start and its end. The detector takes the calls for
// synchronisation.
func TestLimitRaceAcrossC(t *testing.T) {
	var shared int
	var writers sync.WaitGroup
	writers.Add(2)
	go func() {
		defer writers.Done()
		shared++
		setTurn(1)
	}()
	go func() {
		defer writers.Done()
		for turn() != 1 {
			runtime.Gosched()
		}
		shared++
	}()
	writers.Wait()
	setTurn(0)
}
