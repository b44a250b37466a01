// Package ptrparam is the rule about callbacks that take an integer as a pointer.
package ptrparam

import (
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "ptrparam",
	Title: "A callback takes an integer token as a parameter of pointer type",
	Text: `
A parameter of type unsafe.Pointer is a pointer to Go, whatever C put there. If it is the number of a
cgo.Handle, the first growth of the stack inside the callback ends the process: "invalid pointer found on
stack".

The rule finds exported functions, those with a comment //export, with a parameter of pointer type that they
convert to a cgo.Handle, or to a type of the project's that is one in all but name: an integer with the methods Value
and Delete; and those that look it up in a map, or a sync.Map, whose keys the package counts. A function of the
package that they hand it to counts too.

Silent: a parameter that is read through, which is a real address. Mend it by a parameter of type C.uintptr_t,
and a cast in C.`,
	Before: `
//export goEach
func goEach(userData unsafe.Pointer) {
	cgo.Handle(userData).Value().(func())()
}`,
	After: `
//export goEach
func goEach(userData C.uintptr_t) {
	cgo.Handle(userData).Value().(func())()
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"CBK-11"},
	Run:       run,
}

func run(p *rule.Pass) {
	registries := &registries{pass: p, most: 6}
	for fn := range p.Exports() {
		for _, param := range fn.Params {
			if flow.IsPointer(param.Type()) && (number(param, 0) || registries.key(param, 0)) {
				p.Report(param.Pos(), "%s of %s has pointer type and holds the number of a handle: a growing stack ends the process; take a C.uintptr_t", param.Name(), fn.Name())
			}
		}
	}
}

// number reports whether a value is converted to a handle.
func number(v ssa.Value, depth int) bool {
	if v.Referrers() == nil || depth > 6 {
		return false
	}
	for _, instr := range *v.Referrers() {
		switch instr := instr.(type) {
		case *ssa.Convert:
			if summary.IsHandle(instr.Type()) || number(instr, depth+1) {
				return true
			}
		case *ssa.ChangeType:
			if summary.IsHandle(instr.Type()) || number(instr, depth+1) {
				return true
			}
		case *ssa.Store:
			if cell, ok := instr.Addr.(*ssa.Alloc); ok && instr.Val == v && loaded(cell, depth+1) {
				return true
			}
		case *ssa.Call:
			if param := taken(instr, v); param != nil && number(param, depth+1) {
				return true
			}
		}
	}
	return false
}

// taken is the parameter by which a function of the package takes an argument of a call, or nil.
func taken(call *ssa.Call, arg ssa.Value) ssa.Value {
	callee := call.Call.StaticCallee()
	if i := slices.Index(call.Call.Args, arg); callee != nil && i >= 0 && i < len(callee.Params) {
		return callee.Params[i]
	}
	return nil
}

// loaded is number for what a variable holds, also in literals that capture it.
func loaded(variable ssa.Value, depth int) bool {
	for _, instr := range *variable.Referrers() {
		switch instr := instr.(type) {
		case *ssa.UnOp:
			if number(instr, depth) {
				return true
			}
		case *ssa.MakeClosure:
			literal := instr.Fn.(*ssa.Function)
			i := slices.Index(instr.Bindings, variable)
			if depth < 6 && loaded(literal.FreeVars[i], depth+1) {
				return true
			}
		}
	}
	return false
}
