// Command cgolab-vet finds broken interop contracts in Go code that calls C, through cgo or purego.
//
//	cgolab-vet ./...                                  on its own
//	go vet -vettool=$(which cgolab-vet) ./...         as a tool of go vet, with its cache
//
// It says on standard error what it did not analyse, and why; under go vet, when a package is analysed anew, and
// with -coverage.findings every time, as findings. The exit status is that of go vet: 0 if there
// is nothing to say, 1 if there are findings, or if a package could not be analysed, 2 if nothing could be
// loaded, and for wrong usage. With -json or -sarif it is 0 whatever was found.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/cgolab/cgolab/go-harness/vet"
	"github.com/cgolab/cgolab/go-harness/vet/internal/driver"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

func main() {
	driver.ServePackages()
	driver.Know(vet.Rules())
	if toolOfGoVet(os.Args[1:]) {
		runAsTool()
		return
	}
	os.Exit(run(os.Args[1:]))
}

// toolOfGoVet recognises how go vet calls its tools.
func toolOfGoVet(args []string) bool {
	for _, arg := range args {
		if arg == "-V=full" || arg == "-flags" || strings.HasSuffix(arg, ".cfg") {
			return true
		}
	}
	return false
}

func runAsTool() {
	// go vet passes our flags on; which analyzers there are must be known before they are parsed.
	flag.String("enable", "", "rules on request that shall run, separated by commas; all: all of them")
	enable := ""
	for _, arg := range os.Args[1:] {
		if value, ok := strings.CutPrefix(arg, "-enable="); ok {
			enable = value
		}
	}
	rules, err := choose(enable, "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var analyzers []*analysis.Analyzer
	for _, r := range rules {
		analyzers = append(analyzers, r.Analyzer())
	}
	unitchecker.Main(append(analyzers, driver.Directives(rules), driver.Coverage)...)
}

func run(args []string) int {
	flags := flag.NewFlagSet("cgolab-vet", flag.ContinueOnError)
	var (
		asJSON  = flags.Bool("json", false, "write findings, and what was not analysed, as JSON")
		asSARIF = flags.Bool("sarif", false, "write them as a SARIF 2.1.0 log")
		fix     = flags.Bool("fix", false, "apply the fixes that findings have")
		explain = flags.String("explain", "", "print the page of a `rule`")
		list    = flags.Bool("rules", false, "list the rules")
		enable  = flags.String("enable", "", "`rules` on request that shall run, separated by commas; all: all of them")
		only    = flags.String("only", "", "the only `rules` that shall run, separated by commas")
		tests   = flags.Bool("test", true, "analyse test files too")
		tags    = flags.String("tags", "", "build `tags`, separated by commas")
	)
	for _, r := range vet.Rules() {
		r.Analyzer().Flags.VisitAll(func(f *flag.Flag) { flags.Var(f.Value, r.Name+"."+f.Name, f.Usage) })
	}
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: cgolab-vet [flags] packages\n   or: go vet -vettool=$(which cgolab-vet) [flags] packages\n\nflags:")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return 0
		}
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "cgolab-vet:", err)
		return 2
	}
	if *list {
		for _, r := range vet.Rules() {
			when := "default"
			if r.OnRequest {
				when = "on request"
			}
			fmt.Printf("%-14s %-10s %-7s %s\n", r.Name, when, r.Severity, r.Title)
		}
		return 0
	}
	if *explain != "" {
		rules, err := choose("", *explain)
		if err != nil {
			fmt.Fprintln(os.Stderr, "cgolab-vet:", err)
			return 2
		}
		for _, r := range rules {
			fmt.Print(r.Page())
		}
		return 0
	}
	rules, err := choose(*enable, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cgolab-vet:", err)
		return 2
	}
	patterns := flags.Args()
	if len(patterns) == 0 {
		patterns = []string{"."}
	}
	dir, err := os.Getwd()
	if err != nil {
		return fail(err)
	}
	result, err := driver.Run(rules, driver.Load{Tests: *tests, Tags: *tags, Patterns: patterns})
	if err != nil {
		return fail(err)
	}
	switch {
	case *fix:
		applied, err := result.Fix()
		if err != nil {
			return fail(err)
		}
		fmt.Fprintf(os.Stderr, "%d fixes applied to %d findings\n", applied, len(result.Findings))
	case *asJSON:
		if err := result.JSON(os.Stdout); err != nil {
			return fail(err)
		}
		return 0
	case *asSARIF:
		if err := result.SARIF(os.Stdout, rules, dir); err != nil {
			return fail(err)
		}
		return 0
	}
	result.Text(os.Stdout, os.Stderr, dir)
	if len(result.Findings) > 0 || result.Failed {
		return 1
	}
	return 0
}

// choose are the rules that run: those on by default and those asked for, or those named alone.
func choose(enable, only string) ([]*rule.Rule, error) {
	wanted, alone := split(enable), split(only)
	var names []string
	var chosen []*rule.Rule
	for _, r := range vet.Rules() {
		names = append(names, r.Name)
		if len(alone) > 0 {
			if slices.Contains(alone, r.Name) {
				chosen = append(chosen, r)
			}
		} else if !r.OnRequest || slices.Contains(wanted, r.Name) || slices.Contains(wanted, "all") {
			chosen = append(chosen, r)
		}
	}
	for _, name := range append(wanted, alone...) {
		if name != "all" && !slices.Contains(names, name) {
			return nil, fmt.Errorf("no rule is named %s; there are %s", name, strings.Join(names, ", "))
		}
	}
	return chosen, nil
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
