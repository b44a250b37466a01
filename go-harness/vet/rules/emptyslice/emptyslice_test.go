package emptyslice_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/emptyslice"
)

func TestRule(t *testing.T) { ruletest.Run(t, emptyslice.Rule) }

// TestFixes: unsafe.SliceData is offered where the file may use it, by its module or by its build constraint.
func TestFixes(t *testing.T) {
	for _, test := range []struct {
		module, file string
		fixed        bool
	}{
		{"go 1.20\n", "", true},
		{"go 1.19\n", "", false},
		{"go 1.19\n", "//go:build go1.20\n\n", true},
	} {
		dir := t.TempDir()
		code := func(first string) string {
			return test.file + "package m\n\n// static int sum(void *p, int n) { return 0; }\nimport \"C\"\n\nimport \"unsafe\"\n\n" +
				"func Sum(b []byte) int { return int(C.sum(unsafe.Pointer(" + first + "), C.int(len(b)))) } // want `b may be empty`\n"
		}
		golden := "&b[0]"
		if test.fixed {
			golden = "unsafe.SliceData(b)"
		}
		for name, text := range map[string]string{"go.mod": "module m\n\n" + test.module, "m.go": code("&b[0]"), "m.go.golden": code(golden)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for _, result := range analysistest.RunWithSuggestedFixes(t, dir, emptyslice.Rule.Analyzer(), "m") {
			for _, d := range result.Action.Diagnostics {
				if fixed := len(d.SuggestedFixes) > 0; fixed != test.fixed {
					t.Errorf("%q, %q: fixed: %v", test.module, test.file, fixed)
				}
			}
		}
	}
}
