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
	// Parent is the object whose memory is freed when it is collected, or whose field Via has that object.
	Parent ssa.Value
	Via    *types.Var
	// Type is the type of the child, and Field where it holds the pointer.
	Type  *types.Named
	Field *types.Var
	made  *ssa.Alloc
}

// Part reports whether the name of the C function says that it gives a part of what it is given, or something that
// needs it.
func (c Child) Part(t *Table) bool { return partOf(t.C(c.Call.Common())) }

var partWords = words("root child first next parent sibling prepare stmt statement cursor iterator iter node")

func partOf(name string) bool {
	return hasWord(name, partWords)
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
		parent, via := t.parent(call)
		if parent == nil {
			return
		}
		typ := parent.Type()
		if via != nil {
			typ = via.Type()
		}
		for _, value := range given(call, partOf(name)) {
			for _, use := range flow.Track(value).Uses {
				child, object := t.wrapped(use)
				if child.Type == nil || !gives(fn, object) || linked(fn, object, parent) || t.mayHold(child, typ) {
					continue
				}
				child.Call, child.Parent, child.Via = call, parent, via
				children = append(children, child)
			}
		}
	})
	return children
}

// parent is the object that owns one of the arguments of a call and frees it when it is collected, or nil; or an
// object that has what an argument is and, in field via, such an object.
func (t *Table) parent(call *ssa.Call) (parent ssa.Value, via *types.Var) {
	for _, arg := range call.Call.Args {
		for _, owner := range t.owners(arg, 0) {
			if t.needed(owner.Type()) && !t.rooted(owner, call) {
				return owner, nil
			}
		}
		root, path := Path(arg)
		param, ok := root.(*ssa.Parameter)
		if !ok || len(path) != 1 || t.FinalizedType(param.Type()) != nil {
			continue
		}
		if named := t.own(param.Type()); named != nil {
			if via := t.keeps(named); via != nil {
				return param, via
			}
		}
	}
	return nil, nil
}

// needed reports whether an object of a type frees when it is collected, and only a reference keeps it.
func (t *Table) needed(typ types.Type) bool {
	f := t.FinalizedType(typ)
	return f != nil && !f.Rooted && f.Name != "File"
}

// keeps is the private field of a struct that holds an object which frees when it is collected, or nil.
func (t *Table) keeps(typ *types.Named) *types.Var {
	s, ok := typ.Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	for field := range s.Fields() {
		if t.needed(field.Type()) && !field.Exported() {
			return field
		}
	}
	return nil
}

// given are the native pointers that a call into C gives: its result, or what it puts into a local variable. part is
// set if a struct with a pointer in it counts, too.
func given(call *ssa.Call, part bool) (values []ssa.Value) {
	if isNativePointer(call.Type()) || part && holdsPointer(call.Type()) {
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

// holdsPointer reports whether a type is a struct of C with a pointer in it.
func holdsPointer(typ types.Type) bool {
	s, ok := typ.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for field := range s.Fields() {
		if isNativePointer(field.Type()) {
			return true
		}
	}
	return false
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
		return Child{Type: t.own(cell.Type()), Field: field, made: cell}, cell
	case *ssa.Call:
		callee := instr.Call.StaticCallee()
		if callee == nil || t.funcs[callee] == nil || use.Index < 0 || use.Index >= len(callee.Params) {
			return child, nil
		}
		for _, inner := range flow.Track(callee.Params[use.Index]).Uses {
			if _, nested := inner.Instr.(*ssa.Call); nested {
				continue
			}
			if child, made := t.wrapped(inner); child.Type != nil && gives(callee, made) {
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

// gives reports whether a function returns an object, a copy of it, or a slice that it puts it into.
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
	return slices.ContainsFunc(flow.Track(object).Uses, func(use flow.Use) bool {
		switch instr := use.Instr.(type) {
		case *ssa.Call:
			b, ok := instr.Call.Value.(*ssa.Builtin)
			return ok && b.Name() == "append" && returned(instr)
		case *ssa.Store:
			element, ok := instr.Addr.(*ssa.IndexAddr)
			return ok && use.Kind == flow.Stored && returned(element.X)
		}
		return false
	})
}

func returned(v ssa.Value) bool {
	return slices.ContainsFunc(flow.Track(v).Uses, func(use flow.Use) bool { return use.Kind == flow.Returned })
}

// linked reports whether a function may tell an object of its parent: by a store, or by a call that is given both, or
// makes the object.
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
			if made, ok := instr.(ssa.Value); ok && made == object {
				both |= 1
			}
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

// mayHold reports whether a child may hold its parent in some field: what makes it puts something there that may lead
// to the parent, somebody does later, or another package may.
func (t *Table) mayHold(child Child, parent types.Type) bool {
	s, ok := child.Type.Underlying().(*types.Struct)
	if !ok {
		return true
	}
	for field := range s.Fields() {
		if !leads(field.Type(), parent) {
			continue
		}
		if field.Exported() && child.Type.Obj().Exported() {
			return true
		}
		for _, fn := range t.Package.Funcs {
			set := false
			flow.Instructions(fn, func(instr ssa.Instruction) {
				switch instr := instr.(type) {
				case *ssa.Store:
					if other, owner := flow.Field(instr.Addr); other == field {
						_, making := owner.(*ssa.Alloc)
						set = set || !isZero(instr.Val) && (!making || owner == ssa.Value(child.made)) && mayLead(instr.Val, parent)
					}
				case *ssa.FieldAddr:
					if other, _ := flow.Field(instr); other == field {
						set = set || !onlyLoaded(instr)
					}
				}
			})
			if set {
				return true
			}
		}
	}
	return false
}

// mayLead is leads for a value: one that an interface holds has a type of its own.
func mayLead(v ssa.Value, parent types.Type) bool { return leads(flow.Root(v).Type(), parent) }

// leads reports whether a value of some type may lead to an object of another one.
func leads(typ, to types.Type) bool {
	asked := make(map[types.Type]bool)
	var leads func(types.Type) bool
	leads = func(typ types.Type) bool {
		if asked[typ] {
			return false
		}
		asked[typ] = true
		if types.Identical(typ, to) {
			return true
		}
		switch under := typ.Underlying().(type) {
		case *types.Interface:
			return types.Implements(to, under)
		case *types.Signature:
			return true
		case *types.Pointer:
			return !IsC(under) && leads(under.Elem())
		case *types.Struct:
			for field := range under.Fields() {
				if leads(field.Type()) {
					return true
				}
			}
		case *types.Slice:
			return leads(under.Elem())
		case *types.Array:
			return leads(under.Elem())
		case *types.Chan:
			return leads(under.Elem())
		case *types.Map:
			return leads(under.Elem()) || leads(under.Key())
		}
		return false
	}
	return leads(typ)
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
