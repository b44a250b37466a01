package flow

import (
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// Search looks for a way from one instruction to the end of its function on which something was not done.
// Conditions that were met before on the way are remembered: who has freed under "if owned" need not free
// under "if !owned". Ways that end in a panic, or in the end of the process, do not count.
type Search struct {
	// Stop ends a way: what was looked for has been done.
	Stop func(ssa.Instruction) bool
	// NotNil are values that are known not to be nil from the start on.
	NotNil map[ssa.Value]bool
	// True and False are conditions that are known from the start on.
	True, False []ssa.Value

	target  ssa.Instruction
	reached bool
}

// most is how many states a search visits before it gives up and finds nothing.
const most = 20000

type state struct {
	block *ssa.BasicBlock
	index int
	known map[string]bool
}

// From finds the return that a way from an instruction reaches first, or nil.
func (s *Search) From(start ssa.Instruction) *ssa.Return {
	return s.run(state{start.Block(), indexOf(start) + 1, s.known(start.Block())})
}

// Reaches reports whether a way leads from one instruction to another.
func (s *Search) Reaches(start, target ssa.Instruction) bool {
	s.target, s.reached = target, false
	s.From(start)
	s.target = nil
	return s.reached
}

// Entry is From for the beginning of a function.
func (s *Search) Entry(fn *ssa.Function) *ssa.Return {
	return s.run(state{fn.Blocks[0], 0, map[string]bool{}})
}

func (s *Search) run(first state) *ssa.Return {
	seen := make(map[string]bool)
	queue := []state{first}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		ret, stopped := s.through(at)
		if ret != nil {
			return ret
		}
		if stopped {
			continue
		}
		for i, next := range at.block.Succs {
			taken, ok := s.take(at, i)
			if !ok {
				continue
			}
			known := maps.Clone(taken)
			forget(known, next)
			s.merge(known, taken, at.block, next)
			key := fmt.Sprint(next.Index, known)
			if seen[key] {
				continue
			}
			if seen[key] = true; len(seen) > most {
				return nil
			}
			queue = append(queue, state{next, 0, known})
		}
	}
	return nil
}

func (s *Search) through(at state) (ret *ssa.Return, stopped bool) {
	for _, instr := range at.block.Instrs[at.index:] {
		if instr == s.target && s.target != nil {
			s.reached = true
			return nil, true
		}
		if s.Stop != nil && s.Stop(instr) {
			return nil, true
		}
		switch instr := instr.(type) {
		case *ssa.Return:
			if s.target != nil {
				return nil, true // look on: it is not the end of a function that is looked for
			}
			return instr, false
		case *ssa.Panic:
			return nil, true
		case *ssa.Call:
			if NeverReturns(instr.Common()) {
				return nil, true
			}
		}
	}
	return nil, false
}

// take follows an edge, if what is known allows it.
func (s *Search) take(at state, edge int) (map[string]bool, bool) {
	branch, ok := at.block.Instrs[len(at.block.Instrs)-1].(*ssa.If)
	if !ok {
		return maps.Clone(at.known), true
	}
	holds := edge == 0
	if value, ok := s.decided(branch.Cond); ok && value != holds {
		return nil, false
	}
	key, negated := condition(branch.Cond)
	if key == "" {
		return maps.Clone(at.known), true
	}
	if value, ok := at.known[key]; ok && value != (holds != negated) {
		return nil, false
	}
	known := maps.Clone(at.known)
	known[key] = holds != negated
	return known, true
}

// decided is the value of a comparison with nil that is certain.
func (s *Search) decided(cond ssa.Value) (value, ok bool) {
	for _, v := range s.True {
		if v == cond {
			return true, true
		}
	}
	for _, v := range s.False {
		if v == cond {
			return false, true
		}
	}
	op, ok := cond.(*ssa.BinOp)
	if !ok || op.Op != token.EQL && op.Op != token.NEQ {
		return false, false
	}
	x, y := op.X, op.Y
	if isZero(x) {
		x, y = y, x
	}
	if !isZero(y) || !s.NotNil[x] {
		return false, false
	}
	return op.Op == token.NEQ, true
}

