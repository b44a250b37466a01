package summary

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// findFinalized finds the types whose objects free native memory when they are collected.
func (t *Table) findFinalized() {
	add := func(typ types.Type, by string, fields []string, freeing *ssa.Function) {
		named := Named(typ)
		if named == nil || named.Obj().Pkg() != t.Package.Types {
			return
		}
		f := t.Finalized[named.Obj()]
		if f == nil {
			f = &Finalized{Name: named.Obj().Name(), By: by, funcs: make(map[*ssa.Function]bool), locks: make(map[*types.Var]bool)}
			t.Finalized[named.Obj()] = f
		}
		for _, field := range fields {
			if !slices.Contains(f.Fields, field) {
				f.Fields = append(f.Fields, field)
			}
		}
		slices.Sort(f.Fields)
		f.funcs[freeing] = true
		t.locked(freeing, f.locks, 0)
	}
	anyC := func(name string, _ *ssa.CallCommon, _ int) bool { return !goHelpers[name] }
	t.eachCall(func(call ssa.CallInstruction) {
		common := call.Common()
		switch RuntimeFunc(common) {
		case "SetFinalizer":
			for _, set := range t.finalizers(call) {
				freeing := set.freeing
				if freeing == nil || len(freeing.Params) == 0 || freeing.Blocks == nil {
					continue
				}
				if fields := t.freedFieldsDeep(freeing, finalized(freeing), anyC, 0); len(fields) > 0 {
					add(set.object.Type(), "SetFinalizer", fields, freeing)
				}
			}
		case "AddCleanup":
			freeing := Function(common.Args[1])
			if freeing == nil || len(freeing.Params) == 0 || freeing.Blocks == nil {
				return
			}
			object := flow.Root(common.Args[0])
			f := t.OfFunc(freeing)
			if f == nil || !(f.Params[0].ReachesC || len(f.Params[0].FreesFields) > 0) {
				return
			}
			var fields []string
			if root, path := Path(common.Args[2]); root == object && len(path) > 0 {
				fields = append(fields, path[0].Name())
			}
			for _, use := range flow.Track(flow.Root(common.Args[2])).Uses {
				if store, ok := use.Instr.(*ssa.Store); ok && use.Kind == flow.Stored {
					if root, path := Path(store.Addr); root == object && len(path) > 0 {
						fields = append(fields, path[0].Name())
					}
				}
			}
			add(object.Type(), "AddCleanup", fields, freeing)
		}
	})
	if len(t.Finalized) > 0 {
		t.findRooted()
	}
}

type objectFinalizer struct {
	object  ssa.Value
	freeing *ssa.Function // nil: not known
}

// finalizers are what a call of SetFinalizer is given: here, or by the callers of a helper that hands both on.
func (t *Table) finalizers(call ssa.CallInstruction) []objectFinalizer {
	args := call.Common().Args
	object, helps := flow.Root(args[0]).(*ssa.Parameter)
	freeing, helps2 := flow.Root(args[1]).(*ssa.Parameter)
	helper := call.Parent()
	if !helps || !helps2 || helper.Parent() != nil {
		return []objectFinalizer{{flow.Root(args[0]), Function(args[1])}}
	}
	var given []objectFinalizer
	t.eachCall(func(call ssa.CallInstruction) {
		callee := call.Common().StaticCallee()
		if callee != nil && (callee == helper || callee.Origin() == helper) {
			args := call.Common().Args
			given = append(given, objectFinalizer{
				object:  flow.Root(args[slices.Index(helper.Params, object)]),
				freeing: Function(args[slices.Index(helper.Params, freeing)]),
			})
		}
	})
	return given
}

// finalized is the object that a finalizer is given: its parameter, or what it takes out of an interface.
func finalized(freeing *ssa.Function) ssa.Value {
	param := freeing.Params[0]
	if _, boxed := param.Type().Underlying().(*types.Interface); !boxed {
		return param
	}
	for _, instr := range *param.Referrers() {
		if taken, ok := instr.(*ssa.TypeAssert); ok && !taken.CommaOk {
			return taken
		}
	}
	return param
}

