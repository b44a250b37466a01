package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPageIsWhatTheFindingsSay(t *testing.T) {
	entries, err := readModules(filepath.Join("..", "..", docs, "corpus", "modules.txt"))
	if err != nil {
		t.Fatal(err)
	}
	findings, policies := filepath.Join("..", "..", docs, "corpus", "findings.tsv"), filepath.Join("..", "..", docs, "corpus", "policies.tsv")
	found, err := readFindings(findings, policies)
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, e := range entries {
		known[e.String()] = true
	}
	for _, f := range found {
		if !known[f.module] {
			t.Errorf("%s is in no line of modules.txt", f.module)
		}
		if f.verdict != "true" && f.verdict != "false" && f.verdict != "unread" {
			t.Errorf("%s: verdict %q", f.key(), f.verdict)
		}
		if f.verdict == "false" && f.reason == "" {
			t.Errorf("%s is false, and nothing says why", f.key())
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", docs, "corpus.md"))
	if err != nil {
		t.Fatal(err)
	}
	mended, err := readFindings(filepath.Join("..", "..", docs, "corpus", "mended.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	counted, err := readCounts(filepath.Join("..", "..", docs, "corpus", "counts.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range mended {
		if slices.ContainsFunc(found, func(other finding) bool { return other.key() == f.key() }) {
			t.Errorf("%s is said to be mended, and is found", f.key())
		}
	}
	if string(text) != page(entries, found, mended, counted) {
		t.Error("docs/vet/corpus.md is not what findings.tsv says; scripts/vet-corpus -page writes it anew")
	}
}

func TestAModuleIsNotComparedWhereTheMachineLacksSomething(t *testing.T) {
	for want, gaps := range map[bool][]gap{
		true: {
			{"m/a", "/m/a.go:3:11: fatal error: a.h: No such file or directory", true},
			{"m/b", "it needs m/a", true},
		},
		false: {
			{"m/a", "does not type-check: a.go:3:1: undefined: x", true},
			{"m/b", "the analyzer itself failed: nil", true},
			{"m/c", "files with import \"C\" that CGO_ENABLED leaves out: c.go", false},
		},
	} {
		for _, gap := range gaps {
			if gap.lacks() != want {
				t.Errorf("%s: %t", gap, !want)
			}
		}
	}
}

func TestFindingsOfPoliciesStandApart(t *testing.T) {
	bugs, onRequest := byDefault([]finding{{rule: "cstring"}, {rule: "closeerror"}})
	if len(bugs) != 1 || bugs[0].rule != "cstring" || len(onRequest) != 1 || onRequest[0].rule != "closeerror" {
		t.Errorf("%v and %v", bugs, onRequest)
	}
}

func TestDefectsAreTrueAndNamedOnce(t *testing.T) {
	var b strings.Builder
	defects(&b, []finding{
		{"example.com/m@v1", "a.go:1", "cstring", "true", "a leak"},
		{"example.com/m@v1", "a.go:2", "cstring", "true", "another"},
		{"example.com/m@v1", "a.go:3", "keepalive", "false", "no"},
	})
	if want := "| example.com/m@v1 | cstring | 2 | a.go:1 | a leak |\n"; !strings.HasSuffix(b.String(), "--- |\n"+want) {
		t.Errorf("%s", b.String())
	}
}

func TestNewAndGoneFindingsAreDifferences(t *testing.T) {
	e := entry{module: "example.com/m", version: "v1"}
	old := []finding{{"example.com/m@v1", "a.go:1", "cstring", "true", ""}, {"example.com/n@v1", "a.go:1", "cstring", "true", ""}}
	now, differences := compare(e, old, []finding{{"example.com/m@v1", "a.go:2", "cstring", "unread", "text"}}, 0)
	if differences != 2 || len(now) != 2 || now[0].place != "a.go:2" || now[0].verdict != "unread" {
		t.Errorf("%d %v", differences, now)
	}
	if _, differences := compare(e, old, old[:1], 0); differences != 0 {
		t.Errorf("%d differences of none", differences)
	}
}

func TestRecallPageIsWhatTheFixesSay(t *testing.T) {
	list, err := readFixes(filepath.Join("..", "..", docs, "corpus", "recall.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", docs, "recall.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != recallPage(list) {
		t.Error("docs/vet/recall.md is not what recall.tsv says; scripts/vet-corpus -page writes it anew")
	}
}

func TestFixesAreToldApart(t *testing.T) {
	f := fix{place: "a/b.go:7", rule: "cstring"}
	found := []finding{{place: "a/b.go:7", rule: "cstring"}}
	other := []finding{{place: "a/b.go:7", rule: "keepalive"}, {place: "a/c.go:7", rule: "cstring"}}
	for _, c := range []struct {
		before, after []finding
		want          string
	}{
		{found, other, ""},
		{other, other, "not found before"},
		{found, []finding{{place: "b.go:90", rule: "cstring"}}, "still found after"},
	} {
		if got := judge(f, c.before, c.after); got != c.want {
			t.Errorf("%v, %v: %q", c.before, c.after, got)
		}
	}
}
