// Package freelock is the rule about handles that are used without the lock that their release holds.
package freelock

import (
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "freelock",
	Title: "A handle goes to C without the lock that its release holds",
	Text: `
Who locks a mutex to free a handle expects calls from other goroutines. A method that gives the same handle to C
without the mutex may then be inside the library while the handle is freed.

The rule finds types with a method that frees a field of its receiver while it holds a mutex of the receiver, and
exported methods of the same type that give this field to C while they hold none.

Silent: methods that lock before, also through another method; methods that free; types all of whose methods
that give the field to C hold no lock, where the mutex protects something else. Some types promise their callers
no concurrency and lock only against a finalizer, which no rule can read, so this one runs on request.`,
	Before: `
func (t *Table) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	C.table_free(t.p)
	t.p = nil
}

func (t *Table) Len() int { return int(C.table_len(t.p)) }`,
	After: `
func (t *Table) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	C.table_free(t.p)
	t.p = nil
}

func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int(C.table_len(t.p))
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"HDL-09", "HDL-10"},
	Run:       run,
}

// use is a call of C on a field of the receiver.
type use struct {
	fn     *ssa.Function
	call   ssa.CallInstruction
	name   string
	field  *types.Var
	frees  bool
	locked bool
}

func run(p *rule.Pass) {
	uses := make(map[*types.Var][]use)
	for _, fn := range p.Funcs {
		if fn.Signature.Recv() == nil || len(fn.Params) == 0 {
			continue
		}
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(ssa.CallInstruction)
			if !ok {
				return
			}
			name := p.Know.C(call.Common())
			if name == "" {
				return
			}
			for i, arg := range call.Common().Args {
				if root, path := summary.Path(arg); root == ssa.Value(fn.Params[0]) && len(path) == 1 && summary.IsNative(path[0].Type()) {
					uses[path[0]] = append(uses[path[0]], use{fn, call, name, path[0], summary.FreesArgument(name, call.Common(), i), holds(fn, call)})
				}
			}
		})
	}
	for field, all := range uses {
		var release *use
		others := 0 // uses under the lock, besides releases
		for i, u := range all {
			switch {
			case u.frees && u.locked:
				release = &all[i]
			case !u.frees && u.locked:
				others++
			}
		}
		if release == nil || others == 0 {
			continue
		}
		for _, u := range all {
			if !u.locked && !u.frees && u.fn.Object() != nil && u.fn.Object().Exported() {
				p.ReportAt(u.call, "C.%s is given %s without the lock that %s holds while it frees it, in %s", u.name, field.Name(), release.fn.Name(), p.Place(p.Pos(release.call), p.Pos(u.call)))
			}
		}
	}
}

// holds reports whether a function may hold a lock at a call.
func holds(fn *ssa.Function, call ssa.Instruction) bool {
	held := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if lock, ok := instr.(*ssa.Call); ok && !held && locks(lock.Common(), 0) {
			held = flow.Reaches(lock, call, func(other ssa.Instruction) bool {
				unlock, ok := other.(*ssa.Call)
				return ok && unlocks(unlock.Common())
			})
		}
	})
	return held
}

func locks(call *ssa.CallCommon, depth int) bool {
	switch method, _ := summary.MutexCall(call); method {
	case "Lock", "RLock", "TryLock", "TryRLock":
		return true
	case "":
	default:
		return false
	}
	callee := call.StaticCallee()
	if callee == nil || depth > 2 {
		return call.IsInvoke() && call.Method.Name() == "Lock"
	}
	locking, unlocking := false, false
	flow.Instructions(callee, func(instr ssa.Instruction) {
		if inner, ok := instr.(ssa.CallInstruction); ok {
			locking = locking || locks(inner.Common(), depth+1)
			unlocking = unlocking || unlocks(inner.Common())
		}
	})
	return locking && !unlocking
}

func unlocks(call *ssa.CallCommon) bool {
	method, _ := summary.MutexCall(call)
	return method == "Unlock" || method == "RUnlock"
}
