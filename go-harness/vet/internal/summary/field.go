package summary

import (
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// FieldRead reports whether the package reads a field.
func (t *Table) FieldRead(field *types.Var) bool {
	t.readFields()
	return t.fieldsRead[field]
}

// FieldFreed reports whether something in the package may free, or hand on, what a field holds.
func (t *Table) FieldFreed(field *types.Var) bool {
	t.readFields()
	return t.fieldsFreed[field]
}

// ElementFreed reports whether something in the package may free, or hand on, what the slice or map in a field holds,
// or the slice or map itself.
func (t *Table) ElementFreed(field *types.Var) bool {
	return t.anyOfField(field, func(value ssa.Value) bool { return t.elementHandedOn(value, field) })
}

// anyOfField reports whether something holds for a value of a field, anywhere in the package, or the field's address
// goes where its values cannot be followed.
func (t *Table) anyOfField(field *types.Var, holds func(ssa.Value) bool) bool {
	found := false
	for _, fn := range t.Package.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			value, ok := instr.(ssa.Value)
			if !ok || found {
				return
			}
			if other, _ := flow.Field(value); other != field {
				return
			}
			if addr, ok := instr.(*ssa.FieldAddr); ok {
				found = !onlyLoaded(addr)
			} else {
				found = holds(value)
			}
		})
	}
	return found
}

// onlyLoaded reports whether the address of a field is used to read and to set it, and for nothing else.
func onlyLoaded(addr *ssa.FieldAddr) bool {
	for _, use := range *addr.Referrers() {
		switch use := use.(type) {
		case *ssa.UnOp, *ssa.DebugRef:
		case *ssa.Store:
			if use.Val == ssa.Value(addr) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// elementHandedOn is ElementFreed for one value of the field.
func (t *Table) elementHandedOn(list ssa.Value, field *types.Var) bool {
	for _, instr := range *list.Referrers() {
		switch instr := instr.(type) {
		case *ssa.DebugRef, *ssa.MapUpdate:
		case *ssa.IndexAddr:
			for _, use := range *instr.Referrers() {
				if load, ok := use.(*ssa.UnOp); ok {
					if t.handedOn(load) {
						return true
					}
				} else if store, ok := use.(*ssa.Store); !ok || store.Addr != ssa.Value(instr) {
					return true
				}
			}
		case *ssa.Lookup:
			if t.handedOn(instr) {
				return true
			}
		case *ssa.Range:
			for _, next := range *instr.Referrers() {
				if step, ok := next.(*ssa.Next); ok {
					for _, part := range *step.Referrers() {
						if extract, ok := part.(*ssa.Extract); ok && extract.Index > 0 && t.handedOn(extract) {
							return true
						}
					}
				}
			}
		case *ssa.Call:
			b, ok := instr.Call.Value.(*ssa.Builtin)
			if !ok {
				return true
			}
			switch b.Name() {
			case "len", "cap", "delete":
			case "append":
				if !setsField(instr, field) {
					return true
				}
			default:
				return true
			}
		default:
			return true
		}
	}
	return false
}

// setsField reports whether a value is stored in a field, and used for nothing else.
func setsField(v ssa.Value, field *types.Var) bool {
	for _, instr := range *v.Referrers() {
		store, ok := instr.(*ssa.Store)
		if !ok {
			return false
		}
		if other, _ := flow.Field(store.Addr); other != field {
			return false
		}
	}
	return true
}

// Collects is the field of a slice to which a call appends, if the result is stored there, and what has the field;
// or nil.
func Collects(call *ssa.Call) (field *types.Var, owner ssa.Value) {
	if b, ok := call.Call.Value.(*ssa.Builtin); !ok || b.Name() != "append" {
		return nil, nil
	}
	if field, owner = flow.Field(call.Call.Args[0]); field == nil || !setsField(call, field) {
		return nil, nil
	}
	return field, owner
}

func (t *Table) readFields() {
	t.fieldsOnce.Do(func() {
		t.fieldsRead = make(map[*types.Var]bool)
		t.fieldsFreed = make(map[*types.Var]bool)
		for _, fn := range t.Package.Funcs {
			flow.Instructions(fn, func(instr ssa.Instruction) {
				value, ok := instr.(ssa.Value)
				if !ok {
					return
				}
				switch instr := instr.(type) {
				case *ssa.FieldAddr:
					field, _ := flow.Field(instr)
					for _, use := range *instr.Referrers() {
						switch use := use.(type) {
						case *ssa.UnOp:
							t.fieldsRead[field] = true
							if t.handedOn(use) {
								t.fieldsFreed[field] = true
							}
						case *ssa.Store:
							if use.Val == value {
								t.fieldsFreed[field] = true
							}
						case *ssa.DebugRef:
						default:
							t.fieldsFreed[field] = true // its address is known to others
						}
					}
				case *ssa.Field:
					field, _ := flow.Field(instr)
					if t.handedOn(instr) {
						t.fieldsFreed[field] = true
					}
				}
			})
		}
	})
}

func (t *Table) handedOn(v ssa.Value) bool {
	for _, use := range flow.Track(v).Uses {
		if effect := t.EffectOf(use); effect.MayFree || effect.Escapes {
			return true
		}
	}
	return false
}
