package driver

import (
	"fmt"
	"slices"

	"golang.org/x/tools/go/analysis"

	"github.com/cgolab/cgolab/go-harness/vet/internal/directive"
	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Directives reports directives that cannot be heeded, name what is unknown, or had nothing to do. It runs
// after the rules, of which only those that ran are asked.
func Directives(rules []*rule.Rule) *analysis.Analyzer {
	requires := []*analysis.Analyzer{directive.Analyzer, source.Analyzer}
	for _, r := range rules {
		requires = append(requires, r.Analyzer())
	}
	return &analysis.Analyzer{
		Name:             "directive",
		Doc:              "//cgolab: comments that cannot be heeded, or had nothing to do",
		Requires:         requires,
		RunDespiteErrors: true,
		Run: func(pass *analysis.Pass) (any, error) {
			set := pass.ResultOf[directive.Analyzer].(*directive.Set)
			report := func(d analysis.Diagnostic) {
				d.Category = "directive"
				d.Message = "directive: " + d.Message
				pass.Report(d)
			}
			for _, problem := range set.Problems {
				report(analysis.Diagnostic{Pos: problem.Pos, Message: problem.Message})
			}
			pkg := pass.ResultOf[source.Analyzer].(*source.Package)
			if slices.ContainsFunc(pkg.Notes, func(note source.Note) bool { return note.Whole }) {
				return nil, nil // what they would have had to do is not known
			}
			for _, d := range set.Directives {
				if message := complaint(d, rules); message != "" {
					report(analysis.Diagnostic{Pos: d.Pos, Message: message})
				}
			}
			return nil, nil
		},
	}
}

// known are the names of all rules, whether they run or not.
var known []string

// Know tells the names of all rules.
func Know(rules []*rule.Rule) {
	known = nil
	for _, r := range rules {
		known = append(known, r.Name)
	}
}

func complaint(d *directive.Directive, ran []*rule.Rule) string {
	if d.Kind == "ignore" {
		all := true
		for _, name := range d.Names {
			if !slices.Contains(known, name) {
				return "no rule is named " + name
			}
			all = all && slices.ContainsFunc(ran, func(r *rule.Rule) bool { return r.Name == name })
		}
		if all && !d.Used {
			return fmt.Sprintf("nothing to ignore here for %v", d.Names)
		}
		return ""
	}
	heeded := slices.ContainsFunc(ran, func(r *rule.Rule) bool { return slices.Contains(r.Directives, d.Kind) })
	if heeded && !d.Used {
		if d.Kind == "raw" {
			return "//cgolab:raw had no effect"
		}
		return fmt.Sprintf("//cgolab:%s %v had no effect", d.Kind, d.Names)
	}
	return ""
}
