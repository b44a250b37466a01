package plugin

import (
	"testing"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"
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
