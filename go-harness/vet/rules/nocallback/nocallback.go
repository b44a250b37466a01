// Package nocallback is the rule about wrong promises in #cgo lines.
package nocallback

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"

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

The rule reads the C code that belongs to the package. It finds functions with nocallback that call an exported
function of Go, themselves or through another function of this code, and functions with noescape that assign a
parameter to a variable that is not their own.

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

var (
	promise    = regexp.MustCompile(`(?m)^[ \t/]*#cgo[ \t]+(nocallback|noescape)[ \t]+(\w+)`)
	identifier = regexp.MustCompile(`[A-Za-z_]\w*`)
	assignment = regexp.MustCompile(`(?:^|[;{}])\s*((\w+)(?:\s*(?:\.|->)\s*\w+|\s*\[[^\]]*\])*)\s*=\s*(?:\([^()]*\)\s*)?(\w+)\s*;`)
	comment    = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
)

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
			if called := calls(p, name, exports, make(map[string]bool)); called != "" {
				p.Report(pos, "C.%s has nocallback and calls %s, a function of Go: the runtime ends the process", name, called)
			}
		case "noescape":
			if kept, where := keeps(p, name); kept != "" {
				p.Report(pos, "C.%s has noescape and keeps %s in %s: it may point into a stack, which moves", name, kept, where)
			}
		}
	}
}

// code is a function's text without comments.
func code(p *rule.Pass, name string) string {
	return comment.ReplaceAllString(p.Know.Definition(name), " ")
}

// calls is the exported function that a C function reaches, or "".
func calls(p *rule.Pass, name string, exports, seen map[string]bool) string {
	if seen[name] {
		return ""
	}
	seen[name] = true
	_, body, _ := strings.Cut(code(p, name), "{")
	for _, at := range identifier.FindAllStringIndex(body, -1) {
		other := body[at[0]:at[1]]
		if !strings.HasPrefix(strings.TrimSpace(body[at[1]:]), "(") {
			continue
		}
		if exports[other] {
			return other
		}
		if called := calls(p, other, exports, seen); called != "" {
			return called
		}
	}
	return ""
}

// keeps is a parameter that a C function assigns to a variable that is not its own, and that variable.
func keeps(p *rule.Pass, name string) (parameter, variable string) {
	head, body, _ := strings.Cut(code(p, name), "{")
	params := make(map[string]bool)
	for param := range strings.SplitSeq(head, ",") {
		if names := identifier.FindAllString(param, -1); strings.Contains(param, "*") && len(names) > 0 {
			params[names[len(names)-1]] = true
		}
	}
	for _, at := range assignment.FindAllStringSubmatch("{"+body, -1) {
		target, base, value := at[1], at[2], at[3]
		if params[value] && !params[base] && !declared(body, base) {
			return value, target
		}
	}
	return "", ""
}

// declared reports whether a function's body declares a variable that lives no longer than a call.
func declared(body, name string) bool {
	found := regexp.MustCompile(`(static\s+)?[^;{}]*\w[\s*]+` + name + `\s*(?:[;=,]|\[)`).FindStringSubmatch(body)
	return found != nil && !strings.Contains(found[0], "static")
}
