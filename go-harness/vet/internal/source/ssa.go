package source

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// buildSSA builds the package, and only names what it imports.
func (p *Package) buildSSA(files []*ast.File) {
	p.Program = ssa.NewProgram(p.fset, ssa.BuilderMode(0))
	created := make(map[*types.Package]bool)
	var create func([]*types.Package)
	create = func(imports []*types.Package) {
		for _, imported := range imports {
			if !created[imported] {
				created[imported] = true
				p.Program.CreatePackage(imported, nil, nil, true)
				create(imported.Imports())
			}
		}
	}
	create(p.Types.Imports())
	pkg := p.Program.CreatePackage(p.Types, files, p.Info, false)
	pkg.Build()
	var add func(*ssa.Function)
	add = func(fn *ssa.Function) {
		if fn.Blocks != nil {
			p.Funcs = append(p.Funcs, fn)
		}
		for _, literal := range fn.AnonFuncs {
			add(literal)
		}
	}
	add(pkg.Func("init")) // the initialisation of variables
	for _, f := range p.Files {
		for _, decl := range f.Decls {
			if decl, ok := decl.(*ast.FuncDecl); ok && decl.Name.Name != "_" {
				if fn := p.Program.FuncValue(p.Info.Defs[decl.Name].(*types.Func)); fn != nil {
					add(fn)
				}
			}
		}
	}
}
