// Package exportptr is the rule about exported functions that give C memory of Go.
package exportptr

import (
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "exportptr",
	Title: "A function that C calls returns a pointer into memory of Go",
	Text: `
What an exported function returns to C may not be, or hold, a pointer into memory of Go that is not pinned. The
runtime panics when it sees one ("cgo result is unpinned Go pointer"), and where the check is off or blind, C
keeps memory that the collector frees.

The rule finds exported functions, those with a comment //export, that return the address of a Go variable or
allocation, or a slice, map, channel, function or interface; and strings that are not constant.

Silent: memory of C; functions that pin; pointers whose origin is not known; nil.`,
	Before: `
//export goName
func goName() *C.char {
	text := append([]byte(name), 0)
	return (*C.char)(unsafe.Pointer(&text[0]))
}`,
	After: `
//export goName
func goName() *C.char {
	return C.CString(name) // C frees it
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"VAL-14"},
	Run:       run,
}

func run(p *rule.Pass) {
	for fn := range p.Exports() {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			ret, ok := instr.(*ssa.Return)
			// A return behind a recovered panic has no place, and no other results than those of deferred calls, which
			// count for each return.
			if !ok || ret.Block() == fn.Recover {
				return
			}
			for i := range ret.Results {
				for _, result := range flow.ReturnedAt(ret, i) {
					if what := held(p, result); what != "" && !p.Know.Pinned(fn, result, nil) {
						p.ReportAt(ret, "%s returns %s to C: the runtime panics, or C keeps what the collector frees", fn.Name(), what)
					}
				}
			}
		})
	}
}

// held names the memory of Go that a result holds, or is "".
func held(p *rule.Pass, v ssa.Value) string {
	root := flow.Root(v)
	if c, ok := root.(*ssa.Const); ok && (c.Value == nil || c.Value.String() != "") {
		return ""
	}
	switch typ := v.Type().Underlying().(type) {
	case *types.Slice:
		if p.Know.GoMemory(v) {
			return "a slice of Go"
		}
	case *types.Map, *types.Chan, *types.Signature, *types.Interface:
		if boxed, ok := v.(*ssa.MakeInterface); ok && flow.IsPointer(boxed.X.Type()) && !p.Know.GoMemory(v) {
			return "" // the interface holds the pointer itself
		}
		return "a Go " + kind(typ)
	case *types.Pointer:
		if p.Know.GoMemory(v) {
			return "a pointer into memory of Go"
		}
	case *types.Basic:
		switch {
		case typ.Kind() == types.UnsafePointer && p.Know.GoMemory(v):
			return "a pointer into memory of Go"
		case typ.Info()&types.IsString != 0 && made(p, root):
			return "a string of Go"
		}
	}
	return ""
}

func kind(typ types.Type) string {
	switch typ.(type) {
	case *types.Map:
		return "map"
	case *types.Chan:
		return "channel"
	case *types.Signature:
		return "function"
	}
	return "interface"
}

// made reports whether a string was made on the heap of Go.
func made(p *rule.Pass, v ssa.Value) bool {
	switch v := v.(type) {
	case *ssa.BinOp:
		return true
	case *ssa.Call:
		name := p.Know.C(v.Common())
		fn := v.Call.StaticCallee()
		return name == "GoString" || name == "GoStringN" || fn != nil && fn.Pkg != nil && fn.Pkg.Pkg.Path() == "fmt"
	}
	return false
}
