package rule

import (
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
)

// Owner is the exported struct whose exported method without arguments a function is, in a package that other modules
// import, or nil: users may call the method to end the life of an object.
func (p *Pass) Owner(fn *ssa.Function) *types.Named {
	recv := fn.Signature.Recv()
	if recv == nil || !p.Public(fn) || fn.Signature.Params().Len() > 0 || p.InTest(fn.Pos()) {
		return nil
	}
	named := summary.Named(recv.Type())
	if named == nil || !named.Obj().Exported() {
		return nil
	}
	if _, ok := named.Underlying().(*types.Struct); !ok {
		return nil
	}
	return named
}

// Ends reports whether a method is named after freeing, and frees a field.
func (p *Pass) Ends(fn *ssa.Function) bool {
	verb := summary.FreeVerb(fn.Name())
	f := p.Know.OfFunc(fn)
	return verb != "" && strings.EqualFold(fn.Name(), verb) && f != nil && len(f.Params) > 0 && len(f.Params[0].FreesFields) > 0
}

// Replaces reports whether a use is a store into a field by a method of the receiver that is meant to be called again,
// and does not look at what is there.
func (p *Pass) Replaces(use flow.Use, field *types.Var) bool {
	store, ok := use.Instr.(*ssa.Store)
	if !ok {
		return false
	}
	fn := store.Parent()
	if fn.Signature.Recv() == nil || !p.Public(fn) {
		return false
	}
	switch summary.Words(fn.Name())[0] {
	case "set", "on":
	default:
		return false
	}
	if root, path := summary.Path(store.Addr); root != ssa.Value(fn.Params[0]) || len(path) != 1 {
		return false
	}
	looked := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		switch instr := instr.(type) {
		case *ssa.FieldAddr:
			if other, _ := flow.Field(instr); other == field && instr != store.Addr {
				looked = looked || flow.Reaches(instr, store, nil)
			}
		case ssa.CallInstruction:
			for _, arg := range instr.Common().Args {
				if flow.Root(arg) == ssa.Value(fn.Params[0]) {
					looked = looked || flow.Reaches(instr, store, nil) // a method of its own
				}
			}
		}
	})
	return !looked
}
