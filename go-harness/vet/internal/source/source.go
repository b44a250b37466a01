// Package source gives analyzers the files that people wrote, with types, where cgo stands between the two.
//
// Drivers hand analyzers what cmd/cgo made: calls wrapped in function literals, types renamed, and positions
// of temporary files. The analyzer here parses the original files again, and puts in place of each C.name the
// Go declaration that cmd/cgo made for it, as cmd/cgo does, but without its checks and wrappers. The result is
// ordinary Go: go/types and go/ssa know nothing of cgo, and every position is one of the original file.
//
// A call of C is therefore a static call of a function named _Cfunc_name. Package native tells them apart.
package source

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"go/version"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"
)

// Analyzer is the prerequisite of all rules. Its result is a *Package.
var Analyzer = &analysis.Analyzer{
	Name:             "cgosource",
	Doc:              "original files of a package that uses cgo, with types and SSA",
	Run:              run,
	RunDespiteErrors: true,
	ResultType:       reflect.TypeFor[*Package](),
	FactTypes:        []analysis.Fact{new(native), new(unsound)},
}

// native is the fact of packages that call C, or own native memory, or import one that does.
type native struct{}

// AFact marks a fact.
func (*native) AFact() {}

// unsound is the fact of packages that have no sound types.
type unsound struct{}

// AFact marks a fact.
func (*unsound) AFact() {}

// Package is one package in the form in which rules see it.
type Package struct {
	// Files are the files that people wrote. In files with import "C", each C.name is the identifier that
	// cmd/cgo declared for it.
	Files []*ast.File
	Types *types.Package
	Info  *types.Info
	// Program is nil if nothing in the package can matter to a rule, or if it has no sound types.
	Program *ssa.Program
	// Native is set if there is a Program, or was until Release.
	Native bool
	// Funcs are the functions with a body that people wrote, function literals among them.
	Funcs []*ssa.Function
	// Preambles are the C code before import "C".
	Preambles []string
	// UsesCgo is set if a file has import "C".
	UsesCgo bool
	// Standard is set for the standard library, which is never analysed.
	Standard bool
	// Notes say what was not analysed. One of them is for the whole package if it has no sound types.
	Notes []Note

	fset       *token.FileSet
	goVersion  string // of the module, or what is no version
	calls      map[token.Pos]*ast.CallExpr
	statements map[*ast.CallExpr]bool
	assigned   map[*ast.CallExpr][]ast.Expr
}

// Note says that something was not analysed, and why.
type Note struct {
	// Whole is set if nothing of the package was analysed.
	Whole  bool   `json:"whole"`
	Reason string `json:"reason"`
}

// Fset is the file set of all positions.
func (p *Package) Fset() *token.FileSet { return p.fset }

// Pos is where a reader looks for an instruction: a call begins at its function, not at its parenthesis, and what has
// no place of its own, as the load of an element by range, is where the next of its block is that has one.
func (p *Package) Pos(instr ssa.Instruction) token.Pos {
	pos := instr.Pos()
	if rest := instr.Block().Instrs; !pos.IsValid() {
		for _, next := range rest[slices.Index(rest, instr):] {
			if pos = next.Pos(); pos.IsValid() {
				break
			}
		}
	}
	if call, ok := instr.(ssa.CallInstruction); ok {
		pos = call.Common().Pos()
	}
	if call := p.calls[pos]; call != nil {
		return call.Pos()
	}
	return pos
}

// Call is the syntax of a call instruction, or nil.
func (p *Package) Call(instr ssa.CallInstruction) *ast.CallExpr {
	return p.calls[instr.Common().Pos()]
}

// Statement reports whether a call is a statement of its own, whose results nobody can use.
func (p *Package) Statement(instr ssa.CallInstruction) bool {
	return p.statements[p.Call(instr)]
}

// Assigned is the name of the variable that the source gives a result of a call, or nothing.
func (p *Package) Assigned(call ssa.CallInstruction, result int) string {
	left := p.assigned[p.Call(call)]
	if result >= len(left) {
		return ""
	}
	if name, ok := left[result].(*ast.Ident); ok && name.Name != "_" {
		return name.Name
	}
	return ""
}

// Imports reports whether the file of a position imports a package by its own name.
func (p *Package) Imports(pos token.Pos, path string) bool {
	f := p.file(pos)
	return f != nil && slices.ContainsFunc(f.Imports, func(spec *ast.ImportSpec) bool {
		return spec.Path.Value == strconv.Quote(path) && spec.Name == nil
	})
}

