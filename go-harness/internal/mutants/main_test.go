package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The toy has one line of each kind that a test sees, and one that none sees.
const toy = `package toy

import "errors"

var calls int

func check(n int) error {
	if n < 0 {
		return errors.New("negative")
	}
	return nil
}

func Limit(n, most int) (int, error) {
	if err := check(n); err != nil {
		return 0, err
	}
	calls++
	if n > most {
		n = most
	}
	return n, nil
}
`

const toyTest = `package toy

import "testing"

func TestLimit(t *testing.T) {
	if _, err := Limit(-1, 3); err == nil {
		t.Error("negative")
	}
	if n, err := Limit(0, 3); n != 0 || err != nil {
		t.Error("zero")
	}
	if n, _ := Limit(9, 3); n != 3 {
		t.Error("more")
	}
}
`

func toyModule(t *testing.T, test string) options {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module toy\n\ngo 1.21\n", "toy.go": toy, "toy_test.go": test,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return options{dir: dir, packages: []string{"."}, part: part{0, 1}, limit: time.Minute}
}

func explain(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "explained.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMutantsOfEachKindAreMade(t *testing.T) {
	o := toyModule(t, toyTest)
	found, err := mutantsOf(filepath.Join(o.dir, "toy.go"), "toy")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		got = append(got, m.String())
	}
	want := []string{
		"toy.go:8 check: negate if n < 0",
		"toy.go:8 check: <= for < in n < 0",
		"toy.go:15 Limit: negate if err != nil",
		"toy.go:15 Limit: == for != in err != nil",
		"toy.go:16 Limit: drop the error of return 0, err",
		"toy.go:18 Limit: delete calls++",
		"toy.go:19 Limit: negate if n > most",
		"toy.go:19 Limit: >= for > in n > most",
		"toy.go:20 Limit: delete n = most",
	}
	if len(got) != len(want) {
		t.Fatalf("made\n%s", strings.Join(got, "\n"))
	}
	for _, w := range want {
		if !strings.Contains(strings.Join(got, "\n"), w) {
			t.Errorf("no mutant %s among\n%s", w, strings.Join(got, "\n"))
		}
	}
}

// The survivors are the line that no test sees, and the operator that makes no difference.
func TestSurvivorsAreRedUnlessExplained(t *testing.T) {
	o := toyModule(t, toyTest)
	if green, err := run(o); err != nil || green {
		t.Errorf("unexplained survivors: green %v, error %v", green, err)
	}
	o.explained = explain(t, `[
		{"file": "toy.go", "func": "Limit", "change": "delete calls++", "why": "nobody reads it"},
		{"file": "toy.go", "func": "Limit", "change": ">= for > in n > most", "why": "the same number"}
	]`)
	if green, err := run(o); err != nil || !green {
		t.Errorf("explained survivors: green %v, error %v", green, err)
	}
}

func TestAHangIsNoDetectionUnlessATestHasFailedBefore(t *testing.T) {
	const timeout = "panic: test timed out after 1s\n\trunning tests:\n\t\tTestIt (1s)\nFAIL\ttoy\t1.0s\n"
	for output, want := range map[string]verdict{
		timeout:                                overlooked,
		"--- FAIL: TestIt (0.00s)\n" + timeout: killed,
		"panic: TestIt hangs after 1m0s\n":     killed,
		"FAIL\ttoy [build failed]\n":           unbuilt,
	} {
		if got := read(output, false, false); got != want {
			t.Errorf("%q: %v, want %v", output, got, want)
		}
	}
	if got := read("", false, true); got != overlooked {
		t.Errorf("ended by us: %v", got)
	}
}

func TestASurvivorMeetsAllOtherTests(t *testing.T) {
	o := toyModule(t, toyTest)
	counts := "//go:build extra\n\npackage toy\n\nimport \"testing\"\n\nfunc TestCalls(t *testing.T) {\n" +
		"\tcalls = 0\n\tif Limit(1, 3); calls != 1 {\n\t\tt.Error(calls)\n\t}\n}\n"
	if err := os.WriteFile(filepath.Join(o.dir, "extra_test.go"), []byte(counts), 0o600); err != nil {
		t.Fatal(err)
	}
	o.explained = explain(t, `[
		{"file": "toy.go", "func": "Limit", "change": ">= for > in n > most", "why": "the same number"}
	]`)
	if green, err := run(o); err != nil || green {
		t.Errorf("without the other build: green %v, error %v", green, err)
	}
	o.then = []tests{{"", []string{"."}}, {"extra", []string{"."}}}
	if green, err := run(o); err != nil || !green {
		t.Errorf("with it: green %v, error %v", green, err)
	}
}

func TestExplanationsOfNothingAreRefused(t *testing.T) {
	o := toyModule(t, toyTest)
	for text, want := range map[string]string{
		`[{"file": "toy.go", "func": "Limit", "change": "delete it", "why": "x"}]`:     "no mutant is",
		`[{"file": "toy.go", "func": "Limit", "change": "delete calls++", "why": ""}]`: "no reason for",
		`[{"fiel": "toy.go"}]`: "unknown field",
	} {
		o.explained = explain(t, text)
		if _, err := run(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

func TestTestsThatFailWithoutAMutantAreAnError(t *testing.T) {
	o := toyModule(t, strings.Replace(toyTest, "n != 3", "n != 4", 1))
	if _, err := run(o); err == nil || !strings.Contains(err.Error(), "fail without a mutant") {
		t.Errorf("error %v", err)
	}
}

func TestWatchdogsHaveAQuarterOfTheLimit(t *testing.T) {
	o := toyModule(t, "package toy\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestLimit(t *testing.T) {\n"+
		"\tif os.Getenv(\"CGOLAB_WATCHDOG\") != \"15s\" {\n\t\tt.Error(os.Environ())\n\t}\n}\n")
	if _, err := run(o); err != nil {
		t.Error(err)
	}
}

func TestPartsAreAllMutantsOnce(t *testing.T) {
	all := make([]mutant, 50)
	seen := map[int]int{}
	for i := range all {
		all[i].line = i
	}
	for k := 0; k < 7; k++ {
		for _, m := range (part{k, 7}).of(all) {
			seen[m.line]++
		}
	}
	for i := range all {
		if seen[i] != 1 {
			t.Errorf("mutant %d is in %d parts", i, seen[i])
		}
	}
	for _, text := range []string{"", "1", "7/7", "-1/7", "1/0", "1/7/2", "a/b"} {
		if err := new(part).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for a part", text)
		}
	}
}

func TestOnlyThoseThatMatchAreTried(t *testing.T) {
	o := toyModule(t, toyTest)
	o.only = regexp.MustCompile(`^toy\.go:\d+ Limit: delete n = most$`)
	if green, err := run(o); err != nil || !green {
		t.Errorf("one that is killed: green %v, error %v", green, err)
	}
	o.only = regexp.MustCompile("delete calls")
	if green, err := run(o); err != nil || green {
		t.Errorf("one that survives: green %v, error %v", green, err)
	}
	o.only = regexp.MustCompile("no such line")
	if _, err := run(o); err == nil || !strings.Contains(err.Error(), "none of the 9 mutants matches no such line") {
		t.Errorf("none: %v", err)
	}
}

func TestNothingToChangeIsNoSuccess(t *testing.T) {
	o := toyModule(t, toyTest)
	empty := filepath.Join(o.dir, "toy.go")
	if err := os.WriteFile(empty, []byte("package toy\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if green, err := run(o); green || err == nil || !strings.Contains(err.Error(), "nothing to change") {
		t.Errorf("green %v, %v", green, err)
	}
}
