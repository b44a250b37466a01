package words

import "testing"

const text = "one three seventeen"

func index(t *testing.T, text string) *Words {
	t.Helper()
	w, err := New(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCount(t *testing.T) {
	if got := index(t, text).Count(); got != 3 {
		t.Errorf("got %d", got)
	}
	if _, err := New("\xff"); err != ErrText {
		t.Errorf("got %v", err)
	}
}

func TestLength(t *testing.T) {
	w := index(t, text)
	if got := w.Length(1); got != 5 {
		t.Errorf("got %d", got)
	}
	// A caller that counts from one: whatever comes, it is a number.
	t.Log(w.Length(w.Count()))
}

func TestWord(t *testing.T) {
	w := index(t, text)
	if got := w.Word(2); got != "seventeen" {
		t.Errorf("got %q", got)
	}
	if got := w.Word(3); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestLongest(t *testing.T) {
	for range 20 {
		if got := index(t, text).Longest(); got != 9 {
			t.Fatalf("got %d", got)
		}
	}
}

func FuzzLength(f *testing.F) {
	f.Add(text, 1)
	f.Fuzz(func(t *testing.T, text string, place int) {
		w, err := New(text)
		if err != nil {
			return
		}
		if got := w.Length(place); got > len(text) {
			t.Errorf("a word of %d in %q", got, text)
		}
	})
}
