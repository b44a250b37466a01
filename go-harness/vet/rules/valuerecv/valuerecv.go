// Package valuerecv is the rule about resources that are stored in a copy of an object.
package valuerecv

import (
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "valuerecv",
	Title: "A native pointer or a handle is stored in a receiver that is a copy",
	Text: `
A method with a value receiver works on a copy. What it stores there is gone when it returns: a pointer that
was allocated is lost, and one that was freed and set to nil is still set in the caller's object, to be freed
again.

The rule finds methods with a value receiver that store a native pointer, a cgo.Handle, or nil in place of one,
in a field of the receiver, if the copy is neither returned nor given away, and the field is not handed on or
freed afterwards.

Silent: methods that return the changed copy, or store it; a field that is only used in between, and freed.`,
	Before: `
func (q Query) Prepare() {
	q.stmt = C.prepare(q.db) // lost: q is a copy
}`,
	After: `
func (q *Query) Prepare() {
	q.stmt = C.prepare(q.db)
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"HDL-23"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		recv := fn.Signature.Recv()
		if recv == nil || len(fn.Params) == 0 {
			continue
		}
		if _, isStruct := recv.Type().Underlying().(*types.Struct); !isStruct {
			continue
		}
		if copied := local(fn); copied != nil {
			check(p, fn, copied)
		}
	}
}

// local is the variable that the receiver is, if nobody but the method can see it.
func local(fn *ssa.Function) *ssa.Alloc {
	var copied *ssa.Alloc
	for _, instr := range *fn.Params[0].Referrers() {
		store, ok := instr.(*ssa.Store)
		if !ok || copied != nil {
			return nil
		}
		if copied, ok = store.Addr.(*ssa.Alloc); !ok {
			return nil
		}
	}
	if copied == nil {
		return nil
	}
	for _, instr := range *copied.Referrers() {
		switch instr := instr.(type) {
		case *ssa.FieldAddr, *ssa.DebugRef:
		case *ssa.Store:
			if instr.Val != ssa.Value(fn.Params[0]) {
				return nil // all of it is set anew, or its address is kept
			}
		default:
			return nil
		}
	}
	return copied
}

func check(p *rule.Pass, fn *ssa.Function, copied *ssa.Alloc) {
	for _, instr := range *copied.Referrers() {
		addr, ok := instr.(*ssa.FieldAddr)
		if !ok {
			continue
		}
		field, _ := flow.Field(addr)
		for _, use := range *addr.Referrers() {
			store, ok := use.(*ssa.Store)
			if !ok || store.Addr != ssa.Value(addr) || !resource(field.Type()) || handedOn(p, copied, field, store) || handed(p, store.Val) {
				continue
			}
			if c, ok := store.Val.(*ssa.Const); ok && (c.Value == nil || c.Value.ExactString() == "0") {
				p.Report(store.Pos(), "%s sets %s in a copy of its receiver: in the caller's object it is what it was", fn.Name(), field.Name())
			} else {
				p.Report(store.Pos(), "%s stores %s in a copy of its receiver: it is lost when the method returns", fn.Name(), field.Name())
			}
		}
	}
}

func resource(typ types.Type) bool { return summary.IsNative(typ) || summary.IsHandle(typ) }

// handedOn reports whether the field is read after a store, and freed or given to somebody.
func handedOn(p *rule.Pass, copied *ssa.Alloc, field *types.Var, store *ssa.Store) bool {
	for _, instr := range *copied.Referrers() {
		addr, ok := instr.(*ssa.FieldAddr)
		if !ok {
			continue
		}
		if other, _ := flow.Field(addr); other != field {
			continue
		}
		for _, use := range *addr.Referrers() {
			load, ok := use.(*ssa.UnOp)
			if !ok {
				if other, ok := use.(*ssa.Store); ok && other.Addr == ssa.Value(addr) {
					continue
				}
				return true // its address is known to others
			}
			if flow.Reaches(store, load, nil) && handed(p, load) {
				return true
			}
		}
	}
	return false
}

func handed(p *rule.Pass, v ssa.Value) bool {
	if _, ok := v.(*ssa.Const); ok {
		return false
	}
	for _, use := range flow.Track(v).Uses {
		if store, ok := use.Instr.(*ssa.Store); ok && use.Kind == flow.Stored {
			if addr, ok := store.Addr.(*ssa.FieldAddr); ok {
				if _, ok := addr.X.(*ssa.Alloc); ok {
					continue // the store that is looked at
				}
			}
		}
		if effect := p.Know.EffectOf(use); effect.MayFree || effect.Escapes {
			return true
		}
	}
	return false
}
