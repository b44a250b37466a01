package kv

import (
	"strconv"
	"testing"
)

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSetAndGet(t *testing.T) {
	s := open(t)
	defer s.Close()
	if err := s.Set("a", "1"); err != nil {
		t.Fatal(err)
	}
	if got := s.Get("a"); got != "1" {
		t.Errorf("got %q", got)
	}
	if got := s.Get("b"); got != "" {
		t.Errorf("got %q", got)
	}
}

func filled(t *testing.T) *Store {
	s := open(t)
	for i := 0; i < 10; i++ {
		if err := s.Set(strconv.Itoa(i), "value"); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestCount(t *testing.T) {
	for i := 0; i < 20; i++ {
		if got := filled(t).Count("val"); got != 10 {
			t.Fatalf("got %d", got)
		}
	}
}

func TestLabel(t *testing.T) {
	s := open(t)
	defer s.Close()
	s.Label()
}