// AtLeast reports whether the file of a position is known to be of a version of Go, or of a later one.
func (p *Package) AtLeast(pos token.Pos, goVersion string) bool {
	own := p.Info.FileVersions[p.file(pos)]
	if own == "" {
		own = p.goVersion
	}
	return version.Compare(own, goVersion) >= 0
}

// Written reports whether a position lies in a file that people wrote, and not in what cmd/cgo declares.
func (p *Package) Written(pos token.Pos) bool { return p.file(pos) != nil }

// file is the file of a position, or nil.
func (p *Package) file(pos token.Pos) *ast.File {
	i := slices.IndexFunc(p.Files, func(f *ast.File) bool { return f.FileStart <= pos && pos <= f.FileEnd })
	if i < 0 {
		return nil
	}
	return p.Files[i]
}

// FunctionAt is the function that a position is in, a method with its receiver, or nothing.
func (p *Package) FunctionAt(pos token.Pos) string {
	f := p.file(pos)
	if f == nil {
		return ""
	}
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Pos() <= pos && pos < fn.End() {
			if fn.Recv.NumFields() == 0 {
				return fn.Name.Name
			}
			return fmt.Sprintf("(%s).%s", types.ExprString(fn.Recv.List[0].Type), fn.Name.Name)
		}
	}
	return ""
}

// Line is the line of a position.
func (p *Package) Line(pos token.Pos) int { return p.fset.Position(pos).Line }

// Place names the line of a position for a reader at another one: with its file, if that is not the reader's.
func (p *Package) Place(pos, reader token.Pos) string {
	at := p.fset.Position(pos)
	if at.Filename == p.fset.Position(reader).Filename {
		return fmt.Sprintf("line %d", at.Line)
	}
	return fmt.Sprintf("line %d of %s", at.Line, filepath.Base(at.Filename))
}

func run(pass *analysis.Pass) (result any, err error) {
	pkg := &Package{Files: pass.Files, Types: pass.Pkg, Info: pass.TypesInfo, fset: pass.Fset}
	if pass.Module != nil {
		pkg.goVersion = "go" + pass.Module.GoVersion
	}
	if standard(pass) {
		pkg.Standard = true
		return pkg, nil
	}
	defer func() {
		// A package that breaks the tool is not analysed, and the run says so; the others still are.
		if trouble := recover(); trouble != nil {
			pkg.Program, pkg.Funcs, pkg.Native = nil, nil, false
			pkg.note(true, "%s", because(pass, trouble))
			result, err = pkg, nil
		}
	}()
	pkg.noteIgnored(pass)
	files := pass.Files
	var errs []error
	for _, err := range pass.TypeErrors {
		errs = append(errs, fmt.Errorf("does not type-check: %s: %s", pass.Fset.Position(err.Pos), err.Msg))
	}
	if generated := generatedByCgo(pass.Files); generated != nil {
		pkg.UsesCgo = true
		if own := pkg.restore(pass, generated); len(own) > 0 {
			errs = own
		}
		files = append(generated.declarations, pkg.Files...)
	} else if importsC(pass.Files) {
		pkg.UsesCgo = true
		for _, f := range pass.Files {
			pkg.Preambles = append(pkg.Preambles, preambles(f)...)
		}
		errs = []error{errors.New("cgo gave no types: its tool did not run, or failed (missing header?)")}
	}
	if len(errs) > 0 {
		pass.ExportPackageFact(new(unsound))
		more := ""
		switch n := len(errs) - 1; n {
		case 0:
		case 1:
			more = " (and 1 more error)"
		default:
			more = fmt.Sprintf(" (and %d more errors)", n)
		}
		pkg.note(true, "%v%s", errs[0], more)
		return pkg, nil
	}
	pkg.indexCalls()
	if pkg.UsesCgo || matters(pass) {
		pass.ExportPackageFact(new(native))
		pkg.buildSSA(files)
		pkg.Native = true
	}
	return pkg, nil
}

// Release lets go of everything but what is said of the package as a whole.
func (p *Package) Release() {
	p.Files, p.Info, p.Program, p.Funcs, p.calls, p.statements, p.assigned = nil, nil, nil, nil, nil, nil, nil
}

