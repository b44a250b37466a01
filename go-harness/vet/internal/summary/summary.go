// Package summary tells what functions do with the native memory, handles and threads that pass through
// them, across packages: who frees, who keeps alive, who locks the thread, who reads an error.
//
// A summary speaks of what holds on every call, or of what may happen; where it is not sure it says so by
// Escapes, and rules are silent.
package summary

import (
	"fmt"
	"go/types"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
)

// Analyzer computes a *Table. Its fact carries what other packages may call.
var Analyzer = &analysis.Analyzer{
	Name:             "cgosummary",
	Doc:              "what functions do with native memory, handles and threads",
	Requires:         []*analysis.Analyzer{source.Analyzer},
	Run:              run,
	RunDespiteErrors: true,
	ResultType:       reflect.TypeFor[*Table](),
	FactTypes:        []analysis.Fact{new(Fact)},
}

// Fact is what other packages know of one package.
type Fact struct {
	// Funcs are sorted by the full name of go/types.
	Funcs []NamedFunc
	// Finalized are types whose objects free native memory when they are collected, sorted by name.
	Finalized []*Finalized
	// Vars are variables that always hold the same function, sorted by name.
	Vars []FuncVar
}

// FuncVar is a variable and the function that it holds.
type FuncVar struct {
	Name, Package, Func string
}

// NamedFunc is a summary with the name of its function.
type NamedFunc struct {
	Name string
	*Func
}

// AFact marks a fact.
func (*Fact) AFact() {}

func (f *Fact) String() string { return "native" }

// Func is the summary of one function.
type Func struct {
	// Params are the parameters, the receiver first.
	Params []Param
	// Results are the results.
	Results []Result
	// CallsC is set if a call may reach C, other than to copy or free memory.
	CallsC bool
	// Lock is by how much the function changes the count of LockOSThread.
	Lock int
	// ReadsError is the C function that returns an error of the thread's last call and that is called before
	// any other of C, or "".
	ReadsError string
	// Stores are the parameters that a call stores in memory of C.
	Stores []Stored
}

// Param is what becomes of one argument.
type Param struct {
	// Frees is set if every call frees the memory; MayFree if some may.
	Frees, MayFree bool
	// FreesFields are the fields of the argument whose memory a call may free.
	FreesFields []string
	// FreesElements is set if a call may free what a slice or map holds.
	FreesElements bool
	// Escapes is set if the argument may be kept: stored, returned, or given to what is not known.
	Escapes bool
	// ReachesC is set if the argument itself may go to a C function.
	ReachesC bool
	// Rooted is set if every call puts the argument where a global variable holds it.
	Rooted bool
	// Window is set if the argument is a function, and called with the thread locked.
	Window bool
	// Again is set if the argument is a function, and called in a loop.
	Again bool
	// IntegerToC is the C function that may be given the argument, an integer, or is "".
	IntegerToC string
	// Pins is set if a call may pin what the argument points to, or its elements.
	Pins bool
}

// Result is where one result comes from.
type Result struct {
	// Fresh is the C function that allocated the memory for the caller, or "".
	Fresh string
	// Token describes the token for C that the result is and that the caller is to delete, or is "".
	Token string
	// Field is the field of the first parameter that the result is, or "".
	Field string
	// Borrows are the parameters, by number, whose native memory the result is.
	Borrows []int
}

// Finalized is a type whose objects have a finalizer or a cleanup that frees.
type Finalized struct {
	Name string
	// Fields lead to what is freed. None: not known which.
	Fields []string
	// By is how: SetFinalizer or AddCleanup.
	By string
	// Rooted is set if objects of the type are put into a global variable; Listed if that holds many of them.
	Rooted, Listed bool
	// funcs are the functions that free, which run when nobody else has the object.
	funcs map[*ssa.Function]bool
	// locks are the mutexes, as fields, that they take first.
	locks map[*types.Var]bool
}

// Table answers for one package.
type Table struct {
	Package *source.Package
	// Finalized are the types of this package with a finalizer or cleanup that frees.
	Finalized map[*types.TypeName]*Finalized

	pass        *analysis.Pass
	funcs       map[*ssa.Function]*Func
	registered  map[*ssa.Global]string
	callers     map[*ssa.Function][]ssa.CallInstruction
	valued      map[*ssa.Function]bool
	locals      map[string]bool
	vars        map[*ssa.Global]*ssa.Function
	fieldsRead  map[*types.Var]bool
	freesInC    map[string]bool
	definitions map[string]string
	fieldsFreed map[*types.Var]bool
	stores      map[types.Object][]ssa.Value
	retyped     map[types.Object]bool // whose address is converted to a pointer of another type, and so set unseen
	// unregistered are the registries of tokens: maps from which single keys are taken.
	unregistered map[*ssa.Global]bool
	// What is only found when a rule asks for it. Under `go vet` rules run at the same time.
	localsOnce, fieldsOnce, storesOnce sync.Once
	facts                              sync.Map // *types.Package: *Fact
	paths                              sync.Map // *ssa.Function: map[string][]ssa.Value
	storedByC                          sync.Map // name of a C function: []Stored
}

