package ask

import (
	"context"
	"errors"
	"testing"
)

// opened is a library for one test.
func opened(t testing.TB) *Library {
	l, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestAsk(t *testing.T) {
	l := opened(t)
	rows, err := l.Ask("SELECT title, year FROM books WHERE year < 1900 ORDER BY title")
	if err != nil || len(rows) != 2 || rows[0][0] != "Dracula" || rows[0][1] != int64(1897) {
		t.Errorf("got %v, %v", rows, err)
	}
	for _, question := range []string{"DELETE FROM books", "ATTACH 'f' AS f", "PRAGMA user_version", "SELECT"} {
		if _, err := l.Ask(question); err == nil {
			t.Errorf("%s: was answered", question)
		}
	}
}

func TestQuote(t *testing.T) {
	rows, err := opened(t).Ask("SELECT title FROM books WHERE title = " + Quote("it's"))
	if err != nil || len(rows) != 0 {
		t.Errorf("got %v, %v", rows, err)
	}
}

func FuzzAsk(f *testing.F) {
	f.Add("SELECT title, year FROM books WHERE year < 1900 ORDER BY title")
	f.Add("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n")
	f.Add("SELECT count(*), max(length(title)) FROM books GROUP BY year % 2 -- by parity")
	l := opened(f)
	f.Fuzz(func(t *testing.T, question string) {
		rows, err := l.Ask(question)
		if err == nil && len(rows) > enough {
			t.Errorf("%d rows", len(rows))
		}
	})
}

// FuzzQuote asks SQLite for a text by its quoted form, and compares.
func FuzzQuote(f *testing.F) {
	f.Add("Emma")
	f.Add("it's")
	l := opened(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > length/2 {
			t.Skip()
		}
		rows, err := l.Ask("SELECT " + Quote(text))
		if errors.Is(err, context.DeadlineExceeded) {
			t.Skip("the machine is slow")
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(rows) != 1 || rows[0][0] != text {
			t.Errorf("%q came back as %q", text, rows)
		}
	})
}
