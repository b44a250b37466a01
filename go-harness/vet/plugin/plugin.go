// Package plugin makes the rules a module plugin of golangci-lint:
//
//	# .custom-gcl.yml
//	plugins:
//	  - module: github.com/cgolab/cgolab/go-harness/vet
//	    import: github.com/cgolab/cgolab/go-harness/vet/plugin
//	    version: v0.1.0
//
//	# .golangci.yml
//	linters:
//	  enable: [cgolab]
//	  settings:
//	    custom:
//	      cgolab:
//	        type: module
//	        settings:
//	          enable: [closeerror] # rules on request
package plugin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"

	"github.com/cgolab/cgolab/go-harness/vet"
	"github.com/cgolab/cgolab/go-harness/vet/internal/driver"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

func init() { register.Plugin("cgolab", New) }

// Settings are those of .golangci.yml.
type Settings struct {
	Enable []string `json:"enable"`
}

// New makes the plugin.
func New(settings any) (register.LinterPlugin, error) {
	decoded, err := register.DecodeSettings[Settings](settings)
	if err != nil {
		return nil, err
	}
	var chosen []*rule.Rule
	var names []string
	for _, r := range vet.Rules() {
		names = append(names, r.Name)
		if !r.OnRequest || slices.Contains(decoded.Enable, r.Name) {
			chosen = append(chosen, r)
		}
	}
	for _, name := range decoded.Enable {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no rule is named %s; there are %v", name, names)
		}
	}
	return &linter{chosen}, nil
}

type linter struct{ rules []*rule.Rule }

func (l *linter) BuildAnalyzers() ([]*analysis.Analyzer, error) {
	driver.Know(vet.Rules())
	var analyzers []*analysis.Analyzer
	for _, r := range l.rules {
		analyzers = append(analyzers, unprefixed(r.Analyzer()))
	}
	return append(analyzers, driver.Directives(l.rules)), nil
}

// unprefixed returns a copy of a rule that leaves its name out of messages: golangci-lint puts the name of each
// analyzer before them.
func unprefixed(a *analysis.Analyzer) *analysis.Analyzer {
	copied := *a
	copied.Run = func(pass *analysis.Pass) (any, error) {
		shown := *pass
		shown.Report = func(d analysis.Diagnostic) {
			d.Message = strings.TrimPrefix(d.Message, d.Category+": ")
			pass.Report(d)
		}
		return a.Run(&shown)
	}
	return &copied
}

func (l *linter) GetLoadMode() string { return register.LoadModeTypesInfo }
