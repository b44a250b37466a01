// Package cbtoken is the rule about what C is given to carry back to Go.
package cbtoken

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
	Name:  "cbtoken",
	Title: "A handle that C carries as user_data is never deleted, or can never be",
	Text: `
A cgo.Handle keeps its value alive until Delete is called, for the life of the process if need be.

The rule follows each result of cgo.NewHandle (and of pointer.Save). It reports handles that are never deleted;
handles that some return statement leaves behind while another path deletes them; handles in a private field on
which nothing calls Delete; cells of C memory that hold a handle and that nothing frees, though the handle in
them is deleted; and handles that keep the owner alive whose finalizer was to delete them: such a finalizer never
runs.

Silent: handles that are stored where others may find them, returned, or given to Go code that may keep them;
handles that C gives back to a function of the package that deletes what it is given.`,
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
			if summary.NewToken(call.Common()) && !packageLevel(fn) {
				checkToken(p, call, foreign)
			}
			checkCell(p, call)
		})
	}
}

func packageLevel(fn *ssa.Function) bool {
	return fn.Name() == "init" || strings.HasPrefix(fn.Name(), "init#")
}

func checkToken(p *rule.Pass, call *ssa.Call, foreign bool) {
	what := call.Call.StaticCallee().Name()
	if what == "NewHandle" {
		what = "the handle of cgo.NewHandle"
	} else {
		what = "the token of pointer.Save"
	}
	trail := flow.Track(call)
	if cycle(p, call, trail) {
		return
	}
	ends := make(map[ssa.Instruction]bool)
	deletes, inC := false, false
	for _, use := range trail.Uses {
		effect := p.Know.EffectOf(use)
		if use.Kind == flow.Stored {
			if field, ok := privateField(p, use); ok && !p.Know.FieldFreed(field) {
				p.ReportAt(call, "%s is stored in field %s, on which nothing calls Delete", what, field.Name())
				return
			}
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
	if len(ends) == 0 {
		if !(inC && foreign) {
			p.ReportAt(call, "%s is never deleted", what)
		}
		return
	}
	if !deletes {
		return
	}
	if flow.DeferredBefore(ends, call) {
		return
	}
	search := flow.Search{Stop: func(instr ssa.Instruction) bool { return ends[instr] }, NotNil: trail.Values}
	if ret := search.From(call); ret != nil && !(inC && foreign) {
		line := 0
		if ret.Pos().IsValid() {
			line = p.Line(ret.Pos())
		} else {
			line = p.Line(ret.Parent().Syntax().End())
		}
		p.ReportAt(call, "%s is not deleted on the way to the return in line %d", what, line)
	}
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
	named := summary.Named(owner.Type())
	return field, named != nil && !strings.HasPrefix(named.Obj().Name(), "_C")
}

// cycle reports handles whose value is the object that stores the handle and deletes it when it is finalized.
func cycle(p *rule.Pass, call *ssa.Call, trail *flow.Trail) bool {
	owner := flow.Root(call.Call.Args[0])
	for _, use := range trail.Uses {
		field, ok := privateField(p, use)
		if !ok {
			continue
		}
		root, _ := summary.Path(use.Instr.(*ssa.Store).Addr)
		if root == owner && finalized(p, owner.Type()) {
			p.ReportAt(call, "the handle in field %s keeps its own object alive: the finalizer of %s never runs", field.Name(),
				types.TypeString(owner.Type(), types.RelativeTo(p.Types)))
			return true
		}
	}
	return false
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

// deletesForeign reports whether the package deletes a handle that comes from C: an argument, what C memory
// holds, or what a function made of them. Handles in fields, elements and variables of Go are its own.
func deletesForeign(p *rule.Pass) bool {
	found := false
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(ssa.CallInstruction)
			if !ok || !summary.Deletes(call.Common()) {
				return
			}
			root, path := summary.Path(call.Common().Args[0])
			switch root := root.(type) {
			case *ssa.Parameter:
				found = found || len(path) == 0
			case *ssa.Call:
				found = found || !summary.NewToken(root.Common())
			case *ssa.UnOp:
				switch root.X.(type) {
				case *ssa.Convert, *ssa.ChangeType, *ssa.Parameter:
					found = true
				}
			}
		})
	}
	return found
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
		named := summary.Named(owner.Type())
		if named != nil && strings.HasPrefix(named.Obj().Name(), "_C") && p.Know.FieldRead(field) && !p.Know.FieldFreed(field) {
			p.ReportAt(call, "the memory that holds the handle is stored in %s, which is read back but never freed", field.Name())
		}
	}
}
