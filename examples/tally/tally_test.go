package tally

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, limit uint64) *Tally {
	t.Helper()
	tally := New(limit)
	t.Cleanup(func() {
		if err := tally.Close(); err != nil {
			t.Error(err)
		}
	})
	return tally
}

func TestHDL01HDL11CloseIsFinal(t *testing.T) {
	tally := open(t, 1)
	if err := tally.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tally.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := tally.Add(1, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Add after Close: %v", err)
	}
	if _, err := tally.Count(); !errors.Is(err, ErrClosed) {
		t.Errorf("Count after Close: %v", err)
	}
}

func TestSTA01EachStatusHasItsCategory(t *testing.T) {
	err := open(t, 0).Add(1, nil)
	if !errors.Is(err, ErrFull) || errors.Is(err, ErrClosed) || !strings.HasSuffix(err.Error(), "the tally is full") {
		t.Errorf("a full tally: %v", err)
	}
	if err := (&Tally{id: 1 << 40}).Add(1, nil); err == nil || errors.Is(err, ErrFull) || errors.Is(err, ErrClosed) {
		t.Errorf("no such tally: %v", err)
	}
}

// Many goroutines fail in two ways at once: each must read its own message.
func TestSTA03MessagesAreReadOnTheThreadOfTheCall(t *testing.T) {
	full, gone := open(t, 0), &Tally{id: 1 << 40}
	var wait sync.WaitGroup
	for i := 0; i < 8; i++ {
		tally, want := full, "full"
		if i%2 == 1 {
			tally, want = gone, "no such tally"
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := 0; n < 1000; n++ {
				if err := tally.Add(1, nil); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("message %v, want %q", err, want)
					return
				}
			}
		}()
	}
	wait.Wait()
}

func TestCBK03PanicsGoOnAfterTheNativeCall(t *testing.T) {
	tally := open(t, 3)
	func() {
		defer func() {
			if value := recover(); value != "third" {
				t.Errorf("recovered %v", value)
			}
		}()
		_ = tally.Add(3, func(count uint64) {
			if count == 3 {
				panic("third")
			}
		})
	}()
	if count, err := tally.Count(); count != 3 || err != nil {
		t.Errorf("count %d, error %v", count, err)
	}
}

func TestVAL04VAL05CBK09CallbacksMayCallTheLibrary(t *testing.T) {
	tally := open(t, 2)
	var seen []string
	err := tally.Add(2, func(count uint64) {
		other := New(count)
		runtime.GC()
		seen = append(seen, fmt.Sprint(count, other.Add(count, nil), other.Close()))
	})
	if err != nil || strings.Join(seen, ", ") != "1 <nil> <nil>, 2 <nil> <nil>" {
		t.Errorf("seen %q, error %v", seen, err)
	}
}

func TestHDL09CloseWaitsForCalls(t *testing.T) {
	tally := New(1 << 40)
	var wait sync.WaitGroup
	for i := 0; i < 4; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for tally.Add(1, nil) == nil {
			}
		}()
	}
	if err := tally.Close(); err != nil {
		t.Error(err)
	}
	wait.Wait()
}