func isZero(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	if !ok {
		return false
	}
	if c.Value == nil {
		return true
	}
	return c.Value.Kind() == constant.Int && constant.Sign(c.Value) == 0
}

// known are the conditions that hold wherever a block is reached.
func (s *Search) known(block *ssa.BasicBlock) map[string]bool {
	known := make(map[string]bool)
	for _, guard := range Guards(block) {
		if key, negated := condition(guard.Cond); key != "" {
			known[key] = guard.Holds != negated
		}
	}
	return known
}

// Guard is a condition that is known at a block.
type Guard struct {
	Cond  ssa.Value
	Holds bool
}

// Guards are the conditions that hold wherever a block is reached.
func Guards(block *ssa.BasicBlock) (guards []Guard) {
	for at := block; at != nil; at = at.Idom() {
		if len(at.Preds) != 1 {
			continue
		}
		branch, ok := at.Preds[0].Instrs[len(at.Preds[0].Instrs)-1].(*ssa.If)
		if ok && at.Preds[0].Succs[0] != at.Preds[0].Succs[1] {
			guards = append(guards, NewGuard(branch.Cond, at.Preds[0].Succs[0] == at))
		}
	}
	return guards
}

// NewGuard is the guard of a condition, without negations, and without conversions to a bool of another name.
func NewGuard(cond ssa.Value, holds bool) Guard {
	for {
		switch c := cond.(type) {
		case *ssa.ChangeType:
			cond = c.X
			continue
		case *ssa.Convert:
			cond = c.X
			continue
		case *ssa.UnOp:
			if c.Op == token.NOT {
				cond, holds = c.X, !holds
				continue
			}
		}
		return Guard{cond, holds}
	}
}

// condition names a condition so that equal ones have equal names; "" if it cannot be named.
func condition(cond ssa.Value) (key string, negated bool) {
	for {
		not, ok := cond.(*ssa.UnOp)
		if !ok || not.Op != token.NOT {
			break
		}
		cond, negated = not.X, !negated
	}
	if op, ok := cond.(*ssa.BinOp); ok {
		x, y := name(op.X), name(op.Y)
		if x == "" || y == "" {
			return "", false
		}
		switch op.Op {
		case token.EQL:
			return x + "==" + y, negated
		case token.NEQ:
			return x + "==" + y, !negated
		case token.LSS:
			return x + "<" + y, negated
		case token.GEQ:
			return x + "<" + y, !negated
		case token.GTR:
			return y + "<" + x, negated
		case token.LEQ:
			return y + "<" + x, !negated
		}
	}
	return name(cond), negated
}

// name is the name of a value that is the same whenever it is computed; "" if there is none. A field of a
// parameter is taken to keep its value for the time of a call.
func name(v ssa.Value) string {
	switch v := v.(type) {
	case *ssa.Const:
		return v.String()
	case *ssa.Parameter, *ssa.FreeVar, *ssa.Phi, *ssa.Extract, *ssa.Global:
		return v.Name()
	case *ssa.Call:
		if b, ok := v.Call.Value.(*ssa.Builtin); ok && (b.Name() == "len" || b.Name() == "cap") {
			if arg := name(v.Call.Args[0]); arg != "" {
				return b.Name() + "(" + arg + ")"
			}
		}
		return v.Name()
	case *ssa.Convert:
		return name(v.X)
	case *ssa.ChangeType:
		return name(v.X)
	case *ssa.FieldAddr:
		if x := name(v.X); x != "" {
			return fmt.Sprintf("%s.%d", x, v.Field)
		}
		return ""
	case *ssa.UnOp:
		if v.Op == token.MUL {
			if x := name(v.X); x != "" {
				return "*" + x
			}
			return v.Name()
		}
		return v.Name()
	case *ssa.Alloc:
		return v.Name()
	case *ssa.BinOp:
		x, y := name(v.X), name(v.Y)
		if x == "" || y == "" {
			return v.Name()
		}
		return "(" + x + v.Op.String() + y + ")"
	}
	return v.Name()
}

