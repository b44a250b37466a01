// Package directive reads the comments by which people tell the rules what they cannot know.
//
//	//cgolab:ignore RULE reason        this line and the next, or the whole function if it is in its comment
//	//cgolab:thread-local FUNC reason  FUNC, a C or Go function, returns the error of the thread's last call
//	//cgolab:object-error FUNC reason  FUNC looks as if it did, and does not
//	//cgolab:owner FUNC reason         FUNC, a C function, keeps what it is given and frees it
//	//cgolab:release FUNC reason       FUNC, a C function, may be called by a finalizer
//	//cgolab:raw reason                the package is a thin layer over C, for packages beside it
//
// A reason is mandatory.
package directive

import (
	"go/ast"
	"go/token"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
)

// Analyzer finds the directives of a package. Its result is a *Set.
var Analyzer = &analysis.Analyzer{
	Name:             "cgodirectives",
	Doc:              "//cgolab: comments",
	Requires:         []*analysis.Analyzer{source.Analyzer},
	Run:              run,
	RunDespiteErrors: true,
	ResultType:       reflect.TypeFor[*Set](),
}

const prefix = "//cgolab:"

// kinds are the directives.
var kinds = map[string]bool{"ignore": true, "thread-local": true, "object-error": true, "owner": true, "release": true, "raw": true}

// Directive is one comment.
type Directive struct {
	Pos    token.Pos
	Kind   string
	Names  []string // rules, or a function
	Reason string
	// Used is set by the rules that heeded it.
	Used bool

	file        string
	first, last int // lines that an ignore covers
}

// Problem is a directive that cannot be heeded.
type Problem struct {
	Pos     token.Pos
	Message string
}

// Set is all directives of a package.
type Set struct {
	Directives []*Directive
	Problems   []Problem
}

func run(pass *analysis.Pass) (any, error) {
	set := new(Set)
	pkg := pass.ResultOf[source.Analyzer].(*source.Package)
	if pkg.Standard {
		return set, nil
	}
	for _, f := range pkg.Files {
		set.read(pass.Fset, f)
	}
	return set, nil
}

func (s *Set) read(fset *token.FileSet, f *ast.File) {
	for _, group := range f.Comments {
		for _, comment := range group.List {
			text, ok := strings.CutPrefix(comment.Text, prefix)
			if !ok {
				continue
			}
			d := &Directive{Pos: comment.Pos()}
			if problem := d.parse(text); problem != "" {
				s.Problems = append(s.Problems, Problem{comment.Pos(), problem})
				continue
			}
			at := fset.Position(comment.Pos())
			d.file, d.first, d.last = at.Filename, at.Line, fset.Position(group.End()).Line+1
			for _, decl := range f.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Doc == group {
					d.last = fset.Position(fn.End()).Line
				}
			}
			s.Directives = append(s.Directives, d)
		}
	}
}

func (d *Directive) parse(text string) (problem string) {
	kind, rest, _ := strings.Cut(text, " ")
	if !kinds[kind] {
		return "unknown directive //cgolab:" + kind
	}
	d.Kind = kind
	// What another tool wants in a comment of its own on the same line is no reason.
	rest, _, _ = strings.Cut(rest, "// want")
	rest = strings.TrimSpace(rest)
	if kind == "raw" { // it speaks of the package
		if d.Reason = rest; d.Reason == "" {
			return "//cgolab:raw without a reason"
		}
		return ""
	}
	names, rest, _ := strings.Cut(rest, " ")
	if names == "" {
		return "//cgolab:" + kind + " names nothing"
	}
	d.Names = strings.Split(strings.ReplaceAll(names, "C.", ""), ",")
	if d.Reason = strings.TrimSpace(rest); d.Reason == "" {
		return "//cgolab:" + kind + " without a reason"
	}
	return ""
}

// Ignored reports whether a finding of a rule is to be left out, and marks the directive that says so.
func (s *Set) Ignored(rule string, at token.Position) bool {
	ignored := false
	for _, d := range s.Directives {
		if d.Kind == "ignore" && d.file == at.Filename && d.first <= at.Line && at.Line <= d.last && slices.Contains(d.Names, rule) {
			d.Used, ignored = true, true
		}
	}
	return ignored
}

// Raw reports whether the package is said to be a thin layer over C, and marks the directive that says so.
func (s *Set) Raw() bool {
	raw := false
	for _, d := range s.Directives {
		if d.Kind == "raw" {
			d.Used, raw = true, true
		}
	}
	return raw
}

// Marked reports whether a directive of a kind names a function, and marks it.
func (s *Set) Marked(kind, function string) bool {
	marked := false
	for _, d := range s.Directives {
		if d.Kind == kind && slices.Contains(d.Names, function) {
			d.Used, marked = true, true
		}
	}
	return marked
}
