// Package closeerror is the rule about objects that own native memory and are no io.Closer.
package closeerror

import (
	"go/types"
	"slices"

	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "closeerror",
	Title: "An object that owns native memory has no Close() error",
	Text: `
Whoever uses a binding closes what it opens, and looks for Close() error: helpers for cleaning up, linters and
readers know that name and no other. A Close without a result cannot say that the library refused.

The rule finds exported structs of packages that call C, directly or through others, with a method Close that is not
Close() error; and those that another exported method frees (Free, Destroy, Release) and that have no Close.

Silent: internal packages and programs; methods that take arguments; structs that nothing frees. The names that a
library has given its users are a promise, so the rule runs on request.`,
	Before: `
func (d *DB) Free() { C.db_close(d.p) }`,
	After: `
func (d *DB) Close() error {
	if d.p == nil {
		return nil
	}
	defer func() { d.p = nil }()
	return status(C.db_close(d.p))
}`,
	Since:     "v0.1.0",
	Severity:  rule.Note,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"HDL-24"},
	Run:       run,
}

func run(p *rule.Pass) {
	if !p.Importable() {
		return
	}
	for _, fn := range p.Funcs {
		named := p.Owner(fn)
		if named == nil {
			continue
		}
		name := named.Obj().Name()
		switch closes := method(named, "Close"); {
		case fn.Name() == "Close":
			if !closer(fn.Signature) {
				p.Report(fn.Pos(), "Close of %s is not Close() error: it is no io.Closer", name)
			}
		case closes == nil && p.Ends(fn):
			p.Report(fn.Pos(), "%s frees a %s, which has no Close() error", fn.Name(), name)
		}
	}
}

func method(named *types.Named, name string) *types.Func {
	methods := slices.Collect(named.Methods())
	i := slices.IndexFunc(methods, func(m *types.Func) bool { return m.Name() == name })
	if i < 0 {
		return nil
	}
	return methods[i]
}

func closer(signature *types.Signature) bool {
	results := signature.Results()
	return results.Len() == 1 && types.Identical(results.At(0).Type(), types.Universe.Lookup("error").Type())
}
