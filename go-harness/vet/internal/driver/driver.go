// Package driver runs rules: on packages that it loads itself, or as a tool of go vet.
package driver

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"

	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Finding is one finding of a rule.
type Finding struct {
	Rule      string        `json:"rule"`
	Severity  rule.Severity `json:"severity"`
	Contracts []string      `json:"contracts"`
	Package   string        `json:"package"`
	File      string        `json:"file"`
	Function  string        `json:"function,omitempty"` // in which it is, a method with its receiver
	Line      int           `json:"line"`
	Column    int           `json:"column"`
	Message   string        `json:"message"`

	fixes []analysis.SuggestedFix
}

// Gap is something that was not analysed.
type Gap struct {
	Package string `json:"package"`
	source.Note
}

func (g Gap) String() string { return g.Package + ": not analysed: " + g.Reason }

// RuleRun is a rule that ran.
type RuleRun struct {
	Name      string   `json:"name"`
	Contracts []string `json:"contracts"`
	OnRequest bool     `json:"onRequest"`
	// Accepted are the findings that a comment with a reason ignores, by their number.
	Accepted int `json:"accepted"`
}

// Result is all that a run has to say.
type Result struct {
	Findings []Finding `json:"findings"`
	// Rules are those that ran, by name, whether they found something or not.
	Rules []*RuleRun `json:"rules"`
	// Gaps are what was not analysed, of the packages that were asked for.
	Gaps []Gap `json:"notAnalysed"`
	// Packages were analysed, in whole or in part; of those, Native call C or own native memory.
	Packages int `json:"packages"`
	Native   int `json:"native"`
	// Counts are what the rules have looked at, with a fault or without.
	Counts map[string]int `json:"counts"`
	// Failed is set if a package could not be loaded or analysed at all.
	Failed bool `json:"failed"`

	fset *token.FileSet
}

// Load says what to load.
type Load struct {
	Dir      string
	Tests    bool
	Tags     string
	Patterns []string
}

// Run loads packages and runs rules over them.
func Run(rules []*rule.Rule, load Load) (*Result, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	source.Standard = filepath.Join(strings.TrimSpace(string(root)), "src") + string(filepath.Separator)
	made, err := os.MkdirTemp("", "cgolab-vet")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(made)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	folders := sync.OnceValue(func() map[string]bool {
		bodiless := make(map[string]bool)
		text, _ := os.ReadFile(filepath.Join(made, bare)) // without it all bodies are read, which is only slower
		for dir := range strings.SplitSeq(string(text), "\n") {
			bodiless[dir] = true
		}
		return bodiless
	})
	config := &packages.Config{
		Mode:  packages.LoadAllSyntax,
		Dir:   load.Dir,
		Env:   append(os.Environ(), "GOPACKAGESDRIVER="+self, objects+"="+made),
		Tests: load.Tests,
		Fset:  token.NewFileSet(),
		ParseFile: func(fset *token.FileSet, name string, text []byte) (*ast.File, error) {
			if folders()[filepath.Dir(name)] {
				return parseDeclarations(fset, name, text)
			}
			return parser.ParseFile(fset, name, text, parser.AllErrors|parser.ParseComments|parser.SkipObjectResolution)
		},
	}
	if load.Tags != "" {
		config.BuildFlags = []string{"-tags=" + load.Tags}
	}
	pkgs, err := packages.Load(config, load.Patterns...)
	if err != nil {
		// go/packages names the driver, which is this program, and how it ended.
		return nil, errors.New(strings.TrimSpace(strings.TrimPrefix(err.Error(), self+": exit status 1: ")))
	}
	if err := setModules(pkgs, filepath.Join(made, moduleList)); err != nil {
		return nil, err
	}
	directives := Directives(rules)
	analyzers := []*analysis.Analyzer{release(directives), source.Analyzer, summary.Analyzer}
	for _, r := range rules {
		analyzers = append(analyzers, r.Analyzer())
	}
	analyzers = append(analyzers, directives)
	// One package after the other, the imported first: then few of them are in memory at a time.
	graph, err := checker.Analyze(analyzers, importedFirst(pkgs), &checker.Options{Sequential: true})
	if err != nil {
		return nil, err
	}
	result := &Result{Findings: []Finding{}, Gaps: []Gap{}, Counts: make(map[string]int), fset: config.Fset}
	result.collect(rules, graph, unloaded(pkgs))
	return result, nil
}

