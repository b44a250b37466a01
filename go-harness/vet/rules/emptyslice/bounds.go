package emptyslice

import (
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// bounds finds out how short a slice may be.
type bounds struct {
	pass   *rule.Pass
	place  *ssa.BasicBlock    // where the address is taken
	asking map[ssa.Value]bool // numbers that are being looked at: two may be compared with each other
}

// deepest is how far values are followed; beyond it nothing is claimed to be empty.
const deepest = 10

// empty says why a slice may be empty at a place, or "" if it cannot be, or if not enough is known to say so.
func (b *bounds) empty(slice ssa.Value, at *ssa.BasicBlock, before ssa.Instruction, depth int) string {
	if depth > deepest || b.guarded(slice, at, depth) || indexedBefore(slice, before) || validated(slice, at) || b.place != nil && validated(slice, b.place) {
		return ""
	}
	switch v := slice.(type) {
	case *ssa.Parameter:
		return b.emptyParameter(v, depth)
	case *ssa.MakeSlice:
		if b.positive(v.Len, at, depth+1) {
			return ""
		}
		return b.why(v.Len, "made with a length that may be 0")
	case *ssa.Slice:
		if v.High != nil {
			if v.Low == nil && !b.positive(v.High, at, depth+1) {
				if _, c := v.High.(*ssa.Const); !c {
					return b.why(v.High, "cut to a length that may be 0")
				}
			}
			return ""
		}
		if v.Low != nil && mentioned(v.Low, at) {
			return "" // a rest that was looked at
		}
		if _, ok := v.X.Type().Underlying().(*types.Slice); ok {
			return b.empty(v.X, at, before, depth+1)
		}
		return ""
	case *ssa.Convert:
		if c, ok := v.X.(*ssa.Const); ok {
			if c.Value != nil && c.Value.Kind() == constant.String && constant.StringVal(c.Value) == "" {
				return "converted from an empty string"
			}
			return ""
		}
		if types.Identical(v.X.Type().Underlying(), types.Typ[types.String]) && !b.guarded(v.X, at, depth) {
			if p, ok := v.X.(*ssa.Parameter); ok {
				return b.emptyParameter(p, depth)
			}
		}
		return ""
	case *ssa.ChangeType:
		return b.empty(v.X, at, before, depth+1)
	case *ssa.Phi:
		for i, edge := range v.Edges {
			if slices.Contains(v.Edges[:i], edge) || edge == ssa.Value(v) {
				continue
			}
			pred := v.Block().Preds[i]
			if why := b.empty(edge, pred, nil, depth+2); why != "" && !b.edgeGuards(edge, pred, v.Block(), depth) {
				return why
			}
		}
		return ""
	case *ssa.UnOp:
		if root := flow.Root(v); root != ssa.Value(v) {
			return b.empty(root, at, before, depth+1)
		}
		return b.emptyBehind(v, at)
	}
	return ""
}

// emptyBehind is empty for a slice that is loaded: what a parameter points to, or an element of one.
func (b *bounds) emptyBehind(load *ssa.UnOp, at *ssa.BasicBlock) string {
	var p *ssa.Parameter
	what := "it"
	switch addr := load.X.(type) {
	case *ssa.Parameter:
		if !onlyLoaded(addr) {
			return ""
		}
		p = addr
	case *ssa.IndexAddr:
		list, ok := addr.X.(*ssa.Parameter)
		if !ok || validated(list, at) || b.elementsKnown(list) {
			return ""
		}
		p, what = list, "the elements of "+list.Name()
	}
	if p == nil || isNamed(p.Type()) || isNamed(load.Type()) || !b.pass.Public(p.Parent()) {
		return ""
	}
	return fmt.Sprintf("%s does not check %s", p.Parent().Name(), what)
}

// onlyLoaded reports whether a function reads what a pointer points to, and never sets it.
func onlyLoaded(pointer ssa.Value) bool {
	return !slices.ContainsFunc(*pointer.Referrers(), func(instr ssa.Instruction) bool {
		switch instr.(type) {
		case *ssa.UnOp, *ssa.DebugRef:
			return false
		}
		return true
	})
}

// elementsKnown reports whether a function does anything with an element of a slice, or sets one, that may be meant to
// rule out empty ones.
func (b *bounds) elementsKnown(list *ssa.Parameter) bool {
	return slices.ContainsFunc(*list.Referrers(), func(instr ssa.Instruction) bool {
		index, ok := instr.(*ssa.IndexAddr)
		if !ok {
			return false
		}
		return !onlyLoaded(index) || slices.ContainsFunc(*index.Referrers(), func(instr ssa.Instruction) bool {
			load, ok := instr.(*ssa.UnOp)
			return ok && slices.ContainsFunc(*load.Referrers(), b.looksAtElement)
		})
	})
}

// looksAtElement reports whether a use of a slice does more than to give it, or its length, to C.
func (b *bounds) looksAtElement(instr ssa.Instruction) bool {
	switch instr := instr.(type) {
	case *ssa.IndexAddr:
		return !onlyAddress(instr)
	case ssa.CallInstruction:
		if length, ok := instr.(*ssa.Call); ok && isLen(length) != nil {
			return slices.ContainsFunc(*length.Referrers(), b.looksAtLength)
		}
		return b.pass.Know.C(instr.Common()) == ""
	}
	return false
}

func (b *bounds) looksAtLength(instr ssa.Instruction) bool {
	switch instr := instr.(type) {
	case *ssa.Convert:
		return slices.ContainsFunc(*instr.Referrers(), b.looksAtLength)
	case *ssa.BinOp:
		_, comparison := negated[instr.Op]
		return comparison
	case ssa.CallInstruction:
		return b.pass.Know.C(instr.Common()) == ""
	case *ssa.Store, *ssa.DebugRef:
		return false
	}
	return true
}

// mentioned reports whether a condition at a place looks at a number.
func mentioned(v ssa.Value, at *ssa.BasicBlock) bool {
	if _, constant := v.(*ssa.Const); constant {
		return false
	}
	return slices.ContainsFunc(flow.Guards(at), func(guard flow.Guard) bool {
		return hangsOn(guard.Cond, func(other ssa.Value) bool { return sameNumber(flow.Root(other), flow.Root(v)) }, 0)
	})
}

// isNamed reports whether a package gave a type its name: its values are objects of the package's own.
func isNamed(typ types.Type) bool {
	switch typ.(type) {
	case *types.Named, *types.Alias:
		return true
	}
	return false
}

// why names the origin of a length, if it is one that users choose; else nothing is known and nothing said.
func (b *bounds) why(length ssa.Value, text string) string {
	switch v := length.(type) {
	case *ssa.Convert:
		return b.why(v.X, text)
	case *ssa.ChangeType:
		return b.why(v.X, text)
	case *ssa.Parameter:
		if calls, all := b.pass.Know.Callers(v.Parent()); all {
			i := slices.Index(v.Parent().Params, v)
			for _, call := range calls {
				if i < len(call.Common().Args) && !b.positive(call.Common().Args[i], call.Block(), 3) {
					return text
				}
			}
			return ""
		}
		if !b.pass.Public(v.Parent()) {
			return "" // nobody calls it, or nobody knows who
		}
		return text
	case *ssa.Call:
		if isLen(v) != nil {
			if why := b.empty(isLen(v), v.Block(), nil, deepest-4); why != "" {
				return text + ", the length of another slice"
			}
			return ""
		}
	case *ssa.BinOp:
		if v.Op == token.MUL {
			if x := b.why(v.X, text); x != "" {
				if _, isConst := v.X.(*ssa.Const); !isConst {
					return x
				}
			}
			if _, isConst := v.Y.(*ssa.Const); !isConst {
				return b.why(v.Y, text)
			}
		}
		if n := roundedUp(v); n != nil {
			return b.why(n, text)
		}
	}
	return ""
}

// roundedUp is the number that a quotient rounds up: n of (n+7)/8 or (n+7)>>3; or nil.
func roundedUp(quotient *ssa.BinOp) ssa.Value {
	sum, ok := quotient.X.(*ssa.BinOp)
	if !ok || sum.Op != token.ADD {
		return nil
	}
	added, ok := number(sum.Y)
	by, ok2 := number(quotient.Y)
	if !ok || !ok2 {
		return nil
	}
	switch {
	case quotient.Op == token.QUO && added == by-1, quotient.Op == token.SHR && by < 32 && added == 1<<by-1:
		return sum.X
	}
	return nil
}

// number is the value of an integer constant.
func number(v ssa.Value) (n int64, ok bool) {
	c, ok := v.(*ssa.Const)
	if !ok || c.Value == nil || c.Value.Kind() != constant.Int {
		return 0, false
	}
	return constant.Int64Val(c.Value)
}

func (b *bounds) emptyParameter(p *ssa.Parameter, depth int) string {
	if isNamed(p.Type()) {
		return "" // its makers know that it is not empty
	}
	fn := p.Parent()
	i := slices.Index(fn.Params, p)
	calls, all := b.pass.Know.Callers(fn)
	if !all {
		if !b.pass.Public(fn) {
			return "" // a function value, or one for the module itself: its callers are not known here
		}
		return fmt.Sprintf("%s does not check it", fn.Name())
	}
	for _, call := range calls {
		args := call.Common().Args
		if i < len(args) {
			if c, ok := args[i].(*ssa.Const); ok {
				if empty := emptyConst(c); empty != "" {
					return fmt.Sprintf("%s in %s", empty, b.pass.Place(b.pass.Pos(call), fn.Pos()))
				}
				continue
			}
			if why := b.empty(args[i], call.Block(), call, depth+2); why != "" {
				return why + fmt.Sprintf("; called in %s", b.pass.Place(b.pass.Pos(call), fn.Pos()))
			}
		}
	}
	return ""
}

// emptyConst says what is empty in a constant: nothing for a text with a first byte.
func emptyConst(c *ssa.Const) string {
	switch {
	case c.IsNil():
		return "nil"
	case c.Value != nil && c.Value.Kind() == constant.String && constant.StringVal(c.Value) == "":
		return `""`
	}
	return ""
}

// indexedBefore reports whether an element was used before: then an empty slice would have ended it there.
func indexedBefore(slice ssa.Value, before ssa.Instruction) bool {
	if before == nil || slice.Referrers() == nil {
		return false
	}
	for _, instr := range *slice.Referrers() {
		if index, ok := instr.(*ssa.IndexAddr); ok && ssa.Instruction(index) != before && index.Parent() == before.Parent() && flow.Before(index, before) {
			if c, ok := index.Index.(*ssa.Const); !ok || c.Int64() > 0 || !onlyAddress(index) {
				return true
			}
		}
	}
	return false
}

// onlyAddress reports whether an element is not read or written, only its address taken: such a use has the
// same fault, and is reported itself.
func onlyAddress(index *ssa.IndexAddr) bool {
	for _, instr := range *index.Referrers() {
		switch instr := instr.(type) {
		case *ssa.UnOp:
			return false
		case *ssa.Store:
			if instr.Addr == ssa.Value(index) {
				return false
			}
		}
	}
	return true
}

// validated reports whether a Go function was asked about the slice before, and may have refused it: by an error, or
// by an answer that a condition on the way to a place hangs on.
func validated(slice ssa.Value, at *ssa.BasicBlock) bool {
	if slice.Referrers() == nil {
		return false
	}
	for _, instr := range *slice.Referrers() {
		call, ok := instr.(*ssa.Call)
		if !ok || call.Block() == at || call.Parent() != at.Parent() || !call.Block().Dominates(at) {
			continue
		}
		if _, builtin := call.Call.Value.(*ssa.Builtin); builtin {
			continue
		}
		results := call.Call.Signature().Results()
		if n := results.Len(); n > 0 && types.Identical(results.At(n-1).Type(), types.Universe.Lookup("error").Type()) {
			return true
		}
		for _, guard := range flow.Guards(at) {
			if hangsOn(guard.Cond, func(v ssa.Value) bool { return v == ssa.Value(call) }, 0) {
				return true
			}
		}
	}
	return false
}

// refused reports whether a function was given a number before that panics over some.
func refused(n ssa.Value, at *ssa.BasicBlock) bool {
	return n.Referrers() != nil && slices.ContainsFunc(*n.Referrers(), func(instr ssa.Instruction) bool {
		call, ok := instr.(*ssa.Call)
		if !ok || call.Parent() != at.Parent() || !call.Block().Dominates(at) || call.Call.StaticCallee() == nil {
			return false
		}
		i, callee := slices.Index(call.Call.Args, n), call.Call.StaticCallee()
		return i >= 0 && i < len(callee.Params) && panicsOver(callee, callee.Params[i])
	})
}

// panicsOver reports whether a function panics, and has a condition on a parameter.
func panicsOver(fn *ssa.Function, p *ssa.Parameter) bool {
	panics, asks := false, false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		switch instr := instr.(type) {
		case *ssa.Panic:
			panics = true
		case *ssa.If:
			asks = asks || hangsOn(instr.Cond, func(v ssa.Value) bool { return v == ssa.Value(p) }, 0)
		}
	})
	return panics && asks
}