func (t *Table) freedFieldsDeep(fn *ssa.Function, p ssa.Value, is toC, depth int) []string {
	fields := t.freedFields(fn, p, is)
	if depth > 3 {
		return fields
	}
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok {
			return
		}
		callee := call.Common().StaticCallee()
		if callee == nil || callee.Blocks == nil || callee == fn || t.funcs[callee] == nil {
			return
		}
		for i, arg := range call.Common().Args {
			root, path := Path(arg)
			if root != p || i >= len(callee.Params) {
				continue
			}
			if len(path) == 0 {
				for _, field := range t.freedFieldsDeep(callee, callee.Params[i], is, depth+1) {
					if !slices.Contains(fields, field) {
						fields = append(fields, field)
					}
				}
			}
		}
	})
	return fields
}

// findRooted finds types whose objects a global variable holds.
func (t *Table) findRooted() {
	mark := func(v ssa.Value, many bool) {
		if f := t.FinalizedType(flow.Root(v).Type()); f != nil {
			f.Rooted = true
			f.Listed = f.Listed || many
		}
	}
	for _, fn := range t.Package.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			switch instr := instr.(type) {
			case *ssa.MapUpdate:
				if t.global(instr.Map) {
					mark(instr.Key, true)
					mark(instr.Value, true)
				}
			case *ssa.Store:
				if _, ok := instr.Addr.(*ssa.Global); ok {
					mark(instr.Val, false)
				}
			case ssa.CallInstruction:
				call := instr.Common()
				if fn := call.StaticCallee(); fn != nil && fn.Name() == "Store" && len(call.Args) > 1 && isGlobal(call.Args[0]) {
					for _, arg := range call.Args[1:] {
						mark(arg, true)
					}
				}
				if NewToken(call) {
					mark(call.Args[0], true)
				}
			}
		})
	}
}

// roots reports whether a function, when it returns, has put a parameter into a map that a global variable holds,
// itself or as a field of a struct.
func (t *Table) roots(fn *ssa.Function, p *ssa.Parameter) bool {
	puts := make(map[ssa.Instruction]bool)
	flow.Instructions(fn, func(instr ssa.Instruction) {
		var into, value ssa.Value
		switch instr := instr.(type) {
		case *ssa.MapUpdate:
			into, value = instr.Map, instr.Value
		case *ssa.Call:
			if fn := instr.Call.StaticCallee(); fn == nil || fn.Name() != "Store" || len(instr.Call.Args) != 3 {
				return // a sync.Map takes a key and a value
			}
			into, value = instr.Call.Args[0], instr.Call.Args[2]
		default:
			return
		}
		if value = flow.Root(value); t.global(into) && (value == ssa.Value(p) || fieldHolds(value, p)) {
			puts[instr] = true
		}
	})
	if len(puts) == 0 {
		return false
	}
	search := flow.Search{Stop: func(instr ssa.Instruction) bool { return puts[instr] }}
	return search.Entry(fn) == nil
}

// fieldHolds reports whether a struct in a local variable has a value in one of its fields.
func fieldHolds(v, held ssa.Value) bool {
	load, ok := v.(*ssa.UnOp)
	return ok && holds(load.X, held)
}

// holds reports whether an object that a function makes has another one in one of its fields.
func holds(object, held ssa.Value) bool {
	made, ok := flow.Root(object).(*ssa.Alloc)
	return ok && slices.ContainsFunc(flow.Stores(made), func(store *ssa.Store) bool { return sameObject(store.Val, held) })
}

// rooted reports whether a call before another has put an object where a global variable holds it.
func (t *Table) rooted(owner ssa.Value, call ssa.Instruction) bool {
	found := false
	flow.Instructions(call.Parent(), func(instr ssa.Instruction) {
		earlier, ok := instr.(*ssa.Call)
		if !ok || found || !flow.Before(earlier, call) {
			return
		}
		f := t.Of(earlier.Common())
		for i, arg := range earlier.Call.Args {
			if f != nil && i < len(f.Params) && f.Params[i].Rooted && (sameObject(arg, owner) || holds(arg, owner)) {
				found = true
			}
		}
	})
	return found
}

