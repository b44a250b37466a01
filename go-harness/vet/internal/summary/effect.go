package summary

import (
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// Effect is what one use does to the memory that a value points to.
type Effect struct {
	Frees    bool // for certain
	MayFree  bool
	Escapes  bool // somebody else may free it now
	ReachesC bool // it goes to a C function
}

// EffectOf judges one use of a value that owns, or borrows, native memory.
func (t *Table) EffectOf(use flow.Use) Effect {
	switch use.Kind {
	case flow.Followed, flow.Compared:
		return Effect{}
	case flow.Argument:
	default:
		return Effect{Escapes: true}
	}
	if _, ok := use.Instr.(*ssa.Go); ok {
		return Effect{Escapes: true}
	}
	call := use.Call()
	if use.Index < 0 {
		return Effect{}
	}
	if deletesKey(call, use.Index) != nil {
		return Effect{Frees: true, MayFree: true}
	}
	if b, ok := call.Value.(*ssa.Builtin); ok {
		return Effect{Escapes: b.Name() == "append"}
	}
	if name := t.C(call); name != "" {
		switch {
		case goHelpers[name]:
			return Effect{ReachesC: true}
		case FreesArgument(name, call, use.Index):
			return Effect{Frees: true, MayFree: true, ReachesC: true}
		case t.TakesOver(name):
			return Effect{Escapes: true, ReachesC: true}
		}
		return Effect{ReachesC: true}
	}
	if Deletes(call) {
		return Effect{Frees: true, MayFree: true}
	}
	if f := t.Of(call); f != nil && use.Index < len(f.Params) {
		p := f.Params[use.Index]
		return Effect{Frees: p.Frees, MayFree: p.MayFree || p.Frees, Escapes: p.Escapes, ReachesC: p.ReachesC}
	}
	if fn := call.StaticCallee(); fn != nil && fn.Pkg != nil {
		switch fn.Pkg.Pkg.Path() {
		case "runtime", "runtime/cgo", "fmt", "log", "strings", "bytes", "errors":
			return Effect{}
		}
		if strings.HasPrefix(fn.Name(), "_Cgo_") || strings.HasPrefix(fn.Name(), "_cgo") {
			return Effect{}
		}
	}
	return Effect{Escapes: true}
}

// IntegerToC is the C function that is given an integer, itself or through functions of Go, or "". purego.SyscallN
// is none: its arguments may be addresses, and are kept alive.
func (t *Table) IntegerToC(use flow.Use) string {
	if use.Kind != flow.Argument || use.Index < 0 || !flow.IsInteger(use.Value.Type()) {
		return ""
	}
	if name := t.C(use.Call()); name == "SyscallN" {
		return ""
	} else if name != "" {
		return name
	}
	if f := t.Of(use.Call()); f != nil && use.Index < len(f.Params) {
		return f.Params[use.Index].IntegerToC
	}
	return ""
}

// TakesOver reports whether a C function may free later what it is given, by its name, or now, because its code is
// beside the Go code and mentions it.
func (t *Table) TakesOver(name string) bool {
	if t.freesInC[name] {
		return true
	}
	if name == "putenv" || name == "realloc" || name == "openlog" {
		return true
	}
	for _, word := range Words(name) {
		switch word {
		case "take", "own", "adopt", "steal", "consume", "transfer", "owned", "realloc", "nocopy":
			return true
		}
	}
	return false
}

func (t *Table) summarize(fn *ssa.Function) *Func {
	f := &Func{Params: make([]Param, len(fn.Params)), Results: t.results(fn)}
	for i, p := range fn.Params {
		f.Params[i] = t.param(fn, p)
	}
	depth := t.Depths(fn)
	f.Lock = depth.Delta
	f.Stores = t.storing(fn)
	before := false // a call into C on the way here
	t.walk(fn, func(call ssa.CallInstruction) {
		common := call.Common()
		if name := t.C(common); name != "" {
			if t.ErrorGetter(call) != "" {
				if Dropped(call) {
					before = true // the error that was there is gone
				} else if !before && f.ReadsError == "" {
					f.ReadsError = name
				}
			} else if MayFail(name, call) {
				f.CallsC, before = true, true
			}
		} else if callee := t.Of(common); callee != nil {
			// What is deferred reads what the function itself left.
			if _, now := call.(*ssa.Call); now && callee.ReadsError != "" && !before && f.ReadsError == "" {
				f.ReadsError = callee.ReadsError
			}
			if callee.CallsC {
				f.CallsC, before = true, true
			}
		} else if p, ok := flow.Root(common.Value).(*ssa.Parameter); ok && !common.IsInvoke() {
			if i := slices.Index(fn.Params, p); i >= 0 {
				f.Params[i].Window = f.Params[i].Window || depth.At(call) > 0
				f.Params[i].Again = f.Params[i].Again || flow.Reaches(call, call, nil)
			}
			f.CallsC, before = true, true
		}
	})
	return f
}

// walk visits calls in the order of blocks, which is close to the order in which they are made.
func (t *Table) walk(fn *ssa.Function, visit func(ssa.CallInstruction)) {
	for _, block := range fn.DomPreorder() {
		for _, instr := range block.Instrs {
			if call, ok := instr.(ssa.CallInstruction); ok {
				visit(call)
			}
		}
	}
}

func (t *Table) param(fn *ssa.Function, p *ssa.Parameter) Param {
	var result Param
	trail := flow.Track(p)
	frees := make(map[ssa.Instruction]bool)
	for _, use := range trail.Uses {
		effect := t.EffectOf(use)
		result.MayFree = result.MayFree || effect.MayFree
		result.Escapes = result.Escapes || effect.Escapes
		result.ReachesC = result.ReachesC || effect.ReachesC
		if name := t.IntegerToC(use); name != "" {
			result.IntegerToC = name
		}
		if effect.Frees {
			for _, at := range use.At {
				frees[at] = true
			}
		}
	}
	if len(frees) > 0 {
		search := flow.Search{Stop: func(instr ssa.Instruction) bool { return frees[instr] }, NotNil: trail.Values}
		result.Frees = search.Entry(fn) == nil
	}
	result.FreesFields = t.freedFields(fn, p, FreesArgument)
	result.Rooted = t.roots(fn, p)
	result.Pins = t.anyPin(fn, func(_, pinned ssa.Value) bool { return Base(pinned) == ssa.Value(p) || elementOf(pinned, p, 0) })
	switch p.Type().Underlying().(type) {
	case *types.Slice, *types.Map:
		result.FreesElements = t.freesElements(fn, p)
	}
	return result
}

// freesElements reports whether a function may free what a slice or map that it is given holds.
func (t *Table) freesElements(fn *ssa.Function, p *ssa.Parameter) bool {
	found := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok || found {
			return
		}
		name, callee := t.C(call.Common()), t.Of(call.Common())
		for i, arg := range call.Common().Args {
			if (name != "" && FreesArgument(name, call.Common(), i) || callee != nil && i < len(callee.Params) && (callee.Params[i].MayFree || callee.Params[i].FreesElements || len(callee.Params[i].FreesFields) > 0)) && elementOf(arg, p, 0) {
				found = true
			}
		}
	})
	return found
}