// release makes an analyzer that runs after all others, and lets go of what they alone need of a package.
func release(last *analysis.Analyzer) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:             "release",
		Doc:              "frees the SSA form of a package",
		Requires:         []*analysis.Analyzer{source.Analyzer, summary.Analyzer, last},
		RunDespiteErrors: true,
		Run: func(pass *analysis.Pass) (any, error) {
			pass.ResultOf[source.Analyzer].(*source.Package).Release()
			pass.ResultOf[summary.Analyzer].(*summary.Table).Release()
			return nil, nil
		},
	}
}

// importedFirst orders packages so that each comes after those that it imports.
func importedFirst(pkgs []*packages.Package) (ordered []*packages.Package) {
	roots := make(map[*packages.Package]bool)
	for _, pkg := range pkgs {
		roots[pkg] = true
	}
	packages.Visit(pkgs, nil, func(pkg *packages.Package) {
		if roots[pkg] {
			ordered = append(ordered, pkg)
		}
	})
	return ordered
}

// parseDeclarations drops the bodies of functions that nobody looks into.
func parseDeclarations(fset *token.FileSet, name string, text []byte) (*ast.File, error) {
	f, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
	if f != nil {
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Type.TypeParams == nil && (fn.Recv == nil || !generic(fn.Recv)) {
				fn.Body = nil
			}
		}
	}
	return f, err
}

func generic(recv *ast.FieldList) bool {
	found := false
	ast.Inspect(recv, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.IndexExpr, *ast.IndexListExpr:
			found = true
		}
		return true
	})
	return found
}

// unloaded says why packages could not be listed, parsed or given to cmd/cgo, of those that were asked for and of all
// that they import.
func unloaded(pkgs []*packages.Package) map[*packages.Package]string {
	why := make(map[*packages.Package]string)
	packages.Visit(pkgs, nil, func(pkg *packages.Package) {
		for _, err := range slices.Backward(pkg.Errors) {
			if err.Kind != packages.TypeError { // the analyzer tells of those
				why[pkg] = strings.TrimLeft(err.Pos+": "+inOneLine(err.Msg), "-: ")
			}
		}
	})
	return why
}

// inOneLine is the beginning of what a tool says, without the lines of source that compilers quote.
func inOneLine(text string) string {
	var kept []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if before, _, quoted := strings.Cut(line, "|"); quoted && strings.Trim(before, " 0123456789") == "" {
			continue
		}
		kept = append(kept, strings.TrimSpace(line))
	}
	return strings.Join(kept[:min(4, len(kept))], "; ")
}

func (r *Result) gap(pkg string, note source.Note) {
	gap := Gap{pkg, note}
	if !slices.Contains(r.Gaps, gap) {
		r.Gaps = append(r.Gaps, gap)
	}
	r.Failed = r.Failed || note.Whole
}

// gaps takes over what was not analysed of a package. Errors that follow from a package that could not be loaded are not
// told beside that one.
func (r *Result) gaps(pkg *packages.Package, notes []source.Note, unloaded map[*packages.Package]string) {
	if why, ok := unloaded[pkg]; ok {
		r.gap(pkg.PkgPath, source.Note{Whole: true, Reason: why})
		return
	}
	for _, note := range notes {
		var paths []string
		if note.Whole {
			for _, cause := range neededOf(pkg, unloaded) {
				r.gap(cause.PkgPath, source.Note{Whole: true, Reason: unloaded[cause]})
				paths = append(paths, cause.PkgPath)
			}
		}
		if len(paths) > 0 {
			// Read by lab/src/foreign/outcome.rs, too.
			note.Reason = "it needs " + strings.Join(paths, ", ")
		}
		r.gap(pkg.PkgPath, note)
	}
}

