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

// FuzzNothing runs through all of it, and finds nothing: it is for speed.
func FuzzNothing(f *testing.F) {
	search(f, func(data []byte) bool {
		if InGoBehindMuchC(data) && len(data) > 1<<20 {
			return true
		}
		return InCThenGo(data) && len(data) > 1<<20
	})
}

func TestGatesOpen(t *testing.T) {
	frame, err := zstd.Compress(nil, []byte("BUG"))
	if err != nil {
		t.Fatal(err)
	}
	for name, opens := range map[string]bool{
		"InC":             InC([]byte("BUG!")),
		"InCAsNumber":     InCAsNumber([]byte("BUG!")),
		"InGo":            InGo([]byte("BUG!")),
		"InCThenGo":       InCThenGo([]byte("BUG!BUG!")),
		"InGoThenC":       InGoThenC([]byte("BUGBUG")),
		"InGoBehindMuchC": InGoBehindMuchC([]byte("BUG")),
		"InCBehindMuchGo": InCBehindMuchGo([]byte("BUG")),
		"InGoBehindZstd":  InGoBehindZstd(frame),
	} {
		if !opens {
			t.Errorf("%s stays shut", name)
		}
	}
}
