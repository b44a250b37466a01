// Package cstring is the rule about memory of C that nobody frees.
package cstring

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "cstring",
	Title: "Memory from C.CString, C.CBytes or C.malloc is not freed on every path",
	Text: `
C.CString and C.CBytes copy into memory of C's heap, which the collector does not know. Each result must be
freed, on every path, unless somebody else takes it over.

The rule follows each result through variables, conversions, closures, local structs and arrays, and helpers
of this and other packages that allocate or free. It reports results that are never freed, results that some
return statement leaves behind, results that are stored in a field of a copy (a value receiver), and results
stored in a private field that nothing frees, or that a setter (SetName, OnName) stores over what is there, and
results that a loop makes anew before they are freed. Functions that free are known by their names (free, destroy,
release, delete, close, unref and so on).

Silent: what is returned, stored where others may find it, sent, or given to Go code that may keep it; C
functions whose names say that they take over, or that are given a function that frees; what is allocated once
in the life of a program, in the initialisation of a package or under a sync.Once. For memory from C.malloc
the rule wants evidence that this function is its owner: a path on which it frees.

In a package without types (a header is missing, say) the rule reports only C.CString and C.CBytes that are written
as arguments of a C function, where no variable keeps what must be freed.`,
	Before: `
func (d *DB) SetName(name string) error {
	cname := C.CString(name)
	if rc := C.db_set_name(d.p, cname); rc != 0 {
		return fmt.Errorf("set name: %d", rc) // cname is lost
	}
	C.free(unsafe.Pointer(cname))
	return nil
}`,
	After: `
func (d *DB) SetName(name string) error {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	if rc := C.db_set_name(d.p, cname); rc != 0 {
		return fmt.Errorf("set name: %d", rc)
	}
	return nil
}`,
	Since:      "v0.1.0",
	Severity:   rule.Warning,
	MergeIf:    rule.IfAny,
	Contracts:  []string{"VAL-05"},
	Directives: []string{"owner"},
	// Some of it can be seen without types.
	AllPackages: true,
	Run:         run,
}

func run(p *rule.Pass) {
	if p.Program == nil {
		withoutTypes(p)
		return
	}
	for _, fn := range p.Funcs {
		if once(fn) {
			continue
		}
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(*ssa.Call)
			if !ok {
				return
			}
			for _, value := range results(call) {
				// Handles, and cells that hold one, are the business of the rule about handles.
				if name := p.Know.Fresh(value); name != "" && !summary.HoldsHandle(call) && !summary.NewToken(call.Common()) {
					check(p, call, value, name)
				}
			}
		})
	}
}

// withoutTypes looks at the calls of all functions but those that run once in the life of a program.
func withoutTypes(p *rule.Pass) {
	for _, f := range p.Files {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil && fn.Name.Name == "init" {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if callee := typeutil.Callee(p.Info, call); callee != nil && callee.Pkg() != nil && callee.Pkg().Path() == "sync" {
					return false
				}
				argument(p, call)
				return true
			})
		}
	}
}

// argument reports what is allocated as the argument of a C function, without types. With one argument, the call of
// C could be a conversion to a type of C.
func argument(p *rule.Pass, call *ast.CallExpr) {
	name := ofC(call.Fun)
	if name == "" || len(call.Args) < 2 || summary.Frees(name) || p.Know.TakesOver(name) || p.Marked("owner", name) {
		return
	}
	if slices.ContainsFunc(call.Args, func(arg ast.Expr) bool { return summary.Frees(ofC(converted(arg))) }) {
		return // it is given a function that frees
	}
	for _, arg := range call.Args {
		if made, ok := ast.Unparen(arg).(*ast.CallExpr); ok {
			switch allocator := ofC(made.Fun); allocator {
			case "CString", "CBytes":
				p.Report(made.Pos(), "memory of C.%s is never freed", allocator)
			}
		}
	}
}

// converted is what is inside of the conversions around it.
func converted(e ast.Expr) ast.Expr {
	for {
		call, ok := ast.Unparen(e).(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return e
		}
		e = call.Args[0]
	}
}

// ofC is the name of C that an expression is, as in C.name, or "".
func ofC(e ast.Expr) string {
	if sel, ok := ast.Unparen(e).(*ast.SelectorExpr); ok {
		if c, ok := sel.X.(*ast.Ident); ok && c.Name == "C" {
			return sel.Sel.Name
		}
	}
	return ""
}

