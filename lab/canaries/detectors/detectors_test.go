package detectors

import (
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
)

func TestFails(t *testing.T)               { t.Error("canary: a failing test") }
func TestPasses(t *testing.T)              { t.Log(emptyCall()) }
func TestReadsBehindASlice(t *testing.T)   { t.Log(readsBehindASlice()) }
func TestReadsBehindItsStack(t *testing.T) { t.Log(readsBehindItsStack()) }
func TestUsesFreedMemory(t *testing.T)     { t.Log(usesFreedMemory()) }
func TestGoReadsFreedMemory(t *testing.T)  { t.Log(goReadsFreedMemory()) }
func TestCxxReadsTooFar(t *testing.T)      { t.Log(cxxReadsTooFar()) }
func TestStoresGoPointer(t *testing.T)     { storesGoPointer() }
func TestBranchesOnNothing(t *testing.T)   { t.Log(branchesOnNothing()) }
func TestPanicsOverC(t *testing.T)         { t.Log(panicsOverC(), usesTheStack()) }

func TestLosesMemory(t *testing.T) {
	for i := 0; i < 10; i++ {
		losesMemory()
	}
	emptyCall()
}

func TestLosesMemoryInGo(t *testing.T) {
	for i := 0; i < 10; i++ {
		losesMemoryInGo()
	}
	emptyCall()
}

// TestRace has two goroutines on one variable, and no call of C.
func TestRace(t *testing.T) {
	var shared int
	done := make(chan bool)
	go func() { shared++; done <- true }()
	shared++
	<-done
}

// TestRaceAcrossC has the same race with calls of C in between: Go's detector takes each for
// synchronisation.
func TestRaceAcrossC(t *testing.T) {
	var shared int
	first, second := make(chan bool, 1), make(chan bool)
	go func() {
		shared++
		emptyCall()
		first <- true
	}()
	for len(first) == 0 {
		emptyCall()
	}
	// After the other's last call, whatever the loop did.
	emptyCall()
	shared++
	close(second)
}

var garbage [4][]byte

// TestFreedUnderACall is rare without a storm: a finalizer frees what C still reads.
func TestFreedUnderACall(t *testing.T) {
	var group sync.WaitGroup
	for worker := 0; worker < 4; worker++ {
		worker := worker
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 200; i++ {
				if newObject().sum() != 256 {
					t.Error("canary: freed under a call")
					return
				}
				if i%2 == 0 {
					garbage[worker] = make([]byte, 8192)
				}
			}
		}()
	}
	group.Wait()
}

// TestTheCollectorRests fails if the collector runs again and again though there is nothing to collect.
func TestTheCollectorRests(t *testing.T) {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	before := stats.NumGC
	for i := 0; i < 200; i++ {
		waits()
		runtime.Gosched()
	}
	runtime.ReadMemStats(&stats)
	if stats.NumGC-before >= 3 {
		t.Error("canary: the collector does not rest")
	}
}

// TestSeesNoStranger fails if there is a goroutine that no test of its own has begun.
func TestSeesNoStranger(t *testing.T) {
	if runtime.NumGoroutine() > 2 {
		t.Error("canary: a goroutine of others")
	}
}

func TestGoroutinesRunSideBySide(t *testing.T) {
	if runtime.GOMAXPROCS(0) == 1 {
		t.Error("canary: one goroutine at a time")
	}
}

func TestHasSeveralProcessors(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Error("canary: one processor")
	}
}

func TestCollectsSeldom(t *testing.T) {
	if debug.SetGCPercent(100) == 1 {
		t.Error("canary: GOGC is 1")
	}
}

func TestReadsCollectedMemory(t *testing.T) {
	if readsCollectedMemory() > 0 {
		t.Error("canary: collected memory is overwritten")
	}
}
