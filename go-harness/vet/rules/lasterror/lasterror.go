// Package lasterror is the rule about errors that a library keeps for each thread.
package lasterror

import (
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "lasterror",
	Title: "The error of the thread's last call is read on a thread that may be another one",
	Text: `
A library that keeps the last error for each thread gives the error of the calling thread. Between two calls
into C a goroutine may be moved to another thread, and another goroutine may call the library on this one. The
message is then empty, or that of somebody else's failure, and only under load.

The rule finds a C function that returns a last error (lib_last_error(), GetLastError, dlerror, lib_errno, a
helper of the preamble that returns errno, also through Go helpers), or writes it to a variable of the caller
(lib_get_error(&text)), after a call into C in the same function, where the thread is not locked on every path from
before the first call to the second. A literal that reads the error counts where it is deferred: it runs at the
end; and where it is started with go: a new goroutine has not made the call.

It also finds results of functions of the C library that lie in a buffer which the next call overwrites, where
nothing keeps that call away until the result is copied: of the thread (strerror), for which the thread must be
locked, or of the process (localtime, getpwnam), for which a mutex must be held.

Silent: functions that are given the object, or the code, whose error they explain; errors of a context (OpenGL,
OpenAL, EGL); windows that a helper opens around a function literal; private functions all of whose callers hold
the lock; two results of one call, as cgo returns errno.`,
	Before: `
if C.lib_open(cname) != 0 {
	return errors.New(C.GoString(C.lib_last_error())) // of which thread?
}`,
	After: `
runtime.LockOSThread()
defer runtime.UnlockOSThread()
if C.lib_open(cname) != 0 {
	return errors.New(C.GoString(C.lib_last_error()))
}`,
	Since:      "v0.1.0",
	Severity:   rule.Error,
	MergeIf:    rule.IfAny,
	Contracts:  []string{"STA-03"},
	Directives: []string{"thread-local", "object-error"},
	Run:        run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		depths := p.Know.Depths(fn)
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(ssa.CallInstruction)
			if !ok {
				return
			}
			getter := getterOf(p, call)
			switch call := call.(type) {
			case *ssa.Call:
				if getter == "" {
					checkBuffer(p, call, depths)
				} else if !summary.Dropped(call) { // else it explains nothing
					checkRead(p, call, call, getter, depths, true)
				}
			case *ssa.Defer:
				if getter != "" && p.Know.C(call.Common()) == "" { // else it clears the error
					checkDeferred(p, call, getter, depths)
				}
			case *ssa.Go:
				if callee := call.Call.StaticCallee(); getter == "" || callee == nil || callee.Parent() == nil {
					return // what a function does that is not written here may explain something else
				}
				if explained := lastCall(p, fn, call); explained != nil {
					p.ReportAt(call, "C.%s explains the thread's last call, but a new goroutine has not made %s in line %d; read the error before it starts",
						getter, describe(p, explained), p.Line(p.Pos(explained)))
				}
			}
		})
	}
}

// checkDeferred looks at each end of the function, where a deferred call runs.
func checkDeferred(p *rule.Pass, deferred *ssa.Defer, getter string, depths *summary.Depths) {
	held := !p.Know.UnlockedAfter(deferred)
	for _, end := range flow.Ends(deferred) {
		if checkRead(p, deferred, end, getter, depths, held) {
			return
		}
	}
}

// checkRead reports a call that reads the error at an instruction, unless the thread is locked from the call that the
// error explains until then. held is false if it is known not to be.
func checkRead(p *rule.Pass, call ssa.CallInstruction, at ssa.Instruction, getter string, depths *summary.Depths, held bool) (reported bool) {
	fn := call.Parent()
	explained := lastCall(p, fn, at)
	if explained == nil || held && depths.At(explained) > 0 && depths.At(at) > 0 && !unlockedBetween(p, explained, at) || locked(p, fn, 0) {
		return false
	}
	p.ReportAt(call, "C.%s explains the thread's last call, but between it and %s in line %d the goroutine may change threads; hold runtime.LockOSThread around both",
		getter, describe(p, explained), p.Line(p.Pos(explained)))
	return true
}

// getterOf is the C function that reads the thread's last error when a call is made, or "".
func getterOf(p *rule.Pass, call ssa.CallInstruction) string {
	name := p.Know.C(call.Common())
	if name != "" && p.Marked("thread-local", name) {
		return name
	}
	if getter := p.Know.ErrorGetter(call); getter != "" {
		if p.Marked("object-error", getter) {
			return ""
		}
		return getter
	}
	if f := p.Know.Of(call.Common()); f != nil && f.ReadsError != "" && !p.Marked("object-error", f.ReadsError) {
		return f.ReadsError
	}
	return ""
}