// global reports whether a value is in a global variable, or in an object that the function is always given out of one.
func (t *Table) global(v ssa.Value) bool {
	root, _ := Path(v)
	p, ok := root.(*ssa.Parameter)
	if !ok {
		return isGlobal(v)
	}
	calls, all := t.Callers(p.Parent())
	i := slices.Index(p.Parent().Params, p)
	return all && !slices.ContainsFunc(calls, func(call ssa.CallInstruction) bool {
		return i >= len(call.Common().Args) || !isGlobal(call.Common().Args[i])
	})
}

func isGlobal(v ssa.Value) bool {
	root, _ := Path(v)
	if load, ok := root.(*ssa.UnOp); ok {
		root, _ = Path(load.X)
	}
	_, ok := root.(*ssa.Global)
	return ok
}

// RuntimeFunc is the name of the function of package runtime that a call reaches, or "".
func RuntimeFunc(call *ssa.CallCommon) string {
	fn := call.StaticCallee()
	if fn == nil {
		return ""
	}
	if fn.Origin() != nil {
		fn = fn.Origin()
	}
	if object := fn.Object(); object != nil && object.Pkg() != nil && object.Pkg().Path() == "runtime" {
		return fn.Name()
	}
	return ""
}

// Function is the function that a function value is, or nil.
func Function(v ssa.Value) *ssa.Function {
	switch v := flow.Root(v).(type) {
	case *ssa.Function:
		if v.Synthetic != "" && v.Object() != nil { // a method expression's thunk
			for _, block := range v.Blocks {
				for _, instr := range block.Instrs {
					if call, ok := instr.(ssa.CallInstruction); ok && call.Common().StaticCallee() != nil {
						return call.Common().StaticCallee()
					}
				}
			}
		}
		return v
	case *ssa.MakeClosure:
		return v.Fn.(*ssa.Function)
	}
	return nil
}

// owners are the objects that free, when they are collected, the memory that a value points to or is.
func (t *Table) owners(v ssa.Value, depth int) (owners []ssa.Value) {
	if depth > 6 {
		return nil
	}
	switch v := v.(type) {
	case *ssa.Convert:
		return t.owners(v.X, depth+1)
	case *ssa.ChangeType:
		return t.owners(v.X, depth+1)
	case *ssa.Slice:
		return t.owners(v.X, depth+1)
	case *ssa.BinOp:
		if v.Op == token.ADD {
			return t.owners(v.X, depth+1)
		}
	case *ssa.Phi:
		for _, edge := range v.Edges {
			owners = append(owners, t.owners(edge, depth+2)...)
		}
	case *ssa.Alloc:
		return t.structOwners(v, depth)
	case *ssa.UnOp:
		if v.Op != token.MUL {
			return nil
		}
		if root := flow.Root(v); root != ssa.Value(v) {
			return t.owners(root, depth+1)
		}
		if cell, ok := v.X.(*ssa.Alloc); ok {
			return t.structOwners(cell, depth)
		}
		return t.fieldOwner(v.X, depth)
	case *ssa.Field:
		field, owner := flow.Field(v)
		if f := t.finalizedValue(owner.Type()); f != nil && f.frees(field) {
			return []ssa.Value{owner}
		}
	case *ssa.Call:
		if b, ok := v.Call.Value.(*ssa.Builtin); ok {
			switch b.Name() {
			case "Add", "Slice", "String", "SliceData", "StringData":
				return t.owners(v.Call.Args[0], depth+1)
			}
			return nil
		}
		return t.borrowed(v, v.Common(), 0, depth)
	case *ssa.Extract:
		if call, ok := v.Tuple.(*ssa.Call); ok {
			return t.borrowed(v, call.Common(), v.Index, depth)
		}
	}
	return owners
}

// structOwners are the owners of what a struct of C in a local variable points to.
func (t *Table) structOwners(cell *ssa.Alloc, depth int) (owners []ssa.Value) {
	if !IsC(cell.Type()) {
		return nil
	}
	stores := flow.Stores(cell)
	for _, instr := range *cell.Referrers() {
		if store, ok := instr.(*ssa.Store); ok && store.Addr == ssa.Value(cell) {
			stores = append(stores, store)
		}
	}
	for _, store := range stores {
		owners = append(owners, t.owners(store.Val, depth+1)...)
	}
	return owners
}