// neededOf are the packages of a set that a package needs, by path.
func neededOf(pkg *packages.Package, set map[*packages.Package]string) (needed []*packages.Package) {
	packages.Visit([]*packages.Package{pkg}, nil, func(imported *packages.Package) {
		if _, ok := set[imported]; ok {
			needed = append(needed, imported)
		}
	})
	slices.SortFunc(needed, func(a, b *packages.Package) int { return cmp.Compare(a.PkgPath, b.PkgPath) })
	return needed
}

func (r *Result) collect(rules []*rule.Rule, graph *checker.Graph, unloaded map[*packages.Package]string) {
	known := make(map[string]*rule.Rule)
	runs := make(map[string]*RuleRun)
	for _, rule := range rules {
		known[rule.Name] = rule
		run := &RuleRun{Name: rule.Name, Contracts: rule.Contracts, OnRequest: rule.OnRequest}
		runs[rule.Name] = run
		r.Rules = append(r.Rules, run)
	}
	seen := make(map[string]bool)
	for _, action := range graph.Roots {
		path := action.Package.PkgPath
		if action.Err != nil {
			r.gap(path, source.Note{Whole: true, Reason: inOneLine(action.Err.Error())})
			continue
		}
		var functions map[token.Pos]string
		switch result := action.Result.(type) {
		case *source.Package:
			r.Packages++
			if result.Native {
				r.Native++
			}
			r.gaps(action.Package, result.Notes, unloaded)
		case *rule.Ran:
			for what, n := range result.Counts {
				r.Counts[what] += n
			}
			runs[result.Rule.Name].Accepted += result.Accepted
			functions = result.Functions
		}
		for _, d := range action.Diagnostics {
			at := r.fset.Position(d.Pos)
			key := fmt.Sprint(at, d.Message)
			if seen[key] {
				continue // the same file, in a package and in its variant for tests
			}
			seen[key] = true
			f := Finding{
				Rule: d.Category, Severity: rule.Warning, Contracts: []string{}, Package: path,
				File: at.Filename, Function: functions[d.Pos], Line: at.Line, Column: at.Column,
				Message: strings.TrimPrefix(d.Message, d.Category+": "), fixes: d.SuggestedFixes,
			}
			if rule := known[d.Category]; rule != nil {
				f.Severity, f.Contracts = rule.Severity, append(f.Contracts, rule.Contracts...)
			}
			r.Findings = append(r.Findings, f)
		}
	}
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	slices.SortFunc(r.Gaps, func(a, b Gap) int { return cmp.Compare(a.String(), b.String()) })
}

// Fix applies the first fix of each finding that has one, where they do not overlap, and says how many.
func (r *Result) Fix() (applied int, err error) {
	type edit struct {
		start, end int
		text       []byte
	}
	edits := make(map[string][]edit)
	for _, f := range r.Findings {
		if len(f.fixes) == 0 {
			continue
		}
		applied++
		for _, e := range f.fixes[0].TextEdits {
			file := r.fset.File(e.Pos)
			end := e.End
			if !end.IsValid() {
				end = e.Pos
			}
			edits[file.Name()] = append(edits[file.Name()], edit{file.Offset(e.Pos), file.Offset(end), e.NewText})
		}
	}
	for name, list := range edits {
		text, err := os.ReadFile(name)
		if err != nil {
			return applied, err
		}
		slices.SortStableFunc(list, func(a, b edit) int { return cmp.Compare(b.start, a.start) })
		last := len(text) + 1
		for _, e := range list {
			if e.end > last || e.end == last && e.start == last {
				continue
			}
			text = slices.Concat(text[:e.start], e.text, text[e.end:])
			last = e.start
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			return applied, err
		}
	}
	return applied, nil
}
