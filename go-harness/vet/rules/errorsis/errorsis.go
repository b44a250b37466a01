// Package errorsis is the rule about errors that errors.Is cannot tell apart.
package errorsis

import (
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "errorsis",
	Title: "An error is compared by ==, or is nothing but a text of C, where errors.Is needs a category",
	Text: `
A caller that wants to do something about a failure asks errors.Is for its category. An error that is made of C's
message alone has none: callers compare texts, which the next version of the library changes. And == with a sentinel
stops being true on the day on which somebody wraps the error on its way.

The rule finds errors.New and fmt.Errorf of a text that C gave, without %w, in packages that other modules import;
and comparisons, by == or in a switch, of an error with a variable that holds one.

Silent: io.EOF, which readers return as it is; errors that a field holds, such as a category; what only a panic is
given; methods Is(error) bool, which errors.Is itself calls; comparisons in tests. A project may tell its users that
it never wraps, so the rule runs on request.`,
	Before: `
return fmt.Errorf("open: %s", C.GoString(C.lib_error(l.p)))`,
	After: `
return fmt.Errorf("%w: open: %s", category(status), C.GoString(C.lib_error(l.p)))`,
	Since:     "v0.1.0",
	Severity:  rule.Note,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"STA-01"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		if p.InTest(fn.Pos()) {
			continue
		}
		flow.Instructions(fn, func(instr ssa.Instruction) {
			switch instr := instr.(type) {
			case *ssa.BinOp:
				if sentinel := compared(instr); sentinel != nil && !isMethodIs(fn) {
					p.Report(instr.Pos(), "an error that wraps %s is not equal to it; errors.Is finds it", sentinel.Name())
				}
			case *ssa.Call:
				maker := makes(instr.Common())
				if maker == "" || !p.Importable() || wraps(instr.Common()) || ends(instr) {
					return
				}
				if slices.ContainsFunc(summary.Arguments(instr.Common()), func(arg ssa.Value) bool { return nativeText(p, arg, 0) }) {
					p.ReportAt(instr, "the error of %s is a text of C and nothing else: errors.Is finds no category in it", maker)
				}
			}
		})
	}
}

// compared is the variable with an error that a comparison by == or != is about, or nil.
func compared(op *ssa.BinOp) *ssa.Global {
	if op.Op != token.EQL && op.Op != token.NEQ || !isError(op.X.Type()) || !isError(op.Y.Type()) {
		return nil
	}
	for _, sides := range [][2]ssa.Value{{op.X, op.Y}, {op.Y, op.X}} {
		load, ok := sides[0].(*ssa.UnOp)
		if !ok {
			continue
		}
		global, ok := load.X.(*ssa.Global)
		_, absent := sides[1].(*ssa.Const)
		if field, _ := flow.Field(sides[1]); ok && !absent && field == nil && global.String() != "io.EOF" {
			return global
		}
	}
	return nil
}

func isError(typ types.Type) bool {
	return types.Identical(typ, types.Universe.Lookup("error").Type())
}

// isMethodIs recognises what errors.Is calls.
func isMethodIs(fn *ssa.Function) bool {
	return fn.Name() == "Is" && fn.Signature.Recv() != nil && fn.Signature.Params().Len() == 1
}

// makes is the function that a call makes an error by, or "".
func makes(call *ssa.CallCommon) string {
	fn := call.StaticCallee()
	if fn == nil || fn.Pkg == nil {
		return ""
	}
	switch name := fn.Pkg.Pkg.Path() + "." + fn.Name(); name {
	case "errors.New", "fmt.Errorf":
		return name
	}
	return ""
}

// wraps reports whether the format of an error has a %w.
func wraps(call *ssa.CallCommon) bool {
	format, ok := call.Args[0].(*ssa.Const)
	return ok && format.Value != nil && format.Value.Kind() == constant.String && strings.Contains(constant.StringVal(format.Value), "%w")
}

// ends reports whether an error goes to nobody but a panic.
func ends(made *ssa.Call) bool {
	for _, use := range flow.Track(made).Uses {
		if _, ok := use.Instr.(*ssa.Panic); !ok {
			return false
		}
	}
	return true
}

// nativeText reports whether a string is, or begins or ends with, one that C gave.
func nativeText(p *rule.Pass, v ssa.Value, depth int) bool {
	switch v := flow.Root(v).(type) {
	case *ssa.BinOp:
		return v.Op == token.ADD && (nativeText(p, v.X, depth) || nativeText(p, v.Y, depth))
	case *ssa.Call:
		if name := p.Know.C(v.Common()); name == "GoString" || name == "GoStringN" {
			return true
		}
		callee := v.Call.StaticCallee()
		return callee != nil && depth < 3 && returnsText(p, callee, depth+1)
	}
	return false
}

// returnsText reports whether a function of the package gives a text of C wherever it returns.
func returnsText(p *rule.Pass, fn *ssa.Function, depth int) bool {
	if fn.Signature.Results().Len() != 1 {
		return false
	}
	results := flow.Results(fn, 0)
	return len(results) > 0 && !slices.ContainsFunc(results, func(v ssa.Value) bool { return !nativeText(p, v, depth) })
}