func run(pass *analysis.Pass) (result any, err error) {
	t := &Table{
		Package:   pass.ResultOf[source.Analyzer].(*source.Package),
		Finalized: make(map[*types.TypeName]*Finalized),
		pass:      pass,
		funcs:     make(map[*ssa.Function]*Func),
		callers:   make(map[*ssa.Function][]ssa.CallInstruction),
		valued:    make(map[*ssa.Function]bool),
	}
	if t.Package.Program == nil {
		if t.Package.UsesCgo {
			t.readC() // for rules that need no types
		}
		return t, nil
	}
	defer func() {
		if trouble := recover(); trouble != nil {
			t.Package.Program = nil
			result, err = t, fmt.Errorf("the summary of %s failed: %v\n%s", pass.Pkg.Path(), trouble, debug.Stack())
		}
	}()
	t.readC()
	t.findRegistered()
	t.findVars()
	t.findCallers()
	t.findRegistries()
	for _, fn := range t.Package.Funcs {
		t.funcs[fn] = &Func{Params: make([]Param, len(fn.Params)), Results: make([]Result, fn.Signature.Results().Len())}
	}
	// Summaries rest on each other; what is not known yet is pessimistic, and a few rounds settle it.
	const rounds = 4
	for range rounds {
		for _, fn := range t.Package.Funcs {
			t.funcs[fn] = t.summarize(fn)
		}
	}
	t.findFinalized()
	for range rounds {
		for _, fn := range t.Package.Funcs {
			t.funcs[fn].Results = t.results(fn)
		}
	}
	t.export()
	return t, nil
}

// Release lets go of everything that the table holds.
func (t *Table) Release() { *t = Table{} }

func (t *Table) eachCall(visit func(ssa.CallInstruction)) {
	for _, fn := range t.Package.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if call, ok := instr.(ssa.CallInstruction); ok {
				visit(call)
			}
		})
	}
}

func (t *Table) findCallers() {
	for _, fn := range t.Package.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			var callee *ssa.Function
			if call, ok := instr.(ssa.CallInstruction); ok {
				if callee = call.Common().StaticCallee(); callee != nil {
					t.callers[callee] = append(t.callers[callee], call)
				}
			}
			var operands [10]*ssa.Value
			for i, operand := range instr.Operands(operands[:0]) {
				if fn, ok := (*operand).(*ssa.Function); ok && !(i == 0 && fn == callee) {
					t.valued[fn] = true
				}
			}
		})
	}
}

// Callers are all calls of a function, and whether there can be no others.
func (t *Table) Callers(fn *ssa.Function) (calls []ssa.CallInstruction, all bool) {
	if fn.Object() == nil || t.valued[fn] {
		return nil, false
	}
	exported := fn.Object().Exported()
	if recv := fn.Signature.Recv(); recv != nil {
		named := Named(recv.Type())
		exported = named == nil || exported && named.Obj().Exported() || t.satisfiesInterface(fn)
	}
	calls = t.callers[fn]
	return calls, !exported && len(calls) > 0
}

// satisfiesInterface is conservative: a method may be called through an interface if some interface of the
// package has one of its name.
func (t *Table) satisfiesInterface(fn *ssa.Function) bool {
	t.localsOnce.Do(func() {
		t.locals = map[string]bool{"Close": true, "Read": true, "Write": true, "String": true, "Error": true, "Seek": true, "Next": true}
		for _, name := range t.Package.Types.Scope().Names() {
			if object, ok := t.Package.Types.Scope().Lookup(name).(*types.TypeName); ok {
				if i, ok := object.Type().Underlying().(*types.Interface); ok {
					for m := range i.Methods() {
						t.locals[m.Name()] = true
					}
				}
			}
		}
	})
	return t.locals[fn.Name()]
}

// Of is the summary of the function that a call reaches, or nil.
func (t *Table) Of(call *ssa.CallCommon) *Func {
	if fn := call.StaticCallee(); fn != nil {
		return t.OfFunc(fn)
	}
	if fn := Function(call.Value); fn != nil && !call.IsInvoke() {
		return t.OfFunc(fn)
	}
	load, ok := call.Value.(*ssa.UnOp)
	if !ok {
		return nil
	}
	global, ok := load.X.(*ssa.Global)
	if !ok || global.Pkg == nil {
		return nil
	}
	if fn := t.vars[global]; fn != nil {
		return t.OfFunc(fn)
	}
	for _, v := range t.fact(global.Pkg.Pkg).Vars {
		if v.Name == global.Name() {
			for _, pkg := range t.Package.Program.AllPackages() {
				if pkg.Pkg.Path() == v.Package {
					return t.named(pkg.Pkg, v.Func)
				}
			}
		}
	}
	return nil
}