// once reports whether a function runs once in the life of a program.
func once(fn *ssa.Function) bool {
	for ; fn != nil; fn = fn.Parent() {
		if fn.Name() == "init" || strings.HasPrefix(fn.Name(), "init#") {
			return true
		}
		if fn.Parent() != nil && givenToSync(fn) {
			return true
		}
	}
	return false
}

// givenToSync reports whether a function literal is an argument of package sync: Once.Do, OnceFunc and so on.
func givenToSync(literal *ssa.Function) bool {
	found := false
	flow.Instructions(literal.Parent(), func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok {
			return
		}
		callee := call.Common().StaticCallee()
		if callee == nil || callee.Object() == nil || callee.Object().Pkg() == nil || callee.Object().Pkg().Path() != "sync" {
			return
		}
		for _, arg := range call.Common().Args {
			found = found || summary.Function(arg) == literal
		}
	})
	return found
}

// results are the values that a call returns and that somebody uses; of a single result, the call itself.
func results(call *ssa.Call) []ssa.Value {
	if _, tuple := call.Type().(*types.Tuple); !tuple {
		return []ssa.Value{call}
	}
	var values []ssa.Value
	for _, instr := range *call.Referrers() {
		if extract, ok := instr.(*ssa.Extract); ok {
			values = append(values, extract)
		}
	}
	return values
}

func check(p *rule.Pass, call *ssa.Call, value ssa.Value, allocator string) {
	fate := "is handed on"
	defer func() { p.Count(fmt.Sprintf("C.%s %s", allocator, fate)) }()
	what := "memory of C." + allocator
	if p.Know.C(call.Common()) == "" {
		what += ", allocated by " + call.Common().StaticCallee().Name() + ","
	}
	trail := flow.Track(value)
	ends := make(map[ssa.Instruction]bool)
	reachesC, frees := false, false
	for _, use := range trail.Uses {
		effect := p.Know.EffectOf(use)
		reachesC = reachesC || effect.ReachesC
		if use.Kind == flow.Argument {
			if name := p.Know.C(use.Call()); name != "" && (p.Marked("owner", name) || givenDestructor(use.Call())) {
				effect.Escapes = true
			}
		}
		if use.Kind == flow.Stored {
			if verdict := stored(p, use, what); verdict == lost {
				continue
			} else if verdict == reported {
				fate = "is never freed"
				return
			}
		}
		if effect.MayFree || effect.Escapes {
			frees = frees || effect.MayFree
			for _, at := range use.At {
				ends[at] = true
			}
		}
	}
	if (allocator == "malloc" || allocator == "calloc") && !frees && (reachesC || len(ends) > 0) {
		return
	}
	if len(ends) == 0 {
		fate = "is never freed"
		p.ReportAt(call, "%s is never freed", what)
		return
	}
	if frees {
		fate = "is freed on every path"
	} else {
		fate = "is handed on"
	}
	search := flow.Search{Stop: func(instr ssa.Instruction) bool { return ends[instr] }, NotNil: trail.Values}
	search.True, search.False = succeeded(call)
	if search.Reaches(call, call) {
		fate = "is not freed on some path"
		p.ReportAt(call, "%s is not freed before the loop makes it anew", what)
		return
	}
	if flow.DeferredBefore(ends, call) {
		return
	}
	if ret := search.From(call); ret != nil {
		fate = "is not freed on some path"
		p.ReportAt(call, "%s is not freed on the way to the return in line %d", what, line(p, ret))
	}
}

// succeeded are the conditions that hold if a call returned no error: else it allocated nothing.
func succeeded(call *ssa.Call) (holds, fails []ssa.Value) {
	if call.Referrers() == nil {
		return nil, nil
	}
	for _, instr := range *call.Referrers() {
		extract, ok := instr.(*ssa.Extract)
		if !ok || !types.Identical(extract.Type(), types.Universe.Lookup("error").Type()) {
			continue
		}
		for v := range flow.Track(extract).Values {
			for _, use := range *v.Referrers() {
				if cond, ok := use.(*ssa.BinOp); ok {
					switch cond.Op {
					case token.EQL:
						holds = append(holds, cond)
					case token.NEQ:
						fails = append(fails, cond)
					}
				}
			}
		}
	}
	return holds, fails
}

