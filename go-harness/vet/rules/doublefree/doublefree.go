// Package doublefree is the rule about native memory that is freed twice.
package doublefree

import (
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
	Name:  "doublefree",
	Title: "Native memory may be freed twice",
	Text: `
Close is called twice sooner or later: by hand and by defer, by two owners, by hand and then by a finalizer.
A method that frees what a field points to, and leaves the field as it was, then frees again what may belong to
somebody else by now.

The rule finds exported methods that free a field of their receiver, themselves or through a helper, without a
condition on the receiver before and without setting the field. It also finds two calls of the same function
that free the same value on one path, a deferred one among them.

Silent: methods that set the field, or the whole receiver; that check a flag of the receiver, a sync.Once, or an
atomic before; value receivers, which cannot remember; types that count references (a method named Retain, Ref
or the like), whose Release is meant to be called more than once; a C function with delete in its name, where another
one frees such objects; fields that hold nothing but memory of Go; internal packages, which only the module calls.`,
	Before: `
func (t *Table) Close() {
	C.table_free(t.p)
}`,
	After: `
func (t *Table) Close() {
	if t.p == nil {
		return
	}
	C.table_free(t.p)
	t.p = nil
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"HDL-01"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		checkMethod(p, fn)
		checkValues(p, fn)
	}
}

// checkMethod finds a field that an exported method frees and leaves set.
func checkMethod(p *rule.Pass, fn *ssa.Function) {
	recv := fn.Signature.Recv()
	if recv == nil || !p.Public(fn) || len(fn.Params) == 0 || countsReferences(fn.Params[0].Type(), fn.Name()) {
		return
	}
	if _, pointer := recv.Type().Underlying().(*types.Pointer); !pointer {
		return
	}
	events := left(p, fn, fn.Params[0], 0)
	if len(events) == 0 {
		return
	}
	var fields []string
	finalizer := ""
	for _, e := range events {
		fields = append(fields, e.field)
		if f := p.Know.FinalizedType(fn.Params[0].Type()); f != nil && slices.Contains(f.Fields, e.field) && !forgets(fn) {
			finalizer = ", and so does the finalizer"
		}
	}
	p.ReportAt(events[0].call, "%s frees %s and leaves it set: a second call frees it again%s", fn.Name(), strings.Join(fields, " and "), finalizer)
}

// event is a call that frees a field of the object.
type event struct {
	call  ssa.CallInstruction
	field string
}

// left are the fields of an object that a function frees, without a condition on the object, and does not set.
func left(p *rule.Pass, fn *ssa.Function, object ssa.Value, depth int) (events []event) {
	if depth > 3 || fn.Blocks == nil {
		return nil
	}
	set := written(fn, object)
	if set["*"] {
		return nil
	}
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok || guarded(call.Block(), object) {
			return
		}
		if _, ok := call.(*ssa.Go); ok {
			return
		}
		common := call.Common()
		name := p.Know.C(common)
		callee := common.StaticCallee()
		for i, arg := range common.Args {
			root, path := summary.Path(arg)
			if root != object {
				continue
			}
			switch {
			case len(path) > 0 && name != "" && ends(name, common.Args, i) && !onlyRemoves(p, name, arg.Type()) && !p.Know.OnlyGoMemory(path[len(path)-1]):
				if !set[path[len(path)-1].Name()] && !set[path[0].Name()] {
					events = append(events, event{call, path[len(path)-1].Name()})
				}
			case len(path) == 0 && callee != nil && callee != fn && name == "" && i < len(callee.Params) && callee.Object() != nil && !callee.Object().Exported():
				for _, inner := range left(p, callee, callee.Params[i], depth+1) {
					if !set[inner.field] {
						events = append(events, event{call, inner.field})
					}
				}
			case len(path) > 0 && callee != nil && name == "" && ownFree(p, callee, i):
				if !set[path[len(path)-1].Name()] && !set[path[0].Name()] {
					events = append(events, event{call, path[len(path)-1].Name()})
				}
			}
		}
	})
	return unique(events)
}

func unique(events []event) []event {
	var kept []event
	for _, e := range events {
		if !slices.ContainsFunc(kept, func(other event) bool { return other.field == e.field }) {
			kept = append(kept, e)
		}
	}
	return kept
}

// ends reports whether a C function ends the life of one of its arguments: it is the last, and what comes
// before is native too, such as a context. A function that deletes a part of an object is told which.
func ends(name string, args []ssa.Value, i int) bool {
	if i != len(args)-1 {
		return false
	}
	for _, arg := range args {
		if !summary.IsNative(arg.Type()) && !isNativeNamed(arg.Type()) {
			return false
		}
	}
	switch summary.FreeVerb(name) {
	case "", "finalize", "cleanup", "shutdown", "term", "fini", "deinit", "uninit":
		return false // mostly the end of what the object does, and not of the object
	}
	return true
}

// onlyRemoves reports whether a C function that deletes is given what the package frees by another one: it deletes
// something in a store, and leaves the object that stands for it.
func onlyRemoves(p *rule.Pass, name string, typ types.Type) bool {
	if summary.FreeVerb(name) != "delete" {
		return false
	}
	return p.AnyCall(func(call ssa.CallInstruction) bool {
		other := p.Know.C(call.Common())
		switch summary.FreeVerb(other) {
		case "free", "release", "unref":
			for i, arg := range call.Common().Args {
				if types.Identical(arg.Type(), typ) && summary.FreesArgument(other, call.Common(), i) {
					return true
				}
			}
		}
		return false
	})
}

// isNativeNamed reports whether a type is a named pointer of C, such as a typedef of void*.
func isNativeNamed(typ types.Type) bool {
	named, ok := types.Unalias(typ).(*types.Named)
	if !ok || !strings.HasPrefix(named.Obj().Name(), "_Ctype_") {
		return false
	}
	return flow.IsPointer(named)
}

// ownFree reports whether a Go function is a plain wrapper that frees a native argument every time.
func ownFree(p *rule.Pass, callee *ssa.Function, i int) bool {
	f := p.Know.OfFunc(callee)
	return f != nil && i < len(f.Params) && f.Params[i].Frees && i < len(callee.Params) && summary.IsNative(callee.Params[i].Type())
}

// written are the fields of an object that a function, or a literal within, sets; "*" if all of it.
func written(fn *ssa.Function, object ssa.Value) map[string]bool {
	set := make(map[string]bool)
	var visit func(*ssa.Function)
	visit = func(fn *ssa.Function) {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			switch instr := instr.(type) {
			case *ssa.Store:
				root, path := summary.Path(instr.Addr)
				if root != object {
					return
				}
				if len(path) == 0 {
					set["*"] = true
					return
				}
				for _, field := range path {
					set[field.Name()] = true
				}
			case ssa.CallInstruction:
				// The address of a field, given away: a sync.Once, an atomic, C that clears it.
				for _, arg := range instr.Common().Args {
					if addr, ok := flow.Root(arg).(*ssa.FieldAddr); ok {
						if method, _ := summary.MutexCall(instr.Common()); method != "" {
							continue
						}
						if root, path := summary.Path(addr); root == object {
							for _, field := range path {
								set[field.Name()] = true
							}
						}
					}
				}
			}
		})
		for _, literal := range fn.AnonFuncs {
			visit(literal)
		}
	}
	visit(fn)
	return set
}

// guarded reports whether a block is reached only under a condition on the state of the object, other than
// that the object or the field is not nil.
func guarded(block *ssa.BasicBlock, object ssa.Value) bool {
	for _, guard := range flow.Guards(block) {
		if dependsOn(guard.Cond, object, 0) {
			return true
		}
	}
	return false
}

func dependsOn(v ssa.Value, object ssa.Value, depth int) bool {
	if depth > 8 {
		return false
	}
	if op, ok := v.(*ssa.BinOp); ok {
		if isZero(op.X) || isZero(op.Y) {
			x := op.X
			if isZero(x) {
				x = op.Y
			}
			// x.p != nil says nothing about a second call if nobody sets x.p.
			if root, path := summary.Path(x); root == object && (len(path) == 0 || summary.IsNative(x.Type()) || isNativeNamed(x.Type())) {
				return false
			}
		}
		return dependsOn(op.X, object, depth+1) || dependsOn(op.Y, object, depth+1)
	}
	if root, _ := summary.Path(v); root == object {
		return true
	}
	switch v := v.(type) {
	case *ssa.UnOp:
		return dependsOn(v.X, object, depth+1)
	case *ssa.Call:
		for _, arg := range v.Call.Args {
			if root, _ := summary.Path(arg); root == object {
				return true
			}
		}
		if v.Call.IsInvoke() {
			return dependsOn(v.Call.Value, object, depth+1)
		}
	case *ssa.Extract:
		return dependsOn(v.Tuple, object, depth+1)
	case *ssa.Lookup:
		return dependsOn(v.X, object, depth+1) || dependsOn(v.Index, object, depth+1)
	case *ssa.Phi:
		for _, edge := range v.Edges {
			if dependsOn(edge, object, depth+1) {
				return true
			}
		}
	case *ssa.TypeAssert:
		return dependsOn(v.X, object, depth+1)
	}
	return false
}

func isZero(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	return ok && (c.Value == nil || c.Value.ExactString() == "0")
}

// forgets reports whether a function removes the finalizer.
func forgets(fn *ssa.Function) bool {
	found := false
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if call, ok := instr.(ssa.CallInstruction); ok && summary.RuntimeFunc(call.Common()) == "SetFinalizer" {
			found = true
		}
	})
	return found
}

// countsReferences reports whether a method gives back one of many references.
func countsReferences(typ types.Type, method string) bool {
	for _, word := range summary.Words(method) {
		if word == "unref" || word == "decref" || word == "reset" {
			return true
		}
	}
	methods := types.NewMethodSet(typ)
	for i := range methods.Len() {
		switch strings.ToLower(methods.At(i).Obj().Name()) {
		case "retain", "ref", "addref", "incref", "acquire":
			return true
		}
	}
	return false
}

// checkValues finds a value that two calls of one function free.
func checkValues(p *rule.Pass, fn *ssa.Function) {
	type freeing struct {
		call  ssa.CallInstruction
		name  string
		value ssa.Value
	}
	var all []freeing
	flow.Instructions(fn, func(instr ssa.Instruction) {
		call, ok := instr.(ssa.CallInstruction)
		if !ok || len(call.Common().Args) == 0 {
			return
		}
		name := p.Know.C(call.Common())
		if name == "" || !summary.Frees(name) || len(call.Common().Args) != 1 {
			return
		}
		value := flow.Root(call.Common().Args[0])
		switch value.(type) {
		case *ssa.Call, *ssa.Extract, *ssa.Parameter:
			if summary.IsNative(value.Type()) || isNativeNamed(value.Type()) {
				all = append(all, freeing{call, name, value})
			}
		}
	})
	for _, first := range all {
		for _, second := range all {
			if first.call == second.call || first.value != second.value || first.name != second.name {
				continue
			}
			if _, deferred := first.call.(*ssa.Defer); deferred {
				continue
			}
			defining, _ := first.value.(ssa.Instruction)
			search := flow.Search{Stop: func(instr ssa.Instruction) bool { return instr == defining }, NotNil: map[ssa.Value]bool{first.value: true}}
			if _, deferred := second.call.(*ssa.Defer); deferred && flow.Before(second.call, first.call) {
				p.ReportAt(first.call, "C.%s frees what the deferred call in line %d will free again", first.name, p.Line(p.Pos(second.call)))
			} else if search.Reaches(first.call, second.call) {
				p.ReportAt(second.call, "C.%s frees what was freed in line %d", first.name, p.Line(p.Pos(first.call)))
			}
		}
	}
}