// hangsOn reports whether a value is computed from a certain one.
func hangsOn(v ssa.Value, is func(ssa.Value) bool, depth int) bool {
	if is(v) {
		return true
	}
	instr, ok := v.(ssa.Instruction)
	if !ok || depth > 5 {
		return false
	}
	var operands [8]*ssa.Value
	return slices.ContainsFunc(instr.Operands(operands[:0]), func(operand *ssa.Value) bool {
		return *operand != nil && hangsOn(*operand, is, depth+1)
	})
}

func isLen(v ssa.Value) ssa.Value {
	if call, ok := v.(*ssa.Call); ok {
		if b, ok := call.Call.Value.(*ssa.Builtin); ok && b.Name() == "len" {
			return call.Call.Args[0]
		}
	}
	return nil
}

// positive reports whether a number is known to be greater than 0, or nothing says that it may not be.
func (b *bounds) positive(v ssa.Value, at *ssa.BasicBlock, depth int) bool {
	if depth > deepest {
		return true
	}
	if b.asking[v] {
		return false
	}
	b.asking[v] = true
	defer delete(b.asking, v)
	for _, guard := range flow.Guards(at) {
		if b.implies(guard, v, at, depth) {
			return true
		}
	}
	if refused(v, at) {
		return true
	}
	switch v := v.(type) {
	case *ssa.Const:
		return v.Value != nil && v.Value.Kind() == constant.Int && constant.Sign(v.Value) > 0
	case *ssa.Convert:
		return b.positive(v.X, at, depth+1)
	case *ssa.ChangeType:
		return b.positive(v.X, at, depth+1)
	case *ssa.BinOp:
		switch v.Op {
		case token.ADD:
			return b.positive(v.X, at, depth+1) || b.positive(v.Y, at, depth+1)
		case token.MUL, token.SHL:
			return b.positive(v.X, at, depth+1) && (v.Op == token.SHL || b.positive(v.Y, at, depth+1))
		case token.QUO, token.SHR:
			n := roundedUp(v)
			return n != nil && b.positive(n, at, depth+1)
		}
	case *ssa.Phi:
		for i, edge := range v.Edges {
			if edge != ssa.Value(v) && !b.positive(edge, v.Block().Preds[i], depth+2) && !b.edgeNumber(edge, v.Block().Preds[i], v.Block(), depth) {
				return false
			}
		}
		return true
	case *ssa.Call:
		if slice := isLen(v); slice != nil {
			return b.guarded(slice, at, depth+1) || nonEmpty(slice)
		}
		if b, ok := v.Call.Value.(*ssa.Builtin); ok && b.Name() == "max" {
			for _, arg := range v.Call.Args {
				if c, ok := arg.(*ssa.Const); ok && c.Int64() > 0 {
					return true
				}
			}
		}
	case *ssa.UnOp:
		if root := flow.Root(v); root != ssa.Value(v) {
			return b.positive(root, at, depth+1)
		}
	}
	return false
}