// elementOf reports whether a value is, or points into, a slice or map that a function was given.
func elementOf(v ssa.Value, p *ssa.Parameter, depth int) bool {
	if v == ssa.Value(p) {
		return true
	}
	if depth > 12 {
		return false
	}
	next := func(v ssa.Value) bool { return elementOf(v, p, depth+1) }
	switch v := v.(type) {
	case *ssa.Convert:
		return next(v.X)
	case *ssa.ChangeType:
		return next(v.X)
	case *ssa.UnOp:
		return next(v.X)
	case *ssa.IndexAddr:
		return next(v.X)
	case *ssa.FieldAddr:
		return next(v.X)
	case *ssa.Field:
		return next(v.X)
	case *ssa.Slice:
		return next(v.X)
	case *ssa.Lookup:
		return next(v.X)
	case *ssa.Next:
		return next(v.Iter)
	case *ssa.Range:
		return next(v.X)
	case *ssa.Extract:
		return next(v.Tuple)
	case *ssa.Alloc:
		for _, instr := range *v.Referrers() {
			if store, ok := instr.(*ssa.Store); ok && store.Addr == ssa.Value(v) && next(store.Val) {
				return true
			}
		}
	}
	return false
}

// toC judges an argument of a call by the name of the C function.
type toC func(name string, call *ssa.CallCommon, index int) bool

// freedFields are the fields of a parameter whose values go to certain arguments of C functions.
func (t *Table) freedFields(fn *ssa.Function, p ssa.Value, is toC) []string {
	var fields []string
	add := func(field string) {
		if field != "" && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	visit := func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok {
			return
		}
		common := call.Common()
		name := t.C(common)
		callee := t.Of(common)
		args := common.Args
		if name != "" {
			args = Arguments(common)
		}
		for i, arg := range args {
			root, path := t.origin(arg)
			if root != p {
				continue
			}
			switch {
			case name != "" && is(name, common, i) && len(path) > 0:
				add(path[0].Name())
			case callee != nil && i < len(callee.Params):
				if len(path) == 0 {
					for _, field := range callee.Params[i].FreesFields {
						add(field)
					}
				} else if callee.Params[i].MayFree || len(callee.Params[i].FreesFields) > 0 {
					add(path[0].Name())
				}
			}
		}
	}
	flow.Instructions(fn, visit)
	for _, literal := range fn.AnonFuncs {
		flow.Instructions(literal, visit)
	}
	slices.Sort(fields)
	return fields
}

// origin is Path, and looks also into a variable whose address is given, and through functions that return a
// field of what they are given.
func (t *Table) origin(v ssa.Value) (root ssa.Value, fields []*types.Var) {
	root, fields = Path(v)
	if cell, ok := root.(*ssa.Alloc); ok && len(fields) == 0 {
		for _, instr := range *cell.Referrers() {
			if store, ok := instr.(*ssa.Store); ok && store.Addr == root {
				root, fields = Path(store.Val)
				break
			}
		}
	}
	call, ok := root.(*ssa.Call)
	if !ok || len(fields) > 0 {
		return root, fields
	}
	callee := call.Call.StaticCallee()
	if f := t.Of(call.Common()); f != nil && len(f.Results) > 0 && f.Results[0].Field != "" && callee != nil {
		object, _ := Path(call.Call.Args[0])
		if field := fieldOf(call.Call.Args[0].Type(), f.Results[0].Field); field != nil {
			return object, []*types.Var{field}
		}
	}
	return root, fields
}

