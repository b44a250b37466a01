package handle

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

func newShared(t *testing.T) *Shared {
	watchdog.Guard(t)
	s := new(Shared)
	s.Init("thing", 7, nil)
	return s
}

// waitUntilClosing returns when a Close on another goroutine has begun.
func waitUntilClosing(s *Shared) {
	for {
		if _, ok := s.Begin(); !ok {
			return
		}
		s.End()
		runtime.Gosched()
	}
}

func TestHDL01ConcurrentClosesReleaseOnce(t *testing.T) {
	s := newShared(t)
	var releases, returned atomic.Int32
	inside, finish := make(chan struct{}), make(chan struct{})
	var closers sync.WaitGroup
	for i := 0; i < 8; i++ {
		closers.Add(1)
		go func() {
			defer closers.Done()
			s.Close(Outside, func(id uint64) {
				if id != 7 {
					t.Errorf("released %d", id)
				}
				releases.Add(1)
				close(inside)
				<-finish
			})
			returned.Add(1)
		}()
	}
	<-inside
	if n := returned.Load(); n != 0 {
		t.Errorf("%d closers returned before the release had ended", n)
	}
	close(finish)
	closers.Wait()
	s.Close(Outside, func(uint64) { t.Error("released again") })
	if n := releases.Load(); n != 1 {
		t.Errorf("%d releases", n)
	}
}

func TestHDL09CloseWaitsForUsesAndRefusesLaterOnes(t *testing.T) {
	s := newShared(t)
	for i := 0; i < 2; i++ {
		if id, ok := s.Begin(); id != 7 || !ok {
			t.Fatalf("Begin = %d, %v", id, ok)
		}
	}
	var uses atomic.Int32
	uses.Store(2)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.Close(Outside, func(uint64) {
			if n := uses.Load(); n != 0 {
				t.Errorf("released with %d uses in flight", n)
			}
		})
	}()
	waitUntilClosing(s) // later uses are refused while the earlier ones still run
	for i := 0; i < 2; i++ {
		uses.Add(-1)
		s.End()
	}
	<-closed
	if _, ok := s.Begin(); ok {
		t.Error("a use began after Close")
	}
}

// Under -race this also shows that a use happens before the release that waited for it.
func TestHDL09UsesAndCloseRace(t *testing.T) {
	watchdog.Guard(t)
	for round := 0; round < 200; round++ {
		s := new(Shared)
		var native atomic.Bool // whether the native object is live
		native.Store(true)
		var memory [4]int // stands for what the native object owns: one word a user
		var users sync.WaitGroup
		for i := range memory {
			users.Add(1)
			go func(word *int) {
				defer users.Done()
				for {
					if _, ok := s.Begin(); !ok {
						return
					}
					if !native.Load() {
						t.Error("used after the release")
					}
					*word++
					s.End()
				}
			}(&memory[i])
		}
		s.Close(Outside, func(uint64) {
			native.Store(false)
			memory = [4]int{}
		})
		users.Wait()
	}
}

func TestHDL19PanicInReleaseLeavesNobodyHanging(t *testing.T) {
	s := newShared(t)
	func() {
		defer func() {
			if v := recover(); v != "release failed" {
				t.Errorf("recovered %v", v)
			}
		}()
		s.Close(Outside, func(uint64) { panic("release failed") })
	}()
	s.Close(Outside, func(uint64) { t.Error("released again") })
	if _, ok := s.Begin(); ok {
		t.Error("a use began after Close")
	}
}

func TestHDL19PanicInDestroyLeavesNobodyHanging(t *testing.T) {
	watchdog.Guard(t)
	b := new(Bound)
	b.Init("thing", 7)
	func() {
		defer func() { _ = recover() }()
		_ = b.Close(func(uint64) error { panic("destroy failed") })
	}()
	if b.Closed() {
		t.Error("closed although nothing was destroyed")
	}
	if err := b.Close(func(uint64) error { return nil }); err != nil || !b.Closed() {
		t.Errorf("retry: %v", err)
	}
}

func TestHDL02RefusedDestroyLeavesTheHandleOpen(t *testing.T) {
	b := new(Bound)
	b.Init("thing", 7)
	refused := errors.New("refused")
	if err := b.Close(func(uint64) error { return refused }); err != refused {
		t.Errorf("Close = %v", err)
	}
	if b.Closed() {
		t.Error("closed by a refused destroy")
	}
	destroyed := 0
	for i := 0; i < 2; i++ {
		err := b.Close(func(id uint64) error {
			destroyed++
			return nil
		})
		if err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	if destroyed != 1 || !b.Closed() || b.ID() != 7 {
		t.Errorf("destroyed %d times; closed %v; id %d", destroyed, b.Closed(), b.ID())
	}
}

// A callback that closes its own runtime must get an answer: the destroy that waits for the callback
// must not be waited for by the callback.
func TestHDL18CloseDuringDestroyDoesNotWait(t *testing.T) {
	watchdog.Guard(t)
	b := new(Bound)
	b.Init("thing", 7)
	wrongThread := errors.New("wrong thread")
	err := b.Close(func(uint64) error {
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			if err := b.Close(func(uint64) error { return wrongThread }); err != wrongThread {
				t.Errorf("callback's Close = %v", err)
			}
		}()
		<-answered
		return nil
	})
	if err != nil {
		t.Errorf("Close = %v", err)
	}
}

