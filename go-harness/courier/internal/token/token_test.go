package token

import (
	"math"
	"sync"
	"testing"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

func wantValue(t *testing.T, token Token, want any) {
	t.Helper()
	if value, ok := token.Value(); !ok || value != want {
		t.Errorf("token %#x stands for %v, %v; want %v", token, value, ok, want)
	}
}

func wantNothing(t *testing.T, token Token) {
	t.Helper()
	if value, ok := token.Value(); ok || value != nil {
		t.Errorf("token %#x stands for %v, %v; want nothing", token, value, ok)
	}
}

func TestCBK10ATokenThatWasNeverMadeStandsForNothing(t *testing.T) {
	watchdog.Guard(t)
	live := New("live")
	defer live.Delete()
	for _, token := range []Token{0, 1, math.MaxUint32, math.MaxUint64, live + 1, live - 1, live + 1<<32, live - 1<<32} {
		wantNothing(t, token)
	}
	wantValue(t, live, "live")
}

func TestCBK10ADeletedTokenStandsForNothingWhenItsPlaceIsTakenAgain(t *testing.T) {
	watchdog.Guard(t)
	old := New("old")
	old.Delete()
	wantNothing(t, old)
	next := New("next")
	defer next.Delete()
	if uint32(old) != uint32(next) {
		t.Fatalf("tokens %#x and %#x have different places", old, next)
	}
	wantNothing(t, old)
	wantValue(t, next, "next")
}

// A place that has been taken as often as can be counted is not taken again: the count would begin anew.
func TestCBK10NoTokenIsEverUsedTwice(t *testing.T) {
	watchdog.Guard(t)
	last := New("last but one")
	last.Delete()
	(*places.Load())[uint32(last)].taken = math.MaxUint32 - 1
	last = New("last")
	wantValue(t, last, "last")
	last.Delete()
	wantNothing(t, last)
	next := New("next")
	defer next.Delete()
	if uint32(next) == uint32(last) {
		t.Errorf("token %#x has the place of %#x", next, last)
	}
}

func TestCBK08ASecondDeleteIsNamed(t *testing.T) {
	watchdog.Guard(t)
	token := New("value")
	token.Delete()
	defer func() {
		if recover() == nil {
			t.Error("deleted twice, and nobody has seen it")
		}
	}()
	token.Delete()
}

// While others make and delete tokens, each stands for its own value, and a deleted one for none.
func TestCBK10TokensOfManyGoroutines(t *testing.T) {
	const goroutines, rounds, live = 4, 200, 50
	watchdog.Guard(t)
	var all sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		all.Add(1)
		go func(g int) {
			defer all.Done()
			for round := 0; round < rounds; round++ {
				var tokens [live]Token
				for i := range tokens {
					tokens[i] = New([3]int{g, round, i})
				}
				for i, token := range tokens {
					wantValue(t, token, [3]int{g, round, i})
					token.Delete()
					wantNothing(t, token)
				}
			}
		}(g)
	}
	all.Wait()
}
