// Command corpus runs the rules over public modules and compares the findings with those that were judged. See
// scripts/vet-corpus.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cgolab/cgolab/go-harness/vet"
)

const docs = "../../docs/vet"

// entry is one line of modules.txt.
type entry struct {
	module, version string
	patterns        []string
}

func (e entry) String() string { return e.module + "@" + e.version }

// finding is one line of findings.tsv.
type finding struct {
	module  string // with its version
	place   string // file:line
	rule    string
	verdict string // true, false, or unread
	reason  string
}

func (f finding) key() string { return f.module + "\t" + f.place + "\t" + f.rule }

func main() {
	record := flag.Bool("record", false, "take over what is found; new findings are unread")
	onlyPage := flag.Bool("page", false, "write docs/vet/corpus.md and recall.md from what is recorded, and run nothing")
	fixes := flag.Bool("recall", false, "run the rules before and after the fixes of docs/vet/corpus/recall.tsv")
	flag.Parse()
	err := error(nil)
	if part := firstOption(flag.Args()); part != "" {
		err = fmt.Errorf("%s stands behind a part of a name: options come first", part)
	} else if *fixes {
		err = recall(flag.Args())
	} else {
		err = run(*record, *onlyPage, flag.Args())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

// firstOption returns the first part of a name that is meant as an option, if there is one.
func firstOption(parts []string) string {
	for _, part := range parts {
		if strings.HasPrefix(part, "-") {
			return part
		}
	}
	return ""
}

func run(record, onlyPage bool, parts []string) error {
	entries, err := readModules(filepath.Join(docs, "corpus", "modules.txt"))
	if err != nil {
		return err
	}
	findings := filepath.Join(docs, "corpus", "findings.tsv")
	policies := filepath.Join(docs, "corpus", "policies.tsv")
	recorded, err := readFindings(findings, policies)
	if err != nil {
		return err
	}
	if onlyPage {
		mended, err := readFindings(filepath.Join(docs, "corpus", "mended.tsv"))
		if err != nil {
			return err
		}
		counted, err := readCounts(filepath.Join(docs, "corpus", "counts.tsv"))
		if err != nil {
			return err
		}
		list, err := readFixes(filepath.Join(docs, "corpus", "recall.tsv"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(docs, "recall.md"), []byte(recallPage(list)), 0o666); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(docs, "corpus.md"), []byte(page(entries, recorded, mended, counted)), 0o666)
	}
	tool, err := build()
	if err != nil {
		return err
	}
	differences := 0
	counted, err := readCounts(filepath.Join(docs, "corpus", "counts.tsv"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !wanted(e.String(), parts) {
			continue
		}
		start := time.Now()
		found, counts, gaps, err := analyse(tool, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		fmt.Printf("%s: %d findings, %.1f s\n", e, len(found), time.Since(start).Seconds())
		for _, gap := range gaps {
			fmt.Printf("    %s\n", gap)
		}
		if slices.ContainsFunc(gaps, gap.lacks) {
			fmt.Printf("    not compared: this machine lacks something that it needs\n")
			continue
		}
		recorded, differences = compare(e, recorded, found, differences)
		counted[e.String()] = counts
	}
	if record {
		if err := writeCounts(filepath.Join(docs, "corpus", "counts.tsv"), counted); err != nil {
			return err
		}
		bugs, onRequest := byDefault(recorded)
		return errors.Join(writeFindings(findings, bugs), writeFindings(policies, onRequest))
	}
	if differences > 0 {
		return fmt.Errorf("%d findings differ from those in docs/vet/corpus; read them, then -record", differences)
	}
	return nil
}

// wanted reports whether a module is one of those that were named by a part of their names; none: all are.
func wanted(module string, parts []string) bool {
	return len(parts) == 0 || slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(module, part) })
}

// byDefault parts findings of rules that run by default from those of rules that run on request.
func byDefault(found []finding) (bugs, onRequest []finding) {
	asked := make(map[string]bool)
	for _, r := range vet.Rules() {
		asked[r.Name] = r.OnRequest
	}
	for _, f := range found {
		if asked[f.rule] {
			onRequest = append(onRequest, f)
		} else {
			bugs = append(bugs, f)
		}
	}
	return bugs, onRequest
}

// compare prints what is new and what is gone, and gives the record as it would be now.
func compare(e entry, recorded, found []finding, differences int) ([]finding, int) {
	var now []finding
	known := make(map[string]finding)
	for _, f := range recorded {
		if f.module == e.String() {
			known[f.key()] = f
		} else {
			now = append(now, f)
		}
	}
	for _, f := range found {
		old, ok := known[f.key()]
		if ok {
			delete(known, f.key())
			now = append(now, old)
			continue
		}
		fmt.Printf("    new: %s@%s %s: %s\n", f.place, e.version, f.rule, f.reason)
		f.verdict, f.reason = "unread", ""
		now = append(now, f)
		differences++
	}
	for _, f := range known {
		fmt.Printf("    gone: %s@%s %s (%s)\n", f.place, e.version, f.rule, f.verdict)
		differences++
	}
	slices.SortFunc(now, func(a, b finding) int { return strings.Compare(a.key(), b.key()) })
	return now, differences
}

func build() (string, error) {
	dir, err := cache()
	if err != nil {
		return "", err
	}
	tool := filepath.Join(dir, "cgolab-vet")
	if out, err := exec.Command("go", "build", "-o", tool, "./cmd/cgolab-vet").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return tool, nil
}

func cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "cgolab", "vet-corpus")
	return dir, os.MkdirAll(dir, 0o777)
}

