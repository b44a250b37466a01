// Package cbtoken is the rule about what C is given to carry back to Go.
package cbtoken

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "cbtoken",
	Title: "A handle that C carries as user_data is never deleted, or can never be",
	Text: `
A cgo.Handle keeps its value alive until Delete is called, for the life of the process if need be.

The rule follows each result of cgo.NewHandle, of pointer.Save, of functions that return one, and of functions
that put a value into a global map and return its key, if other functions take single keys out of it. It reports
tokens that are never deleted; that some return statement, or the next turn of a loop, leaves behind while
another path deletes them; that lie in a private field, or in a slice or map in one, on which nothing calls
Delete; that a method SetX or OnX puts in the place of an older one; cells of C memory that hold a handle and
that nothing frees, though the handle in them is deleted; and handles that keep the owner alive whose finalizer
was to delete them: such a finalizer never runs.

Silent: tokens that are stored where others may find them, returned, or given to Go code that may keep them;
tokens that C gives back to a function of the package that deletes what it is given; registries that are emptied
at once.

There is no fix: whether C still has the token when the function returns is not in the Go code, and a Delete that
comes too early is worse than one that is missing.`,
	Before: `
func (l *Library) Each(f func(int)) error {
	h := cgo.NewHandle(f)
	if rc := C.lib_each(l.p, C.uintptr_t(h)); rc != 0 {
		return fmt.Errorf("each: %d", rc) // h is lost
	}
	h.Delete()
	return nil
}`,
	After: `
func (l *Library) Each(f func(int)) error {
	h := cgo.NewHandle(f)
	defer h.Delete()
	if rc := C.lib_each(l.p, C.uintptr_t(h)); rc != 0 {
		return fmt.Errorf("each: %d", rc)
	}
	return nil
}`,
	Since:     "v0.1.0",
	Severity:  rule.Warning,
	MergeIf:   rule.IfAny,
	Contracts: []string{"CBK-08"},
	Run:       run,
}

func run(p *rule.Pass) {
	foreign := deletesForeign(p)
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(*ssa.Call)
			if !ok {
				return
			}
			if !packageLevel(fn) {
				for i, value := range results(call) {
					if what := p.Know.Token(call.Common(), i); what != "" && value != nil {
						checkToken(p, call, value, what, foreign)
					}
				}
			}
			checkCell(p, call)
		})
	}
}

func packageLevel(fn *ssa.Function) bool {
	return fn.Name() == "init" || strings.HasPrefix(fn.Name(), "init#")
}

// results are what a call returns, nil for what nobody uses; of a single result, the call itself.
func results(call *ssa.Call) []ssa.Value {
	tuple, ok := call.Type().(*types.Tuple)
	if !ok {
		return []ssa.Value{call}
	}
	values := make([]ssa.Value, tuple.Len())
	for _, instr := range *call.Referrers() {
		if extract, ok := instr.(*ssa.Extract); ok {
			values[extract.Index] = extract
		}
	}
	return values
}

func checkToken(p *rule.Pass, call *ssa.Call, value ssa.Value, what string, foreign bool) {
	fate := "is handed on"
	defer func() { p.Count("a token " + fate) }()
	trail := flow.Track(value)
	if cycle(p, call, trail) {
		fate = "is never deleted"
		return
	}
	ends := make(map[ssa.Instruction]bool)
	deletes, inC := false, false
	comesBack := foreign && slices.ContainsFunc(trail.Uses, func(use flow.Use) bool { return p.Know.EffectOf(use).ReachesC })
	for _, use := range trail.Uses {
		effect := p.Know.EffectOf(use)
		if field, ofC := keeper(p, use); field != nil {
			switch {
			case kept(p, use, field):
			case ofC:
				inC = true // whoever gets the struct has the token
				continue
			case comesBack:
				continue
			default:
				fate = "is never deleted"
				p.ReportAt(call, "%s is stored in field %s, on which nothing calls Delete", what, field.Name())
				return
			}
			if p.Replaces(use, field) {
				fate = "is not deleted on some path"
				p.ReportAt(call, "%s takes the place of an older one in field %s, which is never deleted then", what, field.Name())
				return
			}
		} else if use.Kind == flow.Stored && inNative(p, use) {
			inC = true
			continue
		}
		if use.Kind == flow.Shared && givenToC(p, use) {
			inC = true // the address of the variable: not the handle itself
			continue
		}
		inC = inC || effect.ReachesC
		if effect.MayFree || effect.Escapes {
			deletes = deletes || effect.MayFree
			for _, at := range use.At {
				ends[at] = true
			}
		}
	}
	if inC && foreign {
		fate = "is deleted by a callback"
		return
	}
	if len(ends) == 0 {
		fate = "is never deleted"
		p.ReportAt(call, "%s is never deleted", what)
		return
	}
	if !deletes {
		return
	}
	fate = "is deleted on every path"
	if flow.DeferredBefore(ends, call) {
		return
	}
	search := flow.Search{Stop: func(instr ssa.Instruction) bool { return ends[instr] }, NotNil: trail.Values}
	if ret := search.From(call); ret != nil {
		fate = "is not deleted on some path"
		line := 0
		if ret.Pos().IsValid() {
			line = p.Line(ret.Pos())
		} else {
			line = p.Line(ret.Parent().Syntax().End())
		}
		p.ReportAt(call, "%s is not deleted on the way to the return in line %d", what, line)
		return
	}
	if search.Reaches(call, call) {
		fate = "is not deleted on some path"
		p.ReportAt(call, "%s is not deleted before the loop makes the next one", what)
	}
}

