// Package ctypes is the rule about types of C in the API of a package.
package ctypes

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "ctypes",
	Title: "An exported name mentions a type of C",
	Text: `
Types of C belong to the package that names them: C.int of one package is another type than C.int of the next. Who
imports a package cannot write down a value of its C types, and a change of the header changes the API.

The rule finds exported functions, methods, fields, variables, constants and aliases with a type of C in their type.

Silent: internal packages and programs; functions that C calls, those with a comment //export; a defined type, such as
type Code C.int, whose values can be converted; what has an exported alias, but for the alias; types that another
package has from C; a package with the directive raw. A project may want to hand C types to packages beside it, so the rule runs on
request.`,
	Before: `
func (l *Lib) Level() C.int { return C.lib_level(l.p) }`,
	After: `
func (l *Lib) Level() int { return int(C.lib_level(l.p)) }`,
	Since:      "v0.1.0",
	Severity:   rule.Note,
	MergeIf:    rule.IfAny,
	OnRequest:  true,
	Contracts:  []string{"GOA-01"},
	Directives: []string{"raw"},
	Run:        run,
}

// mention is an exported name and the type of C in its type.
type mention struct {
	pos       token.Pos
	name, typ string
}

func run(p *rule.Pass) {
	if !p.UsesCgo || !p.Importable() {
		return
	}
	var found []mention
	scope := p.Types.Scope()
	s := &search{pkg: p.Types, aliased: aliased(scope)}
	forC := make(map[types.Object]bool)
	for fn := range p.Exports() {
		forC[fn.Object()] = true
	}
	look := func(object types.Object, name string, typ types.Type) {
		if !object.Exported() || p.InTest(object.Pos()) || !p.Written(object.Pos()) || forC[object] {
			return
		}
		if c := s.ofC(typ); c != "" {
			found = append(found, mention{object.Pos(), name, c})
		}
	}
	for _, name := range scope.Names() {
		object := scope.Lookup(name)
		typeName, ok := object.(*types.TypeName)
		if !ok {
			look(object, name, object.Type())
			continue
		}
		if alias, ok := typeName.Type().(*types.Alias); ok {
			if c := ofC(p.Types, alias.Rhs()); c != "" && typeName.Exported() {
				found = append(found, mention{object.Pos(), name, c})
			}
			continue
		}
		if !typeName.Exported() {
			continue
		}
		named := typeName.Type().(*types.Named)
		for method := range named.Methods() {
			look(method, name+"."+method.Name(), method.Type())
		}
		switch typ := named.Underlying().(type) {
		case *types.Struct:
			for field := range typ.Fields() {
				look(field, name+"."+field.Name(), field.Type())
			}
		case *types.Interface:
			for method := range typ.ExplicitMethods() {
				look(method, name+"."+method.Name(), method.Type())
			}
		case *types.Signature:
			look(typeName, name, typ)
		}
	}
	if len(found) == 0 || p.Raw() {
		return
	}
	slices.SortFunc(found, func(a, b mention) int { return int(a.pos - b.pos) })
	for _, m := range found {
		p.Report(m.pos, "%s mentions C.%s, which no other package can name", m.name, m.typ)
	}
}

// search looks for types of C that belong to a package.
type search struct {
	pkg     *types.Package
	aliased map[types.Type]bool // they have exported names
}

// aliased are the types that have an exported alias: others can name them by that.
func aliased(scope *types.Scope) map[types.Type]bool {
	named := make(map[types.Type]bool)
	for _, name := range scope.Names() {
		if object, ok := scope.Lookup(name).(*types.TypeName); ok && object.Exported() && object.IsAlias() {
			named[types.Unalias(object.Type())] = true
		}
	}
	return named
}

// ofC is the name that a type has in C, if it is one that a package has from there, or "".
func ofC(pkg *types.Package, typ types.Type) string {
	var object *types.TypeName
	switch typ := typ.(type) {
	case *types.Alias:
		object = typ.Obj()
	case *types.Named:
		object = typ.Obj()
	default:
		return ""
	}
	if name, ok := strings.CutPrefix(object.Name(), "_Ctype_"); ok && object.Pkg() == pkg {
		return name
	}
	return ""
}

// ofC is the name of a type of C that a type mentions, and that has no exported name, or "".
func (s *search) ofC(typ types.Type) string {
	if s.aliased[types.Unalias(typ)] {
		return ""
	}
	if name := ofC(s.pkg, typ); name != "" {
		return name
	}
	switch typ := typ.(type) {
	case *types.Alias:
		return s.ofC(typ.Rhs())
	case *types.Named:
		for arg := range typ.TypeArgs().Types() {
			if c := s.ofC(arg); c != "" {
				return c
			}
		}
	case *types.Pointer:
		return s.ofC(typ.Elem())
	case *types.Slice:
		return s.ofC(typ.Elem())
	case *types.Array:
		return s.ofC(typ.Elem())
	case *types.Chan:
		return s.ofC(typ.Elem())
	case *types.Map:
		if c := s.ofC(typ.Key()); c != "" {
			return c
		}
		return s.ofC(typ.Elem())
	case *types.Signature:
		if c := s.ofC(typ.Params()); c != "" {
			return c
		}
		return s.ofC(typ.Results())
	case *types.Tuple:
		for v := range typ.Variables() {
			if c := s.ofC(v.Type()); c != "" {
				return c
			}
		}
	}
	return ""
}
