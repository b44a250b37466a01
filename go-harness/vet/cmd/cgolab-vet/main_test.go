package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool builds the command, once for all tests.
var tool string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "cgolab-vet")
	if err != nil {
		panic(err)
	}
	tool = filepath.Join(dir, "cgolab-vet")
	if out, err := exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// command runs a command and gives its outputs and its exit code.
func command(t *testing.T, dir, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func module(t *testing.T, code string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":   "module example.com/m\n\ngo 1.21\n",
		"m.go":     code + "\n// " + dir + ", so that no cache knows it\n",
		"other.go": "//go:build never\n\npackage m\n\nimport \"C\"\n\nfunc other() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	head = "package m\n\n// #include <stdlib.h>\n// static int use(const char *s) { return 0; } static int sum(const char *s, int n) { return 0; }\nimport \"C\"\n\n"
	bad  = head + "func Use(s string) { C.use(C.CString(s)) }\n"
	good = head + "func Use() { C.use(nil) }\n"
	said = "m.go:7:28: cstring: memory of C.CString is never freed"
	gap  = "not analysed: files with import \"C\" that build tags, GOOS, GOARCH or CGO_ENABLED leave out: other.go"
)

func TestAlone(t *testing.T) {
	stdout, stderr, code := command(t, module(t, bad), tool, "./...")
	if code != 1 || strings.TrimSpace(stdout) != said || !strings.Contains(stderr, gap) {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	stdout, stderr, code = command(t, module(t, good), tool, "./...")
	if code != 0 || stdout != "" || !strings.Contains(stderr, gap) || !strings.HasSuffix(stderr, "; 0 findings; 1 package analysed in part\n") {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
}

func TestAsToolOfGoVet(t *testing.T) {
	stdout, stderr, code := command(t, module(t, bad), "go", "vet", "-vettool="+tool, "./...")
	if code == 0 || !strings.Contains(stdout+stderr, said) || !strings.Contains(stdout+stderr, gap) {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	dir := module(t, good)
	if _, stderr, code := command(t, dir, "go", "vet", "-vettool="+tool, "./..."); code != 0 || !strings.Contains(stderr, gap) {
		t.Errorf("code %d\n%s", code, stderr)
	}
	for range 2 { // the second time from go vet's cache
		if _, stderr, code := command(t, dir, "go", "vet", "-vettool="+tool, "-coverage.findings", "./..."); code == 0 || !strings.Contains(stderr, gap) {
			t.Errorf("code %d\n%s", code, stderr)
		}
	}
}

// Under go vet all rules look at a package at the same time, and share what is known of it.
func TestRulesMayRunAtTheSameTime(t *testing.T) {
	dir := t.TempDir()
	racing := filepath.Join(dir, "racing")
	if out, err := exec.Command("go", "build", "-race", "-o", racing, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, rule := range []string{"keepalive", "hiddenptr", "cbtoken"} {
		code := os.DirFS(filepath.Join("..", "..", "rules", rule, "testdata", "src", "a"))
		if err := os.CopyFS(filepath.Join(dir, rule), code); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/m\n\ngo 1.24\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := command(t, dir, "go", "vet", "-vettool="+racing, "./...")
	if code == 0 || !strings.Contains(stderr, "keepalive: ") || strings.Contains(stderr, "DATA RACE") {
		t.Errorf("code %d\n%s", code, stderr)
	}
}

func TestJSONAndSARIFAreGreen(t *testing.T) {
	for _, format := range []string{"-json", "-sarif"} {
		stdout, _, code := command(t, module(t, bad), tool, format, ".")
		if code != 0 || !strings.Contains(stdout, "cstring") || !strings.Contains(stdout, "other.go") {
			t.Errorf("%s: code %d\n%s", format, code, stdout)
		}
	}
}

// Fixes are those of the module's version of Go.
func TestFixes(t *testing.T) {
	dir := module(t, head+"import \"unsafe\"\n\nfunc Use(s []C.char) { C.sum((*C.char)(unsafe.Pointer(&s[0])), C.int(len(s))) }\n")
	for _, test := range []struct{ goVersion, said, code string }{
		{"1.19", "0 fixes", "&s[0]"},
		{"1.20", "1 fixes", "unsafe.SliceData(s)"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/m\n\ngo "+test.goVersion+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		_, stderr, _ := command(t, dir, tool, "-fix", "./...")
		text, err := os.ReadFile(filepath.Join(dir, "m.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(stderr, test.said) || !strings.Contains(string(text), test.code) {
			t.Errorf("go %s: %s\n%s", test.goVersion, stderr, text)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"-enable", "nonsense", "."}, {"-only", "nonsense", "."}, {"-explain", "nonsense"}} {
		if _, stderr, code := command(t, module(t, good), tool, args...); code != 2 || stderr == "" {
			t.Errorf("%v: code %d\n%s", args, code, stderr)
		}
	}
	if stdout, _, code := command(t, ".", tool, "-explain", "keepalive"); code != 0 || !strings.HasPrefix(stdout, "# keepalive\n") {
		t.Errorf("code %d\n%s", code, stdout)
	}
	if stdout, _, code := command(t, ".", tool, "-rules"); code != 0 || !strings.Contains(stdout, "lasterror") {
		t.Errorf("code %d\n%s", code, stdout)
	}
	if _, _, code := command(t, module(t, bad), tool, "-only", "keepalive", "."); code != 0 {
		t.Errorf("a rule that was not asked for spoke: code %d", code)
	}
}

// Whatever keeps packages from being loaded is told in the words of the go command, and is not like a finding.
func TestNothingLoaded(t *testing.T) {
	dir := module(t, good)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("garbage here\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := command(t, dir, tool, "./...")
	if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "cgolab-vet: go: ") || !strings.Contains(stderr, "unknown directive: garbage") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}
