// Package inttoptr is the rule about integers that are held as pointers.
package inttoptr

import (
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "inttoptr",
	Title: "An integer token is held in a Go variable of pointer type",
	Text: `
To pass a token to C as user_data, many write unsafe.Pointer(uintptr(handle)). For Go that is a pointer, and one
to nowhere. When a stack is copied, for example while a callback runs, the runtime finds it and ends the
process: "invalid pointer found on stack". It also ends the process if the number happens to lie in the heap.

The rule finds conversions to unsafe.Pointer of a cgo.Handle, of an integer with its methods, of the result of an
atomic addition, and of an integer that is the key of a registry in the same function; also if a function of the
package converts what it is given.

Silent: constants such as C's special values, -1 for one; addresses; offsets. Mend it in C: a function of the
preamble that takes a uintptr_t and casts there.`,
	Before: `
h := cgo.NewHandle(f)
C.lib_each(unsafe.Pointer(uintptr(h)))`,
	After: `
// static void each(uintptr_t h) { lib_each((void *)h); }
h := cgo.NewHandle(f)
C.each(C.uintptr_t(h))`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"CBK-11"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			convert, ok := instr.(*ssa.Convert)
			if !ok || !flow.IsUnsafePointer(convert.Type()) || flow.IsUnsafePointer(convert.X.Type()) {
				return
			}
			if what := nameOf(p, convert.X, fn); what != "" {
				p.Report(convert.Pos(), "%s is an integer, and here becomes a Go pointer to nowhere: the runtime may find it and end the process", what)
			} else if param, ok := flow.Root(convert).(*ssa.Parameter); ok {
				checkCalls(p, fn, param)
			}
		})
	}
}

// checkCalls looks at what the package gives a function that makes a pointer of an integer.
func checkCalls(p *rule.Pass, fn *ssa.Function, param *ssa.Parameter) {
	calls, _ := p.Know.Callers(fn)
	i := slices.Index(fn.Params, param)
	for _, call := range calls {
		if args := call.Common().Args; i >= 0 && i < len(args) {
			if what := nameOf(p, args[i], call.Parent()); what != "" {
				p.ReportAt(call, "%s is an integer, of which %s makes a Go pointer to nowhere: the runtime may find it and end the process", what, fn.Name())
			}
		}
	}
}

// nameOf names the token that an integer of a function is, or is "".
func nameOf(p *rule.Pass, v ssa.Value, fn *ssa.Function) string {
	origin, handle := summary.Integer(v)
	if handle {
		return "a cgo.Handle"
	}
	if call, ok := origin.(*ssa.Call); ok {
		if fn := call.Call.StaticCallee(); fn != nil && fn.Pkg != nil && fn.Pkg.Pkg.Path() == "sync/atomic" {
			if summary.Words(fn.Name())[0] == "add" {
				return "the result of an atomic addition"
			}
		}
	}
	if root := flow.Root(origin); flow.IsPointer(root.Type()) || p.Know.FromC(root) || !flow.IsInteger(origin.Type()) {
		return "" // an address, or a string
	}
	if summary.Registry(fn, origin) != nil {
		return "the key of a map"
	}
	return ""
}
