// Package ruletest runs a rule over its fixtures.
package ruletest

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Run runs a rule over every package below testdata/src, where comments // want say what it must find. A
// package may hold good and bad code; a file named hard.go holds code that looks bad and is not.
func Run(t *testing.T, r *rule.Rule) {
	t.Helper()
	RunAnalyzer(t, r.Analyzer())
}

// RunAnalyzer is Run for an analyzer that is not a rule.
func RunAnalyzer(t *testing.T, a *analysis.Analyzer) {
	t.Helper()
	dirs, err := os.ReadDir(filepath.Join("testdata", "src"))
	if err != nil {
		t.Fatal(err)
	}
	var packages []string
	for _, dir := range dirs {
		packages = append(packages, dir.Name())
	}
	analysistest.Run(t, analysistest.TestData(), a, packages...)
}

// RunFixes is Run, and compares what fixes make of the files with the .golden files beside them.
func RunFixes(t *testing.T, r *rule.Rule, packages ...string) {
	t.Helper()
	analysistest.RunWithSuggestedFixes(t, analysistest.TestData(), r.Analyzer(), packages...)
}