func nonEmpty(slice ssa.Value) bool {
	switch v := slice.(type) {
	case *ssa.Slice:
		if pointer, ok := v.X.Type().Underlying().(*types.Pointer); ok {
			if array, ok := pointer.Elem().Underlying().(*types.Array); ok {
				return array.Len() > 0
			}
		}
	case *ssa.Const:
		return v.Value != nil && v.Value.Kind() == constant.String && constant.StringVal(v.Value) != ""
	}
	return false
}

// guarded reports whether a condition at a place shows that a slice, or a string, has an element.
func (b *bounds) guarded(slice ssa.Value, at *ssa.BasicBlock, depth int) bool {
	if nonEmpty(slice) {
		return true
	}
	for _, guard := range flow.Guards(at) {
		if b.impliesLength(guard, slice, at, depth) {
			return true
		}
	}
	return false
}

func (b *bounds) edgeGuards(slice ssa.Value, from, to *ssa.BasicBlock, depth int) bool {
	guard, ok := edge(from, to)
	return ok && b.impliesLength(guard, slice, to, depth)
}

func (b *bounds) edgeNumber(v ssa.Value, from, to *ssa.BasicBlock, depth int) bool {
	guard, ok := edge(from, to)
	return ok && b.implies(guard, v, to, depth)
}