// keeper is the field that a use stores a token in, itself or by way of a slice or map in it: a private one, or one
// of a struct of C; nil if there is none.
func keeper(p *rule.Pass, use flow.Use) (field *types.Var, ofC bool) {
	var owner ssa.Value
	switch instr := use.Instr.(type) {
	case *ssa.Store:
		field, owner = flow.Field(instr.Addr)
	case *ssa.MapUpdate:
		if instr.Value == use.Value {
			field, owner = flow.Field(instr.Map)
		}
	case *ssa.Call:
		field, owner = summary.Collects(instr)
	}
	if field == nil || field.Pkg() != p.Types {
		return nil, false
	}
	if ofC = summary.IsC(owner.Type()); ofC || summary.Named(owner.Type()) != nil && !field.Exported() {
		return field, ofC
	}
	return nil, false
}

// kept reports whether somebody may delete what a field holds.
func kept(p *rule.Pass, use flow.Use, field *types.Var) bool {
	if _, ok := use.Instr.(*ssa.Store); ok {
		return p.Know.FieldFreed(field)
	}
	return p.Know.ElementFreed(field)
}

// inNative reports whether a use stores into memory of C.
func inNative(p *rule.Pass, use flow.Use) bool {
	store, ok := use.Instr.(*ssa.Store)
	return ok && p.Know.NativeMemory(store.Addr)
}

func givenToC(p *rule.Pass, use flow.Use) bool {
	switch instr := use.Instr.(type) {
	case *ssa.Convert:
		for _, use := range flow.Track(instr).Uses {
			if use.Kind == flow.Argument && p.Know.EffectOf(use).Escapes {
				return false
			}
		}
		return true
	case ssa.CallInstruction:
		return p.Know.C(instr.Common()) != ""
	}
	return false
}

// privateField is the field of a Go struct of this package that a use stores into.
func privateField(p *rule.Pass, use flow.Use) (*types.Var, bool) {
	store, ok := use.Instr.(*ssa.Store)
	if !ok {
		return nil, false
	}
	field, owner := flow.Field(store.Addr)
	if field == nil || field.Exported() || field.Pkg() != p.Types {
		return nil, false
	}
	return field, summary.Named(owner.Type()) != nil && !summary.IsC(owner.Type())
}

// cycle reports handles whose value is the object that stores the handle and deletes it when it is finalized.
func cycle(p *rule.Pass, call *ssa.Call, trail *flow.Trail) bool {
	if len(call.Call.Args) == 0 {
		return false
	}
	value := flow.Root(call.Call.Args[0])
	for _, use := range trail.Uses {
		field, ok := privateField(p, use)
		if !ok {
			continue
		}
		owner, _ := summary.Path(use.Instr.(*ssa.Store).Addr)
		if (value == owner || captures(value, owner)) && finalized(p, owner.Type()) {
			p.ReportAt(call, "the handle in field %s keeps its own object alive: the finalizer of %s never runs", field.Name(),
				types.TypeString(owner.Type(), types.RelativeTo(p.Types)))
			return true
		}
	}
	return false
}

