// Package addrhandle is the rule about addresses of handles that C keeps.
package addrhandle

import (
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "addrhandle",
	Title: "C keeps the address of a Go variable that holds a handle",
	Text: `
The address of a variable of type cgo.Handle, or of an integer type with its methods, is an address of Go memory. C may use it until the call returns.
As user_data that is kept for later callbacks it dangles: the variable is gone with its function, and the
callback reads whatever lies there now.

The rule finds such addresses given to C functions that register something, by their name, if the handle is not
deleted in the same function.

Silent: synchronous calls, after which the function deletes the handle; functions that pin; a handle that is
copied into memory of C.`,
	Before: `
func (b *Bus) Subscribe(f func()) {
	h := cgo.NewHandle(f)
	b.handles = append(b.handles, h)
	C.bus_subscribe(b.p, unsafe.Pointer(&h)) // h is gone when the callback comes
}`,
	After: `
// static void subscribe(bus *b, uintptr_t h) { bus_subscribe(b, (void *)h); }
func (b *Bus) Subscribe(f func()) {
	h := cgo.NewHandle(f)
	b.handles = append(b.handles, h)
	C.subscribe(b.p, C.uintptr_t(h))
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"CBK-12"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(ssa.CallInstruction)
			if !ok {
				return
			}
			name := p.Know.C(call.Common())
			if name == "" || !keeps(name) || summary.Pins(fn) {
				return
			}
			for _, arg := range call.Common().Args {
				cell, ok := flow.Root(arg).(*ssa.Alloc)
				if ok && summary.IsHandle(elem(cell)) && !deleted(cell) {
					p.ReportAt(call, "C.%s keeps the address of a Go variable: it dangles when %s has returned", name, fn.Name())
				}
			}
		})
	}
}

// keeps reports whether a C function keeps what it is given, by its name.
func keeps(name string) bool {
	words := summary.Words(name)
	if slices.Contains(words, "get") || slices.Contains(words, "unset") {
		return false
	}
	return slices.ContainsFunc(words, func(word string) bool {
		switch word {
		case "set", "register", "subscribe", "install", "add", "attach", "connect", "hook", "watch", "listen", "on", "callback", "handler", "listener", "observer", "start", "async":
			return true
		}
		return false
	})
}

// deleted reports whether something in the function, or a literal in it, deletes the handle of a variable.
func deleted(cell *ssa.Alloc) bool {
	found := false
	var visit func(fn *ssa.Function)
	visit = func(fn *ssa.Function) {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if call, ok := instr.(ssa.CallInstruction); ok && summary.Deletes(call.Common()) {
				load, ok := call.Common().Args[0].(*ssa.UnOp)
				if !ok {
					return
				}
				free, captured := load.X.(*ssa.FreeVar)
				found = found || load.X == ssa.Value(cell) || captured && flow.Binding(free) == ssa.Value(cell)
			}
		})
		for _, literal := range fn.AnonFuncs {
			visit(literal)
		}
	}
	visit(cell.Parent())
	return found
}

func elem(cell *ssa.Alloc) types.Type { return cell.Type().(*types.Pointer).Elem() }
