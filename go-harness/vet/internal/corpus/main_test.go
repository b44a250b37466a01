package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPageIsWhatTheFindingsSay(t *testing.T) {
	entries, err := readModules(filepath.Join("..", "..", docs, "corpus", "modules.txt"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := readFindings(filepath.Join("..", "..", docs, "corpus", "findings.tsv"))
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
	if string(text) != page(entries, found) {
		t.Error("docs/vet/corpus.md is not what findings.tsv says; scripts/vet-corpus -page writes it anew")
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