func (p *Package) note(whole bool, format string, args ...any) {
	p.Notes = append(p.Notes, Note{whole, Spelled(fmt.Sprintf(format, args...))})
}

// because says why a package could not be built: it rests on one without sound types, or the tool has a fault.
func because(pass *analysis.Pass, trouble any) string {
	for _, imported := range pass.Pkg.Imports() {
		if pass.ImportPackageFact(imported, new(unsound)) {
			return "it needs " + imported.Path()
		}
	}
	return fmt.Sprintf("the analyzer itself failed: %v%s", trouble, lastFrame(debug.Stack()))
}

func lastFrame(stack []byte) string {
	for line := range strings.Lines(string(stack)) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "/vet/") && !strings.Contains(line, "source.go") {
			return " at " + line
		}
	}
	return ""
}

// noteIgnored names Go files that were left out and that use cgo: which bugs they have is not known. One that only
// says how to link declares nothing, and has none.
func (p *Package) noteIgnored(pass *analysis.Pass) {
	var left []string
	for _, name := range pass.IgnoredFiles {
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(filepath.Base(name), "_") {
			continue
		}
		text, err := pass.ReadFile(name)
		if err != nil {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err == nil && importsC([]*ast.File{f}) && slices.ContainsFunc(f.Decls, declaresMore) {
			left = append(left, filepath.Base(name))
		}
	}
	sort.Strings(left)
	if len(left) > 0 {
		p.note(false, "files with import \"C\" that build tags, GOOS, GOARCH or CGO_ENABLED leave out: %s", strings.Join(left, ", "))
	}
}

// declaresMore reports whether a declaration is no import.
func declaresMore(decl ast.Decl) bool {
	gen, ok := decl.(*ast.GenDecl)
	return !ok || gen.Tok != token.IMPORT
}

// Standard is the folder of the standard library. go vet tells its tools by GOROOT.
var Standard = filepath.Join(build.Default.GOROOT, "src") + string(filepath.Separator)

func standard(pass *analysis.Pass) bool {
	for _, f := range pass.Files {
		if strings.HasPrefix(pass.Fset.PositionFor(f.Package, true).Filename, Standard) {
			return true
		}
	}
	return false
}

func importsC(files []*ast.File) bool {
	for _, f := range files {
		for _, spec := range f.Imports {
			if spec.Path.Value == `"C"` {
				return true
			}
		}
	}
	return false
}

// NativeImport reports whether a package that is imported brings native memory, or handles for C.
func NativeImport(path string) bool {
	switch path {
	case "runtime/cgo", "github.com/ebitengine/purego", "github.com/mattn/go-pointer", "golang.org/x/sys/windows":
		return true
	}
	return false
}

// matters reports whether a package without cgo can have what rules look for.
func matters(pass *analysis.Pass) bool {
	for _, imported := range pass.Pkg.Imports() {
		if NativeImport(imported.Path()) {
			return true
		}
		if pass.ImportPackageFact(imported, new(native)) {
			return true
		}
	}
	for _, object := range pass.TypesInfo.Uses {
		if pkg := object.Pkg(); pkg != nil && pkg.Path() == "runtime" {
			switch object.Name() {
			case "LockOSThread", "SetFinalizer", "AddCleanup", "KeepAlive":
				return true
			}
		}
	}
	return false
}

func (p *Package) indexCalls() {
	p.calls = make(map[token.Pos]*ast.CallExpr)
	p.statements = make(map[*ast.CallExpr]bool)
	p.assigned = make(map[*ast.CallExpr][]ast.Expr)
	for _, f := range p.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				p.calls[n.Lparen] = n
			case *ast.ExprStmt:
				if call, ok := ast.Unparen(n.X).(*ast.CallExpr); ok {
					p.statements[call] = true
				}
			case *ast.AssignStmt:
				p.assign(n.Lhs, n.Rhs)
			case *ast.ValueSpec:
				var names []ast.Expr
				for _, name := range n.Names {
					names = append(names, name)
				}
				p.assign(names, n.Values)
			}
			return true
		})
	}
}

// assign notes which variables calls are assigned to: one value is for all of them, and each of several for its own.
func (p *Package) assign(variables, values []ast.Expr) {
	for i, value := range values {
		if call, ok := ast.Unparen(value).(*ast.CallExpr); ok {
			p.assigned[call] = variables
			if len(values) > 1 {
				p.assigned[call] = variables[i : i+1]
			}
		}
	}
}
