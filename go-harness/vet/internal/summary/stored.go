package summary

import (
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// Stored says that a function stores what one parameter points to, or a pointer into it, in memory of C.
type Stored struct {
	Param int
	// Into is the parameter that leads to this memory, if it is memory of C's, or -1: it surely is.
	Into int
}

// Addresses are the pointers that a store writes, itself or as fields of a struct.
func Addresses(store *ssa.Store) (addresses []ssa.Value) {
	if flow.IsPointer(store.Val.Type()) {
		return []ssa.Value{store.Val}
	}
	load, ok := store.Val.(*ssa.UnOp)
	if !ok {
		return nil
	}
	literal, ok := load.X.(*ssa.Alloc)
	if !ok {
		return nil
	}
	for _, field := range flow.Stores(literal) {
		if flow.IsPointer(field.Val.Type()) {
			addresses = append(addresses, field.Val)
		}
	}
	return addresses
}

// StoredBy are the arguments that a call stores in memory of C, by what is known of a function of Go or by the code
// of one of C.
func (t *Table) StoredBy(call *ssa.CallCommon) (args []ssa.Value) {
	for _, s := range t.storesOf(call) {
		if s.Into < 0 || t.NativeMemory(call.Args[s.Into]) {
			args = append(args, call.Args[s.Param])
		}
	}
	return args
}

func (t *Table) storesOf(call *ssa.CallCommon) []Stored {
	var stores []Stored
	if name := t.C(call); name != "" {
		stores = t.storesOfC(name)
	} else if f := t.Of(call); f != nil {
		stores = f.Stores
	}
	return slices.DeleteFunc(slices.Clone(stores), func(s Stored) bool { return max(s.Param, s.Into) >= len(call.Args) })
}

// storing are the parameters of pointer type that a function stores in memory of C. Slices and strings are judged
// where their address is taken.
func (t *Table) storing(fn *ssa.Function) (stores []Stored) {
	add := func(value, into ssa.Value) {
		s := Stored{t.paramIndex(fn, value), -1}
		if s.Param < 0 || !flow.IsPointer(fn.Params[s.Param].Type()) || t.Pinned(fn, value, nil) {
			return
		}
		if into != nil && !t.NativeMemory(into) {
			if s.Into = t.paramIndex(fn, into); s.Into < 0 || !OfC(fn.Params[s.Into].Type()) {
				return
			}
		}
		if !slices.Contains(stores, s) {
			stores = append(stores, s)
		}
	}
	flow.Instructions(fn, func(instr ssa.Instruction) {
		switch instr := instr.(type) {
		case *ssa.Store:
			for _, address := range Addresses(instr) {
				add(address, instr.Addr)
			}
		case ssa.CallInstruction:
			call := instr.Common()
			for _, s := range t.storesOf(call) {
				if s.Into < 0 {
					add(call.Args[s.Param], nil)
				} else {
					add(call.Args[s.Param], call.Args[s.Into])
				}
			}
		}
	})
	return stores
}

// Pinned reports whether a function, or one that it is written in or that is written in it, pins what an address
// points into, itself or through a function that does, or all callers of the function do. holder is the memory of C that
// holds the address, or nil: if the function hands it out, a pin that the function takes back when it ends does not
// count, nor one of a caller.
func (t *Table) Pinned(fn *ssa.Function, v, holder ssa.Value) bool { return t.pinned(fn, v, holder, 0) }

func (t *Table) pinned(fn *ssa.Function, v, holder ssa.Value, depth int) bool {
	for fn.Parent() != nil {
		fn = fn.Parent()
	}
	outlives := holder != nil && slices.ContainsFunc(flow.Track(Base(holder)).Uses, handsOut)
	memory := variable(v)
	if t.anyPin(fn, func(pinner, pinned ssa.Value) bool {
		return !distinct(variable(pinned), memory) && !(outlives && unpins(fn, pinner))
	}) {
		return true
	}
	calls, all := t.Callers(fn)
	i := t.paramIndex(fn, v)
	return i >= 0 && all && !outlives && depth < 3 && !slices.ContainsFunc(calls, func(call ssa.CallInstruction) bool {
		return !t.pinned(call.Parent(), call.Common().Args[i], nil, depth+1)
	})
}

// handsOut reports whether a use returns a value, or stores it in a global variable or in an object of Go.
func handsOut(use flow.Use) bool {
	if use.Kind == flow.Returned {
		return true
	}
	store, ok := use.Instr.(*ssa.Store)
	if !ok || use.Kind != flow.Stored || Variable(store.Addr) == nil {
		return false
	}
	_, owner := flow.Field(store.Addr)
	return owner == nil || !OfC(owner.Type())
}

// anyPin reports whether something holds for one of the pins of a function and of those that are written in it.
func (t *Table) anyPin(fn *ssa.Function, holds func(pinner, pinned ssa.Value) bool) bool {
	found := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok {
			return
		}
		args := call.Common().Args
		if RuntimeFunc(call.Common()) == "Pin" {
			found = found || holds(args[0], args[1])
			return
		}
		f := t.Of(call.Common())
		if f == nil {
			return
		}
		for i, arg := range args {
			if i < len(f.Params) && f.Params[i].Pins {
				for _, v := range listed(arg) {
					found = found || holds(nil, v)
				}
			}
		}
	})
	return found || slices.ContainsFunc(fn.AnonFuncs, func(literal *ssa.Function) bool { return t.anyPin(literal, holds) })
}

// listed are the values of a list of arguments, or a value itself.
func listed(v ssa.Value) []ssa.Value {
	slice, ok := v.(*ssa.Slice)
	if !ok {
		return []ssa.Value{v}
	}
	list, ok := slice.X.(*ssa.Alloc)
	if !ok || list.Comment != "varargs" {
		return []ssa.Value{v}
	}
	var values []ssa.Value
	for _, instr := range *list.Referrers() {
		if addr, ok := instr.(*ssa.IndexAddr); ok {
			for _, use := range *addr.Referrers() {
				if store, ok := use.(*ssa.Store); ok {
					values = append(values, store.Val)
				}
			}
		}
	}
	return values
}

// variable is Base, and for a variable that a function captures the variable itself.
func variable(v ssa.Value) ssa.Value {
	v = Base(v)
	for {
		free, ok := v.(*ssa.FreeVar)
		if !ok {
			return v
		}
		if v = flow.Binding(free); v == nil {
			return free
		}
	}
}

// distinct reports whether two variables, allocations or parameters surely are not the same.
func distinct(a, b ssa.Value) bool {
	own := func(v ssa.Value) bool {
		switch v.(type) {
		case *ssa.Alloc, *ssa.Global, *ssa.MakeSlice, *ssa.Parameter:
			return true
		}
		return false
	}
	return a != b && own(a) && own(b)
}

// unpins reports whether a function takes back the pins of a pinner when it ends.
func unpins(fn *ssa.Function, pinner ssa.Value) bool {
	found := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if end, ok := instr.(*ssa.Defer); ok && pinner != nil && RuntimeFunc(end.Common()) == "Unpin" {
			found = found || variable(end.Call.Args[0]) == variable(pinner)
		}
	})
	return found
}
