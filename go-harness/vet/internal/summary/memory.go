package summary

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
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

// mostAsked is how many variables, calls and parameters are looked at to tell whose memory an address leads to.
const mostAsked = 200

// ask answers a question about what an address points into, once for each value that the answer rests on: one that
// rests on itself is no.
func ask(v ssa.Value, known map[ssa.Value]bool, question func(base ssa.Value, next func(ssa.Value) bool) bool) bool {
	base := Base(v)
	if answer, asked := known[base]; asked || len(known) > mostAsked {
		return answer
	}
	known[base] = false
	known[base] = question(base, func(v ssa.Value) bool { return ask(v, known, question) })
	return known[base]
}

// GoMemory reports whether an address, or an integer that is one, surely points into memory that Go allocated. A
// slice or a string that the package is given from outside does, unless its elements have a type of C's; one that
// only the package itself hands to a function does if some call gives it such memory.
func (t *Table) GoMemory(v ssa.Value) bool { return ask(v, make(map[ssa.Value]bool), t.goMemory) }

func (t *Table) goMemory(base ssa.Value, next func(ssa.Value) bool) bool {
	switch base := base.(type) {
	case *ssa.Alloc, *ssa.Global, *ssa.MakeSlice:
		return true
	case *ssa.Phi:
		return allBut(base.Edges, func(edge ssa.Value) bool { return isZero(edge) || Base(edge) == ssa.Value(base) }, next)
	case *ssa.BinOp:
		switch base.Op {
		case token.ADD:
			return next(base.X) != next(base.Y)
		case token.SUB:
			return next(base.X) && !next(base.Y) // two addresses give a distance
		}
	case *ssa.UnOp:
		return !variableOfC(base) && t.variableHolds(base, next) && !t.retyped[Variable(base)]
	case *ssa.Parameter:
		if !isView(base.Type()) {
			return false
		}
		calls, all := t.Callers(base.Parent())
		if !all {
			return !OfC(base.Type()) && t.calledFromGo(base.Parent())
		}
		i := slices.Index(base.Parent().Params, base)
		return slices.ContainsFunc(calls, func(call ssa.CallInstruction) bool {
			return i < len(call.Common().Args) && next(call.Common().Args[i])
		})
	case *ssa.Call:
		if b, ok := base.Call.Value.(*ssa.Builtin); ok {
			return b.Name() == "append"
		}
		return t.returns(base.Common(), 0, next)
	case *ssa.Extract:
		if call, ok := base.Tuple.(*ssa.Call); ok {
			return t.returns(call.Common(), base.Index, next)
		}
	}
	return false
}

// OnlyGoMemory reports whether all that the package puts into a field, nil aside, surely points into memory that Go
// allocated, which C cannot free.
func (t *Table) OnlyGoMemory(field *types.Var) bool {
	return allBut(t.StoresTo(field), isZero, t.GoMemory) && !t.retyped[field]
}

// NativeMemory reports whether an address surely points into memory that C allocated.
func (t *Table) NativeMemory(v ssa.Value) bool {
	return ask(v, make(map[ssa.Value]bool), t.nativeMemory)
}

func (t *Table) nativeMemory(base ssa.Value, next func(ssa.Value) bool) bool {
	switch base := base.(type) {
	case *ssa.Phi:
		return allBut(base.Edges, func(edge ssa.Value) bool { return isZero(edge) || Base(edge) == ssa.Value(base) }, next)
	case *ssa.UnOp:
		return variableOfC(base) || t.filledByC(base.X) || t.variableHolds(base, next)
	case *ssa.Parameter:
		fn := base.Parent()
		if !OfC(base.Type()) || t.valued[fn] || len(t.callers[fn]) == 0 {
			return false // other packages have no name for a type of C's
		}
		i := slices.Index(fn.Params, base)
		return !slices.ContainsFunc(t.callers[fn], func(call ssa.CallInstruction) bool {
			return i >= len(call.Common().Args) || !next(call.Common().Args[i])
		})
	case *ssa.Call:
		return t.FromC(base) || t.Fresh(base) != "" || t.returns(base.Common(), 0, next)
	case *ssa.Extract:
		if call, ok := base.Tuple.(*ssa.Call); ok {
			return t.FromC(base) || t.Fresh(base) != "" || t.returns(call.Common(), base.Index, next)
		}
	}
	return false
}

// allBut reports whether something holds for all values that need not be skipped, and for one at least.
func allBut(values []ssa.Value, skip, holds func(ssa.Value) bool) bool {
	found := false
	for _, v := range values {
		if skip(v) {
			continue
		}
		if !holds(v) {
			return false
		}
		found = true
	}
	return found
}

// isView reports whether a type is a slice or a string: an address with a length.
func isView(typ types.Type) bool {
	switch typ := typ.Underlying().(type) {
	case *types.Slice:
		return true
	case *types.Basic:
		return typ.Info()&types.IsString != 0
	}
	return false
}

