package driver

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Text writes findings to one writer, and what was not analysed and a summary to another.
func (r *Result) Text(findings, gaps io.Writer, dir string) {
	for _, f := range r.Findings {
		place := fmt.Sprint(relative(dir, f.File), ":", f.Line)
		if f.Column > 0 { // a comment //line need not have one
			place += fmt.Sprint(":", f.Column)
		}
		fmt.Fprintf(findings, "%s: %s: %s\n", place, f.Rule, f.Message)
	}
	for _, gap := range r.Gaps {
		fmt.Fprintln(gaps, gap)
	}
	fmt.Fprintln(gaps, r.Summary())
}

// Summary is the run in one line, so that a clean one says what it looked at.
func (r *Result) Summary() string {
	parts := []string{
		fmt.Sprintf("%s, %d with C or native memory", counted(r.Packages, "package"), r.Native),
		counted(len(r.Rules), "rule"),
		counted(len(r.Findings), "finding"),
	}
	accepted := 0
	for _, run := range r.Rules {
		accepted += run.Accepted
	}
	if accepted > 0 {
		parts = append(parts, fmt.Sprintf("%d silenced by //cgolab:ignore", accepted))
	}
	whole, part := make(map[string]bool), make(map[string]bool)
	for _, gap := range r.Gaps {
		if gap.Whole {
			whole[gap.Package] = true
		} else {
			part[gap.Package] = true
		}
	}
	if len(whole) > 0 {
		parts = append(parts, counted(len(whole), "package")+" not analysed")
	}
	if len(part) > 0 {
		parts = append(parts, counted(len(part), "package")+" analysed in part")
	}
	return strings.Join(parts, "; ")
}

// counted is a number with its noun.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func relative(dir, name string) string {
	if rel, err := filepath.Rel(dir, name); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return name
}

// JSON writes the result as one object.
func (r *Result) JSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "\t")
	return out.Encode(r)
}

// SARIF writes the result as a SARIF 2.1.0 log. What was not analysed are notifications of the tool.
func (r *Result) SARIF(w io.Writer, rules []*rule.Rule, dir string) error {
	log := sarif.NewReport()
	run := sarif.NewRunWithInformationURI("cgolab-vet", "https://github.com/cgolab/cgolab")
	for _, rule := range rules {
		run.AddRule(rule.Name).
			WithName(rule.Name).
			WithDescription(rule.Title).
			WithHelpURI(rule.Analyzer().URL).
			WithMarkdownHelp(rule.Page()).
			WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(string(rule.Severity)))
	}
	place := func(file string) *sarif.PhysicalLocation {
		return sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(filepath.ToSlash(relative(dir, file))))
	}
	for _, f := range r.Findings {
		region := sarif.NewRegion().WithStartLine(f.Line)
		if f.Column > 0 {
			region = region.WithStartColumn(f.Column)
		}
		run.CreateResultForRule(f.Rule).
			WithLevel(string(f.Severity)).
			WithMessage(sarif.NewTextMessage(f.Message)).
			AddLocation(sarif.NewLocationWithPhysicalLocation(place(f.File).WithRegion(region)))
	}
	invocation := sarif.NewInvocation().WithExecutionSuccessful(!r.Failed)
	for _, gap := range r.Gaps {
		notification := sarif.NewNotification().WithLevel("warning").WithMessage(sarif.NewTextMessage(gap.String()))
		invocation.ToolExecutionNotifications = append(invocation.ToolExecutionNotifications, notification)
	}
	run.AddInvocation(invocation)
	log.AddRun(run)
	return log.PrettyWrite(w)
}
