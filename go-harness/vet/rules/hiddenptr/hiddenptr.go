// Package hiddenptr is the rule about Go memory whose address goes to C as an integer.
package hiddenptr

import (
	"go/types"
	"iter"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "hiddenptr",
	Title: "The address of Go memory goes to C as an integer, which keeps nothing alive",
	Text: `
cgo keeps what its pointer arguments point to where it is until the call returns. It does not know of an integer
that holds an address: the object may be collected during the call, and if it lies on a stack the stack may move.
The checks of cgo do not see it either.

The rule finds addresses of Go variables, allocations, slices and strings that are converted to uintptr and given
to a C function: itself, through a function that returns or takes the integer, or in a field of a struct.

Silent: what is pinned, kept alive, or held elsewhere; calls through purego.SyscallN and its like, which keep
such arguments alive; memory of C; integers that are only compared or printed.`,
	Before: `
buf := make([]byte, n)
C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&buf[0]))), C.size_t(n))`,
	After: `
// static void read_at(void *p, size_t n) { lib_read((uintptr_t)p, n); }
buf := make([]byte, n)
C.read_at(unsafe.Pointer(&buf[0]), C.size_t(n))`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"VAL-03"},
	Run:       run,
}

func run(p *rule.Pass) {
	fields := givenToC(p)
	for _, fn := range p.Funcs {
		hidden := func(v ssa.Value) bool {
			return flow.IsInteger(v.Type()) && p.Know.GoMemory(v) && !kept(v) && !p.Know.Pinned(fn, v, nil)
		}
		flow.Instructions(fn, func(instr ssa.Instruction) {
			switch instr := instr.(type) {
			case ssa.CallInstruction:
				for arg, name := range integersToC(p, instr) {
					if hidden(arg) {
						p.ReportAt(instr, "C.%s is given the address of Go memory as an integer: nothing keeps the memory alive, or in its place", name)
					}
				}
			case *ssa.Store:
				field, owner := flow.Field(instr.Addr)
				if field == nil || !hidden(instr.Val) {
					return
				}
				name := fields[field]
				if name == "" && summary.OfC(owner.Type()) {
					name = p.Know.GivenTo(owner)
				}
				if name != "" {
					p.Report(instr.Pos(), "C.%s is given the address of Go memory as an integer in field %s: nothing keeps the memory alive, or in its place", name, field.Name())
				}
			}
		})
	}
}

// givenToC are the fields whose integers are given to C, with a C function.
func givenToC(p *rule.Pass) map[*types.Var]string {
	fields := make(map[*types.Var]string)
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(ssa.CallInstruction)
			if !ok {
				return
			}
			for arg, name := range integersToC(p, call) {
				if field, _ := flow.Field(flow.Root(arg)); field != nil {
					fields[field] = name
				}
			}
		})
	}
	return fields
}

// integersToC yields the integers that a call gives to C, each with the C function.
func integersToC(p *rule.Pass, call ssa.CallInstruction) iter.Seq2[ssa.Value, string] {
	return func(yield func(ssa.Value, string) bool) {
		for i, arg := range call.Common().Args {
			name := p.Know.IntegerToC(flow.Use{Kind: flow.Argument, Instr: call, Value: arg, Index: i})
			if name != "" && !yield(arg, name) {
				return
			}
		}
	}
}

// kept reports whether memory outlives the call and stays where it is: a global variable, what is also held by a
// field, an element or a variable elsewhere, or what runtime.KeepAlive is given.
func kept(address ssa.Value) bool {
	switch base := summary.Base(address).(type) {
	case *ssa.Global, *ssa.UnOp:
		return true
	default:
		return slices.ContainsFunc(flow.Track(base).Uses, func(use flow.Use) bool {
			return use.Kind == flow.Stored || use.Kind == flow.Argument && summary.RuntimeFunc(use.Call()) == "KeepAlive"
		})
	}
}
