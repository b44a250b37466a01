// Package nativeptr is the rule about numbers that are addresses of native objects.
package nativeptr

import (
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "nativeptr",
	Title: "An address that is kept as a number becomes a pointer outside of a call of C",
	Text: `
A binding that hands addresses of native objects through, such as a window or a device, keeps each as a number: a type
whose underlying type is uintptr. The collector must not follow it, and Go must not read through it. As a pointer in a
variable of Go it can be mistaken for one into the heap of Go, and is checked as one.

The rule finds values of such types that are converted to unsafe.Pointer anywhere but in the argument of a C function.

Silent: uintptr itself, which is what address arithmetic is done with; handles, which another rule knows; C's own
types. How a project passes such addresses is its choice, so the rule runs on request.`,
	Before: `
func (s *Surface) Attach(w NativePointer) {
	s.window = unsafe.Pointer(w)
}`,
	After: `
func (s *Surface) Attach(w NativePointer) {
	s.window = w // a number, until C.surface_attach(s.p, C.uintptr_t(s.window))
}`,
	Since:     "v0.1.0",
	Severity:  rule.Note,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"VAL-12"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			convert, ok := instr.(*ssa.Convert)
			if !ok || !flow.IsUnsafePointer(convert.Type()) {
				return
			}
			if number := address(convert.X); number != nil && !goesToC(p, convert) {
				p.Report(convert.Pos(), "a %s is a number, and here becomes a pointer of Go; convert it where C is called", number.Name())
			}
		})
	}
}

// address is the type of numbers that a value was converted from, or nil.
func address(v ssa.Value) *types.TypeName {
	for {
		if named, ok := types.Unalias(v.Type()).(*types.Named); ok && isAddress(named) {
			return named.Obj()
		}
		switch x := v.(type) {
		case *ssa.Convert:
			v = x.X
		case *ssa.ChangeType:
			v = x.X
		default:
			return nil
		}
	}
}

func isAddress(named *types.Named) bool {
	basic, ok := named.Underlying().(*types.Basic)
	return ok && basic.Kind() == types.Uintptr && !strings.HasPrefix(named.Obj().Name(), "_Ctype_") && !summary.IsHandle(named)
}

// goesToC reports whether a pointer is an argument of C functions and nothing else.
func goesToC(p *rule.Pass, pointer ssa.Value) bool {
	uses := flow.Track(pointer).Uses
	for _, use := range uses {
		if use.Kind != flow.Argument || p.Know.C(use.Call()) == "" {
			return false
		}
	}
	return len(uses) > 0
}