// findVars finds variables that are set once, to a function.
func (t *Table) findVars() {
	t.vars = make(map[*ssa.Global]*ssa.Function)
	for _, fn := range t.Package.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			store, ok := instr.(*ssa.Store)
			if !ok {
				return
			}
			global, ok := store.Addr.(*ssa.Global)
			if !ok {
				return
			}
			if _, again := t.vars[global]; again {
				t.vars[global] = nil
				return
			}
			held, _ := store.Val.(*ssa.Function)
			t.vars[global] = held
		})
	}
}

// OfFunc is the summary of a function, or nil.
func (t *Table) OfFunc(fn *ssa.Function) *Func {
	if fn.Origin() != nil {
		fn = fn.Origin()
	}
	if f := t.funcs[fn]; f != nil {
		return f
	}
	object, ok := fn.Object().(*types.Func)
	if !ok || object.Pkg() == nil || object.Pkg() == t.Package.Types {
		return nil
	}
	return t.named(object.Pkg(), object.FullName())
}

// named is the summary of a function of another package, or nil.
func (t *Table) named(pkg *types.Package, name string) *Func {
	funcs := t.fact(pkg).Funcs
	i, found := slices.BinarySearchFunc(funcs, name, func(f NamedFunc, name string) int { return strings.Compare(f.Name, name) })
	if !found {
		return nil
	}
	return funcs[i].Func
}

func (t *Table) fact(pkg *types.Package) *Fact {
	if known, ok := t.facts.Load(pkg); ok {
		return known.(*Fact)
	}
	fact := new(Fact)
	t.pass.ImportPackageFact(pkg, fact)
	t.facts.Store(pkg, fact)
	return fact
}

// FinalizedType is what is known of the objects that a pointer type points to, or nil.
func (t *Table) FinalizedType(typ types.Type) *Finalized {
	pointer, ok := types.Unalias(typ).(*types.Pointer)
	if !ok {
		return nil
	}
	named, ok := types.Unalias(pointer.Elem()).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return nil
	}
	if named.Obj().Pkg() == t.Package.Types {
		return t.Finalized[named.Obj()]
	}
	if IsFile(typ) {
		return &Finalized{Name: "File", By: "the runtime"}
	}
	for _, f := range t.fact(named.Obj().Pkg()).Finalized {
		if f.Name == named.Obj().Name() {
			return f
		}
	}
	return nil
}

// Named is the named type behind a type or a pointer to one, or nil.
func Named(typ types.Type) *types.Named {
	if pointer, ok := types.Unalias(typ).(*types.Pointer); ok {
		typ = pointer.Elem()
	}
	named, _ := types.Unalias(typ).(*types.Named)
	return named
}

// IsC reports whether cmd/cgo declared a type, or what it points to, for one of C.
func IsC(typ types.Type) bool {
	named := Named(typ)
	return named != nil && strings.HasPrefix(named.Obj().Name(), "_C")
}

func (t *Table) export() {
	fact := new(Fact)
	for fn, f := range t.funcs {
		object, ok := fn.Object().(*types.Func)
		nothing := &Func{Params: make([]Param, len(f.Params)), Results: make([]Result, len(f.Results))}
		if ok && object.Exported() && !reflect.DeepEqual(f, nothing) {
			fact.Funcs = append(fact.Funcs, NamedFunc{object.FullName(), f})
		}
	}
	slices.SortFunc(fact.Funcs, func(a, b NamedFunc) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range t.Finalized {
		fact.Finalized = append(fact.Finalized, f)
	}
	slices.SortFunc(fact.Finalized, func(a, b *Finalized) int { return strings.Compare(a.Name, b.Name) })
	for global, fn := range t.vars {
		if fn != nil && fn.Pkg != nil && fn.Object() != nil && global.Object() != nil && global.Object().Exported() {
			fact.Vars = append(fact.Vars, FuncVar{global.Name(), fn.Pkg.Pkg.Path(), fn.Object().(*types.Func).FullName()})
		}
	}
	slices.SortFunc(fact.Vars, func(a, b FuncVar) int { return strings.Compare(a.Name, b.Name) })
	if len(fact.Funcs) > 0 || len(fact.Finalized) > 0 || len(fact.Vars) > 0 {
		t.pass.ExportPackageFact(fact)
	}
}
