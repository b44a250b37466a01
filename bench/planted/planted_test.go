package planted

import (
	"testing"

	"github.com/DataDog/zstd"
)

// search fuzzes until a gate opens.
func search(f *testing.F, opens func([]byte) bool) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if opens(data) {
			t.Fatal("planted")
		}
	})
}

func FuzzInC(f *testing.F)             { search(f, InC) }
func FuzzInCAsNumber(f *testing.F)     { search(f, InCAsNumber) }
func FuzzInGo(f *testing.F)            { search(f, InGo) }
func FuzzInCThenGo(f *testing.F)       { search(f, InCThenGo) }
func FuzzInGoThenC(f *testing.F)       { search(f, InGoThenC) }
func FuzzInGoBehindMuchC(f *testing.F) { search(f, InGoBehindMuchC) }
func FuzzInCBehindMuchGo(f *testing.F) { search(f, InCBehindMuchGo) }

func FuzzInGoBehindZstd(f *testing.F) {
	frame, err := zstd.Compress(nil, []byte("hello, world"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	search(f, InGoBehindZstd)
}

func FuzzNothing(f *testing.F) { search(f, Nothing) }

func TestGatesOpen(t *testing.T) {
	frame, err := zstd.Compress(nil, []byte("B"))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{
		"InC":             "BUG!",
		"InCAsNumber":     "BUG!",
		"InGo":            "BUG!",
		"InCThenGo":       "BUG!BUG!",
		"InGoThenC":       "BUGBUG",
		"InGoBehindMuchC": "BUG",
		"InCBehindMuchGo": "BUG",
		"InGoBehindZstd":  string(frame),
	}
	for name, opens := range Gates {
		if opens([]byte(keys[name])) != (name != "Nothing") {
			t.Errorf("%s does the wrong thing with %q", name, keys[name])
		}
		if opens([]byte("bug!")) {
			t.Errorf("%s opens for anything", name)
		}
	}
}
