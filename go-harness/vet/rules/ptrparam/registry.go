package ptrparam

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// registries answers whether a value is looked up in a map whose keys are counted, and so are no addresses.
type registries struct {
	pass *rule.Pass
	most int // calls that are followed
}

// key reports whether an integer, itself or in a function of the package, is the key of a lookup in such a map.
func (r *registries) key(v ssa.Value, depth int) bool {
	if depth > r.most || v.Referrers() == nil {
		return false
	}
	for _, instr := range *v.Referrers() {
		switch instr := instr.(type) {
		case *ssa.Convert:
			if (flow.IsInteger(instr.Type()) || flow.IsPointer(instr.Type())) && r.key(instr, depth+1) {
				return true
			}
		case *ssa.ChangeType:
			if r.key(instr, depth+1) {
				return true
			}
		case *ssa.Lookup:
			if instr.Index == v && r.counted(summary.Variable(instr.X)) {
				return true
			}
		case *ssa.MakeInterface:
			if r.key(instr, depth+1) {
				return true
			}
		case *ssa.Call:
			if summary.LooksUp(instr.Common()) && instr.Call.Args[1] == v && r.counted(summary.Variable(instr.Call.Args[0])) {
				return true
			}
			if param := taken(instr, v); param != nil && r.key(param, depth+1) {
				return true
			}
		}
	}
	return false
}

// counted reports whether the package puts something into a map, and always under a number that it has counted.
func (r *registries) counted(registry types.Object) bool {
	if registry == nil {
		return false
	}
	updates, counted := 0, 0
	for _, fn := range r.pass.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if into, key := summary.Update(instr); into != nil && summary.Variable(into) == registry {
				updates++
				if r.number(flow.Root(key), 0) {
					counted++
				}
			}
		})
	}
	return updates > 0 && updates == counted
}

// number reports whether an integer is counted: a sum, or what a variable holds that is given nothing else.
func (r *registries) number(v ssa.Value, depth int) bool {
	origin, _ := summary.Integer(v)
	if depth > r.most {
		return false
	}
	switch origin := origin.(type) {
	case *ssa.BinOp:
		return origin.Op == token.ADD
	case *ssa.Call:
		callee := origin.Call.StaticCallee()
		if callee == nil {
			return false
		}
		if callee.Pkg != nil && callee.Pkg.Pkg.Path() == "sync/atomic" {
			return strings.HasPrefix(callee.Name(), "Add")
		}
		if callee.Signature.Results().Len() != 1 {
			return false
		}
		results := flow.Results(callee, 0)
		return len(results) > 0 && !slices.ContainsFunc(results, func(v ssa.Value) bool { return !r.number(v, depth+1) })
	case *ssa.UnOp:
		variable := summary.Variable(origin)
		return variable != nil && r.onlyNumbers(variable, depth+1)
	}
	return false
}

// onlyNumbers reports whether a variable or a field is set to counted numbers, and to nothing else but constants.
func (r *registries) onlyNumbers(variable types.Object, depth int) bool {
	set := slices.DeleteFunc(slices.Clone(r.pass.Know.StoresTo(variable)), func(v ssa.Value) bool {
		_, constant := v.(*ssa.Const)
		return constant
	})
	return len(set) > 0 && !slices.ContainsFunc(set, func(v ssa.Value) bool { return !r.number(v, depth) })
}
