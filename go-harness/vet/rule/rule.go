// Package rule says what a rule is: data that documentation, reports and drivers are made from, and one
// function that looks at a package.
//
// A rule lives in a directory of its own under rules/, and is one line in the list of package vet. To write
// one, start from [Pass]: its functions are in SSA form, a call of C is a static call that [Pass.Know] can
// name, and package flow answers where a value goes and whether a path leaves something undone. A finding on
// a path should say where the path ends.
package rule

import (
	"flag"
	"fmt"
	"go/token"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/directive"
	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
)

// Severity is how bad a true finding is.
type Severity string

const (
	Error   Severity = "error"   // memory errors, wrong results, crashes
	Warning Severity = "warning" // leaks, and what is wrong only in some programs
	Note    Severity = "note"    // a policy that a project may have
)

// Merge says what a finding means that some builds have and some do not, for example those of two systems.
type Merge string

const (
	IfAny Merge = "any" // it is one if any build has it
	IfAll Merge = "all" // it is one only if every build has it
)

// Rule is one rule.
type Rule struct {
	Name     string
	Title    string // one line, without a full stop
	Text     string // paragraphs, in Markdown
	Before   string // code with the mistake
	After    string // the same code without
	Since    string // the first version that has the rule
	Severity Severity
	MergeIf  Merge
	// OnRequest rules are policies: they run only if somebody asks for them.
	OnRequest bool
	// AllPackages is set for rules that need no SSA: they are shown every package.
	AllPackages bool
	// Contracts are the promises of the catalogue that the rule guards.
	Contracts []string
	// Directives are the kinds of //cgolab: comments that the rule heeds, besides ignore.
	Directives []string
	Options    []Option
	Run        func(*Pass)

	once     sync.Once
	analyzer *analysis.Analyzer
}

// Option is a setting of a rule: a flag named RULE.NAME.
type Option struct {
	Name, Default, Usage string
}

// Pass is the view that a rule has of one package. Packages without SSA are shown only to rules for all packages.
type Pass struct {
	*source.Package
	Know *summary.Table

	rule       *Rule
	analysis   *analysis.Pass
	directives *directive.Set
	reported   map[string]bool
	ran        *Ran
}

// Report reports a finding.
func (p *Pass) Report(pos token.Pos, format string, args ...any) {
	p.report(analysis.Diagnostic{Pos: pos, Message: fmt.Sprintf(format, args...)})
}

// ReportAt reports a finding at an instruction.
func (p *Pass) ReportAt(instr ssa.Instruction, format string, args ...any) {
	p.Report(p.Pos(instr), format, args...)
}

// ReportFix reports a finding with edits that mend it.
func (p *Pass) ReportFix(pos token.Pos, fix analysis.SuggestedFix, format string, args ...any) {
	p.report(analysis.Diagnostic{Pos: pos, Message: fmt.Sprintf(format, args...), SuggestedFixes: []analysis.SuggestedFix{fix}})
}

func (p *Pass) report(d analysis.Diagnostic) {
	d.Message = source.Spelled(d.Message)
	at := p.Fset().Position(d.Pos)
	key := fmt.Sprint(at, d.Message)
	if p.reported[key] {
		return
	}
	p.reported[key] = true
	if p.directives.Ignored(p.rule.Name, at) {
		p.ran.Accepted++
		return
	}
	if in := p.FunctionAt(d.Pos); in != "" {
		p.ran.Functions[d.Pos] = in
	}
	d.Category = p.rule.Name
	d.Message = p.rule.Name + ": " + d.Message
	p.analysis.Report(d)
}

// AnyCall reports whether some call in the package is of a kind.
func (p *Pass) AnyCall(is func(ssa.CallInstruction) bool) bool {
	found := false
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if call, ok := instr.(ssa.CallInstruction); ok && !found {
				found = is(call)
			}
		})
	}
	return found
}

// Marked reports whether a directive of a kind names a function.
func (p *Pass) Marked(kind, function string) bool { return p.directives.Marked(kind, function) }

// Raw reports whether a directive calls the package a thin layer over C.
func (p *Pass) Raw() bool { return p.directives.Raw() }

