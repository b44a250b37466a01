package nocallback_test

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/nocallback"
)

// TestRule names the lines itself: a comment // want cannot stand in a preamble.
func TestRule(t *testing.T) {
	var got []string
	for _, result := range analysistest.Run(ruletest.Silent{}, analysistest.TestData(), nocallback.Rule.Analyzer(), "a", "deep") {
		for _, d := range result.Action.Diagnostics {
			got = append(got, fmt.Sprintf("%s %02d: %s", result.Action.Package.Types.Name(), result.Action.Package.Fset.Position(d.Pos).Line, d.Message))
		}
	}
	slices.Sort(got)
	want := []string{
		"a 04: nocallback: C.each has nocallback and calls goEach, a function of Go: the runtime ends the process",
		"a 05: nocallback: C.through has nocallback and calls goEach, a function of Go: the runtime ends the process",
		"a 08: nocallback: C.keep has noescape and keeps p in kept: it may point into a stack, which moves",
		"deep 05: nocallback: C.sort has nocallback and calls goCompare, a function of Go: the runtime ends the process",
		"deep 06: nocallback: C.macro has nocallback and calls goCompare, a function of Go: the runtime ends the process",
		"deep 07: nocallback: C.named has nocallback and calls goCompare, a function of Go: the runtime ends the process",
		"deep 10: nocallback: C.through has noescape and keeps p in kept: it may point into a stack, which moves",
		"deep 11: nocallback: C.assigns has noescape and keeps p in kept: it may point into a stack, which moves",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, not %q", got, want)
	}
}