// forget drops conditions on values that the block computes anew.
func forget(known map[string]bool, block *ssa.BasicBlock) {
	for key := range known {
		for _, instr := range block.Instrs {
			v, ok := instr.(ssa.Value)
			if ok && mentions(key, v.Name()) {
				delete(known, key)
				break
			}
			if store, ok := instr.(*ssa.Store); ok && mentions(key, "*"+name(store.Addr)) {
				delete(known, key)
				break
			}
		}
	}
}

// merge adds what is known of a block's flags: of variables of type bool that the way there has set.
func (s *Search) merge(known, before map[string]bool, from, block *ssa.BasicBlock) {
	for _, instr := range block.Instrs {
		phi, ok := instr.(*ssa.Phi)
		if !ok {
			return
		}
		edge := phi.Edges[slices.Index(block.Preds, from)]
		if c, ok := edge.(*ssa.Const); ok && c.Value != nil && c.Value.Kind() == constant.Bool {
			known[phi.Name()] = constant.BoolVal(c.Value)
		} else if value, ok := s.decided(edge); ok {
			known[phi.Name()] = value
		} else if key, negated := condition(edge); key != "" {
			if value, ok := before[key]; ok {
				known[phi.Name()] = value != negated
			}
		}
	}
}

func mentions(key, name string) bool {
	for {
		_, rest, found := strings.Cut(key, name)
		if !found {
			return false
		}
		if rest == "" || rest[0] < '0' || rest[0] > '9' {
			return true
		}
		key = rest
	}
}

// NeverReturns reports whether a call ends the goroutine or the process.
func NeverReturns(call *ssa.CallCommon) bool {
	var object types.Object
	if call.IsInvoke() {
		object = call.Method
	} else if fn := call.StaticCallee(); fn != nil {
		object = fn.Object()
	}
	if object == nil || object.Pkg() == nil {
		return false
	}
	switch object.Pkg().Path() {
	case "os", "syscall":
		return object.Name() == "Exit"
	case "runtime":
		return object.Name() == "Goexit"
	case "log":
		return strings.HasPrefix(object.Name(), "Fatal") || strings.HasPrefix(object.Name(), "Panic")
	case "testing":
		return slices.Contains([]string{"Fatal", "Fatalf", "FailNow", "Skip", "Skipf", "SkipNow"}, object.Name())
	}
	return false
}

func indexOf(instr ssa.Instruction) int {
	return slices.Index(instr.Block().Instrs, instr)
}

// Before reports whether a is executed before b whenever b is.
func Before(a, b ssa.Instruction) bool {
	if a.Block() == b.Block() {
		return indexOf(a) < indexOf(b)
	}
	return a.Block().Dominates(b.Block())
}

// DeferredBefore reports whether one of some instructions is a deferred call that is certain to run after
// another instruction: a literal that reads a variable later.
func DeferredBefore(ends map[ssa.Instruction]bool, at ssa.Instruction) bool {
	for end := range ends {
		if _, ok := end.(*ssa.Defer); ok && end.Parent() == at.Parent() && Before(end, at) {
			return true
		}
	}
	return false
}

// Reaches reports whether a way leads from one instruction to another, without one that stops it.
func Reaches(from, to ssa.Instruction, stop func(ssa.Instruction) bool) bool {
	seen := make(map[*ssa.BasicBlock]bool)
	var visit func(block *ssa.BasicBlock, index int) bool
	visit = func(block *ssa.BasicBlock, index int) bool {
		for _, instr := range block.Instrs[index:] {
			if instr == to {
				return true
			}
			if stop != nil && stop(instr) {
				return false
			}
		}
		for _, next := range block.Succs {
			if !seen[next] {
				seen[next] = true
				if visit(next, 0) {
					return true
				}
			}
		}
		return false
	}
	return visit(from.Block(), indexOf(from)+1)
}

// Ends are the ends of its function at which a deferred call runs.
func Ends(deferred *ssa.Defer) (at []ssa.Instruction) {
	Instructions(deferred.Parent(), func(instr ssa.Instruction) {
		if end, ok := instr.(*ssa.RunDefers); ok && Reaches(deferred, end, nil) {
			at = append(at, end)
		}
	})
	return at
}
