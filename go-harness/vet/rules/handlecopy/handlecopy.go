// Package handlecopy is the rule about copies of objects that own what they free.
package handlecopy

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "handlecopy",
	Title: "An object that owns native memory, or a Pinner, is copied",
	Text: `
A copy of an object that frees has the same native pointer. When one of the two is closed the other still has it: what
it does then is a use after free, and its own Close a second free. A copy of a runtime.Pinner unpins what the original
has pinned, or leaves it pinned.

The rule finds objects that are read as a whole through a pointer, and stored, returned or passed on, if a method with
a pointer receiver frees one of their fields, a finalizer does, or a field is a runtime.Pinner.

Silent: the receiver of a method that takes a value, which reads and is gone; the variable of a range; an object that
the function itself has made, or that a call has returned and that it does not use again: that one is moved. Some
copies are only read, so the rule runs on request.`,
	Before: `
func (d *DB) Clone() DB { return *d } // both are closed`,
	After: `
func (d *DB) Clone() (*DB, error) { return open(d.path) }`,
	Since:     "v0.1.0",
	Severity:  rule.Note,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"HDL-23"},
	Run:       run,
}

func run(p *rule.Pass) {
	freed := freedBy(p)
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			load, ok := instr.(*ssa.UnOp)
			if !ok || load.Op != token.MUL {
				return
			}
			named, ok := types.Unalias(load.Type()).(*types.Named)
			if !ok || made(load.X) || moved(load) || !handedOn(load) {
				return
			}
			if why := owns(p, named, freed); why != "" && load.Pos().IsValid() {
				p.Report(load.Pos(), "this copies a %s, %s", named.Obj().Name(), why)
			}
		})
	}
}

// freedBy are the methods with a pointer receiver that free a field, by the type of the receiver.
func freedBy(p *rule.Pass) map[*types.TypeName]string {
	freed := make(map[*types.TypeName]string)
	for _, fn := range p.Funcs {
		recv := fn.Signature.Recv()
		if recv == nil || !flow.IsPointer(recv.Type()) {
			continue
		}
		f := p.Know.OfFunc(fn)
		named := summary.Named(recv.Type())
		if f == nil || named == nil || len(f.Params) == 0 || len(f.Params[0].FreesFields) == 0 {
			continue
		}
		if known := freed[named.Obj()]; known == "" || fn.Name() < known {
			freed[named.Obj()] = fn.Name()
		}
	}
	return freed
}

// owns says what goes wrong with a copy of a type, or is "".
func owns(p *rule.Pass, named *types.Named, freed map[*types.TypeName]string) string {
	structure, ok := named.Underlying().(*types.Struct)
	if !ok {
		return ""
	}
	for field := range structure.Fields() {
		if isPinner(field.Type()) {
			return "whose runtime.Pinner belongs to one of the two"
		}
	}
	if method := freed[named.Obj()]; method != "" {
		return "and " + method + " frees what both hold"
	}
	if p.Know.FinalizedType(types.NewPointer(named)) != nil {
		return "and what both hold is freed when the first is collected"
	}
	return ""
}

func isPinner(typ types.Type) bool {
	named, ok := types.Unalias(typ).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "runtime" && named.Obj().Name() == "Pinner"
}

// made reports whether an address is that of a variable of the function, which nobody else has.
func made(addr ssa.Value) bool {
	switch base := summary.Base(addr).(type) {
	case *ssa.Alloc:
		return true
	case *ssa.FreeVar:
		_, variable := flow.Binding(base).(*ssa.Alloc)
		return variable
	}
	return false
}

// moved reports whether the original comes from a call, and the copy is its last use.
func moved(load *ssa.UnOp) bool {
	original := load.X
	if extract, ok := original.(*ssa.Extract); ok {
		original = extract.Tuple
	}
	if _, ok := original.(*ssa.Call); !ok {
		return false
	}
	for _, use := range *load.X.Referrers() {
		if use != ssa.Instruction(load) && flow.Reaches(load, use, nil) {
			return false
		}
	}
	return true
}

// handedOn reports whether a copy is stored, returned or passed to somebody, and not only read.
func handedOn(v ssa.Value) bool {
	for _, instr := range *v.Referrers() {
		switch instr := instr.(type) {
		case *ssa.Store, *ssa.Return, *ssa.MapUpdate, *ssa.Send, *ssa.MakeInterface:
			return true
		case ssa.CallInstruction:
			call := instr.Common()
			receiver := call.Signature().Recv() != nil && len(call.Args) > 0 && call.Args[0] == v
			if !receiver {
				return true
			}
		}
	}
	return false
}
