package checksoff_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/checksoff"
)

func TestRule(t *testing.T) { ruletest.Run(t, checksoff.Rule) }

// TestScripts plants what is switched off in the files that start the go command. They stand beside a go.mod.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"src/m/go.mod":                     "module m\n",
		"src/m/m.go":                       "package m\n",
		"src/m/Makefile":                   "test:\n\tGODEBUG=cgocheck=0 go test ./...\n\nfast:\n\t# C keeps nothing.\n\tGODEBUG=cgocheck=0 go test ./...\n",
		"src/m/.github/workflows/test.yml": "run: go test -gcflags=all=-d=checkptr=0 ./...\nenv: GODEBUG=cgocheck=2\nother: go test # -d=checkptr=0 was here\n",
		"src/m/.github/workflows/env.yml":  "env:\n  GODEBUG: \"cgocheck=2\"\n  OTHER: cgocheck=2\nrun: go test -race=false ./...\n",
		"src/m/Dockerfile":                 "ENV GODEBUG cgocheck=2\nENV GODEBUG='gctrace=1,cgocheck=2'\n",
		"src/m/sub/Makefile":               "test:\n\tGODEBUG=cgocheck=0 go test ./...\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, result := range analysistest.Run(ruletest.Silent{}, dir, checksoff.Rule.Analyzer(), "m") {
		for _, d := range result.Action.Diagnostics {
			at := result.Action.Package.Fset.Position(d.Pos)
			got = append(got, filepath.Base(at.Filename)+":"+strings.TrimPrefix(at.String(), at.Filename+":"))
		}
	}
	slices.Sort(got)
	want := []string{"Dockerfile:1:1", "Dockerfile:2:1", "Makefile:2:1", "env.yml:2:1", "env.yml:4:1", "test.yml:1:1", "test.yml:2:1"}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, not %v", got, want)
	}
}
