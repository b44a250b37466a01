package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// A mutant is a file with one mistake: the bytes from start to end are replaced.
type mutant struct {
	pkg        string
	path       string
	line       int
	function   string // which holds the mistake, as "(o *Owner) pump" or "reject"
	change     string // for people, and part of the key
	start, end int
	with       string
	source     []byte
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d %s: %s", filepath.Base(m.path), m.line, m.function, m.change)
}

// key names the mutant however its file moves; equal mistakes in one function share it.
func (m mutant) key() string { return keyOf(filepath.Base(m.path), m.function, m.change) }

func keyOf(file, function, change string) string { return file + ": " + function + ": " + change }

// overlay writes the mutant and the file that go's -overlay reads, and returns the path of that file.
func (m mutant) overlay(scratch string) (string, error) {
	text := string(m.source[:m.start]) + m.with + string(m.source[m.end:])
	mutated := filepath.Join(scratch, filepath.Base(m.path))
	if err := os.WriteFile(mutated, []byte(text), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {m.path: mutated}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(scratch, "overlay.json")
	return overlay, os.WriteFile(overlay, replace, 0o600)
}

// mutantsOf returns every mutant of a file, in the order of the code.
func mutantsOf(path, pkg string) ([]mutant, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := finder{fset: fset, source: source, path: path, pkg: pkg}
	for _, decl := range file.Decls {
		if function, ok := decl.(*ast.FuncDecl); ok && function.Body != nil {
			f.function = f.name(function)
			ast.Inspect(function.Body, f.visit)
		}
	}
	return f.found, nil
}

type finder struct {
	fset      *token.FileSet
	source    []byte
	path, pkg string
	function  string
	found     []mutant
}

// name is what stands in `func …(`.
func (f *finder) name(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	return f.text(d.Recv) + " " + d.Name.Name
}

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.offset(n.Pos()):f.offset(n.End())])
}

func (f *finder) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f *finder) add(start, end token.Pos, with, change string) {
	f.found = append(f.found, mutant{
		pkg: f.pkg, path: f.path, line: f.fset.Position(start).Line, function: f.function, change: change,
		start: f.offset(start), end: f.offset(end), with: with, source: f.source,
	})
}

// swapped are the operators that are easily confused.
var swapped = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD,
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BlockStmt:
		f.deletions(n.List)
	case *ast.CaseClause:
		f.deletions(n.Body)
	case *ast.CommClause:
		f.deletions(n.Body)
	case *ast.IfStmt:
		f.add(n.Cond.Pos(), n.Cond.End(), "!("+f.text(n.Cond)+")", "negate if "+firstLine(f.text(n.Cond)))
	case *ast.BinaryExpr:
		if with, ok := swapped[n.Op]; ok {
			end := n.OpPos + token.Pos(len(n.Op.String()))
			f.add(n.OpPos, end, with.String(), fmt.Sprintf("%s for %s in %s", with, n.Op, firstLine(f.text(n))))
		}
	case *ast.ReturnStmt:
		if len(n.Results) == 0 {
			break
		}
		if last, ok := n.Results[len(n.Results)-1].(*ast.Ident); ok && last.Name == "err" {
			f.add(last.Pos(), last.End(), "nil", "drop the error of "+firstLine(f.text(n)))
		}
	}
	return true
}

// deletions adds the mutants that lack one of the statements.
func (f *finder) deletions(statements []ast.Stmt) {
	for _, s := range statements {
		switch s := s.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt:
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || isBlank(s.Lhs) && !hasCall(s.Rhs) {
				continue
			}
		default:
			continue
		}
		f.add(s.Pos(), s.End(), "", "delete "+firstLine(f.text(s)))
	}
}

func isBlank(left []ast.Expr) bool {
	for _, e := range left {
		if name, ok := e.(*ast.Ident); !ok || name.Name != "_" {
			return false
		}
	}
	return true
}

func hasCall(right []ast.Expr) bool {
	found := false
	for _, e := range right {
		ast.Inspect(e, func(n ast.Node) bool {
			_, call := n.(*ast.CallExpr)
			found = found || call
			return !found
		})
	}
	return found
}

func firstLine(text string) string {
	line, _, more := strings.Cut(text, "\n")
	if more {
		line += " …"
	}
	return line
}
