package index

import (
	"sync"
	"testing"
)

func TestWords(t *testing.T) {
	i := New()
	for place, word := range []string{"one", "two", "three"} {
		if got := i.Add(word); got != place {
			t.Fatalf("%q is at %d", word, got)
		}
	}
	if got := i.Length(2); got != 5 {
		t.Errorf("length is %d", got)
	}
}

func TestWord(t *testing.T) {
	i := New()
	i.Add("one")
	if got := i.Word(0); got != "one" {
		t.Errorf("got %q", got)
	}
	if got := i.Word(1); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestBehindTheLast(t *testing.T) {
	i := New()
	for range 4 {
		i.Add("word")
	}
	// Without a check of its own the result is whatever lies there.
	t.Log(i.Length(4))
}

func TestManyAtOnce(t *testing.T) {
	i := New()
	start := make(chan bool)
	var group sync.WaitGroup
	for range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			<-start
			i.Add("word")
		}()
	}
	close(start)
	group.Wait()
	t.Log(i.Calls())
}
