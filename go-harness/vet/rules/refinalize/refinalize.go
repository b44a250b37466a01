// Package refinalize is the rule about objects that are given a finalizer twice.
package refinalize

import (
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "refinalize",
	Title: "An object is given a second finalizer, which ends the process",
	Text: `
An object has one finalizer. runtime.SetFinalizer on an object that has one already throws "finalizer already
set", which no recover can catch. A constructor that calls another constructor of the same type is where it
happens.

The rule finds two calls of runtime.SetFinalizer on one object that can follow each other, in one function, or
one of them in a function of the package that made the object or was given it.

Silent: a call of SetFinalizer(object, nil) in between; functions that set a finalizer on some ways only.`,
	Before: `
func Open(name string) *DB {
	db := open(name) // sets the finalizer already
	runtime.SetFinalizer(db, (*DB).Close)
	return db
}

func open(name string) *DB {
	db := &DB{}
	runtime.SetFinalizer(db, (*DB).Close)
	return db
}`,
	After: `
func Open(name string) *DB {
	return open(name)
}

func open(name string) *DB {
	db := &DB{}
	runtime.SetFinalizer(db, (*DB).Close)
	return db
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"HDL-15"},
	Run:       run,
}

// setting is a call that leaves an object with a finalizer.
type setting struct {
	object ssa.Value
	call   ssa.CallInstruction
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		all := settings(fn, 0)
		for _, first := range all {
			for _, second := range all {
				if first.call == second.call || first.object != second.object || !again(first, second) {
					continue
				}
				p.ReportAt(second.call, "the object has the finalizer of %s already: a second one ends the process", p.Place(p.Pos(first.call), p.Pos(second.call)))
			}
		}
	}
}

// again reports whether a way leads from one setting to another on the same object, and never clears.
func again(first, second setting) bool {
	made, _ := first.object.(ssa.Instruction)
	if extract, ok := made.(*ssa.Extract); ok {
		made = extract.Tuple.(ssa.Instruction)
	}
	return flow.Reaches(first.call, second.call, func(instr ssa.Instruction) bool {
		if instr == made && made != ssa.Instruction(first.call) {
			return true // another object
		}
		call, ok := instr.(ssa.CallInstruction)
		return ok && clears(call) && flow.Root(call.Common().Args[0]) == first.object
	})
}

func clears(call ssa.CallInstruction) bool {
	if summary.RuntimeFunc(call.Common()) != "SetFinalizer" {
		return false
	}
	c, ok := flow.Root(call.Common().Args[1]).(*ssa.Const)
	return ok && c.Value == nil
}

func settings(fn *ssa.Function, depth int) (all []setting) {
	if depth > 3 {
		return nil
	}
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(*ssa.Call)
		if !ok {
			return
		}
		if summary.RuntimeFunc(call.Common()) == "SetFinalizer" {
			if !clears(call) {
				all = append(all, setting{flow.Root(call.Call.Args[0]), call})
			}
			return
		}
		callee := call.Call.StaticCallee()
		if callee == nil || callee == fn || callee.Blocks == nil {
			return
		}
		for _, inner := range settings(callee, depth+1) {
			if !always(callee, inner) {
				continue
			}
			for i, param := range callee.Params {
				if inner.object == ssa.Value(param) {
					all = append(all, setting{flow.Root(call.Call.Args[i]), call})
				}
			}
			if i := returns(callee, inner.object); i >= 0 {
				if callee.Signature.Results().Len() == 1 {
					all = append(all, setting{call, call})
					continue
				}
				for _, use := range *call.Referrers() {
					if extract, ok := use.(*ssa.Extract); ok && extract.Index == i {
						all = append(all, setting{extract, call})
					}
				}
			}
		}
	})
	return all
}

// always reports whether the finalizer is set whenever the function gives its object away, and stays.
func always(fn *ssa.Function, s setting) bool {
	for _, block := range fn.Blocks {
		for _, instr := range block.Instrs {
			switch instr := instr.(type) {
			case *ssa.Return:
				gives := len(instr.Results) == 0
				for i := range instr.Results {
					gives = gives || holds(flow.ReturnedAt(instr, i), s.object)
				}
				_, param := s.object.(*ssa.Parameter)
				if (gives || param) && !flow.Before(s.call, instr) {
					return false
				}
			case ssa.CallInstruction:
				if clears(instr) {
					return false
				}
			}
		}
	}
	return true
}

// returns is the number of the result that an object is, or -1.
func returns(fn *ssa.Function, object ssa.Value) int {
	for i := range fn.Signature.Results().Len() {
		if holds(flow.Results(fn, i), object) {
			return i
		}
	}
	return -1
}

func holds(values []ssa.Value, object ssa.Value) bool {
	return slices.ContainsFunc(values, func(v ssa.Value) bool { return flow.Root(v) == object })
}