func (t *Table) fieldOwner(addr ssa.Value, depth int) []ssa.Value {
	field, owner := flow.Field(addr)
	if field == nil {
		return nil
	}
	if f := t.FinalizedType(owner.Type()); f != nil {
		if f.frees(field) {
			return []ssa.Value{owner}
		}
		return nil
	}
	// A field of what a field points to, or of a struct within.
	switch owner := owner.(type) {
	case *ssa.FieldAddr:
		return t.fieldOwner(owner, depth+1)
	case *ssa.UnOp:
		return t.owners(owner, depth+1)
	}
	return nil
}

func (t *Table) finalizedValue(typ types.Type) *Finalized {
	if _, ok := types.Unalias(typ).(*types.Named); !ok {
		return nil
	}
	return t.FinalizedType(types.NewPointer(typ))
}

func (f *Finalized) frees(field *types.Var) bool {
	if len(f.Fields) > 0 {
		return slices.Contains(f.Fields, field.Name())
	}
	return IsNative(field.Type())
}

// IsNative reports whether a type is that of a pointer into native memory, as far as a type can tell.
func IsNative(typ types.Type) bool {
	switch typ := typ.Underlying().(type) {
	case *types.Basic:
		return typ.Kind() == types.UnsafePointer || typ.Kind() == types.Uintptr
	case *types.Pointer:
		return IsC(typ)
	}
	return false
}

// borrowed are the owners of one of the results of a call.
func (t *Table) borrowed(value ssa.Value, call *ssa.CallCommon, result, depth int) (owners []ssa.Value) {
	if t.freed(value) {
		return nil // it is the caller's
	}
	if name := t.C(call); name != "" {
		if result > 0 || !t.lent(name, value) {
			return nil
		}
		for _, arg := range call.Args {
			owners = append(owners, t.owners(arg, depth+1)...)
		}
		return owners
	}
	fn := call.StaticCallee()
	if fn == nil {
		return nil
	}
	if fn.Pkg != nil && fn.Pkg.Pkg.Path() == "os" && fn.Name() == "Fd" && len(call.Args) == 1 {
		return []ssa.Value{call.Args[0]}
	}
	f := t.OfFunc(fn)
	if f == nil || result >= len(f.Results) {
		return nil
	}
	for _, i := range f.Results[result].Borrows {
		if i < len(call.Args) {
			arg := call.Args[i]
			if t.FinalizedType(arg.Type()) != nil {
				owners = append(owners, arg)
			} else {
				owners = append(owners, t.owners(arg, depth+1)...)
			}
		}
	}
	return owners
}

var (
	// lendWords are those in the names of C functions whose result lies in the memory that they are given.
	lendWords = words("get data ptr pointer buf buffer bytes text str string name label title value message errmsg header root child first next parent sibling")
	// ownWords are those in the names of C functions whose result has a life of its own, or none that ends.
	ownWords = words("new create alloc clone copy dup open init make load ref retain acquire take steal detach version static global default instance type kind")
)

// lent reports whether what a C function returns lies in the memory that it is given, as far as its name tells, and
// what becomes of it.
func (t *Table) lent(name string, value ssa.Value) bool {
	if !isNativePointer(value.Type()) || !hasWord(name, lendWords) || hasWord(name, ownWords) {
		return false
	}
	return !slices.ContainsFunc(flow.Track(value).Uses, func(use flow.Use) bool {
		return use.Kind != flow.Returned && t.EffectOf(use).Escapes
	})
}

// Exposure is a use of memory whose owner may be collected, and so free it, until the use is over.
type Exposure struct {
	// Use is a call into C, or a read or write in Go.
	Use   ssa.Instruction
	Owner ssa.Value
	// Copy is set if the owner is a copy of the object that has the finalizer.
	Copy bool
	// Early is a KeepAlive that comes before the use, or nil.
	Early ssa.Instruction
}