// OfC reports whether a type is one of C's, or a pointer or a slice that leads to one.
func OfC(typ types.Type) bool {
	switch at := typ.Underlying().(type) {
	case *types.Slice:
		return OfC(at.Elem())
	case *types.Pointer:
		return OfC(at.Elem())
	}
	return IsC(typ)
}

// calledFromGo reports whether calls that the package does not make are those of Go code that gives what it likes.
// Literals and function values get what their caller has, exported functions of cgo what C has.
func (t *Table) calledFromGo(fn *ssa.Function) bool {
	decl, ok := fn.Syntax().(*ast.FuncDecl)
	return ok && source.ExportName(decl) == "" && !t.valued[fn]
}

// variableOfC reports whether a value is the address of a variable of C's, which cmd/cgo keeps in one of Go's.
func variableOfC(load *ssa.UnOp) bool {
	global, ok := load.X.(*ssa.Global)
	return ok && strings.HasPrefix(global.Name(), "_Cvar_")
}

// variableHolds reports whether something holds for all that the package puts into the field or the global variable
// that a value is loaded from, nil aside.
func (t *Table) variableHolds(load *ssa.UnOp, holds func(ssa.Value) bool) bool {
	return load.Op == token.MUL && allBut(t.StoresTo(Variable(load)), isZero, holds)
}

// filledByC reports whether a variable of pointer type gets its only values from C, which is given its address.
func (t *Table) filledByC(addr ssa.Value) bool {
	cell, ok := addr.(*ssa.Alloc)
	if !ok {
		return false
	}
	filled := false
	for _, instr := range *cell.Referrers() {
		switch instr := instr.(type) {
		case *ssa.UnOp, *ssa.DebugRef:
		case *ssa.Store:
			if instr.Val == addr || !isZero(instr.Val) {
				return false
			}
		case ssa.CallInstruction:
			filled = true
			if t.C(instr.Common()) == "" {
				return false
			}
		default:
			return false
		}
	}
	return filled
}

// returns reports whether something holds for all that a function of the package returns, nil aside. What the
// function was given itself is asked for where it is called.
func (t *Table) returns(call *ssa.CallCommon, result int, holds func(ssa.Value) bool) bool {
	fn := call.StaticCallee()
	if fn == nil || t.funcs[fn] == nil {
		return false
	}
	return allBut(flow.Results(fn, result), isZero, func(v ssa.Value) bool {
		if i := t.paramIndex(fn, v); i >= 0 {
			return holds(call.Args[i])
		}
		return holds(v)
	})
}

// paramIndex is the position of the parameter of a function that an address points into, or -1.
func (t *Table) paramIndex(fn *ssa.Function, v ssa.Value) int {
	p, ok := Base(v).(*ssa.Parameter)
	if !ok {
		return -1
	}
	return slices.Index(fn.Params, p)
}

// Variable is the field or the global variable that a value is loaded from, or that an address leads to, or nil.
func Variable(v ssa.Value) types.Object {
	if field, _ := flow.Field(v); field != nil {
		return field
	}
	if load, ok := v.(*ssa.UnOp); ok {
		v = load.X
	}
	if global, ok := v.(*ssa.Global); ok {
		return global.Object()
	}
	return nil
}

// StoresTo are the values that the package stores in a field or a global variable.
func (t *Table) StoresTo(variable types.Object) []ssa.Value {
	t.storesOnce.Do(func() {
		t.stores = make(map[types.Object][]ssa.Value)
		t.retyped = make(map[types.Object]bool)
		for _, fn := range t.Package.Funcs {
			flow.Instructions(fn, func(instr ssa.Instruction) {
				switch instr := instr.(type) {
				case *ssa.Store:
					if variable := Variable(instr.Addr); variable != nil {
						t.stores[variable] = append(t.stores[variable], instr.Val)
					}
				case *ssa.Convert:
					switch instr.X.(type) {
					case *ssa.FieldAddr, *ssa.Global:
						t.retyped[Variable(instr.X)] = true
					}
				}
			})
		}
	})
	if variable == nil {
		return nil
	}
	return t.stores[variable]
}

// Stores reports whether the package stores a value of a type anywhere but in local variables.
func (t *Table) Stores(typ types.Type) bool {
	found := false
	for _, fn := range t.Package.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			is := func(v ssa.Value) bool { return types.Identical(flow.Root(v).Type(), typ) }
			switch instr := instr.(type) {
			case *ssa.Store:
				_, local := instr.Addr.(*ssa.Alloc)
				found = found || !local && is(instr.Val)
			case *ssa.MapUpdate:
				found = found || is(instr.Key) || is(instr.Value)
			case *ssa.Send:
				found = found || is(instr.X)
			}
		})
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
