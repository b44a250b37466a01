package driver

import (
	"flag"
	"fmt"
	"os"

	"golang.org/x/tools/go/analysis"

	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
)

// Coverage says, under go vet, what was not analysed. go vet knows findings and nothing else, caches them, and
// is red if there are any. So what was not analysed is said on standard error, when a package is analysed anew;
// with -coverage.findings these are findings, which are said every time.
var Coverage = &analysis.Analyzer{
	Name:             "coverage",
	Doc:              "what was not analysed, and why",
	Requires:         []*analysis.Analyzer{source.Analyzer},
	RunDespiteErrors: true,
	Flags:            *flag.NewFlagSet("coverage", flag.ExitOnError),
	Run: func(pass *analysis.Pass) (any, error) {
		for _, note := range pass.ResultOf[source.Analyzer].(*source.Package).Notes {
			gap := Gap{pass.Pkg.Path(), note}
			if gapsAreFindings && len(pass.Files) > 0 {
				pass.Reportf(pass.Files[0].Package, "%s", gap)
			} else {
				fmt.Fprintln(os.Stderr, gap)
			}
		}
		return nil, nil
	},
}

var gapsAreFindings bool

func init() {
	Coverage.Flags.BoolVar(&gapsAreFindings, "findings", false, "report what was not analysed as findings")
}
