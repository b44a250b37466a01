package source

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// Exports are the functions that C may call, with their declarations.
func (p *Package) Exports() map[*ssa.Function]*ast.FuncDecl {
	exports := make(map[*ssa.Function]*ast.FuncDecl)
	if !p.UsesCgo {
		return exports
	}
	for _, f := range p.Files {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || ExportName(fn) == "" {
				continue
			}
			if object, ok := p.Info.Defs[fn.Name].(*types.Func); ok {
				if value := p.Program.FuncValue(object); value != nil && value.Blocks != nil {
					exports[value] = fn
				}
			}
		}
	}
	return exports
}

// Importable reports whether other modules can import the package.
func (p *Package) Importable() bool {
	return p.Types.Name() != "main" && !slices.Contains(strings.Split(p.Types.Path(), "/"), "internal")
}

// Public reports whether code that nobody here has seen may call a function: it is exported, and its package can be
// imported from other modules.
func (p *Package) Public(fn *ssa.Function) bool {
	return fn.Object() != nil && fn.Object().Exported() && p.Importable()
}

// InTest reports whether a position lies in a test file.
func (p *Package) InTest(pos token.Pos) bool {
	return strings.HasSuffix(p.fset.Position(pos).Filename, "_test.go")
}

// ExportName is the name by which C calls a function, or "".
func ExportName(fn *ast.FuncDecl) string {
	if fn.Doc == nil {
		return ""
	}
	for _, comment := range fn.Doc.List {
		if rest, ok := strings.CutPrefix(comment.Text, "//export "); ok {
			if words := strings.Fields(rest); len(words) > 0 {
				return words[0]
			}
		}
	}
	return ""
}
