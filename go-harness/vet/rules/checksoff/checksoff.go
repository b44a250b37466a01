// Package checksoff is the rule about checks that are switched off.
package checksoff

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "checksoff",
	Title: "A check of pointers or races is switched off without a reason, or without effect",
	Text: `
GODEBUG=cgocheck=0, -d=checkptr=0, GODEBUG=invalidptr=0, -race=false, and the comments //go:nocheckptr and
//go:norace hide mistakes instead of mending them. There are reasons to do so, and the next reader needs to know
them.

The rule looks into Go files, and, together with the package in the folder of go.mod, into makefiles, shell
scripts, container files and workflows of the module. It finds checks that are switched off without a comment
beside: on the line, or on the line before. It also finds what has no effect: GODEBUG=cgocheck set by os.Setenv,
which is read only when a process starts; and GODEBUG=cgocheck=2, which ends a program of Go 1.21 or later.

Silent: a comment beside, unless it is that of the function, and only says what the function does; the environment
of another process that is set in Go, if it has one.`,
	Before: `
//go:nocheckptr
func sum(p unsafe.Pointer, n int) int {
	return 0
}`,
	After: `
// The mapping ends exactly where the page does, which checkptr takes for an overflow.
//
//go:nocheckptr
func sum(p unsafe.Pointer, n int) int {
	return 0
}`,
	Since:       "v0.1.0",
	Severity:    rule.Warning,
	MergeIf:     rule.IfAny,
	AllPackages: true,
	Contracts:   []string{"VAL-03", "VAL-04"},
	Run:         run,
}

var (
	off       = regexp.MustCompile(`\b(?:cgocheck|checkptr|invalidptr)=0\b|-race=(?:false|0)\b`)
	two       = regexp.MustCompile(`GODEBUG["']?[\s:=]*["']?[^\s"']*\bcgocheck=2\b`)
	ofGo      = regexp.MustCompile(`GODEBUG=|-d=|^-race=`)
	directive = regexp.MustCompile(`^//go:(nocheckptr|norace|debug .*\binvalidptr=0\b.*?)(?:\s+// .*)?$`)
	ofChecks  = regexp.MustCompile(`(?i)\bcheck(?:s|ed|ing|ptr)?\b|\bunchecked\b|\brac(?:e|es|y)\b|detector|instrument`)
)

func run(p *rule.Pass) {
	dir := ""
	for _, f := range p.Files {
		name := p.Fset().PositionFor(f.Package, false).Filename
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		dir = filepath.Dir(name)
		goFile(p, f)
	}
	if dir == "" {
		return
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		for _, name := range scripts(dir) {
			script(p, name)
		}
	}
}

func goFile(p *rule.Pass, f *ast.File) {
	said := make(map[int]bool) // lines that a comment for readers begins or ends on, or stands in
	for _, group := range f.Comments {
		for _, c := range group.List {
			if !strings.HasPrefix(c.Text, "//go:") && strings.Trim(c.Text, "/* \t") != "" && !strings.HasPrefix(c.Text, "// want") {
				for line := p.Line(c.Pos()); line <= p.Line(c.End()); line++ {
					said[line] = true
				}
			}
		}
	}
	functions := make(map[*ast.CommentGroup]string) // by their comments
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Doc != nil {
			functions[fn.Doc] = fn.Name.Name
		}
	}
	for _, group := range f.Comments {
		explained := hasReason(group.Text(), functions[group])
		for _, c := range group.List {
			if found := directive.FindStringSubmatch(strings.TrimSpace(c.Text)); found != nil && !explained && !said[p.Line(group.Pos())-1] {
				p.Report(c.Pos(), "//go:%s switches a check off, and nothing beside says why", found[1])
			}
		}
	}
	literals(p, f, said)
}

// hasReason reports whether a comment says more than what the function does that it documents.
func hasReason(comment, function string) bool {
	for paragraph := range strings.SplitSeq(comment, "\n\n") {
		documents := function != "" && strings.HasPrefix(paragraph, function+" ")
		if strings.TrimSpace(paragraph) != "" && (!documents || ofChecks.MatchString(strings.TrimPrefix(paragraph, function))) {
			return true
		}
	}
	return false
}

func literals(p *rule.Pass, f *ast.File, said map[int]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && setenv(call) {
			value := text(call.Args[1])
			if strings.Contains(value, "cgocheck=") || strings.Contains(value, "invalidptr=") {
				p.Report(call.Pos(), "GODEBUG=%s has no effect here: it is read when the process starts", value)
				return false
			}
		}
		if literal, ok := n.(*ast.BasicLit); ok {
			value := text(literal)
			if strings.Contains(value, "\n") || !ofGo.MatchString(value) {
				return true
			}
			line := p.Line(literal.Pos())
			if found := off.FindString(value); found != "" && !said[line] && !said[line-1] {
				p.Report(literal.Pos(), "%s switches a check off, and nothing beside says why", found)
			}
		}
		return true
	})
}

func setenv(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Setenv" && len(call.Args) == 2 && text(call.Args[0]) == "GODEBUG"
}

func text(e ast.Expr) string {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return value
}

// scripts are the files of a module, besides Go, that start the go command.
func scripts(dir string) (names []string) {
	for _, pattern := range []string{
		"[Mm]akefile", "GNUmakefile", "*.mk", "*.sh", "scripts/*.sh", "Dockerfile*", ".github/workflows/*.yml", ".github/workflows/*.yaml",
		".gitlab-ci.yml", ".travis.yml", ".circleci/config.yml", "Taskfile.yml", ".goreleaser.yml",
	} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are sound
		names = append(names, found...)
	}
	return names
}

func script(p *rule.Pass, name string) {
	content, err := os.ReadFile(name)
	if err != nil || len(content) == 0 || !off.Match(content) && !two.Match(content) {
		return
	}
	file := p.Fset().AddFile(name, -1, len(content))
	file.SetLinesForContent(content)
	before := ""
	offset := 0
	for line := range strings.Lines(string(content)) {
		code, _, remark := strings.Cut(line, "#")
		pos := file.Pos(offset)
		offset += len(line)
		if two.MatchString(code) {
			p.Report(pos, "GODEBUG=cgocheck=2 ends every program of Go 1.21 or later; GOEXPERIMENT=cgocheck2 is meant")
		}
		if found := off.FindString(code); found != "" && !remark && !strings.HasPrefix(strings.TrimSpace(before), "#") {
			p.Report(pos, "%s switches a check off, and nothing beside says why", found)
		}
		before = line
	}
}
