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

func (t *Table) readFields() {
	if t.fieldsFreed == nil {
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
	}
}

func (t *Table) handedOn(v ssa.Value) bool {
	for _, use := range flow.Track(v).Uses {
		if effect := t.EffectOf(use); effect.MayFree || effect.Escapes {
			return true
		}
	}
	return false
}
