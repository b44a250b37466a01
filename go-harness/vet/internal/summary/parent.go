package summary

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// Child is an object that a function makes of a native pointer which C took out of another object's memory.
type Child struct {
	// Call is the call into C.
	Call ssa.CallInstruction
	// Parent is the object whose memory is freed when it is collected.
	Parent ssa.Value
	// Type is the type of the child, and Field where it holds the pointer.
	Type  *types.Named
	Field *types.Var
}

// Children finds the objects that a function makes and gives away, and that hold no reference to their parent.
func (t *Table) Children(fn *ssa.Function) (children []Child) {
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(*ssa.Call)
		if !ok {
			return
		}
		name := t.C(call.Common())
		if name == "" || goHelpers[name] || Frees(name) {
			return
		}
		parent := t.parent(call)
		if parent == nil {
			return
		}
		for _, value := range given(call) {
			for _, use := range flow.Track(value).Uses {
				child, object := t.wrapped(use)
				if child.Type == nil || !gives(fn, object) || linked(fn, object, parent) || mayHold(child.Type, parent.Type()) {
					continue
				}
				child.Call, child.Parent = call, parent
				children = append(children, child)
			}
		}
	})
	return children
}

// parent is the object that owns one of the arguments of a call and frees it when it is collected, or nil.
func (t *Table) parent(call *ssa.Call) ssa.Value {
	for _, arg := range call.Call.Args {
		for _, owner := range t.owners(arg, 0) {
			f := t.FinalizedType(owner.Type())
			if f != nil && !f.Rooted && !t.rooted(owner, call) && f.Name != "File" {
				return owner
			}
		}
	}
	return nil
}

// given are the native pointers that a call into C gives: its result, or what it puts into a local variable.
func given(call *ssa.Call) (values []ssa.Value) {
	if isNativePointer(call.Type()) {
		values = append(values, call)
	}
	if call.Referrers() != nil {
		for _, instr := range *call.Referrers() {
			if first, ok := instr.(*ssa.Extract); ok && first.Index == 0 && isNativePointer(first.Type()) {
				values = append(values, first)
			}
		}
	}
	for _, arg := range call.Call.Args {
		cell, ok := flow.Root(arg).(*ssa.Alloc)
		if !ok || !isNativePointer(cell.Type().(*types.Pointer).Elem()) {
			continue
		}
		for _, instr := range *cell.Referrers() {
			if load, ok := instr.(*ssa.UnOp); ok && load.Op == token.MUL && flow.Reaches(call, load, nil) {
				values = append(values, load)
			}
		}
	}
	return values
}

func isNativePointer(typ types.Type) bool {
	if IsNative(typ) {
		_, integer := typ.Underlying().(*types.Basic)
		return !integer || typ.Underlying().(*types.Basic).Kind() == types.UnsafePointer
	}
	return false
}

// wrapped is the new object that a use puts a pointer into: in this function, or in one of the package that makes it.
func (t *Table) wrapped(use flow.Use) (child Child, object ssa.Value) {
	switch instr := use.Instr.(type) {
	case *ssa.Store:
		field, owner := flow.Field(instr.Addr)
		cell, ok := owner.(*ssa.Alloc)
		if !ok || use.Kind != flow.Stored {
			return child, nil
		}
		return Child{Type: t.own(cell.Type()), Field: field}, cell
	case *ssa.Call:
		callee := instr.Call.StaticCallee()
		if callee == nil || t.funcs[callee] == nil || use.Index < 0 || use.Index >= len(callee.Params) {
			return child, nil
		}
		for _, inner := range flow.Track(callee.Params[use.Index]).Uses {
			if _, nested := inner.Instr.(*ssa.Call); nested {
				continue
			}
			if child, made := t.wrapped(inner); child.Type != nil && gives(callee, made) && len(callee.Params) == 1 {
				return child, instr
			}
		}
	}
	return child, nil
}

// own is the type of this package that a pointer points to, or nil.
func (t *Table) own(typ types.Type) *types.Named {
	named := Named(typ)
	if named == nil || named.Obj().Pkg() != t.Package.Types || IsC(named) {
		return nil
	}
	return named
}