// captures reports whether a value is a function literal, or a bound method, that has an object.
func captures(v, object ssa.Value) bool {
	closure, ok := v.(*ssa.MakeClosure)
	if !ok {
		return false
	}
	return slices.ContainsFunc(closure.Bindings, func(bound ssa.Value) bool {
		return flow.Root(bound) == object || flow.Content(bound) != nil && flow.Root(flow.Content(bound)) == object
	})
}

// finalized reports whether objects of a type are given a finalizer or a cleanup.
func finalized(p *rule.Pass, typ types.Type) bool {
	found := false
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(ssa.CallInstruction)
			if !ok {
				return
			}
			switch summary.RuntimeFunc(call.Common()) {
			case "SetFinalizer", "AddCleanup":
				found = found || types.Identical(flow.Root(call.Common().Args[0]).Type(), typ) && summary.Function(call.Common().Args[1]) != nil
			}
		})
	}
	return found
}

// deletesForeign reports whether the package deletes a handle that comes from C: an argument of a function that C,
// or somebody who is not known, calls, what C memory holds, or what a function made of them. Handles in fields,
// elements and variables of Go are its own.
func deletesForeign(p *rule.Pass) bool {
	o := origins{p, p.Exports(), make(map[*ssa.Function][]ssa.Value)}
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if call, ok := instr.(*ssa.Call); ok && summary.RuntimeFunc(call.Common()) == "AddCleanup" {
				if cleanup := summary.Function(call.Call.Args[1]); cleanup != nil {
					o.cleanups[cleanup] = append(o.cleanups[cleanup], call.Call.Args[2])
				}
			}
		})
	}
	return p.AnyCall(func(call ssa.CallInstruction) bool {
		for i, arg := range call.Common().Args {
			use := flow.Use{Kind: flow.Argument, Instr: call, Value: arg, Index: i, At: []ssa.Instruction{call}}
			if (summary.Deletes(call.Common()) || flow.IsInteger(arg.Type()) || flow.IsUnsafePointer(arg.Type())) && p.Know.EffectOf(use).MayFree && p.Know.C(call.Common()) == "" && o.foreign(arg, 0) {
				return true
			}
		}
		return false
	})
}

// origins answers where handles come from.
type origins struct {
	pass    *rule.Pass
	exports map[*ssa.Function]*ast.FuncDecl
	// cleanups are functions that the runtime calls, with what it gives them.
	cleanups map[*ssa.Function][]ssa.Value
}

// foreign reports whether a handle may come from C.
func (o *origins) foreign(v ssa.Value, depth int) bool {
	root, path := summary.Path(v)
	switch root := root.(type) {
	case *ssa.Parameter:
		fn := root.Parent()
		if len(path) > 0 || o.exports[fn] != nil || depth > 4 {
			return len(path) == 0
		}
		args := slices.Clone(o.cleanups[fn])
		calls, all := o.pass.Know.Callers(fn)
		if !all && len(args) == 0 {
			return true
		}
		for _, call := range calls {
			if i := slices.Index(fn.Params, root); i < len(call.Common().Args) {
				args = append(args, call.Common().Args[i])
			}
		}
		return slices.ContainsFunc(args, func(arg ssa.Value) bool { return o.foreign(arg, depth+1) })
	case *ssa.Call:
		return o.pass.Know.Token(root.Common(), 0) == ""
	case *ssa.UnOp:
		switch root.X.(type) {
		case *ssa.Convert, *ssa.ChangeType, *ssa.Parameter:
			return true
		}
	}
	return false
}

// checkCell finds C memory that holds a handle, lies in a field of a C struct, and is never freed.
func checkCell(p *rule.Pass, call *ssa.Call) {
	if p.Know.Fresh(call) == "" || !summary.HoldsHandle(call) {
		return
	}
	for _, use := range flow.Track(call).Uses {
		store, ok := use.Instr.(*ssa.Store)
		if !ok || use.Kind != flow.Stored {
			continue
		}
		field, owner := flow.Field(store.Addr)
		if field == nil {
			continue
		}
		if summary.IsC(owner.Type()) && p.Know.FieldRead(field) && !p.Know.FieldFreed(field) {
			p.ReportAt(call, "the memory that holds the handle is stored in %s, which is read back but never freed", field.Name())
		}
	}
}
