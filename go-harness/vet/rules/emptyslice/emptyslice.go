// Package emptyslice is the rule about the address of the first element of a slice that has none.
package emptyslice

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "emptyslice",
	Title: "The address of the first element of a slice that may be empty goes to C",
	Text: `
&b[0] panics if b is empty, before C is called at all. An empty slice is a valid input nearly everywhere, and C
takes a pointer with the length 0.

The rule finds &b[0] and &b[i:][0] that reach a C function or a struct of C, through conversions and helpers, where
nothing shows that the slice has an element. The slice may be a parameter, an element of one, or what one points to.
What shows that it has an element: a condition on the length, or on i, also through another variable; make with a
length that cannot be 0, such as n+1; append; arrays; an index that was used before; a function that was asked before
and may refuse the slice, with an error or by an answer that is looked at, or the length, with a panic; for private
functions, all callers. Slice types that the package names are objects of its own, and left in peace; so are exported
functions of internal packages, whose callers are other packages of the module; and calls that give C no length, which
then takes as much as it always does: that they panic is better.

The fix is unsafe.SliceData of Go 1.20, which gives nil for a nil slice and never panics.`,
	Before: `
func Sum(b []byte) uint32 {
	return uint32(C.crc(unsafe.Pointer(&b[0]), C.size_t(len(b)))) // panics if b is empty
}`,
	After: `
func Sum(b []byte) uint32 {
	return uint32(C.crc(unsafe.Pointer(unsafe.SliceData(b)), C.size_t(len(b))))
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"VAL-16"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			addr, ok := instr.(*ssa.IndexAddr)
			if !ok || !isConst(addr.Index, 0) {
				return
			}
			if _, slice := addr.X.Type().Underlying().(*types.Slice); !slice || !reachesC(p, addr) {
				return
			}
			b := &bounds{pass: p, place: addr.Block(), asking: make(map[ssa.Value]bool)}
			if why := b.empty(addr.X, addr.Block(), addr, 0); why != "" {
				report(p, addr, why)
			}
		})
	}
}

func isConst(v ssa.Value, n int64) bool {
	c, ok := v.(*ssa.Const)
	return ok && c.Value != nil && c.Int64() == n
}

// reachesC reports whether a pointer is an argument of a C function, or is put into a struct of C.
func reachesC(p *rule.Pass, v ssa.Value) bool {
	return slices.ContainsFunc(flow.Track(v).Uses, func(use flow.Use) bool {
		if store, ok := use.Instr.(*ssa.Store); ok && use.Kind == flow.Stored {
			_, owner := flow.Field(store.Addr)
			return owner != nil && summary.IsC(owner.Type())
		}
		return use.Kind == flow.Argument && p.Know.EffectOf(use).ReachesC && knowsLength(p, use)
	})
}

// knowsLength reports whether a call may tell C how much there is: else C takes as much as it always does, and that a
// slice without it panics is better than what C would do.
func knowsLength(p *rule.Pass, use flow.Use) bool {
	call, ok := use.Instr.(ssa.CallInstruction)
	if !ok || p.Know.C(call.Common()) == "" {
		return true
	}
	for i, arg := range call.Common().Args {
		if i != use.Index && isLength(arg) {
			return true
		}
	}
	return false
}

// isLength reports whether an argument may be a length: its type says so, or its name, or it is made from a length. It may
// also be the address of a number, where C finds it or writes it, but for that of the first of many.
func isLength(arg ssa.Value) bool {
	typ := arg.Type()
	if pointer, ok := typ.Underlying().(*types.Pointer); ok {
		basic, ok := pointer.Elem().Underlying().(*types.Basic)
		return ok && flow.IsInteger(basic) && basic.Kind() != types.Uint8 && basic.Kind() != types.Int8 && !inSlice(arg)
	}
	if !flow.IsInteger(typ) {
		return false
	}
	return strings.Contains(strings.ToLower(typ.String()), "size") || madeFromLength(arg, make(map[ssa.Value]bool))
}

// inSlice reports whether an address is one of an element.
func inSlice(addr ssa.Value) bool {
	if phi, ok := flow.Root(addr).(*ssa.Phi); ok {
		return slices.ContainsFunc(phi.Edges, isElement)
	}
	return isElement(addr)
}

func isElement(v ssa.Value) bool {
	_, ok := flow.Root(v).(*ssa.IndexAddr)
	return ok
}

func madeFromLength(v ssa.Value, seen map[ssa.Value]bool) bool {
	if seen[v] {
		return false
	}
	seen[v] = true
	switch v := flow.Root(v).(type) {
	case *ssa.Const:
		return false
	case *ssa.Parameter:
		return lengthWord.MatchString(v.Name())
	case *ssa.Call:
		if b, ok := v.Call.Value.(*ssa.Builtin); ok {
			return b.Name() == "len" || b.Name() == "cap" || slices.ContainsFunc(v.Call.Args, func(arg ssa.Value) bool { return madeFromLength(arg, seen) })
		}
		return true // what another function computes
	case *ssa.UnOp:
		if field, _ := flow.Field(v); field != nil {
			return !nameWord.MatchString(field.Name())
		}
		return v.Op == token.MUL || madeFromLength(v.X, seen)
	case *ssa.BinOp:
		return madeFromLength(v.X, seen) || madeFromLength(v.Y, seen)
	case *ssa.Phi:
		return slices.ContainsFunc(v.Edges, func(edge ssa.Value) bool { return madeFromLength(edge, seen) })
	}
	return true
}

// nameWord is the name of a field that tells C of an object, and not how much there is.
var nameWord = regexp.MustCompile(`(?i)^(id|handle|fd)$`)

var lengthWord = regexp.MustCompile(`(?i)^n$|len|size|count|num|cap|bytes|rows|cols|width|height|dim`)

func report(p *rule.Pass, addr *ssa.IndexAddr, why string) {
	unary := syntax(p, addr.Pos())
	if unary == nil {
		p.Report(addr.Pos(), "the slice may be empty (%s), and then this panics", why)
		return
	}
	index := unary.X.(*ast.IndexExpr)
	name := types.ExprString(index.X)
	if !p.Imports(unary.Pos(), "unsafe") || !p.AtLeast(unary.Pos(), "go1.20") {
		p.Report(unary.Pos(), "%s may be empty (%s), and then &%s[0] panics", name, why, name)
		return
	}
	p.ReportFix(unary.Pos(), analysis.SuggestedFix{
		Message: "use unsafe.SliceData",
		TextEdits: []analysis.TextEdit{
			{Pos: unary.Pos(), End: index.X.Pos(), NewText: []byte("unsafe.SliceData(")},
			{Pos: index.Lbrack, End: index.Rbrack + 1, NewText: []byte(")")},
		},
	}, "%s may be empty (%s), and then &%s[0] panics; unsafe.SliceData does not", name, why, name)
}

// syntax finds the expression &x[0] by the position of its bracket.
func syntax(p *rule.Pass, pos token.Pos) (found *ast.UnaryExpr) {
	for _, f := range p.Files {
		if pos < f.FileStart || pos > f.FileEnd {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if unary, ok := n.(*ast.UnaryExpr); ok && unary.Op == token.AND {
				if index, ok := ast.Unparen(unary.X).(*ast.IndexExpr); ok && unary.Pos() <= pos && pos <= unary.End() {
					if unary.X == ast.Expr(index) {
						found = unary
					}
				}
			}
			return true
		})
	}
	return found
}
