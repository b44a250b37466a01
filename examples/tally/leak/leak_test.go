//go:build lab && linux

package leak

import (
	"errors"
	"testing"

	"example.com/tally"
	"github.com/cgolab/cgolab/go-harness/heap"
)

func TestVAL05VAL15OperationsGiveBackWhatTheyTake(t *testing.T) {
	one := tally.New(1)
	full := func() {
		if err := one.Add(2, nil); !errors.Is(err, tally.ErrFull) {
			t.Fatal(err)
		}
	}
	life := func() {
		tally := tally.New(2)
		counted := 0
		err := tally.Add(2, func(uint64) { counted++ })
		if err = errors.Join(err, tally.Close()); err != nil || counted != 2 {
			t.Fatal(counted, err)
		}
	}
	for name, operation := range map[string]func(){
		"a refused Add": full,
		"a life":        life,
		"an Add whose callback panics": func() {
			defer func() { recover() }()
			two := tally.New(1)
			defer two.Close()
			two.Add(1, func(uint64) { panic(1) })
		},
	} {
		heap.WantNone(t, name, operation)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
}
