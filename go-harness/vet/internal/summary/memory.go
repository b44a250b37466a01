package summary

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// Base is the variable, allocation or call whose memory an address points into.
func Base(v ssa.Value) ssa.Value {
	for {
		v = flow.Root(v)
		switch x := v.(type) {
		case *ssa.FieldAddr:
			v = x.X
		case *ssa.IndexAddr:
			v = x.X
		case *ssa.Slice:
			v = x.X
		case *ssa.SliceToArrayPointer:
			v = x.X
		default:
			return v
		}
	}
}

// GoMemory reports whether an address surely points into memory that Go allocated.
func GoMemory(v ssa.Value) bool {
	switch base := Base(v).(type) {
	case *ssa.Alloc, *ssa.Global, *ssa.MakeSlice:
		return true
	case *ssa.Call:
		b, ok := base.Call.Value.(*ssa.Builtin)
		return ok && b.Name() == "append"
	}
	return false
}

// NativeMemory reports whether an address surely points into memory that C allocated.
func (t *Table) NativeMemory(v ssa.Value) bool {
	base := Base(v)
	if t.Fresh(base) != "" {
		return true
	}
	if extract, ok := base.(*ssa.Extract); ok {
		base = extract.Tuple
	}
	call, ok := base.(*ssa.Call)
	return ok && t.C(call.Common()) != ""
}

// Pins reports whether a function, or one that it is written in or that is written in it, pins memory.
func Pins(fn *ssa.Function) bool {
	for fn.Parent() != nil {
		fn = fn.Parent()
	}
	return pins(fn)
}

func pins(fn *ssa.Function) bool {
	found := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if call, ok := instr.(ssa.CallInstruction); ok && RuntimeFunc(call.Common()) == "Pin" {
			found = true
		}
	})
	for _, literal := range fn.AnonFuncs {
		found = found || pins(literal)
	}
	return found
}

// IsHandle reports whether a type is cgo.Handle, or an integer with its methods: the token of a registry.
func IsHandle(typ types.Type) bool {
	named, ok := types.Unalias(typ).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return false
	}
	if named.Obj().Pkg().Path() == "runtime/cgo" && named.Obj().Name() == "Handle" {
		return true
	}
	has := func(name string) bool {
		return slices.ContainsFunc(slices.Collect(named.Methods()), func(m *types.Func) bool { return m.Name() == name })
	}
	return flow.IsInteger(named) && has("Value") && has("Delete")
}

// Integer is what is left of a value without conversions between integers, and whether a cgo.Handle is among
// the types that it has on the way.
func Integer(v ssa.Value) (origin ssa.Value, handle bool) {
	for {
		handle = handle || IsHandle(v.Type())
		switch x := v.(type) {
		case *ssa.Convert:
			if !flow.IsInteger(x.X.Type()) {
				return v, handle
			}
			v = x.X
		case *ssa.ChangeType:
			if !flow.IsInteger(x.X.Type()) {
				return v, handle
			}
			v = x.X
		case *ssa.UnOp:
			if x.Op != token.MUL {
				return v, handle
			}
			single := flow.Content(x.X)
			if single == nil {
				return v, handle
			}
			v = single
		default:
			return v, handle
		}
	}
}
