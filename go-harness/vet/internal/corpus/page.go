package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cgolab/cgolab/go-harness/vet"
)

// page is docs/vet/corpus.md.
func page(entries []entry, found, mended []finding, counted map[string]map[string]int) string {
	var b strings.Builder
	b.WriteString(`# What the rules find in public modules

Made from [findings.tsv](corpus/findings.tsv) and, of rules that run on request, [policies.tsv](corpus/policies.tsv) by
` + "`scripts/vet-corpus -page`" + `; ` + "`scripts/vet-corpus`" + ` runs the rules again and is red if anything differs. A finding is true
if what it says can happen as the code stands, whether or not it has ever happened to anybody; it is false if it
cannot. Test files are left out. A rule that found nothing in these modules has no precision that is known; what rules
found in modules on which they were not made stands in [unseen.md](unseen.md).

## Precision

| rule | findings | read | true | false | precision |
| --- | --- | --- | --- | --- | --- |
`)
	bugs, policies := byDefault(found)
	for _, r := range vet.Rules() {
		if !r.OnRequest {
			precision(&b, r.Name, bugs)
		}
	}
	b.WriteString(`
False findings make a rule better: what rules said before that is not so stands here, and is silent now.

`)
	for _, f := range mended {
		module, version, _ := strings.Cut(f.module, "@")
		fmt.Fprintf(&b, "- %s: %s %s@%s: %s\n", f.rule, strings.TrimPrefix(module, "github.com/"), f.place, version, f.reason)
	}
	defects(&b, bugs)
	onRequest(&b, policies)
	frequencies(&b, counted)
	b.WriteString("\n## Modules\n\n| module | packages | findings |\n| --- | --- | --- |\n")
	for _, e := range entries {
		n := 0
		for _, f := range bugs {
			if f.module == e.String() {
				n++
			}
		}
		fmt.Fprintf(&b, "| %s | `%s` | %d |\n", e, strings.Join(e.patterns, " "), n)
	}
	b.WriteString("\n## Findings\n")
	for _, r := range vet.Rules() {
		list(&b, r.Name, bugs)
	}
	b.WriteString("\n## Findings of rules on request that were read\n")
	for _, r := range vet.Rules() {
		list(&b, r.Name, slices.DeleteFunc(slices.Clone(policies), func(f finding) bool { return f.verdict == "unread" }))
	}
	return b.String()
}

// defects is the table of what is wrong in each module: one row for each kind, with the first place.
func defects(b *strings.Builder, bugs []finding) {
	b.WriteString(`
## Defects

What was read and is true, by module and rule, with the first place. All places stand below.

| module | rule | places | first | what goes wrong there |
| --- | --- | --- | --- | --- |
`)
	type kind struct{ module, rule string }
	places := make(map[kind]int)
	var first []finding
	for _, f := range bugs {
		if f.verdict != "true" {
			continue
		}
		k := kind{f.module, f.rule}
		if places[k]++; places[k] == 1 {
			first = append(first, f)
		}
	}
	for _, f := range first {
		fmt.Fprintf(b, "| %s | %s | %d | %s | %s |\n", strings.TrimPrefix(f.module, "github.com/"), f.rule, places[kind{f.module, f.rule}], f.place, f.reason)
	}
}

// precision is the row of a rule in a table.
func precision(b *strings.Builder, rule string, found []finding) {
	var all, yes, no int
	for _, f := range found {
		if f.rule != rule {
			continue
		}
		all++
		switch f.verdict {
		case "true":
			yes++
		case "false":
			no++
		}
	}
	precision := "not known"
	if yes+no > 0 {
		precision = fmt.Sprintf("%.0f %%", 100*float64(yes)/float64(yes+no))
	}
	fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %s |\n", rule, all, yes+no, yes, no, precision)
}

// onRequest is the table of rules that are policies.
func onRequest(b *strings.Builder, policies []finding) {
	b.WriteString(`
## Rules on request

Up to 30 findings of each, drawn with a fixed seed, were read. A finding is true if the code does what it says; whether
a project minds is its own affair.

| rule | findings | read | true | false | precision |
| --- | --- | --- | --- | --- | --- |
`)
	for _, r := range vet.Rules() {
		if r.OnRequest {
			precision(b, r.Name, policies)
		}
	}
}

// list names the findings of a rule, with what was read.
func list(b *strings.Builder, rule string, found []finding) {
	if !slices.ContainsFunc(found, func(f finding) bool { return f.rule == rule }) {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n", rule)
	for _, f := range found {
		if f.rule != rule {
			continue
		}
		module, version, _ := strings.Cut(f.module, "@")
		text := f.verdict
		if f.reason != "" {
			text += ": " + f.reason
		}
		fmt.Fprintf(b, "- %s %s@%s: %s\n", strings.TrimPrefix(module, "github.com/"), f.place, version, text)
	}
}

// frequencies are the tables of what becomes of memory and tokens.
func frequencies(b *strings.Builder, counted map[string]map[string]int) {
	total := make(map[string]map[string]int) // by what it is, and what becomes of it
	for _, counts := range counted {
		for what, n := range counts {
			_, what, _ = strings.Cut(what, ": ")
			kind, fate, _ := strings.Cut(what, " is ")
			if total[kind] == nil {
				total[kind] = make(map[string]int)
			}
			total[kind][fate] += n
		}
	}
	b.WriteString("\n## Frequencies\n\nEach place in these modules that makes something which somebody must end, and what becomes of it in the function\nthat makes it; \"handed on\" is returned, stored, or given to Go code that may keep it.\n\n")
	b.WriteString("| made | places | ended on every path | by a callback | handed on | not on some path | never |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, kind := range slices.Sorted(maps.Keys(total)) {
		fates, sum := total[kind], 0
		for _, n := range fates {
			sum += n
		}
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d |\n", kind, sum, fates["freed on every path"]+fates["deleted on every path"], fates["deleted by a callback"],
			fates["handed on"], fates["not freed on some path"]+fates["not deleted on some path"], fates["never freed"]+fates["never deleted"])
	}
}
