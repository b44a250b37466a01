// Command mutants plants small mistakes in Go code, one at a time, and lists those that no test notices.
//
//	cd go-harness && go run ./internal/mutants -part 0/7 ./courier ./courier/internal/...
//
// A mutant is one change of one file: a statement deleted, a condition negated, an operator swapped, or an
// error result dropped. The build reads the changed file through -overlay, so that nothing in the tree is
// written. A mutant meets the tests of its own package first; what they do not kill meets those that each -then
// names, in that order.
//
// A mutant is killed if a test fails; it survives if all pass. One that does not compile says nothing, and one
// that the time limit ends is listed by itself: a hang that no test names is no detection. The watchdogs of tests
// have a quarter of that time.
//
// Survivors that cannot be told from the original are explained in the file that -explained names, a JSON
// array of {"file", "func", "change", "why"}. The exit code is 1 if another survives or runs into the limit, and
// 2 if an explanation is for none of the mutants that can be made, if there are none, or if the tests fail
// without one.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

func main() {
	var o options
	flag.TextVar(&o.part, "part", part{0, 1}, "try each N-th mutant, from the K-th on, counted from 0: `K/N`")
	flag.Func("only", "of the part's mutants, try those whose line, as it is printed, matches `REGEXP`", func(text string) (err error) {
		o.only, err = regexp.Compile(text)
		return err
	})
	flag.StringVar(&o.tags, "tags", "", "build tags, for go list and the tests of a mutant's own package")
	flag.Func("then", "run more tests on what survives: `TAGS PACKAGES`, each separated by commas", func(text string) error {
		tags, packages, ok := strings.Cut(text, " ")
		if !ok {
			return errors.New("tags, a blank and packages are wanted")
		}
		o.then = append(o.then, tests{tags, strings.Split(packages, ",")})
		return nil
	})
	flag.StringVar(&o.explained, "explained", "", "file with the survivors that are explained")
	flag.DurationVar(&o.limit, "limit", 2*time.Minute, "end the tests of one mutant after this time")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: mutants [flags] PACKAGE...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	o.packages = flag.Args()
	green, err := run(o)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	case !green:
		os.Exit(1)
	}
}

type options struct {
	dir       string // of the module; the working directory if empty
	part      part
	only      *regexp.Regexp // nil for all
	tags      string
	then      []tests
	explained string
	limit     time.Duration
	packages  []string
}

// A verdict says how the tests took a mutant.
type verdict string

const (
	killed     verdict = "killed"
	survived   verdict = "SURVIVED"
	explained  verdict = "explained"
	unbuilt    verdict = "does not compile"
	overlooked verdict = "TIMED OUT" // no test said that it hangs
)

// run tries the mutants and reports whether each was killed, or its survival is explained.
func run(o options) (bool, error) {
	packages, err := list(o)
	if err != nil {
		return false, err
	}
	var all []mutant
	for _, p := range packages {
		for _, file := range append(p.GoFiles, p.CgoFiles...) {
			found, err := mutantsOf(filepath.Join(p.Dir, file), p.ImportPath)
			if err != nil {
				return false, err
			}
			all = append(all, found...)
		}
	}
	if len(all) == 0 {
		return false, fmt.Errorf("nothing to change in %s", strings.Join(o.packages, " "))
	}
	chosen := o.chosen(all)
	if len(chosen) == 0 && o.only != nil {
		return false, fmt.Errorf("none of the %d mutants matches %s", len(o.part.of(all)), o.only)
	}
	reasons, err := readReasons(o.explained, all)
	if err != nil {
		return false, err
	}
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(scratch)
	var unchanged []tests
	for _, p := range packages {
		unchanged = append(unchanged, tests{o.tags, []string{p.ImportPath}})
	}
	for _, tests := range append(unchanged, o.then...) {
		if v, output, err := tests.run(o, ""); err != nil {
			return false, err
		} else if v != survived {
			return false, fmt.Errorf("the tests of %s fail without a mutant:\n%s", strings.Join(tests.packages, " "), output)
		}
	}
	fmt.Printf("%d of %d mutants\n", len(chosen), len(all))
	counts := map[verdict]int{}
	for i, m := range chosen {
		overlay, err := m.overlay(scratch)
		if err != nil {
			return false, err
		}
		v, err := o.meet(m.pkg, overlay)
		if err != nil {
			return false, err
		}
		if v == survived && reasons[m.key()] {
			v = explained
		}
		counts[v]++
		fmt.Printf("%4d/%d %-16s %s\n", i+1, len(chosen), v, m)
	}
	fmt.Printf("%d killed, %d survived, %d explained, %d timed out, %d do not compile\n", counts[killed],
		counts[survived], counts[explained], counts[overlooked], counts[unbuilt])
	return counts[survived]+counts[overlooked] == 0, nil
}

