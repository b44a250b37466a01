// Package flow answers where a value goes, and whether a function can end before something has been done
// with it. It knows Go and SSA, and nothing of C.
package flow

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// Kind is the way in which an instruction uses a value.
type Kind int

const (
	Argument Kind = iota // passed to a call, go or defer
	Returned             // returned to the caller
	Stored               // put where others may find it: a field, an element, a global, a map, a channel
	Captured             // reached by a closure whose calls are not all known
	Followed             // read through: loaded, indexed, or a field of it taken
	Compared             // compared
	Shared               // the variable that holds it has its address taken
)

// Use is one use of a tracked value.
type Use struct {
	Kind  Kind
	Instr ssa.Instruction
	// Value is the alias that is used.
	Value ssa.Value
	// Index is the position among the arguments of a call, the receiver among them; -1 for the function itself.
	Index int
	// At are the instructions of the tracked value's own function at which the use happens: Instr itself, or,
	// for a use within a closure, the calls that run it.
	At []ssa.Instruction
}

// Call is the call of an Argument.
func (u Use) Call() *ssa.CallCommon {
	return u.Instr.(ssa.CallInstruction).Common()
}

// Trail is all that is known of where a value goes.
type Trail struct {
	Values map[ssa.Value]bool
	Uses   []Use
	cells  map[*ssa.Alloc]bool
	asked  map[*ssa.MakeClosure]bool // whose runs are being found: a closure may hold itself
}

func newTrail() *Trail {
	return &Trail{
		Values: make(map[ssa.Value]bool),
		cells:  make(map[*ssa.Alloc]bool),
		asked:  make(map[*ssa.MakeClosure]bool),
	}
}

// Track follows a value through conversions, local variables, phis and closures.
func Track(value ssa.Value) *Trail {
	t := newTrail()
	t.follow(value, nil)
	return t
}

// at is nil in the value's own function.
func (t *Trail) follow(v ssa.Value, at []ssa.Instruction) {
	if t.Values[v] {
		return
	}
	t.Values[v] = true
	if v.Referrers() == nil {
		return
	}
	for _, instr := range *v.Referrers() {
		t.use(v, instr, at)
	}
}

func (t *Trail) use(v ssa.Value, instr ssa.Instruction, at []ssa.Instruction) {
	add := func(kind Kind, index int) {
		where := at
		if where == nil {
			where = []ssa.Instruction{instr}
		}
		t.Uses = append(t.Uses, Use{kind, instr, v, index, where})
	}
	switch instr := instr.(type) {
	case *ssa.Convert:
		t.follow(instr, at)
	case *ssa.ChangeType, *ssa.Phi, *ssa.MakeInterface, *ssa.ChangeInterface, *ssa.TypeAssert, *ssa.Extract, *ssa.MultiConvert, *ssa.SliceToArrayPointer:
		t.follow(instr.(ssa.Value), at)
	case *ssa.Slice:
		if instr.X == v {
			t.follow(instr, at)
		}
	case *ssa.Store:
		if instr.Val != v {
			add(Followed, 0) // written through
			return
		}
		switch addr := instr.Addr.(type) {
		case *ssa.Alloc:
			t.cell(addr, instr, at)
		case *ssa.IndexAddr:
			if list, ok := addr.X.(*ssa.Alloc); ok && list.Comment == "varargs" {
				for _, instr := range *list.Referrers() {
					if slice, ok := instr.(*ssa.Slice); ok {
						t.follow(slice, at)
					}
				}
				return
			}
			add(Stored, 0)
		default:
			add(Stored, 0)
		}
	case ssa.CallInstruction:
		common := instr.Common()
		if b, ok := common.Value.(*ssa.Builtin); ok && viewOf(b) && common.Args[0] == v {
			t.follow(instr.(ssa.Value), at)
			return
		}
		if common.IsInvoke() {
			if common.Value == v {
				add(Argument, 0)
			}
			for i, arg := range common.Args {
				if arg == v {
					add(Argument, i+1)
				}
			}
			return
		}
		if common.Value == v {
			add(Argument, -1)
		}
		for i, arg := range common.Args {
			if arg == v {
				add(Argument, i)
			}
		}
	case *ssa.Return:
		add(Returned, 0)
	case *ssa.MapUpdate, *ssa.Send, *ssa.Select:
		add(Stored, 0)
	case *ssa.MakeClosure:
		for i, binding := range instr.Bindings {
			if binding == v {
				t.closure(instr, i, at, v)
			}
		}
	case *ssa.BinOp:
		if instr.Op == token.ADD || instr.Op == token.SUB {
			t.follow(instr, at) // arithmetic on a uintptr
		} else {
			add(Compared, 0)
		}
	case *ssa.UnOp, *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Field, *ssa.Index, *ssa.Lookup, *ssa.Range:
		add(Followed, 0)
	case *ssa.If, *ssa.DebugRef:
	default:
		add(Stored, 0)
	}
}

