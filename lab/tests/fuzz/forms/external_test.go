package forms_test

import (
	"os"
	"strings"
	"testing"

	"example.com/forms"
)

// FuzzClean does with T what a test may do, and finds nothing.
func FuzzClean(f *testing.F) {
	if _, err := os.Stat("forms.go"); err != nil {
		f.Fatal(err)
	}
	f.Add("skip")
	f.Add("below")
	f.Fuzz(func(t *testing.T, text string) {
		t.Cleanup(func() {})
		t.Helper()
		if strings.HasPrefix(text, "skip") {
			t.Skip("skipped")
		}
		if strings.HasPrefix(text, "below") {
			t.Run("one", func(t *testing.T) { t.Skip("skipped below") })
			t.Run("two", func(t *testing.T) {
				t.Setenv("FORMS", t.TempDir())
				t.Log("a word")
			})
		}
		if forms.Twice(int32(len(text))) != 2*int32(len(text)) {
			t.Fatal("C cannot count")
		}
	})
}
