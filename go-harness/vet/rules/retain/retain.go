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

The rule finds stores of an address of a Go variable, an allocation, a slice or a string through a pointer that
C.malloc, or another C function, returned, also if a field or a parameter holds the pointer. A function that does
the storing is found where it is called; so is a C function of the package that does nothing but store.

Silent: what is pinned, by the function or by all callers of a private one, unless the pin ends with the function and
the memory of C is returned or kept; memory of C; a C struct that is, or may be, itself a Go variable; integers.`,
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
		flow.Instructions(fn, func(instr ssa.Instruction) {
			switch instr := instr.(type) {
			case *ssa.Store:
				for _, address := range summary.Addresses(instr) {
					if p.Know.GoMemory(address) && p.Know.NativeMemory(instr.Addr) && !p.Know.Pinned(fn, address, instr.Addr) {
						p.Report(instr.Pos(), "the address of Go memory is stored in memory of C, where it keeps nothing alive; pin it first")
					}
				}
			case ssa.CallInstruction:
				for _, arg := range p.Know.StoredBy(instr.Common()) {
					if p.Know.GoMemory(arg) && !p.Know.Pinned(fn, arg, nil) {
						p.ReportAt(instr, "%s stores the address of Go memory in memory of C, where it keeps nothing alive; pin it first", p.Know.Callee(instr.Common()))
					}
				}
			}
		})
	}
}
