// Package exportrecover is the rule about panics that leave a function that C calls.
package exportrecover

import (
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "exportrecover",
	Title: "A function that C calls runs code of others and recovers no panic",
	Text: `
A panic that leaves an exported function unwinds the C frames below it, if somebody above recovers it: their
locks stay locked, their memory is lost. If nobody does, the process ends.

The rule finds exported functions, those with a comment //export, that call a function value or a method of an
interface and have no deferred call that recovers.

Silent: functions that call only what the package itself has; a recover in the function that makes the call. A
project may want its panics to end the process, so the rule runs on request.`,
	Before: `
//export goEach
func goEach(token C.uintptr_t) {
	cgo.Handle(token).Value().(func())()
}`,
	After: `
//export goEach
func goEach(token C.uintptr_t) {
	defer func() {
		if trouble := recover(); trouble != nil {
			report(trouble, debug.Stack())
		}
	}()
	cgo.Handle(token).Value().(func())()
}`,
	Since:     "v0.1.0",
	Severity:  rule.Note,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"CBK-03"},
	Run:       run,
}

func run(p *rule.Pass) {
	for fn := range p.Exports() {
		if at := unguarded(fn, make(map[*ssa.Function]bool)); at != nil {
			p.Report(fn.Pos(), "C calls %s, which runs code of others in %s, and recovers no panic", fn.Name(), p.Place(p.Pos(at), fn.Pos()))
		}
	}
}

// unguarded is a call of a function that is not known, below which no panic is recovered, or nil.
func unguarded(fn *ssa.Function, seen map[*ssa.Function]bool) (at ssa.CallInstruction) {
	if seen[fn] || recovers(fn) {
		return nil
	}
	seen[fn] = true
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok || at != nil {
			return
		}
		if _, ok := call.(*ssa.Go); ok {
			return // on another stack
		}
		callee := call.Common().StaticCallee()
		switch _, builtin := call.Common().Value.(*ssa.Builtin); {
		case builtin:
		case callee == nil:
			if !registered(call.Common()) && !harmless(call.Common()) {
				at = call
			}
		case callee.Blocks != nil:
			at = unguarded(callee, seen)
		}
	})
	return at
}

// harmless are methods of interfaces that hold no code of the callback's owner.
func harmless(call *ssa.CallCommon) bool {
	return call.IsInvoke() && call.Method.Name() == "Error"
}

// registered reports whether a function value is a variable of a package, such as what purego binds.
func registered(call *ssa.CallCommon) bool {
	load, ok := call.Value.(*ssa.UnOp)
	if !ok {
		return false
	}
	_, global := load.X.(*ssa.Global)
	return global && !call.IsInvoke()
}

// recovers reports whether a function defers a call that recovers.
func recovers(fn *ssa.Function) bool {
	found := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		deferred, ok := instr.(*ssa.Defer)
		if !ok {
			return
		}
		callee := deferred.Call.StaticCallee()
		if callee == nil {
			return
		}
		flow.Instructions(callee, func(instr ssa.Instruction) {
			if call, ok := instr.(*ssa.Call); ok {
				if b, ok := call.Call.Value.(*ssa.Builtin); ok && b.Name() == "recover" {
					found = true
				}
			}
		})
	})
	return found
}