// viewOf reports whether a function of package unsafe gives back what it is given.
func viewOf(b *ssa.Builtin) bool {
	switch b.Name() {
	case "Add", "Slice", "SliceData", "String", "StringData":
		return true
	}
	return false
}

// cell follows the value through a local variable.
func (t *Trail) cell(cell *ssa.Alloc, store *ssa.Store, at []ssa.Instruction) {
	if t.cells[cell] {
		return
	}
	t.cells[cell] = true
	for _, instr := range *cell.Referrers() {
		switch instr := instr.(type) {
		case *ssa.UnOp:
			t.follow(instr, at)
		case *ssa.Store:
			if instr.Val == ssa.Value(cell) {
				t.Uses = append(t.Uses, Use{Shared, instr, cell, 0, []ssa.Instruction{instr}})
			}
		case *ssa.MakeClosure:
			for i, binding := range instr.Bindings {
				if binding == ssa.Value(cell) {
					t.closure(instr, i, at, cell)
				}
			}
		case *ssa.DebugRef:
		default:
			t.Uses = append(t.Uses, Use{Shared, instr, cell, 0, []ssa.Instruction{instr}})
		}
	}
}

// closure follows a variable into a closure. captured is the variable, or a value that is bound itself.
func (t *Trail) closure(made *ssa.MakeClosure, index int, at []ssa.Instruction, captured ssa.Value) {
	calls, known := runs(made, t.asked)
	if !known {
		t.Uses = append(t.Uses, Use{Captured, made, captured, index, []ssa.Instruction{made}})
	}
	if at != nil {
		calls = at
	}
	if len(calls) == 0 {
		calls = []ssa.Instruction{made}
	}
	fn := made.Fn.(*ssa.Function)
	free := fn.FreeVars[index]
	if t.Values[free] {
		return
	}
	if _, isCell := captured.(*ssa.Alloc); !isCell {
		if _, isFree := captured.(*ssa.FreeVar); !isFree {
			t.follow(free, calls)
			return
		}
	}
	t.Values[free] = true
	for _, instr := range *free.Referrers() {
		switch instr := instr.(type) {
		case *ssa.UnOp:
			t.follow(instr, calls)
		case *ssa.MakeClosure:
			for i, binding := range instr.Bindings {
				if binding == ssa.Value(free) {
					t.closure(instr, i, calls, free)
				}
			}
		case *ssa.Store, *ssa.DebugRef:
		default:
			t.Uses = append(t.Uses, Use{Shared, instr, free, 0, calls})
		}
	}
}

// Runs are the instructions that run a closure: calls, go and defer, and calls that are given it. known is
// false if it also goes where it cannot be followed.
func Runs(closure *ssa.MakeClosure) (found []ssa.Instruction, known bool) {
	return runs(closure, make(map[*ssa.MakeClosure]bool))
}

