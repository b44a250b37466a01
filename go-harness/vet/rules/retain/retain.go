// Package retain is the rule about addresses of Go memory that are stored in memory of C.
package retain

import (
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "retain",
	Title: "The address of Go memory is stored in memory of C without being pinned",
	Text: `
The collector does not look into memory of C. A Go pointer that is stored there keeps nothing alive, and is
forbidden unless what it points to is pinned. The check for it, GOEXPERIMENT=cgocheck2, is off by default.

The rule finds stores of an address of a Go variable or allocation through a pointer that C.malloc, or another C
function, returned.

Silent: functions that pin; memory of C; a C struct that is itself a Go variable; integers.`,
	Before: `
req := (*C.request)(C.calloc(1, C.sizeof_request))
req.data = unsafe.Pointer(&buf[0])`,
	After: `
req := (*C.request)(C.calloc(1, C.sizeof_request))
pinner.Pin(&buf[0]) // until C has let go
req.data = unsafe.Pointer(&buf[0])`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"VAL-04"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		if summary.Pins(fn) {
			continue
		}
		flow.Instructions(fn, func(instr ssa.Instruction) {
			store, ok := instr.(*ssa.Store)
			if ok && flow.IsPointer(store.Val.Type()) && summary.GoMemory(store.Val) && p.Know.NativeMemory(store.Addr) {
				p.Report(store.Pos(), "the address of Go memory is stored in memory of C, where it keeps nothing alive; pin it first")
			}
		})
	}
}
