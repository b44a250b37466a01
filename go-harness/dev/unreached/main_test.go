package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const text = `package p

func (b *Box[T]) get() (T, error) {
	if b == nil {
		// Nobody does that.
		return b.zero(), errNil
	}
	return b.value, nil
}

func short[T any]() T { return T{} }
`

// profiles writes a module with one file, p/a.go, and profiles with these blocks of it.
func profiles(t *testing.T, blocks ...string) (string, []string) {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("go.mod", "module example.org/m\n")
	write("p/a.go", text)
	var files []string
	for i, text := range blocks {
		files = append(files, write(string(rune('0'+i))+".out", text))
	}
	return folder, files
}

func TestABlockIsRunIfAnyProfileSaysSo(t *testing.T) {
	folder, files := profiles(t,
		"mode: set\nexample.org/m/p/a.go:4.14,7.3 2 0\nexample.org/m/p/a.go:8.2,8.21 1 0\n",
		"mode: set\nexample.org/m/p/a.go:4.14,7.3 2 1\nexample.org/m/p/a.go:8.2,8.21 1 0\n")
	result, err := read(folder, files)
	if err != nil {
		t.Fatal(err)
	}
	if got := *result.Packages["p"]; got != (Statements{Run: 2, All: 3}) || len(result.Packages) != 1 {
		t.Errorf("statements: %+v of %v", got, result.Packages)
	}
}

func TestABlockIsShownByItsCodeAndFunction(t *testing.T) {
	folder, files := profiles(t, "mode: set\n"+
		"example.org/m/p/a.go:4.14,7.3 1 0\n"+
		"example.org/m/p/a.go:8.2,8.21 1 0\n"+
		"example.org/m/p/a.go:11.23,11.37 1 0\n")
	result, err := read(folder, files)
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{
		{"p/a.go", 6, "(b *Box[T]) get", "return b.zero(), errNil", 1},
		{"p/a.go", 8, "(b *Box[T]) get", "return b.value, nil", 1},
		{"p/a.go", 11, "short", "return T{}", 1},
	}
	if len(result.Unreached) != len(want) {
		t.Fatalf("%+v", result.Unreached)
	}
	for i, got := range result.Unreached {
		if got != want[i] {
			t.Errorf("%+v is not %+v", got, want[i])
		}
	}
}

func TestWhatIsNoProfileOfTheModuleIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"<html>\n": "is no coverage profile",
		"mode: set\nother.org/p/a.go:1.1,1.2 1 0\n":        "is no file of example.org/m",
		"mode: set\nexample.org/m/p/a.go:40.1,41.2 1 0\n":  "has changed since",
		"mode: set\nexample.org/m/p/a.go:5.3,5.23 1 0\n":   "has changed since",
		"mode: set\nexample.org/m/p/gone.go:1.1,1.2 1 0\n": "gone.go",
		"mode: set\nexample.org/m/p/a.go:1.1,1.900 1 0\n":  "has changed since",
	} {
		folder, files := profiles(t, text)
		if _, err := read(folder, files); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, which does not say %q", text, err, says)
		}
	}
}