func runs(closure *ssa.MakeClosure, asked map[*ssa.MakeClosure]bool) (found []ssa.Instruction, known bool) {
	if asked[closure] {
		return nil, true
	}
	asked[closure] = true
	defer delete(asked, closure)
	known = true
	trail := newTrail()
	trail.asked = asked
	trail.follow(closure, nil)
	for _, use := range trail.Uses {
		switch use.Kind {
		case Argument:
			found = append(found, use.At...)
		case Compared, Followed:
		default:
			known = false
		}
	}
	return found, known
}

// Root is the value that a chain of conversions, loads of variables that are set once, and captures starts
// from.
func Root(v ssa.Value) ssa.Value {
	for {
		switch x := v.(type) {
		case *ssa.Convert:
			v = x.X
		case *ssa.ChangeType:
			v = x.X
		case *ssa.ChangeInterface:
			v = x.X
		case *ssa.MakeInterface:
			v = x.X
		case *ssa.UnOp:
			if x.Op != token.MUL {
				return v
			}
			single := Content(x.X)
			if single == nil {
				return v
			}
			v = single
		case *ssa.FreeVar:
			bound := Binding(x)
			if bound == nil {
				return v
			}
			if _, cell := bound.(*ssa.Alloc); cell {
				return v // loads of it are resolved by Content
			}
			v = bound
		case *ssa.Call:
			b, ok := x.Call.Value.(*ssa.Builtin)
			if !ok || !viewOf(b) {
				return v
			}
			v = x.Call.Args[0]
		default:
			return v
		}
	}
}

// Content is the only value that a local variable ever has, or nil.
func Content(addr ssa.Value) ssa.Value {
	if free, ok := addr.(*ssa.FreeVar); ok {
		for {
			bound := Binding(free)
			if next, ok := bound.(*ssa.FreeVar); ok {
				free = next
				continue
			}
			addr = bound
			break
		}
	}
	cell, ok := addr.(*ssa.Alloc)
	if !ok {
		return nil
	}
	var single ssa.Value
	for _, instr := range *cell.Referrers() {
		switch instr := instr.(type) {
		case *ssa.Store:
			if instr.Addr != ssa.Value(cell) || single != nil {
				return nil
			}
			single = instr.Val
		case *ssa.UnOp, *ssa.DebugRef:
		case *ssa.MakeClosure:
			for i, binding := range instr.Bindings {
				if binding == ssa.Value(cell) && assigned(instr.Fn.(*ssa.Function).FreeVars[i]) {
					return nil
				}
			}
		default:
			return nil
		}
	}
	return single
}

// ReturnedAt are the values that a result may have at a return. A function that defers keeps its results in variables
// until the deferred calls have run: those are the values that were stored there last, or by a deferred literal.
func ReturnedAt(ret *ssa.Return, result int) []ssa.Value {
	value := ret.Results[result]
	load, ok := value.(*ssa.UnOp)
	if !ok {
		return []ssa.Value{value}
	}
	cell, ok := load.X.(*ssa.Alloc)
	if !ok {
		return []ssa.Value{value}
	}
	captured, known := storedBy(cell)
	if !known {
		return []ssa.Value{value}
	}
	return append(storedLast(cell, load), captured...)
}

// Results are the values that a result of a function may have, of all returns.
func Results(fn *ssa.Function, result int) (values []ssa.Value) {
	Instructions(fn, func(instr ssa.Instruction) {
		if ret, ok := instr.(*ssa.Return); ok {
			values = append(values, ReturnedAt(ret, result)...)
		}
	})
	return values
}

// storedBy are the values that closures store in a variable. known is false if something else may store there too.
func storedBy(variable ssa.Value) (values []ssa.Value, known bool) {
	for _, instr := range *variable.Referrers() {
		switch instr := instr.(type) {
		case *ssa.UnOp, *ssa.DebugRef:
		case *ssa.Store:
			if instr.Addr != variable {
				return nil, false
			}
			if _, free := variable.(*ssa.FreeVar); free {
				values = append(values, instr.Val)
			}
		case *ssa.MakeClosure:
			for i, binding := range instr.Bindings {
				if binding != variable {
					continue
				}
				inner, known := storedBy(instr.Fn.(*ssa.Function).FreeVars[i])
				if !known {
					return nil, false
				}
				values = append(values, inner...)
			}
		default:
			return nil, false
		}
	}
	return values, true
}