// gap is what was not analysed of a package.
type gap struct {
	Package, Reason string
	Whole           bool
}

func (g gap) String() string { return fmt.Sprintf("not analysed: %s %s", g.Package, g.Reason) }

// lacks reports whether the machine has not all that the package needs: neither its own code nor the tool is wrong.
func (g gap) lacks() bool {
	return g.Whole && !strings.Contains(g.Reason, "does not type-check") && !strings.Contains(g.Reason, "the analyzer itself failed")
}

// analyse copies a module out of the module cache, where nothing can be written, and runs the rules there.
func analyse(tool string, e entry) (found []finding, counts map[string]int, gaps []gap, err error) {
	var downloaded struct{ Dir, GoMod, Error string }
	out, err := exec.Command("go", "mod", "download", "-json", e.String()).Output()
	if len(out) == 0 && err != nil {
		return nil, nil, nil, err
	}
	if err := json.Unmarshal(out, &downloaded); err != nil {
		return nil, nil, nil, err
	}
	if downloaded.Error != "" {
		return nil, nil, nil, errors.New(downloaded.Error)
	}
	root, err := cache()
	if err != nil {
		return nil, nil, nil, err
	}
	dir := filepath.Join(root, strings.ReplaceAll(e.String(), "/", "_"))
	if _, err := os.Stat(dir); err != nil {
		if err := copyModule(downloaded.Dir, downloaded.GoMod, dir); err != nil {
			return nil, nil, nil, err
		}
	}
	cmd := exec.Command(tool, append([]string{"-json", "-test=false", "-enable=all"}, e.patterns...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, nil, nil, fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	var result struct {
		Findings []struct {
			Rule, File, Message string
			Line                int
		}
		NotAnalysed []gap
		Counts      map[string]int
	}
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		return nil, nil, nil, err
	}
	for _, f := range result.Findings {
		file, err := filepath.Rel(dir, f.File)
		if err != nil {
			return nil, nil, nil, err
		}
		found = append(found, finding{e.String(), fmt.Sprintf("%s:%d", file, f.Line), f.Rule, "unread", f.Message})
	}
	// Two findings of a rule in one line are one to a reader.
	slices.SortStableFunc(found, func(a, b finding) int { return strings.Compare(a.key(), b.key()) })
	found = slices.CompactFunc(found, func(a, b finding) bool { return a.key() == b.key() })
	for _, gap := range result.NotAnalysed {
		if !strings.Contains(gap.Reason, "build tags, GOOS") {
			gaps = append(gaps, gap)
		}
	}
	return found, result.Counts, gaps, nil
}

// copyModule copies a module. One that is older than modules has a go.mod of the go command's making.
func copyModule(from, gomod, to string) error {
	partial := to + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(partial, rel), 0o777)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(partial, rel), text, 0o666)
	})
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(partial, "go.mod")); errors.Is(err, fs.ErrNotExist) {
		text, err := os.ReadFile(gomod)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(partial, "go.mod"), text, 0o666); err != nil {
			return err
		}
	}
	return os.Rename(partial, to)
}

func readModules(name string) (entries []entry, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		if len(fields) < 2 {
			return nil, fmt.Errorf("%s: %q has no version", name, strings.TrimSpace(line))
		}
		e := entry{fields[0], fields[1], fields[2:]}
		if len(e.patterns) == 0 {
			e.patterns = []string{"./..."}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

const header = "# module@version\tfile:line\trule\tverdict (true, false, unread)\treason\n"

// readRows reads a file of so many columns, which tabs part. Lines that begin with # say nothing.
func readRows(name string, columns int) (rows [][]string, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != columns {
			return nil, fmt.Errorf("%s: %q has not %d columns", name, line, columns)
		}
		rows = append(rows, fields)
	}
	return rows, nil
}

// readFindings reads files of findings, one after the other.
func readFindings(names ...string) (found []finding, err error) {
	for _, name := range names {
		rows, err := readRows(name, 5)
		if err != nil {
			return nil, err
		}
		for _, f := range rows {
			found = append(found, finding{f[0], f[1], f[2], f[3], f[4]})
		}
	}
	return found, nil
}

func writeFindings(name string, found []finding) error {
	var b strings.Builder
	b.WriteString(header)
	for _, f := range found {
		b.WriteString(f.key() + "\t" + f.verdict + "\t" + f.reason + "\n")
	}
	return os.WriteFile(name, []byte(b.String()), 0o666)
}

// readCounts reads what the rules looked at, by module.
func readCounts(name string) (map[string]map[string]int, error) {
	counted := make(map[string]map[string]int)
	rows, err := readRows(name, 3)
	if errors.Is(err, fs.ErrNotExist) {
		return counted, nil
	}
	if err != nil {
		return nil, err
	}
	for _, fields := range rows {
		n, err := strconv.Atoi(fields[2])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if counted[fields[0]] == nil {
			counted[fields[0]] = make(map[string]int)
		}
		counted[fields[0]][fields[1]] = n
	}
	return counted, nil
}

func writeCounts(name string, counted map[string]map[string]int) error {
	var b strings.Builder
	b.WriteString("# module@version\trule: what became of it\tnumber\n")
	for _, module := range slices.Sorted(maps.Keys(counted)) {
		for _, what := range slices.Sorted(maps.Keys(counted[module])) {
			fmt.Fprintf(&b, "%s\t%s\t%d\n", module, what, counted[module][what])
		}
	}
	return os.WriteFile(name, []byte(b.String()), 0o666)
}