func (o options) chosen(all []mutant) (chosen []mutant) {
	for _, m := range o.part.of(all) {
		if o.only == nil || o.only.MatchString(m.String()) {
			chosen = append(chosen, m)
		}
	}
	return chosen
}

// A goPackage is one of go list's.
type goPackage struct {
	Dir, ImportPath   string
	GoFiles, CgoFiles []string
}

func list(o options) ([]goPackage, error) {
	args := append([]string{"list", "-json=Dir,ImportPath,GoFiles,CgoFiles", "-tags=" + o.tags}, o.packages...)
	cmd := exec.Command("go", args...)
	cmd.Dir = o.dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p goPackage
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	return packages, nil
}

// tests are those of some packages, in one build.
type tests struct {
	tags     string
	packages []string
}

// meet runs the tests on a mutant until some kill it, or hang.
func (o options) meet(pkg, overlay string) (verdict, error) {
	own := tests{o.tags, []string{pkg}}
	v, _, err := own.run(o, overlay)
	for _, more := range o.then {
		if err != nil || v != survived {
			return v, err
		}
		// It compiles, so that one which another build does not take has met nothing there.
		if v, _, err = more.run(o, overlay); v == unbuilt {
			v = survived
		}
	}
	return v, err
}

// run runs the tests, with the overlay if there is one. An error means that go could not be started.
func (t tests) run(o options, overlay string) (verdict, string, error) {
	// go test ends them itself; what it builds before is not counted.
	ctx, cancel := context.WithTimeout(context.Background(), 2*o.limit+time.Minute)
	defer cancel()
	args := []string{"test", "-count=1", "-failfast", "-vet=off", "-tags=" + t.tags, "-timeout=" + o.limit.String()}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	args = append(args, t.packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = o.dir
	cmd.Env = append(os.Environ(), watchdog.Variable+"="+(o.limit/4).String())
	cmd.WaitDelay = time.Second // its test binary may hold the pipe
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && ctx.Err() == nil && !errors.As(err, &exit) {
		return "", string(out), err
	}
	return read(string(out), err == nil, ctx.Err() != nil), string(out), nil
}

// read tells from what go test printed, and from how it ended, how the tests took a mutant.
func read(output string, passed, late bool) verdict {
	switch {
	case passed:
		return survived
	case strings.Contains(output, "--- FAIL: "):
		return killed // whatever hangs behind it
	case late, strings.Contains(output, "panic: test timed out after"):
		return overlooked
	case strings.Contains(output, "[build failed]"), strings.Contains(output, "[setup failed]"):
		return unbuilt
	}
	return killed
}

// A part is each n-th of the mutants, from the k-th on, so that n parts are all of them.
type part struct{ k, n int }

// UnmarshalText reads K/N.
func (p *part) UnmarshalText(text []byte) error {
	if _, err := fmt.Sscanf(string(text)+"\n", "%d/%d\n", &p.k, &p.n); err != nil || p.k < 0 || p.k >= p.n {
		return fmt.Errorf("%q is no part such as 0/7", text)
	}
	return nil
}

// MarshalText is the inverse.
func (p part) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d/%d", p.k, p.n), nil }

func (p part) of(all []mutant) (chosen []mutant) {
	for i := p.k; i < len(all); i += p.n {
		chosen = append(chosen, all[i])
	}
	return chosen
}

// readReasons returns the keys of the mutants whose survival is explained.
func readReasons(path string, all []mutant) (map[string]bool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries []struct{ File, Func, Change, Why string }
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&entries); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	made := map[string]bool{}
	for _, m := range all {
		made[m.key()] = true
	}
	reasons := map[string]bool{}
	for _, e := range entries {
		key := keyOf(e.File, e.Func, e.Change)
		switch {
		case e.Why == "":
			return nil, fmt.Errorf("%s: no reason for %s", path, key)
		case !made[key]:
			return nil, fmt.Errorf("%s: no mutant is %s; its code may have changed", path, key)
		}
		reasons[key] = true
	}
	return reasons, nil
}
