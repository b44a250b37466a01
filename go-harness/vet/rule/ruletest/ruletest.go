// Package ruletest runs a rule over its fixtures.
package ruletest

import (
	"io/fs"
	"path/filepath"
	"slices"
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
	root := filepath.Join("testdata", "src")
	var packages []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if dir = filepath.ToSlash(dir); !slices.Contains(packages, dir) {
			packages = append(packages, dir)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	analysistest.Run(t, analysistest.TestData(), a, packages...)
}

// Silent takes findings that no comment expects: those in files that cannot hold comments, for one.
type Silent struct{}

// Errorf is that of analysistest.Testing.
func (Silent) Errorf(string, ...any) {}

// RunFixes is Run, and compares what fixes make of the files with the .golden files beside them.
func RunFixes(t *testing.T, r *rule.Rule, packages ...string) {
	t.Helper()
	analysistest.RunWithSuggestedFixes(t, analysistest.TestData(), r.Analyzer(), packages...)
}