// storedLast are the values that the stores of a variable's own function leave there for a load.
func storedLast(cell *ssa.Alloc, load ssa.Instruction) (values []ssa.Value) {
	seen := make(map[*ssa.BasicBlock]bool)
	var visit func(block *ssa.BasicBlock, end int)
	visit = func(block *ssa.BasicBlock, end int) {
		for _, instr := range slices.Backward(block.Instrs[:end]) {
			if store, ok := instr.(*ssa.Store); ok && store.Addr == ssa.Value(cell) {
				values = append(values, store.Val)
				return
			}
		}
		for _, before := range block.Preds {
			if !seen[before] {
				seen[before] = true
				visit(before, len(before.Instrs))
			}
		}
	}
	visit(load.Block(), indexOf(load))
	return values
}

// assigned reports whether a closure may change the variable that it captures.
func assigned(free *ssa.FreeVar) bool {
	for _, instr := range *free.Referrers() {
		switch instr := instr.(type) {
		case *ssa.UnOp, *ssa.DebugRef:
		case *ssa.MakeClosure:
			for i, binding := range instr.Bindings {
				if binding == ssa.Value(free) && assigned(instr.Fn.(*ssa.Function).FreeVars[i]) {
					return true
				}
			}
		default:
			return true
		}
	}
	return false
}

// Binding is what a free variable is bound to where its closure is made, or nil.
func Binding(free *ssa.FreeVar) ssa.Value {
	fn := free.Parent()
	if fn.Parent() == nil {
		return nil
	}
	made := Closure(fn)
	if made == nil {
		return nil
	}
	for i, other := range fn.FreeVars {
		if other == free {
			return made.Bindings[i]
		}
	}
	return nil
}

// Closure is the instruction that makes a function literal's closure, or nil.
func Closure(fn *ssa.Function) *ssa.MakeClosure {
	if fn.Parent() == nil {
		return nil
	}
	for _, block := range fn.Parent().Blocks {
		for _, instr := range block.Instrs {
			if made, ok := instr.(*ssa.MakeClosure); ok && made.Fn == ssa.Value(fn) {
				return made
			}
		}
	}
	return nil
}

// Field is the struct field that an address or a load takes, or nil, with the value that holds the struct.
func Field(v ssa.Value) (*types.Var, ssa.Value) {
	switch v := v.(type) {
	case *ssa.UnOp:
		if v.Op == token.MUL {
			return Field(v.X)
		}
	case *ssa.FieldAddr:
		if s, ok := types.Unalias(v.X.Type()).Underlying().(*types.Pointer); ok {
			if s, ok := s.Elem().Underlying().(*types.Struct); ok {
				return s.Field(v.Field), v.X
			}
		}
	case *ssa.Field:
		if s, ok := v.X.Type().Underlying().(*types.Struct); ok {
			return s.Field(v.Field), v.X
		}
	}
	return nil, nil
}

// Stores returns the stores into fields of an object, by the value that makes it or leads to it.
func Stores(object ssa.Value) (stores []*ssa.Store) {
	for _, instr := range *object.Referrers() {
		addr, ok := instr.(*ssa.FieldAddr)
		if !ok {
			continue
		}
		for _, use := range *addr.Referrers() {
			if store, ok := use.(*ssa.Store); ok && store.Addr == ssa.Value(addr) {
				stores = append(stores, store)
			}
		}
	}
	return stores
}

// Instructions visits all instructions of a function.
func Instructions(fn *ssa.Function, visit func(ssa.Instruction)) {
	for _, block := range fn.Blocks {
		for _, instr := range block.Instrs {
			visit(instr)
		}
	}
}