func line(p *rule.Pass, ret *ssa.Return) int {
	if ret.Pos().IsValid() {
		return p.Line(ret.Pos())
	}
	if syntax := ret.Parent().Syntax(); syntax != nil {
		return p.Line(syntax.End())
	}
	return 0
}

// givenDestructor reports whether a C function is also given a function that frees: then it frees itself.
func givenDestructor(call *ssa.CallCommon) bool {
	return slices.ContainsFunc(call.Args, func(arg ssa.Value) bool {
		if phi, ok := flow.Root(arg).(*ssa.Phi); ok {
			return slices.ContainsFunc(phi.Edges, isDestructor)
		}
		return isDestructor(arg)
	})
}

// isDestructor reports whether a value is a function of C that frees.
func isDestructor(v ssa.Value) bool {
	pointer, ok := flow.Root(v).(*ssa.Call)
	if !ok || pointer.Call.StaticCallee() == nil || pointer.Call.StaticCallee().Name() != "_Cgo_ptr" {
		return false
	}
	load, ok := pointer.Call.Args[0].(*ssa.UnOp)
	if !ok {
		return false
	}
	name, ok := strings.CutPrefix(load.X.Name(), "_Cfpvar_fp_")
	return ok && summary.Frees(name)
}

type verdict int

const (
	kept     verdict = iota // somebody may free it
	lost                    // stored where nobody will look
	reported                // the rule has spoken
)

// stored judges a store into something that is not a plain variable.
func stored(p *rule.Pass, use flow.Use, what string) verdict {
	store, ok := use.Instr.(*ssa.Store)
	if !ok {
		return kept
	}
	container := summary.Base(store.Addr)
	switch container.(type) {
	case *ssa.Alloc, *ssa.MakeSlice:
		if holds(p, container, make(map[ssa.Value]bool)) {
			return kept
		}
		return lost
	}
	field, owner := flow.Field(store.Addr)
	if field == nil || field.Exported() || field.Pkg() != p.Types {
		return kept
	}
	if summary.Named(owner.Type()) == nil || summary.IsC(owner.Type()) {
		return kept
	}
	if p.Replaces(use, field) {
		p.ReportAt(use.At[0], "%s is stored in field %s by a method that may be called again, and does not free what is there", what, field.Name())
		return reported
	}
	if p.Know.FieldFreed(field) {
		return kept
	}
	p.ReportAt(use.At[0], "%s is stored in field %s, which nothing frees", what, field.Name())
	return reported
}

// holds reports whether what is stored in a local struct, array or slice may be freed, or found by others.
func holds(p *rule.Pass, v ssa.Value, seen map[ssa.Value]bool) bool {
	if seen[v] || v.Referrers() == nil {
		return false
	}
	seen[v] = true
	for _, instr := range *v.Referrers() {
		switch instr := instr.(type) {
		case *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Slice, *ssa.UnOp, *ssa.Convert, *ssa.ChangeType, *ssa.Phi, *ssa.Field, *ssa.Index:
			if holds(p, instr.(ssa.Value), seen) {
				return true
			}
		case *ssa.Store:
			if instr.Val != v {
				continue
			}
			cell, ok := instr.Addr.(*ssa.Alloc)
			if !ok || holds(p, cell, seen) {
				return true
			}
		case ssa.CallInstruction:
			common := instr.Common()
			if b, ok := common.Value.(*ssa.Builtin); ok {
				if value, ok := instr.(ssa.Value); ok && b.Name() != "len" && b.Name() != "cap" && holds(p, value, seen) {
					return true
				}
				continue
			}
			for i, arg := range common.Args {
				if arg != v {
					continue
				}
				if name := p.Know.C(common); name != "" {
					if summary.Frees(name) || p.Know.TakesOver(name) || p.Marked("owner", name) || givenDestructor(common) {
						return true
					}
				} else if f := p.Know.Of(common); f == nil || i >= len(f.Params) || f.Params[i].Escapes || f.Params[i].MayFree || f.Params[i].FreesElements || len(f.Params[i].FreesFields) > 0 {
					return true
				}
			}
		case *ssa.BinOp, *ssa.If, *ssa.DebugRef:
		default:
			return true
		}
	}
	return false
}