// A callback that closes the handle of the call that led to it must get an answer.
func TestHDL18CloseInsideAUseOfTheSameThreadIsRefused(t *testing.T) {
	s := newShared(t)
	if _, ok := s.Begin(); !ok {
		t.Fatal("a new handle refuses a use")
	}
	if s.Close(InUse, func(uint64) { t.Error("released during a use") }) {
		t.Error("closed during a use of its own thread")
	}
	s.End()
	released := 0
	s.Close(Outside, func(uint64) {
		released++
		if s.Close(InUse, func(uint64) { t.Error("released inside the release") }) {
			t.Error("closed inside the release")
		}
	})
	if released != 1 {
		t.Errorf("%d releases", released)
	}
}

// A callback inside a use of one closes the other, and the other way round: neither waits, and the use that
// ends last releases.
func TestHDL18CloseInACallbackLeavesTheReleaseToTheLastUse(t *testing.T) {
	one, two := newShared(t), newShared(t)
	var releases atomic.Int32
	for _, s := range []*Shared{one, two} {
		for i := 0; i < 2; i++ {
			if _, ok := s.Begin(); !ok {
				t.Fatal("a new handle refuses a use")
			}
		}
	}
	for _, s := range []*Shared{one, two} {
		for i := 0; i < 2; i++ {
			if !s.Close(InCallback, func(uint64) { releases.Add(1) }) {
				t.Error("not closed")
			}
		}
		if _, ok := s.Begin(); ok {
			t.Error("a use began after Close")
		}
	}
	outside := make(chan struct{})
	go func() {
		defer close(outside)
		one.Close(Outside, func(uint64) { t.Error("released by a later Close") })
		if n := releases.Load(); n != 1 {
			t.Errorf("%d releases when the later Close returned", n)
		}
	}()
	for i, s := range []*Shared{one, one, two, two} {
		if n := releases.Load(); n != int32(i)/2 {
			t.Errorf("%d releases before use %d ends", n, i)
		}
		s.End()
		if s == one && i == 1 {
			<-outside
		}
	}
	if n := releases.Load(); n != 2 {
		t.Errorf("%d releases", n)
	}
}

// A use that ends last releases; when that panics, nobody is left hanging either.
func TestHDL19PanicInTheReleaseOfTheLastUseLeavesNobodyHanging(t *testing.T) {
	s := newShared(t)
	s.Begin()
	s.Close(InCallback, func(uint64) { panic("release failed") })
	func() {
		defer func() {
			if v := recover(); v != "release failed" {
				t.Errorf("recovered %v", v)
			}
		}()
		s.End()
	}()
	s.Close(Outside, func(uint64) { t.Error("released again") })
}

func TestHDL25TheZeroValueCountsAsClosed(t *testing.T) {
	watchdog.Guard(t)
	s, b := new(Shared), new(Bound)
	if _, ok := s.Begin(); ok || !b.Closed() {
		t.Error("a zero handle is open")
	}
	if !s.Close(Outside, func(uint64) { t.Error("released") }) || b.Close(func(uint64) error { return errors.New("destroyed") }) != nil {
		t.Error("a zero handle cannot be closed")
	}
}

// t.Fatal in a report does the same.
func TestHDL15AReportThatExitsEndsNoFinalizers(t *testing.T) {
	watchdog.Guard(t)
	var reports atomic.Int32
	SetReporter(func(Leak) {
		reports.Add(1)
		runtime.Goexit()
	})
	defer SetReporter(nil)
	abandonFamily()
	collect(func() bool { return reports.Load() == 2 })
	if n := reports.Load(); n != 2 {
		t.Errorf("%d reports", n)
	}
}

// A report is not overtaken: finalizers wait for it, and so does whoever waits for one of them.
func TestHDL15FinalizersWaitForAReport(t *testing.T) {
	watchdog.Guard(t)
	var reports atomic.Int32
	reporting, reported := make(chan struct{}), make(chan struct{})
	SetReporter(func(Leak) {
		if reports.Add(1) == 1 {
			close(reporting)
			<-reported
		}
	})
	defer SetReporter(nil)
	abandonFamily()
	runtime.GC()
	<-reporting
	var overtaken atomic.Bool
	runtime.SetFinalizer(new([16]byte), func(*[16]byte) { overtaken.Store(true) })
	for i := 0; i < 3; i++ {
		runtime.GC()
		for j := 0; j < 1000; j++ {
			runtime.Gosched()
		}
	}
	if overtaken.Load() {
		t.Error("a finalizer ran during a report")
	}
	close(reported)
	collect(func() bool { return reports.Load() == 2 }) // the other one is no leak of another test
}