// Exposures finds the uses in a function of memory that is not kept alive, the last of each owner.
func (t *Table) Exposures(fn *ssa.Function) []Exposure {
	if t.freeing(fn) {
		return nil
	}
	var found []Exposure
	add := func(use, at ssa.Instruction, pointer ssa.Value) {
		for _, owner := range t.owners(pointer, 0) {
			exposure := Exposure{Use: use, Owner: owner}
			if t.finalizedValue(owner.Type()) != nil {
				exposure.Copy = true
			} else if cell, ok := owner.(*ssa.Alloc); ok && spilled(cell) != nil {
				exposure.Copy = !IsFile(owner.Type()) // a copy of an os.File has what the runtime closes
			}
			call, calls := use.(ssa.CallInstruction)
			if f := t.finalizer(owner); f == nil || f.Rooted || t.excluded(f, at) || t.disarmed(owner, at) || exposure.Copy && !calls {
				continue
			}
			if !exposure.Copy {
				if t.alive(owner, at, 0) || calls && passesInto(call.Common(), owner) || t.rooted(owner, at) {
					continue
				}
				exposure.Early = t.earlier(owner, at)
			}
			if slices.ContainsFunc(found, func(e Exposure) bool { return sameObject(e.Owner, owner) && givesOut(e.Use, pointer) }) {
				continue // kept until the end, it is kept for both
			}
			found = slices.DeleteFunc(found, func(e Exposure) bool { return sameObject(e.Owner, owner) })
			found = append(found, exposure)
		}
	}
	var deferred []*ssa.Defer
	for _, block := range fn.DomPreorder() {
		for _, instr := range block.Instrs {
			switch instr := instr.(type) {
			case *ssa.Defer:
				deferred = append(deferred, instr)
			case ssa.CallInstruction:
				for _, arg := range t.reaching(instr.Common()) {
					add(instr, instr, arg)
				}
			default:
				if pointer := t.nativeAccess(instr); pointer != nil {
					add(instr, instr, pointer)
				}
			}
		}
	}
	for _, call := range deferred {
		for _, end := range flow.Ends(call) {
			for _, arg := range t.reaching(call.Common()) {
				add(call, end, arg)
			}
		}
	}
	return found
}

// givesOut reports whether a call returned a pointer.
func givesOut(use ssa.Instruction, pointer ssa.Value) bool {
	value, ok := use.(ssa.Value)
	return ok && flow.Track(value).Values[pointer]
}

// nativeAccess is the pointer into native memory that an instruction reads or writes through, or nil. Where nothing
// lies between the load of the pointer and that of what it points to, the time is too short to speak of.
func (t *Table) nativeAccess(instr ssa.Instruction) ssa.Value {
	var pointer ssa.Value
	switch instr := instr.(type) {
	case *ssa.UnOp:
		if instr.Op == token.MUL {
			pointer = instr.X
		}
	case *ssa.Store:
		pointer = instr.Addr
	}
	for {
		switch x := pointer.(type) {
		case *ssa.FieldAddr:
			pointer = x.X
			continue
		case *ssa.IndexAddr:
			pointer = x.X
			continue
		}
		break
	}
	if pointer == nil {
		return nil
	}
	switch root := flow.Root(pointer).(type) {
	case *ssa.Call, *ssa.Extract:
		if IsNative(root.Type()) {
			return pointer
		}
	case *ssa.UnOp:
		if field, _ := flow.Field(root); field != nil && IsNative(root.Type()) && lasts(root, instr) && !t.holdsGoMemory(field) {
			return pointer
		}
	}
	return nil
}

// lasts reports whether a call, or a round of a loop, lies between the load of a pointer and its use.
func lasts(load, use ssa.Instruction) bool {
	again := func(instr ssa.Instruction) bool { return instr == load }
	found := flow.Reaches(use, use, again)
	flow.Instructions(use.Parent(), func(instr ssa.Instruction) {
		call, ok := instr.(*ssa.Call)
		if !ok || found {
			return
		}
		if _, builtin := call.Call.Value.(*ssa.Builtin); !builtin {
			found = flow.Reaches(load, call, func(instr ssa.Instruction) bool { return instr == use }) && flow.Reaches(call, use, again)
		}
	})
	return found
}

// holdsGoMemory reports whether something in the package sets a field to memory that Go allocated.
func (t *Table) holdsGoMemory(field *types.Var) bool {
	return slices.ContainsFunc(t.StoresTo(field), t.GoMemory)
}

// IsFile reports whether a type is a pointer to an os.File.
func IsFile(typ types.Type) bool {
	named := Named(typ)
	return named != nil && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "os" && named.Obj().Name() == "File"
}

