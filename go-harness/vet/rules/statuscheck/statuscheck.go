// Package statuscheck is the rule about results of C functions that nobody looks at.
package statuscheck

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
	Name:  "statuscheck",
	Title: "The status that a C function returns is dropped",
	Text: `
A C function says by its result that it failed. Who drops the result goes on as if it had not.

The rule finds calls of C functions whose integer result is dropped, though the same package compares the result
of the same function with something elsewhere, or the result has a type that is named after an error or a status.

Silent: results that are assigned to the blank identifier; functions that free, and deferred calls. Some calls
cannot fail where they stand, so the rule runs on request.`,
	Before: `
C.lib_configure(l.p, C.int(level))
return nil`,
	After: `
if rc := C.lib_configure(l.p, C.int(level)); rc != 0 {
	return fmt.Errorf("configure: status %d", rc)
}
return nil`,
	Since:     "v0.1.0",
	Severity:  rule.Note,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"STA-10"},
	Run:       run,
}

func run(p *rule.Pass) {
	compared := make(map[string]bool)
	var dropped []*ssa.Call
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(*ssa.Call)
			if !ok {
				return
			}
			name := p.Know.C(call.Common())
			if name == "" || !flow.IsInteger(call.Type()) {
				return
			}
			for _, use := range flow.Track(call).Uses {
				if use.Kind == flow.Compared || use.Kind == flow.Argument {
					compared[name] = true
				}
			}
			if len(*call.Referrers()) == 0 && !summary.Frees(name) && p.Statement(call) {
				dropped = append(dropped, call)
			}
		})
	}
	for _, call := range dropped {
		if name := p.Know.C(call.Common()); compared[name] || status(call.Type()) {
			p.ReportAt(call, "the status of C.%s is dropped", name)
		}
	}
}

// status reports whether a type is named after what says that a call failed.
func status(typ types.Type) bool {
	name := types.TypeString(typ, func(*types.Package) string { return "" })
	for _, word := range summary.Words(strings.TrimPrefix(name, "_Ctype_")) {
		switch word {
		case "status", "err", "error", "result", "rc", "code":
			return true
		}
	}
	return false
}