func edge(from, to *ssa.BasicBlock) (flow.Guard, bool) {
	branch, ok := from.Instrs[len(from.Instrs)-1].(*ssa.If)
	if !ok || from.Succs[0] == from.Succs[1] {
		return flow.Guard{}, false
	}
	return flow.NewGuard(branch.Cond, from.Succs[0] == to), true
}

func (b *bounds) impliesLength(guard flow.Guard, slice ssa.Value, at *ssa.BasicBlock, depth int) bool {
	op, ok := guard.Cond.(*ssa.BinOp)
	if !ok {
		return false
	}
	for _, v := range []ssa.Value{flow.Root(op.X), flow.Root(op.Y)} {
		if other := isLen(v); other != nil && same(other, slice) && b.implies(guard, v, at, depth) {
			return true
		}
		if least, ok := atLeast(v, slice); ok && exceeds(guard, v, least) {
			return true
		}
	}
	// A string or slice compared with the empty one.
	if (same(op.X, slice) || same(op.Y, slice)) && (isEmptyString(op.X) || isEmptyString(op.Y)) {
		return (op.Op == token.NEQ) == guard.Holds
	}
	return false
}

// atLeast is the number n of max(len(slice), n).
func atLeast(v, slice ssa.Value) (n int64, ok bool) {
	call, isCall := v.(*ssa.Call)
	if !isCall {
		return 0, false
	}
	if b, builtin := call.Call.Value.(*ssa.Builtin); !builtin || b.Name() != "max" || len(call.Call.Args) != 2 {
		return 0, false
	}
	for i, arg := range call.Call.Args {
		if other := isLen(flow.Root(arg)); other != nil && same(other, slice) {
			n, ok = number(call.Call.Args[1-i])
			return n, ok && n >= 0
		}
	}
	return 0, false
}

