package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
)

func TestRegistered(t *testing.T) {
	make, err := register.GetPlugin("cgolab")
	if err != nil {
		t.Fatal(err)
	}
	p, err := make(map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	analyzers, err := p.BuildAnalyzers()
	if err != nil {
		t.Fatal(err)
	}
	if err := analysis.Validate(analyzers); err != nil {
		t.Error(err)
	}
	if _, err := make(map[string]any{"enable": []string{"nonsense"}}); err == nil {
		t.Error("a rule that does not exist is accepted")
	}
}

// golangci-lint puts the name of the analyzer before each message.
func TestMessagesDoNotBeginWithTheRule(t *testing.T) {
	linter, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	analyzers, err := linter.BuildAnalyzers()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const source = "package m\n\n// #include <stdio.h>\nimport \"C\"\n\nfunc F() { C.puts(C.CString(\"a\")) }\n"
	pkg := filepath.Join(dir, "src", "m")
	if err := os.MkdirAll(pkg, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pkg, "m.go"), []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, a := range analyzers {
		if a.Name != "cstring" {
			continue
		}
		for _, result := range analysistest.Run(ruletest.Silent{}, dir, a, "m") {
			for _, d := range result.Diagnostics {
				messages = append(messages, d.Message)
			}
		}
	}
	if len(messages) != 1 || strings.HasPrefix(messages[0], "cstring: ") {
		t.Errorf("messages: %q", messages)
	}
}
