// Package lockpair is the rule about locks that some way out of a function leaves behind.
package lockpair

import (
	"fmt"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "lockpair",
	Title: "A LockOSThread or a mutex is not undone on some path",
	Text: `
A thread that stays locked belongs to its goroutine for ever; one that is locked in a loop and unlocked once is
still locked. A mutex that stays locked stops whoever comes next.

The rule looks at functions that lock and also unlock, and finds a return that is reached from the lock without
the unlock. Conditions that were met before on the way are remembered.

Silent: functions that only lock (the owner of a thread, a lock helper); deferred unlocks; ways that end in a
panic; locks that other functions of the package undo without having locked, which is a protocol of its own.`,
	Before: `
runtime.LockOSThread()
if rc := C.lib_open(p); rc != 0 {
	return lastError() // still locked
}
runtime.UnlockOSThread()
return nil`,
	After: `
runtime.LockOSThread()
defer runtime.UnlockOSThread()
if rc := C.lib_open(p); rc != 0 {
	return lastError()
}
return nil`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"STA-09"},
	Run:       run,
}

// lock is what is locked: the thread, or a mutex.
type lock struct {
	name string // as the source reaches it
	kind string // what other functions call the same; for a mutex, its field
	verb string // of the unlock
}

func run(p *rule.Pass) {
	undone := make(map[string]bool) // kinds that a function unlocks without having locked
	for _, fn := range p.Funcs {
		locks := make(map[string]bool)
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if l, up := event(p, instr); l != nil && up {
				locks[l.kind] = true
			}
		})
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if l, up := event(p, instr); l != nil && !up && !locks[l.kind] && fn.Parent() == nil {
				undone[l.kind] = true
			}
		})
	}
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if _, ok := instr.(*ssa.Call); !ok {
				return
			}
			if l, up := event(p, instr); l != nil && up && !undone[l.kind] {
				check(p, fn, instr, l)
			}
		})
	}
}

func check(p *rule.Pass, fn *ssa.Function, locking ssa.Instruction, l *lock) {
	unlocks := make(map[ssa.Instruction]bool)
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if other, up := event(p, instr); other != nil && !up && other.name == l.name && other.verb == l.verb {
			unlocks[instr] = true
		}
		if made, ok := instr.(*ssa.MakeClosure); ok && unlocksWithin(p, made.Fn.(*ssa.Function), l) {
			runs, known := flow.Runs(made)
			if !known {
				unlocks[instr] = true
			}
			for _, run := range runs {
				unlocks[run] = true
			}
		}
	})
	if len(unlocks) == 0 {
		return
	}
	if flow.DeferredBefore(unlocks, locking) {
		return
	}
	search := flow.Search{Stop: func(instr ssa.Instruction) bool { return unlocks[instr] }}
	if ret := search.From(locking); ret != nil {
		p.ReportAt(locking, "%s is not undone on the way to the return in line %d", l.name, returnLine(p, ret))
	}
}

func returnLine(p *rule.Pass, ret *ssa.Return) int {
	if ret.Pos().IsValid() {
		return p.Line(ret.Pos())
	}
	return p.Line(ret.Parent().Syntax().End())
}

func unlocksWithin(p *rule.Pass, fn *ssa.Function, l *lock) bool {
	found := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if other, up := event(p, instr); other != nil && !up && other.kind == l.kind {
			found = true
		}
	})
	return found
}

// event is the lock that an instruction takes (up) or undoes, or nil.
func event(p *rule.Pass, instr ssa.Instruction) (l *lock, up bool) {
	call, ok := instr.(ssa.CallInstruction)
	if !ok {
		return nil, false
	}
	common := call.Common()
	switch p.Know.LockOf(common) {
	case 1:
		return &lock{"runtime.LockOSThread", "thread", "UnlockOSThread"}, true
	case -1:
		return &lock{"runtime.LockOSThread", "thread", "UnlockOSThread"}, false
	}
	method, mutex := summary.MutexCall(common)
	if mutex == nil {
		return nil, false
	}
	root, path := summary.Path(common.Args[0])
	name := fmt.Sprintf("%s of %s", mutex.Name(), root.Name())
	if len(path) > 1 {
		name = fmt.Sprintf("%s of %s.%s", mutex.Name(), root.Name(), path[len(path)-2].Name())
	}
	kind := fmt.Sprintf("%p", mutex)
	switch method {
	case "Lock":
		return &lock{name, kind, "Unlock"}, true
	case "RLock":
		return &lock{name, kind + "R", "RUnlock"}, true
	case "Unlock":
		return &lock{name, kind, "Unlock"}, false
	case "RUnlock":
		return &lock{name, kind + "R", "RUnlock"}, false
	}
	return nil, false
}
