package driver

import (
	"flag"
	"fmt"
	"os"

	"golang.org/x/tools/go/analysis"

	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
)

// Coverage says, under go vet, what was not analysed. It has no findings, so that it turns nothing red: it
// prints, and go vet passes that on. With -json go vet wants nothing but its own objects there.
var Coverage = &analysis.Analyzer{
	Name:             "coverage",
	Doc:              "what was not analysed, and why",
	Requires:         []*analysis.Analyzer{source.Analyzer},
	RunDespiteErrors: true,
	Run: func(pass *analysis.Pass) (any, error) {
		out := os.Stdout
		if f := flag.Lookup("json"); f != nil && f.Value.String() == "true" {
			out = os.Stderr
		}
		for _, note := range pass.ResultOf[source.Analyzer].(*source.Package).Notes {
			fmt.Fprintln(out, Gap{pass.Pkg.Path(), note})
		}
		return nil, nil
	},
}