// lastCall is the call into C that comes last on some way before an instruction, or nil.
func lastCall(p *rule.Pass, fn *ssa.Function, at ssa.Instruction) ssa.Instruction {
	var last ssa.Instruction
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(*ssa.Call)
		if !ok || instr == at || !callsC(p, call) {
			return
		}
		stop := func(other ssa.Instruction) bool {
			c, ok := other.(*ssa.Call)
			return ok && other != ssa.Instruction(call) && callsC(p, c)
		}
		if flow.Reaches(call, at, stop) && (last == nil || flow.Before(last, call)) {
			last = call
		}
	})
	return last
}

func callsC(p *rule.Pass, call *ssa.Call) bool {
	if name := p.Know.C(call.Common()); name != "" {
		return getterOf(p, call) == "" && summary.MayFail(name, call)
	}
	if f := p.Know.Of(call.Common()); f != nil {
		return f.CallsC && f.ReadsError == ""
	}
	return callbackCallsC(p, call)
}

// callbackCallsC reports whether a call runs a parameter, for which some caller gives a literal that calls C.
func callbackCallsC(p *rule.Pass, call *ssa.Call) bool {
	param, ok := call.Call.Value.(*ssa.Parameter)
	if !ok {
		return false
	}
	i := slices.Index(call.Parent().Params, param)
	callers, _ := p.Know.Callers(call.Parent())
	return slices.ContainsFunc(callers, func(caller ssa.CallInstruction) bool {
		args := caller.Common().Args
		if i >= len(args) {
			return false
		}
		literal := summary.Function(args[i])
		if literal == nil {
			return false
		}
		f := p.Know.OfFunc(literal)
		return f != nil && f.CallsC
	})
}

func unlockedBetween(p *rule.Pass, from, to ssa.Instruction) bool {
	found := false
	flow.Instructions(from.Parent(), func(instr ssa.Instruction) {
		if call, ok := instr.(*ssa.Call); ok && p.Know.LockOf(call.Common()) < 0 && flow.Reaches(from, instr, nil) && flow.Reaches(instr, to, func(other ssa.Instruction) bool { return other == from }) {
			found = true
		}
	})
	return found
}

// locked reports whether a function runs only while the thread is locked: all callers hold the lock, or it is
// a literal for a helper that holds it.
func locked(p *rule.Pass, fn *ssa.Function, depth int) bool {
	if depth > 4 {
		return false
	}
	if made := flow.Closure(fn); made != nil {
		runs, known := flow.Runs(made)
		if !known || len(runs) == 0 {
			return false
		}
		for _, run := range runs {
			call := run.(ssa.CallInstruction).Common()
			if !windowed(p, call, made) && !holds(p, run, depth) {
				return false
			}
		}
		return true
	}
	if fn.Parent() != nil {
		return lockedLiteral(p, fn, depth)
	}
	calls, all := p.Know.Callers(fn)
	if !all {
		return false
	}
	for _, call := range calls {
		if call.Parent() != fn && !holds(p, call, depth) {
			return false
		}
	}
	return true
}

// lockedLiteral is locked for a literal that captures nothing, which is a plain function value.
func lockedLiteral(p *rule.Pass, fn *ssa.Function, depth int) bool {
	used, held := false, true
	flow.Instructions(fn.Parent(), func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok {
			return
		}
		for _, arg := range call.Common().Args {
			if flow.Root(arg) == ssa.Value(fn) {
				used = true
				held = held && (windowed(p, call.Common(), arg) || holds(p, instr, depth))
			}
		}
	})
	return used && held
}

// windowed reports whether a call runs one of its arguments with the thread locked.
func windowed(p *rule.Pass, call *ssa.CallCommon, argument ssa.Value) bool {
	f := p.Know.Of(call)
	if f == nil {
		return false
	}
	for i, arg := range call.Args {
		if flow.Root(arg) == flow.Root(argument) && i < len(f.Params) && f.Params[i].Window {
			return true
		}
	}
	return false
}

func holds(p *rule.Pass, at ssa.Instruction, depth int) bool {
	return p.Know.Depths(at.Parent()).At(at) > 0 || locked(p, at.Parent(), depth+1)
}

func describe(p *rule.Pass, instr ssa.Instruction) string {
	common := instr.(ssa.CallInstruction).Common()
	if name := p.Know.C(common); name != "" {
		return "C." + name
	}
	if fn := common.StaticCallee(); fn != nil {
		return fn.Name()
	}
	return "the call"
}
