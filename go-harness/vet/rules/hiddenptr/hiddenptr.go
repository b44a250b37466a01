// Package hiddenptr is the rule about Go memory whose address goes to C as an integer.
package hiddenptr

import (
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "hiddenptr",
	Title: "The address of Go memory goes to C as an integer, which keeps nothing alive",
	Text: `
cgo keeps what its pointer arguments point to where it is until the call returns. It does not know of an integer
that holds an address: the object may be collected during the call, and if it lies on a stack the stack may move.
The checks of cgo do not see it either.

The rule finds addresses of Go variables and allocations that are converted to uintptr and given to a C function.

Silent: functions that pin; calls through purego.SyscallN and its like, which keep such arguments alive; memory
of C; integers that are only compared or printed.`,
	Before: `
buf := make([]byte, n)
C.lib_read(C.uintptr_t(uintptr(unsafe.Pointer(&buf[0]))), C.size_t(n))`,
	After: `
// static void read_at(void *p, size_t n) { lib_read((uintptr_t)p, n); }
buf := make([]byte, n)
C.read_at(unsafe.Pointer(&buf[0]), C.size_t(n))`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"VAL-03"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		if summary.Pins(fn) {
			continue
		}
		flow.Instructions(fn, func(instr ssa.Instruction) {
			convert, ok := instr.(*ssa.Convert)
			if !ok || !flow.IsInteger(convert.Type()) || flow.IsInteger(convert.X.Type()) || !summary.GoMemory(convert.X) {
				return
			}
			for _, use := range flow.Track(convert).Uses {
				if use.Kind != flow.Argument || use.Index < 0 || !flow.IsInteger(use.Value.Type()) {
					continue
				}
				if name := summary.CName(use.Call().StaticCallee()); name != "" {
					p.ReportAt(use.Instr, "C.%s is given the address of Go memory as an integer: nothing keeps the memory alive, or in its place", name)
					return
				}
			}
		})
	}
}
