// Package keepalive is the rule about objects that are collected while C uses what they own.
package keepalive

import (
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "keepalive",
	Title: "An object whose finalizer frees native memory is not kept alive until C has returned",
	Text: `
A receiver is not alive until the end of its method: once the last field has been loaded, the collector may
find the object, run its finalizer, and free the memory that a C function is still using. The same holds for
cleanups, for pointers that were borrowed from the object, and for the descriptor of an os.File.

The rule finds calls into C on a field that a finalizer or a cleanup of the same type frees, on memory
borrowed from it, or through a helper, after which no way to the end of the function uses the object. A call that
is deferred runs at the end. What a C function returns counts as borrowed if the name says so (codec_data,
codec_get_name) and nobody frees it or keeps it. Reads and writes of such memory in Go count too, where a call or
a round of a loop lies between the load of the pointer and its use. A KeepAlive that comes before the use, or that
keeps a copy of the object, does not help.

Silent: a use of the object later, even on one way only, or in a deferred call: while C runs, nobody knows which way
will be taken, and the object is kept for each; a use of what was given the object before, in a field; objects that a
global variable holds; private functions all of whose callers keep the object alive; functions that are the finalizer's
own.

The fix, for a parameter or a receiver, is a deferred KeepAlive at the start of the function.`,
	Before: `
func (c *Codec) Size() int {
	return int(C.codec_size(c.p)) // c may be finalized, and c.p freed, during the call
}`,
	After: `
func (c *Codec) Size() int {
	defer runtime.KeepAlive(c)
	return int(C.codec_size(c.p))
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"HDL-22"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		for _, e := range p.Know.Exposures(fn) {
			owner, kept := describe(p, e.Owner)
			call, ok := e.Use.(ssa.CallInstruction)
			if !ok {
				if e.Early != nil {
					p.ReportAt(e.Use, "%s in line %d comes before native memory of it is used here", kept, p.Line(p.Pos(e.Early)))
				} else {
					p.ReportAt(e.Use, "%s may be finalized, and its native memory freed, while it is used here; add %s after it", owner, kept)
				}
				continue
			}
			name := p.Know.Callee(call.Common())
			switch {
			case e.Copy:
				p.ReportAt(call, "%s uses native memory of %s, which is a copy: nothing here keeps the object alive that has the finalizer", name, owner)
			case e.Early != nil:
				p.ReportAt(call, "%s in line %d comes before %s, which uses its native memory", kept, p.Line(p.Pos(e.Early)), name)
			case isDeferred(call):
				p.ReportAt(call, "%s may be finalized, and its native memory freed, while %s, which is deferred, uses it; defer %s before it", owner, name, kept)
			default:
				lost := "its native memory freed"
				if summary.IsFile(e.Owner.Type()) {
					lost = "its descriptor closed"
				}
				text := fmt.Sprintf("%s may be finalized, and %s, while %s uses it; add %s after the call", owner, lost, name, kept)
				if fix, ok := deferred(p, fn, e.Owner); ok {
					p.ReportFix(p.Pos(call), fix, "%s", text)
					continue
				}
				p.ReportAt(call, "%s", text)
			}
		}
	}
}

func isDeferred(call ssa.CallInstruction) bool {
	_, ok := call.(*ssa.Defer)
	return ok
}

// deferred is the fix for a parameter: what a defer statement at the start of a function has lives until its end.
func deferred(p *rule.Pass, fn *ssa.Function, owner ssa.Value) (fix analysis.SuggestedFix, ok bool) {
	param, ok := owner.(*ssa.Parameter)
	decl, named := fn.Syntax().(*ast.FuncDecl)
	if !ok || !named || param.Parent() != fn || !p.Imports(decl.Pos(), "runtime") {
		return fix, false
	}
	text := " defer runtime.KeepAlive(" + param.Name() + ");"
	if p.Line(decl.Body.Lbrace) != p.Line(decl.Body.Rbrace) {
		text = "\n\tdefer runtime.KeepAlive(" + param.Name() + ")"
	}
	return analysis.SuggestedFix{
		Message:   "keep it alive until the function returns",
		TextEdits: []analysis.TextEdit{{Pos: decl.Body.Lbrace + 1, End: decl.Body.Lbrace + 1, NewText: []byte(text)}},
	}, true
}

// describe names a value as the source does, if it has a name there, and says how it is kept alive.
func describe(p *rule.Pass, v ssa.Value) (name, kept string) {
	root, path := summary.Path(v)
	name = root.Name()
	switch root := root.(type) {
	case *ssa.Parameter, *ssa.FreeVar, *ssa.Global:
	case *ssa.Alloc:
		name = root.Comment
	case *ssa.Call:
		name = p.Assigned(root, 0)
	case *ssa.Extract:
		name = ""
		if call, ok := root.Tuple.(*ssa.Call); ok {
			name = p.Assigned(call, root.Index)
		}
	default:
		name = ""
	}
	if name == "" {
		name = "the " + types.TypeString(root.Type(), func(*types.Package) string { return "" })
		kept = "runtime.KeepAlive of a variable that holds it"
	}
	for _, field := range path {
		name = fmt.Sprintf("%s.%s", name, field.Name())
	}
	if kept == "" {
		kept = fmt.Sprintf("runtime.KeepAlive(%s)", name)
	}
	return name, kept
}
