// Package deferearly is the rule about deferred calls that free what is not there yet.
package deferearly

import (
	"go/ast"
	"go/token"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "deferearly",
	Title: "A deferred call frees a variable that has nothing to free yet",
	Text: `
The arguments of a deferred call are evaluated where the defer statement stands, not where the function ends.
A variable that gets its memory later, from an assignment or from a C function that is given its address, is
still nil there: nothing is freed. So is a slice that has no elements yet: what is appended to it later is another
slice.

The rule finds deferred calls of functions that free, of C or of Go, one of whose arguments is a variable that
nothing has been assigned to, nor its address given away, before the defer statement; or a slice that was made empty, and
to which something is appended behind it.

Look up whether the memory is the caller's before the defer statement moves down: as it stands it has never freed
anything, and so nobody has found out.

Silent: a deferred function literal, which reads the variable when it runs; a pointer to the variable.`,
	Before: `
var out *C.char
defer C.free(unsafe.Pointer(out)) // frees nil
rc := C.lib_render(&out)`,
	After: `
var out *C.char
rc := C.lib_render(&out)
defer C.free(unsafe.Pointer(out))`,
	Since:     "v0.1.0",
	Severity:  rule.Warning,
	MergeIf:   rule.IfAny,
	Contracts: []string{"VAL-05", "VAL-06"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			deferred, ok := instr.(*ssa.Defer)
			if !ok {
				return
			}
			for i, arg := range deferred.Call.Args {
				if !frees(p, deferred.Common(), i) {
					continue
				}
				zero := "nil"
				switch {
				case grows(deferred, arg):
					zero = "empty"
				case !unset(deferred, arg):
					continue
				case flow.IsInteger(arg.Type()):
					zero = "0"
				}
				if name := variable(p.Call(deferred), &deferred.Call, i); name != "" {
					p.ReportAt(deferred, "%s is %s here, where the argument of the deferred call is evaluated: nothing will be freed", name, zero)
					return // what is freed, and how much of it, are one mistake
				}
			}
		})
	}
}

func frees(p *rule.Pass, call *ssa.CallCommon, i int) bool {
	if name := p.Know.C(call); name != "" {
		return summary.Frees(name)
	}
	f := p.Know.Of(call)
	return f != nil && i < len(f.Params) && (f.Params[i].MayFree || f.Params[i].FreesElements || len(f.Params[i].FreesFields) > 0)
}

// unset reports whether a value is nil, or that of a variable before anything was assigned.
func unset(at *ssa.Defer, v ssa.Value) bool {
	for {
		switch x := v.(type) {
		case *ssa.Convert:
			v = x.X
			continue
		case *ssa.ChangeType:
			v = x.X
			continue
		case *ssa.Const:
			return x.Value == nil
		case *ssa.UnOp:
			cell, ok := x.X.(*ssa.Alloc)
			return ok && x.Op == token.MUL && !set(cell, x)
		}
		return false
	}
}

// grows reports whether a value is a slice that was made empty, and to which something is appended behind the defer
// statement.
func grows(at *ssa.Defer, v ssa.Value) bool {
	switch made := v.(type) {
	case *ssa.MakeSlice:
		if !isZero(made.Len) {
			return false
		}
	case *ssa.Slice: // of an array, where the capacity is a constant
		if _, ok := made.X.(*ssa.Alloc); !ok || made.High == nil || !isZero(made.High) {
			return false
		}
	default:
		return false
	}
	// The variable is another value at each join of ways.
	seen := map[ssa.Value]bool{}
	var appended func(v ssa.Value) bool
	appended = func(v ssa.Value) bool {
		if seen[v] {
			return false
		}
		seen[v] = true
		for _, use := range *v.Referrers() {
			switch use := use.(type) {
			case *ssa.Phi:
				if appended(use) {
					return true
				}
			case *ssa.Call:
				builtin, ok := use.Call.Value.(*ssa.Builtin)
				if ok && builtin.Name() == "append" && use.Call.Args[0] == v && flow.Reaches(at, use, func(ssa.Instruction) bool { return false }) {
					return true
				}
			}
		}
		return false
	}
	return appended(v)
}

func isZero(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	return ok && c.Value != nil && c.Int64() == 0
}

// set reports whether a variable may have been given a value before it is read.
func set(cell *ssa.Alloc, read ssa.Instruction) bool {
	for _, instr := range *cell.Referrers() {
		switch instr := instr.(type) {
		case *ssa.UnOp, *ssa.DebugRef:
			continue
		default:
			if flow.Reaches(instr, read, func(other ssa.Instruction) bool { return other == ssa.Instruction(cell) }) {
				return true
			}
		}
	}
	return false
}

// variable is the name of the variable that an argument is in the source, or "". Who writes nil means it.
func variable(call *ast.CallExpr, common *ssa.CallCommon, i int) string {
	if call == nil {
		return ""
	}
	if common.Signature().Recv() != nil {
		i--
	}
	if i < 0 || i >= len(call.Args) {
		return ""
	}
	expr := ast.Unparen(call.Args[i])
	for {
		conversion, ok := expr.(*ast.CallExpr)
		if !ok || len(conversion.Args) != 1 {
			break
		}
		expr = ast.Unparen(conversion.Args[0])
	}
	if name, ok := expr.(*ast.Ident); ok && name.Name != "nil" {
		return name.Name
	}
	return ""
}