func (t *Table) finalizer(owner ssa.Value) *Finalized {
	if f := t.FinalizedType(owner.Type()); f != nil {
		return f
	}
	return t.finalizedValue(owner.Type())
}

func sameObject(a, b ssa.Value) bool {
	rootA, pathA := Path(a)
	rootB, pathB := Path(b)
	return rootA == rootB && slices.Equal(pathA, pathB)
}

// freeing reports whether a function runs when its object is not reachable any more, or ends its life.
func (t *Table) freeing(fn *ssa.Function) bool {
	return t.onlyFreeing(fn, make(map[*ssa.Function]bool))
}

func (t *Table) onlyFreeing(fn *ssa.Function, asked map[*ssa.Function]bool) bool {
	for _, f := range t.Finalized {
		if f.funcs[fn] {
			return true
		}
	}
	calls, all := t.Callers(fn)
	if !all || asked[fn] {
		return asked[fn]
	}
	asked[fn] = true
	for _, call := range calls {
		if !t.onlyFreeing(call.Parent(), asked) {
			return false
		}
	}
	return true
}

// locked finds the mutexes that a function takes, itself or through what it calls.
func (t *Table) locked(fn *ssa.Function, locks map[*types.Var]bool, depth int) {
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(*ssa.Call)
		if !ok {
			return
		}
		if method, mutex := MutexCall(call.Common()); method == "Lock" {
			if field, _ := flow.Field(mutex); field != nil {
				locks[field] = true
			}
		} else if callee := call.Common().StaticCallee(); callee != nil && t.funcs[callee] != nil && depth < 3 {
			t.locked(callee, locks, depth+1)
		}
	})
}

// disarmed reports whether, before a call, the finalizer of an object was taken away, or what it frees.
func (t *Table) disarmed(owner ssa.Value, call ssa.Instruction) bool {
	f := t.finalizer(owner)
	found := false
	flow.Instructions(call.Parent(), func(instr ssa.Instruction) {
		switch other := instr.(type) {
		case *ssa.Call:
			if RuntimeFunc(other.Common()) == "SetFinalizer" && isNil(flow.Root(other.Call.Args[1])) {
				found = found || sameObject(other.Call.Args[0], owner) && flow.Before(other, call)
			}
		case *ssa.Store:
			if field, of := flow.Field(other.Addr); field != nil && isZero(other.Val) {
				found = found || f.By == "SetFinalizer" && f.frees(field) && sameObject(of, owner) && flow.Before(other, call)
			}
		}
	})
	return found
}

// MutexCall is the method of a sync.Mutex or RWMutex that a call reaches, and the address of the mutex; nil if it
// reaches none.
func MutexCall(call *ssa.CallCommon) (method string, mutex ssa.Value) {
	fn := call.StaticCallee()
	if fn == nil || fn.Pkg == nil || fn.Pkg.Pkg.Path() != "sync" || fn.Signature.Recv() == nil {
		return "", nil
	}
	switch Named(fn.Signature.Recv().Type()).Obj().Name() {
	case "Mutex", "RWMutex":
		return fn.Name(), call.Args[0]
	}
	return "", nil
}

// excluded reports whether a call holds a mutex that the finalizer takes too: then it waits.
func (t *Table) excluded(f *Finalized, call ssa.Instruction) bool {
	if len(f.locks) == 0 {
		return false
	}
	held := false
	flow.Instructions(call.Parent(), func(instr ssa.Instruction) {
		other, ok := instr.(ssa.CallInstruction)
		if !ok {
			return
		}
		method, mutex := MutexCall(other.Common())
		if method != "Unlock" {
			return
		}
		if field, _ := flow.Field(mutex); !f.locks[field] {
			return
		}
		if _, deferred := instr.(*ssa.Defer); deferred && flow.Before(instr, call) || !deferred && flow.Reaches(call, instr, nil) {
			held = true
		}
	})
	return held
}

// reaching are the arguments of a call that go to C, or are read, while the caller waits.
func (t *Table) reaching(call *ssa.CallCommon) (args []ssa.Value) {
	if name := t.C(call); name != "" {
		if Frees(name) {
			return nil // whoever frees by hand, and is then freed again, is another rule's
		}
		return Arguments(call)
	}
	f := t.Of(call)
	if f == nil {
		return nil
	}
	for i, arg := range call.Args {
		if i < len(f.Params) && f.Params[i].ReachesC && !f.Params[i].MayFree {
			args = append(args, arg)
		}
	}
	return args
}