// Option is the value of one of the rule's options.
func (p *Pass) Option(name string) string {
	return p.analysis.Analyzer.Flags.Lookup(name).Value.String()
}

// Count counts something that the rule has looked at, whether it has a fault or not.
func (p *Pass) Count(what string) { p.ran.Counts[p.rule.Name+": "+what]++ }

// Ran is the result of a rule's analyzer.
type Ran struct {
	Rule *Rule
	// Counts are what the rule has looked at, by what it is.
	Counts map[string]int
	// Functions are those that findings are in, by the positions of the findings.
	Functions map[token.Pos]string
	// Accepted are the findings that a comment with a reason ignores, by their number.
	Accepted int
}

// Analyzer is the rule as drivers want it.
func (r *Rule) Analyzer() *analysis.Analyzer {
	r.once.Do(func() {
		r.analyzer = &analysis.Analyzer{
			Name:             r.Name,
			Doc:              r.Title + "\n\n" + r.Text,
			URL:              "https://github.com/cgolab/cgolab/blob/main/docs/vet/" + r.Name + ".md",
			Requires:         []*analysis.Analyzer{source.Analyzer, summary.Analyzer, directive.Analyzer},
			RunDespiteErrors: true,
			ResultType:       reflect.TypeFor[*Ran](),
			Flags:            *flag.NewFlagSet(r.Name, flag.ExitOnError),
			Run:              r.run,
		}
		for _, option := range r.Options {
			r.analyzer.Flags.String(option.Name, option.Default, option.Usage)
		}
	})
	return r.analyzer
}

func (r *Rule) run(pass *analysis.Pass) (result any, err error) {
	ran := &Ran{Rule: r, Counts: make(map[string]int), Functions: make(map[token.Pos]string)}
	p := &Pass{
		Package:    pass.ResultOf[source.Analyzer].(*source.Package),
		Know:       pass.ResultOf[summary.Analyzer].(*summary.Table),
		rule:       r,
		analysis:   pass,
		directives: pass.ResultOf[directive.Analyzer].(*directive.Set),
		reported:   make(map[string]bool),
		ran:        ran,
	}
	if p.Standard || p.Program == nil && !r.AllPackages {
		return ran, nil
	}
	defer func() {
		// One package that breaks one rule must not take the others away, nor pass for clean.
		if trouble := recover(); trouble != nil {
			result, err = ran, fmt.Errorf("rule %s failed on %s: %v\n%s", r.Name, pass.Pkg.Path(), trouble, debug.Stack())
		}
	}()
	r.Run(p)
	return ran, nil
}

// Page is the rule's page in docs/vet, in Markdown.
func (r *Rule) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n", r.Name, r.Title)
	by := "by default"
	if r.OnRequest {
		by = "on request: `-enable " + r.Name + "`"
	}
	fmt.Fprintf(&b, "| runs | severity | since | merged | contracts |\n| --- | --- | --- | --- | --- |\n| %s | %s | %s | if %s | %s |\n\n",
		by, r.Severity, r.Since, r.MergeIf, strings.Join(r.Contracts, ", "))
	fmt.Fprintf(&b, "%s\n\n## Before\n\n```go\n%s\n```\n\n## After\n\n```go\n%s\n```\n",
		strings.TrimSpace(r.Text), strings.TrimSpace(r.Before), strings.TrimSpace(r.After))
	if len(r.Options) > 0 {
		fmt.Fprint(&b, "\n## Options\n\n")
		for _, option := range r.Options {
			fmt.Fprintf(&b, "- `-%s.%s=%s`: %s\n", r.Name, option.Name, option.Default, option.Usage)
		}
	}
	fmt.Fprintf(&b, "\n## Silence\n\n`//cgolab:ignore %s reason`, on the line, the line before, or in the function's comment.\n", r.Name)
	for _, kind := range r.Directives {
		if kind == "raw" {
			fmt.Fprint(&b, "`//cgolab:raw reason`, anywhere in the package, is heeded too.\n")
			continue
		}
		fmt.Fprintf(&b, "`//cgolab:%s FUNC reason` is heeded too.\n", kind)
	}
	return b.String()
}
