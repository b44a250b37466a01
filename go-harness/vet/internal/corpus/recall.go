package main

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// fix is one line of recall.tsv: a mistake that a later version has not.
type fix struct {
	before, place, rule, after, packages, what string
}

func readFixes(name string) (list []fix, err error) {
	rows, err := readRows(name, 6)
	for _, f := range rows {
		list = append(list, fix{f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	return list, err
}

// recall runs the rules before and after each fix: they must find the mistake, and then be silent in the file.
func recall(parts []string) error {
	list, err := readFixes(filepath.Join(docs, "corpus", "recall.tsv"))
	if err != nil {
		return err
	}
	tool, err := build()
	if err != nil {
		return err
	}
	ran := make(map[string][]finding)
	find := func(version, packages string) ([]finding, error) {
		if found, ok := ran[version+packages]; ok {
			return found, nil
		}
		module, number, _ := strings.Cut(version, "@")
		found, _, gaps, err := analyse(tool, entry{module, number, []string{packages}})
		if err == nil && len(gaps) > 0 {
			err = fmt.Errorf("%s: %s", version, gaps[0])
		}
		ran[version+packages] = found
		return found, err
	}
	wrong := 0
	for _, f := range list {
		if !wanted(f.before, parts) {
			continue
		}
		before, err := find(f.before, f.packages)
		if err != nil {
			return err
		}
		after, err := find(f.after, f.packages)
		if err != nil {
			return err
		}
		if problem := judge(f, before, after); problem != "" {
			fmt.Printf("%s %s@%s: %s\n", f.rule, f.place, f.before, problem)
			wrong++
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d fixes are not told apart", wrong, len(list))
	}
	fmt.Printf("%d fixes: found before, silent after\n", len(list))
	return nil
}

// judge says what is wrong with what was found before and after a fix, or nothing.
func judge(f fix, before, after []finding) string {
	if !slices.ContainsFunc(before, func(found finding) bool { return found.place == f.place && found.rule == f.rule }) {
		return "not found before"
	}
	file, _, _ := strings.Cut(f.place, ":")
	if slices.ContainsFunc(after, func(found finding) bool {
		other, _, _ := strings.Cut(found.place, ":")
		return path.Base(other) == path.Base(file) && found.rule == f.rule
	}) {
		return "still found after"
	}
	return ""
}

// recallPage is docs/vet/recall.md.
func recallPage(list []fix) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Public fixes that the rules tell apart

%d mistakes in public modules that a later version has not: the rules find each before, and are silent in the file
after. `+"`scripts/vet-corpus -recall`"+` runs both versions again. Each was read in both: what stands under *fix* is what
the code does, whatever its author meant.

The list was made from what the rules stopped finding between two versions. So it says that a mended place makes
them silent; it does not say how many mistakes they do not see at all.

| module | place | rule | before | after | fix |
| --- | --- | --- | --- | --- | --- |
`, len(list))
	for _, f := range list {
		module, before, _ := strings.Cut(f.before, "@")
		other, after, _ := strings.Cut(f.after, "@")
		if other != module {
			after = strings.TrimPrefix(other, "github.com/") + " " + after
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", strings.TrimPrefix(module, "github.com/"), f.place, f.rule, before, after, f.what)
	}
	return b.String()
}
