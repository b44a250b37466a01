// Package nocallback is the rule about wrong promises in #cgo lines.
package nocallback

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"

	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "nocallback",
	Title: "A #cgo nocallback or noescape line promises what its C function breaks",
	Text: `
"#cgo nocallback f" promises that f never calls Go. If it does, the runtime ends the process. "#cgo noescape f"
promises that f keeps none of its pointers: Go may then put what they point to on a stack, which moves.

The rule reads the C code that belongs to the package, macros too. It finds functions with nocallback that call an
exported function of Go, or give it to qsort and its like, themselves or through another function of this code, and
functions with noescape that assign a parameter to a variable that is not their own, or give it to one that does.

Silent: functions of libraries, whose code is not there; calls through pointers.`,
	Before: `
/*
#cgo nocallback each
void goEach(int i);
static void each(int n) { for (int i = 0; i < n; i++) goEach(i); }
*/
import "C"`,
	After: `
/*
void goEach(int i);
static void each(int n) { for (int i = 0; i < n; i++) goEach(i); }
*/
import "C"`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"CBK-03", "VAL-02"},
	Run:       run,
}

var promise = regexp.MustCompile(`(?m)^[ \t/]*#cgo[ \t]+(nocallback|noescape)[ \t]+(\w+)`)

func run(p *rule.Pass) {
	exports := make(map[string]bool)
	for _, decl := range p.Exports() {
		exports[source.ExportName(decl)] = true
	}
	for _, f := range p.Files {
		for _, group := range f.Comments {
			for _, c := range group.List {
				check(p, c, exports)
			}
		}
	}
}

func check(p *rule.Pass, c *ast.Comment, exports map[string]bool) {
	for _, at := range promise.FindAllStringSubmatchIndex(c.Text, -1) {
		kind, name := c.Text[at[2]:at[3]], c.Text[at[4]:at[5]]
		pos := c.Pos() + token.Pos(at[2])
		switch kind {
		case "nocallback":
			called := p.Know.CCalls(name)
			if i := slices.IndexFunc(called, func(name string) bool { return exports[name] }); i >= 0 {
				p.Report(pos, "C.%s has nocallback and calls %s, a function of Go: the runtime ends the process", name, called[i])
			}
		case "noescape":
			for _, store := range p.Know.CStores(name) {
				if store.Into < 0 {
					p.Report(pos, "C.%s has noescape and keeps %s in %s: it may point into a stack, which moves", name, store.Param, store.Variable)
					break
				}
			}
		}
	}
}
