package vet_test

import (
	"flag"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"

	"github.com/cgolab/cgolab/go-harness/vet"
)

var update = flag.Bool("update", false, "write docs/vet anew from the rules")

const docs = "../../docs/vet"

// TestPages compares docs/vet with the rules that they are made from.
func TestPages(t *testing.T) {
	pages := map[string]string{"README.md": index()}
	for _, r := range vet.Rules() {
		pages[r.Name+".md"] = r.Page()
	}
	for name, want := range pages {
		path := filepath.Join(docs, name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil {
			t.Errorf("%v; go test -run Pages -update . writes it", err)
		} else if string(got) != want {
			t.Errorf("%s is not what the rule says; go test -run Pages -update . writes it anew", path)
		}
	}
	entries, err := os.ReadDir(docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if _, ok := pages[entry.Name()]; !ok && !slices.Contains([]string{"corpus.md", "recall.md", "unseen.md", "corpus"}, entry.Name()) {
			t.Errorf("docs/vet/%s is the page of no rule", entry.Name())
		}
	}
}

func index() string {
	var b strings.Builder
	b.WriteString("# Rules of cgolab-vet\n\n")
	b.WriteString("These pages are made from the rules: `cgolab-vet -explain RULE` prints the same. [corpus.md](corpus.md) says\n")
	b.WriteString("what the rules find in public modules, and how much of it is true, [unseen.md](unseen.md) the same of modules that\n")
	b.WriteString("they had never seen, and [recall.md](recall.md) which public fixes they tell apart.\n\n")
	b.WriteString("An error breaks memory, results or the process. A warning is a leak, or wrong only in some programs; a note is\n")
	b.WriteString("a policy that a project may have. `cgolab run` lists warnings and notes, and is red for them with `--strict`.\n\n")
	b.WriteString("| rule | runs | severity | finds | contracts |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range vet.Rules() {
		when := "by default"
		if r.OnRequest {
			when = "on request"
		}
		b.WriteString("| [" + r.Name + "](" + r.Name + ".md) | " + when + " | " + string(r.Severity) + " | " + r.Title + " | " + strings.Join(r.Contracts, ", ") + " |\n")
	}
	return b.String()
}

// TestRulesAreComplete: a rule is data, and all of it is there.
func TestRulesAreComplete(t *testing.T) {
	catalogue := contracts(t)
	var names []string
	for _, r := range vet.Rules() {
		names = append(names, r.Name)
		for what, text := range map[string]string{"title": r.Title, "text": r.Text, "before": r.Before, "after": r.After, "since": r.Since} {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s has no %s", r.Name, what)
			}
		}
		if strings.HasSuffix(r.Title, ".") || strings.Contains(r.Title, "\n") {
			t.Errorf("%s: the title is one line without a full stop", r.Name)
		}
		if r.Before == r.After {
			t.Errorf("%s: before and after are the same", r.Name)
		}
		for what, code := range map[string]string{"before": r.Before, "after": r.After} {
			if !parses(code) {
				t.Errorf("%s: %s is no Go code", r.Name, what)
			}
		}
		if len(r.Contracts) == 0 {
			t.Errorf("%s guards no contract", r.Name)
		}
		for _, id := range r.Contracts {
			if !catalogue[id] {
				t.Errorf("%s: there is no contract %s", r.Name, id)
			}
		}
		if _, err := os.Stat(filepath.Join("rules", r.Name, "testdata", "src")); err != nil {
			t.Errorf("%s has no fixtures: %v", r.Name, err)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("the rules are not in order: %v", names)
	}
	entries, err := os.ReadDir("rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !slices.Contains(names, entry.Name()) {
			t.Errorf("rules/%s is not in the list of rules", entry.Name())
		}
	}
}

// parses accepts declarations, and statements of a function.
func parses(code string) bool {
	for _, text := range []string{"package p\n" + code, "package p\nfunc _() {\n" + code + "\n}"} {
		if _, err := parser.ParseFile(token.NewFileSet(), "", text, 0); err == nil {
			return true
		}
	}
	return false
}

// contracts are the ids of the catalogue.
func contracts(t *testing.T) map[string]bool {
	files, err := filepath.Glob("../../contracts/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("no catalogue beside the module: ", err)
	}
	ids := make(map[string]bool)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if id, ok := strings.CutPrefix(strings.TrimSpace(line), `id = "`); ok {
				ids[strings.TrimSuffix(id, `"`)] = true
			}
		}
	}
	return ids
}

func TestAnalyzersAreValid(t *testing.T) {
	var analyzers []*analysis.Analyzer
	for _, r := range vet.Rules() {
		analyzers = append(analyzers, r.Analyzer())
	}
	if err := analysis.Validate(analyzers); err != nil {
		t.Fatal(err)
	}
}
