package driver

import (
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/go/analysis"
)

// TestFixesDoNotOverlap: of two fixes that change the same text, one is applied, and the text stays whole.
func TestFixesDoNotOverlap(t *testing.T) {
	name := filepath.Join(t.TempDir(), "m.go")
	if err := os.WriteFile(name, []byte("abcdef"), 0o666); err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	file := fset.AddFile(name, -1, 6)
	fix := func(start, end int, text string) Finding {
		edit := analysis.TextEdit{Pos: file.Pos(start), End: file.Pos(end), NewText: []byte(text)}
		return Finding{fixes: []analysis.SuggestedFix{{TextEdits: []analysis.TextEdit{edit}}}}
	}
	result := &Result{fset: fset, Findings: []Finding{
		fix(1, 4, "overlaps"), fix(2, 5, "X"), fix(0, 0, "<"), fix(0, 0, "<"), fix(5, 6, "Y"),
	}}
	if _, err := result.Fix(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "<abXY" {
		t.Errorf("after the fixes: %q, %v", text, err)
	}
}
