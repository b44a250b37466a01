package note

import (
	"math"
	"os"
	"strings"
	"testing"
)

// TestRustWritesTheSameLines has the notes of note/tests/notes.rs, in the same order.
func TestRustWritesTheSameLines(t *testing.T) {
	golden, err := os.ReadFile("testdata/lines.txt")
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	for _, n := range []Note{
		Checked("REQ-04", 123),
		Broken("REQ-104"),
		Executions(math.MaxUint64),
		Complete(2),
		Complete(Unbounded),
		CutOff(3),
		Sampled(math.MaxUint64),
		Skipped("no clang\r\n\tor clang++ on PATH\n"),
		Scenario("--through c  0100=00 cgolab: ü"),
		Skipped(""),
	} {
		written.WriteString(n.String() + "\n")
	}
	if written.String() != string(golden) {
		t.Errorf("written:\n%s\nwant:\n%s", &written, golden)
	}
}

func TestAnIdIsOneWord(t *testing.T) {
	for _, text := range []string{"", " ", "REQ-04 ", "REQ-04 REQ-05", "REQ-04\n"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", text)
				}
			}()
			Broken(text)
		}()
	}
}
