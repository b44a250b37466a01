// Package lockpair is the rule about locks that some way out of a function leaves behind.
package lockpair

import (
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
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
the unlock, and a lock that a loop takes again without the unlock. A mutex may be a field, a variable or a
parameter. TryLock is a lock where it returns true. Conditions that were met before on the way are remembered. It
also finds an RLock that is undone by Unlock, and a Lock that is undone by RUnlock: both end the process.

Silent: functions that only lock (the owner of a thread, a lock helper); deferred unlocks; ways that end in a
panic; a mutex whose address is handed on. Where a function unlocks what it has not locked, and may be called
from anywhere, the two are a protocol: then a lock may stay, but not on the way to an error.`,
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

func run(p *rule.Pass) {
	e := newEffects(p)
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if call, ok := instr.(*ssa.Call); ok {
				if lock, does := event(p, call); lock != nil && does != undoes {
					e.check(fn, call, lock, does == tries)
				}
			}
		})
	}
}

// check looks for a way out of a function on which a lock that a call takes is not undone.
func (e *effects) check(fn *ssa.Function, call *ssa.Call, taken *lock, tried bool) {
	ends, undone := e.ends(fn, taken)
	if !undone {
		e.checkMethod(fn, call, taken)
		return
	}
	for end := range ends {
		// A literal that undoes it is in a function that was made before, as by sync.OnceFunc: who knows where that runs?
		if makesFunc(end) && flow.Before(end, call) {
			return
		}
	}
	protocol := e.protocols[taken.kind()]
	search := flow.Search{Stop: func(instr ssa.Instruction) bool {
		// Who enters, by a protocol, leaves the lock to the caller, but not with an error.
		ret, ok := instr.(*ssa.Return)
		return ends[instr] || ok && protocol && !fails(ret)
	}}
	if tried {
		search.True = []ssa.Value{call}
	}
	if ret := search.From(call); ret != nil && !flow.DeferredBefore(ends, call) {
		e.pass.ReportAt(call, "%s is not undone on the way to the return in line %d", taken, returnLine(e.pass, ret))
		return
	}
	made, _ := taken.root.(ssa.Instruction)
	search.Stop = func(instr ssa.Instruction) bool { return ends[instr] || made != nil && instr == made } // another mutex
	if !tried && !protocol && search.Reaches(call, call) {
		e.pass.ReportAt(call, "%s is locked again by the loop, and not undone in between", taken)
	}
}

// makesFunc reports whether a call returns a function.
func makesFunc(instr ssa.Instruction) bool {
	call, ok := instr.(*ssa.Call)
	if !ok {
		return false
	}
	_, ok = call.Type().Underlying().(*types.Signature)
	return ok
}

// ends are the instructions of a function after which a lock is undone, or the business of others. undone is set if
// one of them undoes it.
func (e *effects) ends(fn *ssa.Function, taken *lock) (ends map[ssa.Instruction]bool, undone bool) {
	ends = make(map[ssa.Instruction]bool)
	kind := taken.kind()
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if other, does := event(e.pass, instr); other != nil {
			if does == undoes && other.is(taken) {
				ends[instr], undone = true, true
			}
			return
		}
		switch instr := instr.(type) {
		case *ssa.MakeClosure:
			if instr.Fn.(*ssa.Function).Synthetic != "" && taken.among(instr.Bindings) {
				ends[instr] = true // the method itself, as a value
			}
			if !e.undoes[instr.Fn.(*ssa.Function)][kind] {
				return
			}
			undone = true
			runs, known := flow.Runs(instr)
			if !known {
				ends[instr] = true
			}
			for _, run := range runs {
				ends[run] = true
			}
		case ssa.CallInstruction:
			callee := instr.Common().StaticCallee()
			if e.undoes[callee][kind] && !e.takes[callee][kind] {
				ends[instr], undone = true, true
			}
			if taken.among(instr.Common().Args) {
				ends[instr] = true // it has the mutex
			}
		}
	})
	return ends, undone
}

// checkMethod looks for a mutex that is undone by the method for another way of locking it, and only so.
func (e *effects) checkMethod(fn *ssa.Function, call *ssa.Call, taken *lock) {
	other := &lock{taken.root, taken.path, !taken.read}
	if taken.root == nil || e.takes[fn][other.kind()] {
		return
	}
	locking, unlocking := "Lock", "RUnlock"
	if taken.read {
		locking, unlocking = "RLock", "Unlock"
	}
	flow.Instructions(fn, func(instr ssa.Instruction) {
		wrong, does := event(e.pass, instr)
		if wrong != nil && does == undoes && wrong.is(other) && flow.Reaches(call, instr, nil) {
			e.pass.ReportAt(instr, "%s was locked by %s in line %d: %s ends the process", taken, locking, e.pass.Line(e.pass.Pos(call)), unlocking)
		}
	})
}

// fails reports whether a function returns an error for certain.
func fails(ret *ssa.Return) bool {
	last := len(ret.Results) - 1
	if last < 0 || !types.Identical(ret.Results[last].Type(), types.Universe.Lookup("error").Type()) {
		return false
	}
	values := flow.ReturnedAt(ret, last)
	return len(values) > 0 && !slices.ContainsFunc(values, func(v ssa.Value) bool { return !isError(v) })
}

// isError reports whether a value is an error, and never nil: a variable of a package, or made on the spot.
func isError(v ssa.Value) bool {
	switch v := v.(type) {
	case *ssa.MakeInterface:
		return true
	case *ssa.UnOp:
		_, global := v.X.(*ssa.Global)
		return global
	case *ssa.Call:
		callee := v.Call.StaticCallee()
		return callee != nil && (callee.String() == "errors.New" || callee.String() == "fmt.Errorf")
	}
	return false
}

func returnLine(p *rule.Pass, ret *ssa.Return) int {
	if ret.Pos().IsValid() {
		return p.Line(ret.Pos())
	}
	return p.Line(ret.Parent().Syntax().End())
}
