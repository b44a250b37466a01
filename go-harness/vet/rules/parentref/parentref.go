// Package parentref is the rule about objects that use the memory of another one and do not keep it.
package parentref

import (
	"go/types"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "parentref",
	Title: "An object holds memory of another one that may be collected, and freed, before it",
	Text: `
A node that a C function takes out of a tree lies in the memory of the tree. If the tree has a finalizer that
frees, and the node in Go has no reference to the tree in Go, the node dangles as soon as nobody else has the
tree.

The rule finds functions that take a native pointer, or a struct with one, out of an object whose finalizer or
cleanup frees, put it into a new object of the package, and return that, itself or in a slice, where the new object
holds nothing that leads to its parent and no function of the package frees what it holds: then it belongs to the
parent. What has a function that frees it counts too, if the name of the C function says that it needs its parent
(prepare, root, child, next, stmt, cursor, iterator and so on). So do objects made of one that has the parent in a
field, which they are not given. The rule also finds cleanups of an object that holds another one with a cleanup:
the two run in no order, so the parent may be freed first. (With finalizers the order is that of the references.)

Silent: children that are given, when they are made or later, something that may lead to their parent; children
with a function that frees what they hold, which may be theirs; parents that a global variable holds; a cleanup
that is given the parent.`,
	Before: `
func (t *Tree) Root() *Node {
	return &Node{p: C.tree_root(t.p)} // t.p is freed when t is collected
}`,
	After: `
func (t *Tree) Root() *Node {
	return &Node{p: C.tree_root(t.p), tree: t}
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"HDL-22"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		for _, child := range p.Know.Children(fn) {
			ends := p.Know.FinalizedType(types.NewPointer(child.Type)) != nil || p.Know.FieldEnds(child.Field)
			if ends && !child.Part(p.Know) {
				continue // it may be its own
			}
			parent := nameOf(p, child.Parent)
			if child.Via != nil {
				parent += "." + child.Via.Name()
			}
			p.ReportAt(child.Call, "%s holds what C.%s took out of %s, which frees it when it is collected, and has no reference to it",
				child.Type.Obj().Name(), p.Know.C(child.Call.Common()), parent)
		}
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if call, ok := instr.(*ssa.Call); ok && summary.RuntimeFunc(call.Common()) == "AddCleanup" {
				checkOrder(p, call)
			}
		})
	}
}

func nameOf(p *rule.Pass, v ssa.Value) string {
	if param, ok := v.(*ssa.Parameter); ok {
		return param.Name()
	}
	return "the " + types.TypeString(v.Type(), types.RelativeTo(p.Types))
}

// checkOrder finds a cleanup that frees what was made of a parent that may be freed before.
func checkOrder(p *rule.Pass, call *ssa.Call) {
	object := flow.Root(call.Call.Args[0])
	if p.Know.FinalizedType(object.Type()) == nil {
		return // it frees nothing
	}
	named := summary.Named(object.Type())
	if named == nil || object.Referrers() == nil {
		return
	}
	for _, store := range flow.Stores(object) {
		parent := p.Know.FinalizedType(store.Val.Type())
		if parent == nil || parent.Name == named.Obj().Name() || parent.Listed || reachable(call.Call.Args[2], flow.Root(store.Val), 0) || !p.Know.MadeOf(object, flow.Root(store.Val)) {
			continue
		}
		p.ReportAt(call, "the cleanups of %s and of the %s that it was made of run in no order: the %s may be freed first", named.Obj().Name(), parent.Name, parent.Name)
		return
	}
}

// reachable reports whether the argument of a cleanup leads to an object, which it then keeps.
func reachable(v, object ssa.Value, depth int) bool {
	v = flow.Root(v)
	if v == object || depth > 3 {
		return true
	}
	if load, ok := v.(*ssa.UnOp); ok {
		v = load.X
	}
	cell, ok := v.(*ssa.Alloc)
	if !ok {
		return false
	}
	for _, instr := range *cell.Referrers() {
		if addr, ok := instr.(*ssa.FieldAddr); ok {
			for _, use := range *addr.Referrers() {
				if store, ok := use.(*ssa.Store); ok && store.Addr == ssa.Value(addr) && reachable(store.Val, object, depth+1) {
					return true
				}
			}
		}
	}
	return false
}