func fieldOf(typ types.Type, name string) *types.Var {
	if pointer, ok := typ.Underlying().(*types.Pointer); ok {
		typ = pointer.Elem()
	}
	if s, ok := typ.Underlying().(*types.Struct); ok {
		for field := range s.Fields() {
			if field.Name() == name {
				return field
			}
		}
	}
	return nil
}

// Path is the chain of fields by which a value is reached, outermost first, and the value that it begins at.
func Path(v ssa.Value) (root ssa.Value, fields []*types.Var) {
	for {
		v = flow.Root(v)
		field, owner := flow.Field(v)
		if field == nil {
			slices.Reverse(fields)
			if load, ok := v.(*ssa.UnOp); ok && load.X != nil {
				if cell := spilled(load.X); cell != nil {
					return cell, fields
				}
			}
			if cell := spilled(v); cell != nil {
				return cell, fields
			}
			return v, fields
		}
		fields = append(fields, field)
		v = owner
	}
}

// spilled is the parameter that a local variable is a copy of, or nil.
func spilled(v ssa.Value) ssa.Value {
	cell, ok := v.(*ssa.Alloc)
	if !ok {
		return nil
	}
	for _, instr := range *cell.Referrers() {
		if store, ok := instr.(*ssa.Store); ok && store.Addr == ssa.Value(cell) {
			if p, ok := store.Val.(*ssa.Parameter); ok {
				return p
			}
		}
	}
	return nil
}

func (t *Table) results(fn *ssa.Function) []Result {
	results := make([]Result, fn.Signature.Results().Len())
	for i := range results {
		results[i] = t.result(fn, i)
	}
	return results
}

func (t *Table) result(fn *ssa.Function, i int) (result Result) {
	seen := false // whether a return gave something other than nil
	for _, v := range flow.Results(fn, i) {
		if isZero(v) {
			continue
		}
		fresh := t.Fresh(v)
		if fresh != "" && t.freed(v) {
			fresh = ""
		}
		if seen && result.Fresh != fresh {
			fresh = ""
		}
		token := t.token(fn, v)
		if seen && result.Token != token {
			token = ""
		}
		result.Fresh, result.Token, seen = fresh, token, true
		if root, path := Path(v); len(path) > 0 && len(fn.Params) > 0 && root == ssa.Value(fn.Params[0]) {
			result.Field = path[0].Name()
		}
		for _, owner := range t.owners(v, 0) {
			if p, ok := owner.(*ssa.Parameter); ok {
				if n := slices.Index(fn.Params, p); n >= 0 && !slices.Contains(result.Borrows, n) {
					result.Borrows = append(result.Borrows, n)
				}
			}
		}
	}
	return result
}

// isZero reports whether a value is what a function returns in place of a pointer or a number when it fails.
func isZero(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	return ok && (c.Value == nil || c.Value.ExactString() == "0")
}

func isNil(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	return ok && c.Value == nil
}

// Fresh is the C function that allocated what a value points to, if nobody but the holder of the value knows
// of it, or "".
func (t *Table) Fresh(v ssa.Value) string { return t.fresh(v, make(map[ssa.Value]bool)) }

func (t *Table) fresh(v ssa.Value, seen map[ssa.Value]bool) string {
	if seen[v] {
		return ""
	}
	seen[v] = true
	switch v := v.(type) {
	case *ssa.Convert:
		return t.fresh(v.X, seen)
	case *ssa.ChangeType:
		return t.fresh(v.X, seen)
	case *ssa.UnOp:
		if root := flow.Root(v); root != ssa.Value(v) {
			return t.fresh(root, seen)
		}
	case *ssa.Phi:
		name := ""
		for _, edge := range v.Edges {
			if isNil(edge) {
				continue
			}
			if name = t.fresh(edge, seen); name == "" {
				return ""
			}
		}
		return name
	case *ssa.Call:
		return t.allocates(v.Common(), 0)
	case *ssa.Extract:
		if call, ok := v.Tuple.(*ssa.Call); ok {
			return t.allocates(call.Common(), v.Index)
		}
	}
	return ""
}

func (t *Table) allocates(call *ssa.CallCommon, result int) string {
	if name := t.C(call); name != "" {
		if allocators[name] && result == 0 {
			return name
		}
		return ""
	}
	if f := t.Of(call); f != nil && result < len(f.Results) {
		return f.Results[result].Fresh
	}
	return ""
}

func (t *Table) freed(v ssa.Value) bool {
	for _, use := range flow.Track(flow.Root(v)).Uses {
		if effect := t.EffectOf(use); effect.MayFree {
			return true
		}
	}
	return false
}