// passesInto reports whether a call also gets a pointer into the object, which keeps it alive.
func passesInto(call *ssa.CallCommon, owner ssa.Value) bool {
	for _, arg := range call.Args {
		v := arg
		for {
			if v == owner {
				return true
			}
			switch x := v.(type) {
			case *ssa.Convert:
				v = x.X
				continue
			case *ssa.FieldAddr:
				v = x.X
				continue
			}
			break
		}
	}
	return false
}

// alive reports whether an object is certain to be reachable when a call returns: something may use it
// later, or it hangs on something that is.
func (t *Table) alive(object ssa.Value, call ssa.Instruction, depth int) bool {
	root, path := Path(object)
	return t.aliveAt(root, path, call, depth)
}

func (t *Table) aliveAt(root ssa.Value, path []*types.Var, call ssa.Instruction, depth int) bool {
	if depth > 5 {
		return true
	}
	fn := call.Parent()
	for n := len(path); n >= 0; n-- {
		for _, same := range t.same(fn, root, path[:n]) {
			if usedLater(fn, call, same) {
				return true
			}
		}
	}
	switch x := root.(type) {
	case *ssa.Parameter:
		if x.Parent() != fn {
			return t.aliveOutside(fn, root, path, depth)
		}
		i := slices.Index(fn.Params, x)
		calls, all := t.Callers(fn)
		if !all {
			return false
		}
		for _, outer := range calls {
			args := outer.Common().Args
			if _, ok := outer.(*ssa.Call); !ok || outer.Parent() == fn || i >= len(args) {
				continue
			}
			root, outerPath := Path(args[i])
			if !t.aliveAt(root, slices.Concat(outerPath, path), outer, depth+1) {
				return false
			}
		}
		return true
	case *ssa.Call:
		if x.Call.StaticCallee() == nil {
			return true // who knows who else has what somebody's function returned
		}
		if root.Parent() != fn {
			return t.aliveOutside(fn, root, path, depth)
		}
		return escaped(root)
	case *ssa.Alloc:
		if root.Parent() != fn {
			return t.aliveOutside(fn, root, path, depth)
		}
		return escaped(root)
	case *ssa.Phi, *ssa.TypeAssert:
		return false
	case *ssa.Extract:
		_, called := x.Tuple.(*ssa.Call)
		_, asserted := x.Tuple.(*ssa.TypeAssert)
		if called && root.Parent() == fn {
			return escaped(root)
		}
		return !asserted
	}
	// A global, an element, what a pointer points to, a variable that is set more than once: somebody else
	// may hold it.
	return true
}

// escaped reports whether an object of a function may also be known elsewhere.
func escaped(v ssa.Value) bool {
	for _, use := range flow.Track(v).Uses {
		if use.Kind == flow.Stored || use.Kind == flow.Captured {
			return true
		}
	}
	return false
}

// same are the values of a function that are reached from the same root by the same fields.
func (t *Table) same(fn *ssa.Function, root ssa.Value, path []*types.Var) []ssa.Value {
	var byPath map[string][]ssa.Value
	if known, ok := t.paths.Load(fn); ok {
		byPath = known.(map[string][]ssa.Value)
	} else {
		byPath = make(map[string][]ssa.Value)
		add := func(v ssa.Value) {
			if _, ok := v.Type().Underlying().(*types.Pointer); ok {
				key := pathKey(Path(v))
				byPath[key] = append(byPath[key], v)
			}
		}
		for _, p := range fn.Params {
			add(p)
		}
		for _, free := range fn.FreeVars {
			// A captured variable stands for what is in it.
			bound := flow.Binding(free)
			if content := flow.Content(free); content != nil {
				key := pathKey(Path(content))
				byPath[key] = append(byPath[key], free)
			} else if bound != nil {
				key := pathKey(Path(bound))
				byPath[key] = append(byPath[key], free)
			}
		}
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if v, ok := instr.(ssa.Value); ok {
				if _, address := v.(*ssa.FieldAddr); !address {
					add(v)
				}
			}
		})
		t.paths.Store(fn, byPath)
	}
	found := byPath[pathKey(root, path)]
	if len(path) == 0 && root.Parent() == fn && !slices.Contains(found, root) {
		found = append(found[:len(found):len(found)], root)
	}
	return found
}

