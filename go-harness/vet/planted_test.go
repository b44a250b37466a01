package vet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet"
	"github.com/cgolab/cgolab/go-harness/vet/internal/driver"
)

func TestMain(m *testing.M) {
	driver.ServePackages()
	os.Exit(m.Run())
}

// TestPlantedMistakes: the package by which cgolab proves the rules has one finding of each, where it says so.
func TestPlantedMistakes(t *testing.T) {
	dir := t.TempDir()
	planted := filepath.Join("..", "..", "lab", "canaries", "vet")
	if err := os.CopyFS(filepath.Join(dir, "vet"), os.DirFS(planted)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/planted\n\ngo 1.20\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	driver.Know(vet.Rules())
	result, err := driver.Run(vet.Rules(), driver.Load{Dir: dir, Tags: "planted", Patterns: []string{"./vet"}})
	if err != nil || len(result.Gaps) > 0 {
		t.Fatal(err, result.Gaps)
	}
	var want, found []string
	for _, r := range vet.Rules() {
		want = append(want, r.Name)
	}
	marked := marks(t, filepath.Join(dir, "vet"))
	for _, f := range result.Findings {
		found = append(found, f.Rule)
		at := fmt.Sprint(f.File, ":", f.Line)
		if rule, ok := marked[at]; ok && rule != f.Rule || !ok && f.Rule != "nocallback" && f.Rule != "checksoff" {
			t.Errorf("%s: %s, where the comment says %q", at, f.Rule, rule)
		}
		delete(marked, at)
	}
	slices.Sort(found)
	if !slices.Equal(found, want) {
		t.Errorf("findings of %v, not one of each of %v", found, want)
	}
	for at, rule := range marked {
		t.Errorf("%s: %s finds nothing", at, rule)
	}
}

// marks are the rules that comments `planted: RULE` name, by file and line.
func marks(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	marked := make(map[string]string)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		line := 0
		for code := range strings.Lines(string(text)) {
			line++
			if _, rule, ok := strings.Cut(strings.TrimSpace(code), " // planted: "); ok {
				marked[fmt.Sprint(name, ":", line)] = rule
			}
		}
	}
	return marked
}