// gives reports whether a function returns an object, or a copy of it.
func gives(fn *ssa.Function, object ssa.Value) bool {
	for i := range fn.Signature.Results().Len() {
		for _, result := range flow.Results(fn, i) {
			root, path := Path(result)
			if root == object && len(path) == 0 {
				return true
			}
			switch root := root.(type) {
			case *ssa.UnOp:
				if root.X == object {
					return true
				}
			case *ssa.Phi:
				if slices.Contains(root.Edges, object) {
					return true
				}
			}
		}
	}
	return false
}

// linked reports whether a function may tell an object of its parent: by a store, or by a call that is given both.
func linked(fn *ssa.Function, object, parent ssa.Value) bool {
	parentRoot, _ := Path(parent)
	is := func(v ssa.Value, what ssa.Value) bool {
		root, _ := Path(v)
		return v == what || root == what
	}
	found := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		switch instr := instr.(type) {
		case *ssa.Store:
			if is(instr.Addr, object) && is(instr.Val, parentRoot) {
				_, path := Path(instr.Val)
				found = found || len(path) == 0 || !isNativePointer(instr.Val.Type())
			}
		case ssa.CallInstruction:
			both := 0
			for _, arg := range instr.Common().Args {
				if is(arg, object) {
					both |= 1
				}
				if root, _ := Path(arg); root == parentRoot && !isNativePointer(arg.Type()) {
					both |= 2
				}
			}
			for _, bound := range closures(instr) {
				if is(bound, parentRoot) {
					both |= 2
				}
			}
			found = found || both == 3
		}
	})
	return found
}

// closures are the values that function literals among the arguments of a call have.
func closures(call ssa.CallInstruction) (bound []ssa.Value) {
	for _, arg := range call.Common().Args {
		if made, ok := flow.Root(arg).(*ssa.MakeClosure); ok {
			bound = append(bound, made.Bindings...)
		}
	}
	return bound
}

// mayHold reports whether a struct has a field that can hold the parent, which somebody else may set.
func mayHold(child *types.Named, parent types.Type) bool {
	s, ok := child.Underlying().(*types.Struct)
	if !ok {
		return true
	}
	for field := range s.Fields() {
		switch typ := field.Type().Underlying().(type) {
		case *types.Interface, *types.Signature:
			return true
		case *types.Pointer:
			if types.Identical(field.Type(), parent) {
				return true
			}
			if named := Named(typ); named != nil && !IsC(named) && field.Type() != parent {
				if _, ok := named.Underlying().(*types.Struct); ok {
					return true // it may lead there
				}
			}
		case *types.Slice:
			if types.Identical(typ.Elem(), parent) {
				return true
			}
		}
	}
	return false
}

// FieldEnds reports whether a function of the package may free what a field holds.
func (t *Table) FieldEnds(field *types.Var) bool {
	return t.anyOfField(field, func(value ssa.Value) bool {
		return slices.ContainsFunc(flow.Track(value).Uses, func(use flow.Use) bool { return t.EffectOf(use).MayFree })
	})
}

// MadeOf reports whether an object holds a native pointer that C took out of another one's memory, here or in the
// functions that give it to this one.
func (t *Table) MadeOf(object, parent ssa.Value) bool {
	found := false
	for _, store := range flow.Stores(object) {
		switch made := flow.Root(store.Val).(type) {
		case *ssa.Call:
			found = found || t.takenOut(made, parent.Type())
		case *ssa.Parameter:
			i := slices.Index(made.Parent().Params, made)
			for _, call := range t.callers[made.Parent()] {
				if i < len(call.Common().Args) {
					outer, ok := flow.Root(call.Common().Args[i]).(*ssa.Call)
					found = found || ok && t.takenOut(outer, parent.Type())
				}
			}
		}
	}
	return found
}

// takenOut reports whether a call into C is given memory of an object of some type.
func (t *Table) takenOut(call *ssa.Call, typ types.Type) bool {
	if t.C(call.Common()) == "" {
		return false
	}
	for _, arg := range call.Call.Args {
		for _, owner := range t.owners(arg, 0) {
			if types.Identical(owner.Type(), typ) {
				return true
			}
		}
	}
	return false
}