func pathKey(root ssa.Value, path []*types.Var) string {
	key := fmt.Sprintf("%p", root)
	for _, field := range path {
		key += "." + field.Name()
	}
	return key
}

// aliveOutside asks the function that runs the closure.
func (t *Table) aliveOutside(literal *ssa.Function, root ssa.Value, path []*types.Var, depth int) bool {
	made := flow.Closure(literal)
	if made == nil {
		return true
	}
	runs, known := flow.Runs(made)
	if !known {
		return true
	}
	for _, run := range runs {
		if call, ok := run.(*ssa.Call); ok && !t.again(call, literal) && !t.aliveAt(root, path, run, depth+1) {
			return false
		}
	}
	return true
}

// again reports whether a call is given a function literal and may have it run more than once.
func (t *Table) again(call *ssa.Call, literal *ssa.Function) bool {
	i := slices.IndexFunc(call.Call.Args, func(arg ssa.Value) bool { return Function(arg) == literal })
	if i < 0 {
		return false
	}
	f := t.Of(call.Common())
	return f == nil || i < len(f.Params) && f.Params[i].Again
}

// usedLater reports whether some way from a call on uses an object, or a pointer into it, or a deferred call
// does. One way is enough: while the call runs nobody knows yet which will be taken, so the compiler counts the
// object as alive.
func usedLater(fn *ssa.Function, call ssa.Instruction, object ssa.Value) bool {
	uses := make(map[ssa.Instruction]bool)
	seen := make(map[ssa.Value]bool)
	kept := false
	var collect func(v ssa.Value)
	collect = func(v ssa.Value) {
		if seen[v] || v.Referrers() == nil {
			return
		}
		seen[v] = true
		for _, instr := range *v.Referrers() {
			if instr.Parent() != fn || instr == call {
				continue
			}
			switch instr := instr.(type) {
			case *ssa.DebugRef:
			case *ssa.FieldAddr, *ssa.IndexAddr, *ssa.ChangeType, *ssa.MakeInterface, *ssa.ChangeInterface, *ssa.Convert:
				collect(instr.(ssa.Value)) // computed early or late: its own uses count
			case *ssa.Phi:
				uses[instr] = true
				collect(instr)
			case *ssa.MakeClosure:
				uses[instr] = true
				collect(instr)
			case *ssa.Go:
				kept = true // the goroutine has it, and ends nobody knows when
			case *ssa.Store:
				uses[instr] = true
				switch addr := instr.Addr.(type) {
				case *ssa.Alloc:
					if instr.Val == v {
						collect(addr)
					}
				case *ssa.FieldAddr:
					// Another object has it, and is used in its place.
					if holder, ok := addr.X.(*ssa.Alloc); ok && holder.Heap && instr.Val == v && flow.Before(instr, call) {
						collect(holder)
						c, calls := call.(ssa.CallInstruction)
						kept = kept || calls && passesInto(c.Common(), holder)
					}
				}
			case *ssa.UnOp:
				uses[instr] = true
				if _, ok := v.(*ssa.Alloc); ok {
					collect(instr)
				}
			case *ssa.Defer:
				kept = kept || flow.Before(instr, call)
				uses[instr] = true
			default:
				uses[instr] = true
			}
		}
	}
	collect(object)
	if kept {
		return true
	}
	for use := range uses {
		if flow.Reaches(call, use, nil) {
			return true
		}
	}
	return false
}

// earlier is a KeepAlive of the object that comes too soon.
func (t *Table) earlier(owner ssa.Value, call ssa.Instruction) ssa.Instruction {
	var early ssa.Instruction
	flow.Instructions(call.Parent(), func(instr ssa.Instruction) {
		if other, ok := instr.(*ssa.Call); ok && RuntimeFunc(other.Common()) == "KeepAlive" {
			if sameObject(other.Common().Args[0], owner) && flow.Reaches(other, call, nil) {
				early = other
			}
		}
	})
	return early
}
