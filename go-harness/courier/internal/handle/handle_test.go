package handle

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cgolab/cgolab/go-harness/internal/watchdog"
)

func newShared(t *testing.T) *Shared {
	watchdog.Guard(t)
	s := new(Shared)
	s.Init(7)
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
			s.Close(func(id uint64) {
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
	s.Close(func(uint64) { t.Error("released again") })
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
		s.Close(func(uint64) {
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
		s.Close(func(uint64) {
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
		s.Close(func(uint64) { panic("release failed") })
	}()
	s.Close(func(uint64) { t.Error("released again") })
	if _, ok := s.Begin(); ok {
		t.Error("a use began after Close")
	}
}

func TestHDL19PanicInDestroyLeavesNobodyHanging(t *testing.T) {
	watchdog.Guard(t)
	b := new(Bound)
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
	b.Init(7)
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

func BenchmarkUse(b *testing.B) {
	s := new(Shared)
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, ok := s.Begin(); ok {
			s.End()
		}
	}
}
