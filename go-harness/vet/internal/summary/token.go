package summary

import (
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// NewToken reports whether a call makes an integer or an address that stands for a Go value, to be given to C.
func NewToken(call *ssa.CallCommon) bool { return newToken(call) != "" }

func newToken(call *ssa.CallCommon) string {
	switch {
	case isFunc(call, "runtime/cgo", "NewHandle"):
		return "the handle of cgo.NewHandle"
	case isFunc(call, "github.com/mattn/go-pointer", "Save"):
		return "the token of pointer.Save"
	}
	return ""
}

// Deletes reports whether a call ends the life of a token.
func Deletes(call *ssa.CallCommon) bool {
	return isFunc(call, "runtime/cgo", "Delete") || isFunc(call, "github.com/mattn/go-pointer", "Unref")
}

// Token describes the token that one result of a call is and that the caller is to delete, or is "": that of
// NewToken, of a function that returns one, or of a registry of the package.
func (t *Table) Token(call *ssa.CallCommon, result int) string {
	if made := newToken(call); made != "" {
		if result == 0 {
			return made
		}
		return ""
	}
	if f := t.Of(call); f != nil && result < len(f.Results) && f.Results[result].Token != "" {
		return f.Results[result].Token + ", made by " + call.StaticCallee().Name() + ","
	}
	return ""
}

// token is the token that a function returns, or "". A token that the function also keeps, or deletes, is none.
func (t *Table) token(fn *ssa.Function, v ssa.Value) string {
	v = flow.Root(v)
	made, result := v, 0
	if extract, ok := v.(*ssa.Extract); ok {
		made, result = extract.Tuple, extract.Index
	}
	if call, ok := made.(*ssa.Call); ok {
		if what := t.Token(call.Common(), result); what != "" {
			for _, use := range flow.Track(v).Uses {
				if effect := t.EffectOf(use); use.Kind != flow.Returned && (effect.MayFree || effect.Escapes) {
					return ""
				}
			}
			return strings.TrimSuffix(strings.Split(what, ", made by")[0], ",")
		}
	}
	if registry := t.registers(fn, v); registry != nil && t.unregistered[registry] {
		return "the key of " + registry.Name()
	}
	return ""
}

// registers is the global map, or sync.Map, into which a function puts something under a key, or nil.
func (t *Table) registers(fn *ssa.Function, key ssa.Value) (registry *ssa.Global) {
	if into := Registry(fn, key); into != nil {
		return globalOf(into)
	}
	return nil
}

// Registry is the map, or the address of the sync.Map, into which a function puts something under a key, or nil.
func Registry(fn *ssa.Function, key ssa.Value) (registry ssa.Value) {
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if into, under := Update(instr); into != nil && sameKey(under, key) {
			registry = into
		}
	})
	return registry
}

// Update is the map, or the address of the sync.Map, into which an instruction puts something, and the key; or nil.
func Update(instr ssa.Instruction) (into, key ssa.Value) {
	switch instr := instr.(type) {
	case *ssa.MapUpdate:
		return instr.Map, instr.Key
	case *ssa.Call:
		if isFunc(instr.Common(), "sync", "Store") && len(instr.Call.Args) == 3 {
			return instr.Call.Args[0], instr.Call.Args[1]
		}
	}
	return nil, nil
}

// LooksUp reports whether a call looks up a key in a sync.Map.
func LooksUp(call *ssa.CallCommon) bool {
	return len(call.Args) == 2 && (isFunc(call, "sync", "Load") || isFunc(call, "sync", "LoadAndDelete"))
}

func sameKey(a, b ssa.Value) bool {
	a, b = plainInteger(a), plainInteger(b)
	if a == b {
		return true
	}
	// Two loads of a counter, without a store in between that anybody would write.
	x, ok := a.(*ssa.UnOp)
	y, ok2 := b.(*ssa.UnOp)
	if !ok || !ok2 || x.Op != token.MUL || y.Op != token.MUL {
		return false
	}
	if _, global := x.X.(*ssa.Global); global {
		return x.X == y.X
	}
	_, field := x.X.(*ssa.FieldAddr)
	return field && sameObject(a, b)
}

func plainInteger(v ssa.Value) ssa.Value {
	origin, _ := Integer(flow.Root(v))
	return origin
}

// globalOf is the global variable that holds a map, itself or as a field, or nil.
func globalOf(v ssa.Value) *ssa.Global {
	root, _ := Path(v)
	if load, ok := root.(*ssa.UnOp); ok {
		root, _ = Path(load.X)
	}
	global, _ := root.(*ssa.Global)
	return global
}

// deletesKey is the global map from which a call takes one of its arguments as a key, or nil.
func deletesKey(call *ssa.CallCommon, index int) *ssa.Global {
	if b, ok := call.Value.(*ssa.Builtin); ok && b.Name() == "delete" && index == 1 {
		return globalOf(call.Args[0])
	}
	if (isFunc(call, "sync", "Delete") || isFunc(call, "sync", "LoadAndDelete")) && index == 1 {
		return globalOf(call.Args[0])
	}
	return nil
}

// findRegistries finds the global maps from which the package takes single keys, and never all, or many at once.
func (t *Table) findRegistries() {
	t.unregistered = make(map[*ssa.Global]bool)
	bulk := make(map[*ssa.Global]bool)
	for _, fn := range t.Package.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			switch instr := instr.(type) {
			case *ssa.Range:
				if registry := globalOf(instr.X); registry != nil {
					bulk[registry] = true
				}
			case *ssa.Store:
				if registry, ok := instr.Addr.(*ssa.Global); ok && fn.Name() != "init" {
					bulk[registry] = true
				}
			case ssa.CallInstruction:
				call := instr.Common()
				if registry := deletesKey(call, 1); registry != nil {
					t.unregistered[registry] = true
				}
				b, builtin := call.Value.(*ssa.Builtin)
				if builtin && b.Name() == "clear" || isFunc(call, "sync", "Range") || isFunc(call, "sync", "Clear") {
					bulk[globalOf(call.Args[0])] = true
				}
			}
		})
	}
	for registry := range bulk {
		delete(t.unregistered, registry)
	}
}

func isFunc(call *ssa.CallCommon, path, name string) bool {
	fn := call.StaticCallee()
	return fn != nil && fn.Pkg != nil && fn.Pkg.Pkg.Path() == path && fn.Name() == name
}

// HoldsHandle reports whether a call that allocates is given a handle to put there.
func HoldsHandle(call *ssa.Call) bool {
	for _, arg := range call.Call.Args {
		if named, ok := types.Unalias(arg.Type()).(*types.Named); ok {
			if object := named.Obj(); object.Pkg() != nil && object.Pkg().Path() == "runtime/cgo" && object.Name() == "Handle" {
				return true
			}
		}
	}
	return false
}
