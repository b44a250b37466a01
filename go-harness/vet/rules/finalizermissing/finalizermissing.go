// Package finalizermissing is the rule about objects that nobody misses when they are not closed.
package finalizermissing

import (
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "finalizermissing",
	Title: "Nobody is told of an object with native memory that is not closed",
	Text: `
An object that owns native memory and that somebody forgets to close is gone without a trace: its memory is not Go's,
so no profile of Go shows it. A finalizer or a cleanup is the one place that can still tell, and for memory that any
thread may free, the one that can free.

The rule finds exported structs with a method that is named after freeing, such as Close, Free or Destroy, and that
frees a field of theirs, for which the package sets no finalizer and no cleanup, neither for them nor for something that
a field of theirs holds.

Silent: internal packages and programs; packages that set finalizers for what an interface or a type parameter holds,
since those may be any. A binding may leave it to its users, so the rule runs on request. What it asks for is a report:
a finalizer that frees what belongs to a thread is worse than none (finalizerc).`,
	Before: `
func Open() *DB { return &DB{p: C.db_open()} }

func (d *DB) Close() error { return status(C.db_close(d.p)) }`,
	After: `
func Open() *DB {
	d := &DB{p: C.db_open()}
	runtime.SetFinalizer(d, func(d *DB) { report("a DB was not closed") })
	return d
}

func (d *DB) Close() error {
	runtime.SetFinalizer(d, nil)
	return status(C.db_close(d.p))
}`,
	Since:     "v0.1.0",
	Severity:  rule.Note,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"HDL-15", "HDL-16"},
	Run:       run,
}

func run(p *rule.Pass) {
	watched, all := watched(p)
	if all {
		return
	}
	reported := make(map[*types.TypeName]bool)
	for _, fn := range p.Funcs {
		named := p.Owner(fn)
		if named == nil || reported[named.Obj()] || !p.Ends(fn) || watchedIn(p, named, watched, 0) {
			continue
		}
		reported[named.Obj()] = true
		p.Report(fn.Pos(), "nobody is told of a %s that is not given to %s: it has no finalizer and no cleanup", named.Obj().Name(), fn.Name())
	}
}

// watched are the types for whose objects the package sets a finalizer or a cleanup; all, if it may set one for any.
func watched(p *rule.Pass) (found typeNames, all bool) {
	found = make(typeNames)
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(ssa.CallInstruction)
			if !ok {
				return
			}
			if name := summary.RuntimeFunc(call.Common()); name != "SetFinalizer" && name != "AddCleanup" {
				return
			}
			if named := summary.Named(flow.Root(call.Common().Args[0]).Type()); named != nil {
				found[named.Obj()] = true
			} else {
				all = true
			}
		})
	}
	return found, all
}

type typeNames map[*types.TypeName]bool

// watchedIn reports whether objects of a type are watched, or something that a field of theirs holds.
func watchedIn(p *rule.Pass, named *types.Named, watched typeNames, depth int) bool {
	if watched[named.Obj()] || p.Know.FinalizedType(types.NewPointer(named)) != nil {
		return true
	}
	fields, ok := named.Underlying().(*types.Struct)
	if !ok || depth > 2 {
		return false
	}
	for field := range fields.Fields() {
		if held := summary.Named(field.Type()); held != nil && watchedIn(p, held, watched, depth+1) {
			return true
		}
	}
	return false
}