// exceeds reports whether a condition shows that a number, which is never less than another one, is greater.
func exceeds(guard flow.Guard, v ssa.Value, than int64) bool {
	operator, other, ok := comparison(guard, v)
	if !ok {
		return false
	}
	n, ok := number(other)
	switch operator {
	case token.NEQ:
		return ok && n == than
	case token.GTR:
		return ok && n >= than
	case token.GEQ, token.EQL:
		return ok && n > than
	}
	return false
}

func isEmptyString(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	return ok && c.Value != nil && c.Value.Kind() == constant.String && constant.StringVal(c.Value) == ""
}

// same reports whether two values are the same slice: one value, or two loads of one field.
func same(x, y ssa.Value) bool {
	if x == y {
		return true
	}
	fx, ox := flow.Field(x)
	fy, oy := flow.Field(y)
	if fx != nil && fx == fy {
		return same(ox, oy)
	}
	cx, okx := x.(*ssa.Convert)
	if okx {
		return same(cx.X, y)
	}
	cy, oky := y.(*ssa.Convert)
	if oky {
		return same(x, cy.X)
	}
	lx, okx2 := x.(*ssa.UnOp)
	ly, oky2 := y.(*ssa.UnOp)
	return okx2 && oky2 && lx.Op == token.MUL && ly.Op == token.MUL && lx.X == ly.X
}

// implies reports whether a condition shows that a number is greater than 0.
func (b *bounds) implies(guard flow.Guard, v ssa.Value, at *ssa.BasicBlock, depth int) bool {
	operator, y, ok := comparison(guard, v)
	if !ok {
		return false
	}
	c, isConst := y.(*ssa.Const)
	positive := isConst && c.Value != nil && c.Value.Kind() == constant.Int && constant.Sign(c.Value) > 0
	zero := isConst && c.Value != nil && c.Value.Kind() == constant.Int && constant.Sign(c.Value) == 0
	switch operator {
	case token.NEQ:
		return zero
	case token.GTR:
		return zero || positive || !isConst // greater than a number that is an index or a length
	case token.GEQ, token.EQL:
		return positive || !isConst && b.positive(y, at, depth+2)
	}
	return false
}

// comparison is how a number, by a guard, compares with another one.
func comparison(guard flow.Guard, v ssa.Value) (operator token.Token, other ssa.Value, ok bool) {
	op, ok := guard.Cond.(*ssa.BinOp)
	if !ok {
		return 0, nil, false
	}
	operator = op.Op
	if !guard.Holds {
		operator = negated[operator]
	}
	x, y, v := flow.Root(op.X), flow.Root(op.Y), flow.Root(v)
	switch {
	case sameNumber(x, v):
		return operator, y, true
	case sameNumber(y, v):
		return swapped[operator], x, true
	}
	return 0, nil, false
}

func sameNumber(x, y ssa.Value) bool {
	if x == y {
		return true
	}
	a, b := isLen(x), isLen(y)
	return a != nil && b != nil && same(a, b)
}

var negated = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.GEQ, token.GEQ: token.LSS, token.GTR: token.LEQ, token.LEQ: token.GTR,
}

var swapped = map[token.Token]token.Token{
	token.EQL: token.EQL, token.NEQ: token.NEQ, token.LSS: token.GTR, token.GTR: token.LSS, token.LEQ: token.GEQ, token.GEQ: token.LEQ,
}