// collect runs the garbage collector until done, or three times.
func collect(done func() bool) {
	for i := 0; i < 3 && !done(); i++ {
		runtime.GC()
		// Finalizers run in order on one goroutine: when this one has run, so have those before it.
		ran := make(chan struct{})
		runtime.SetFinalizer(new([16]byte), func(*[16]byte) { close(ran) })
		runtime.GC()
		<-ran
	}
}

// catchLeaks collects reports until the test ends.
func catchLeaks(t *testing.T) func() []Leak {
	var mu sync.Mutex
	var leaks []Leak
	SetReporter(func(leak Leak) {
		mu.Lock()
		defer mu.Unlock()
		leaks = append(leaks, leak)
	})
	t.Cleanup(func() { SetReporter(nil) })
	return func() []Leak {
		mu.Lock()
		defer mu.Unlock()
		return append([]Leak(nil), leaks...)
	}
}

type family struct {
	handle Bound
	other  *family // parent and child refer to each other
}

//go:noinline
func abandonFamily() {
	parent, child := new(family), new(family)
	parent.handle.Init("parent", 1)
	child.handle.Init("child", 2)
	parent.other, child.other = child, parent
}

func TestHDL20AbandonedParentAndChildAreBothReportedOnce(t *testing.T) {
	watchdog.Guard(t)
	leaks := catchLeaks(t)
	abandonFamily()
	collect(func() bool { return len(leaks()) == 2 })
	collect(func() bool { return false })
	kinds := map[string]int{}
	for _, leak := range leaks() {
		kinds[leak.Kind]++
		if leak.Released || leak.Stack != nil {
			t.Errorf("leak %+v", leak)
		}
	}
	if len(kinds) != 2 || kinds["parent"] != 1 || kinds["child"] != 1 {
		t.Errorf("reported %v", kinds)
	}
}

//go:noinline
func abandonShared(release func(uint64)) {
	new(Shared).Init("releasable", 3, release)
}

func TestHDL16ALeakIsReleasedIfItMayBe(t *testing.T) {
	watchdog.Guard(t)
	leaks := catchLeaks(t)
	Trace(true)
	defer Trace(false)
	released := make(chan uint64, 2)
	abandonShared(func(id uint64) { released <- id })
	collect(func() bool { return len(leaks()) > 0 })
	if got := leaks(); len(got) != 1 || !got[0].Released || !strings.Contains(string(got[0].Stack), "abandonShared") {
		t.Fatalf("leaks %+v", got)
	}
	if id := <-released; id != 3 || len(released) != 0 {
		t.Errorf("released %d, and %d more", id, len(released))
	}
}

// Any goroutine exchanges the reporter and turns traces on and off, while handles come and leak.
func TestHDL15TheReporterIsExchangedWhileHandlesLeak(t *testing.T) {
	watchdog.Guard(t)
	defer SetReporter(nil)
	defer Trace(false)
	const rounds = 1000
	exchanged := make(chan struct{})
	go func() {
		defer close(exchanged)
		for i := 0; i < rounds; i++ {
			SetReporter(func(Leak) {})
			Trace(i%2 == 0)
		}
	}()
	for i := 0; i < rounds; i++ {
		(&sentinel{}).leaked()
		watch("thing", 1, nil).rest()
	}
	<-exchanged
}

//go:noinline
func closeBoth(t *testing.T) {
	s := new(Shared)
	s.Init("shared", 4, func(uint64) { t.Error("released after Close") })
	s.Close(Outside, func(uint64) {})
	b := new(Bound)
	b.Init("bound", 5)
	if err := b.Close(func(uint64) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestHDL15AClosedHandleIsNoLeak(t *testing.T) {
	watchdog.Guard(t)
	leaks := catchLeaks(t)
	closeBoth(t)
	collect(func() bool { return false })
	if got := leaks(); len(got) != 0 {
		t.Errorf("leaks %+v", got)
	}
}

// A use keeps the handle from being a leak until it has ended, though nobody else refers to it.
func TestHDL22AUseKeepsTheHandleAlive(t *testing.T) {
	watchdog.Guard(t)
	leaks := catchLeaks(t)
	inside, finish, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s := new(Shared)
		s.Init("in use", 6, func(uint64) {})
		if _, ok := s.Begin(); !ok {
			t.Error("a new handle refuses a use")
			return
		}
		defer s.End()
		close(inside)
		<-finish
	}()
	<-inside
	collect(func() bool { return false })
	if got := leaks(); len(got) != 0 {
		t.Errorf("leaked during a use: %+v", got)
	}
	close(finish)
	<-done
	collect(func() bool { return len(leaks()) > 0 })
	if got := leaks(); len(got) != 1 {
		t.Errorf("leaks after the use: %+v", got)
	}
}

func BenchmarkUse(b *testing.B) {
	s := new(Shared)
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, ok := s.Begin(); ok {
			s.End()
		}
	}
}
