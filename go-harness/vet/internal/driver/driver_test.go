package driver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet"
	"github.com/cgolab/cgolab/go-harness/vet/internal/driver"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

func TestMain(m *testing.M) {
	driver.ServePackages()
	os.Exit(m.Run())
}

// chosen are the rules that run by default, and those that are asked for.
func chosen(asked ...string) []*rule.Rule {
	return slices.DeleteFunc(vet.Rules(), func(r *rule.Rule) bool { return r.OnRequest && !slices.Contains(asked, r.Name) })
}

// module writes a module of its own and runs rules over it.
func module(t *testing.T, files map[string]string, asked ...string) (*driver.Result, string) {
	t.Helper()
	dir := t.TempDir()
	if files["go.mod"] == "" {
		files["go.mod"] = "module example.com/m\n\ngo 1.21\n"
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	driver.Know(vet.Rules())
	result, err := driver.Run(chosen(asked...), driver.Load{Dir: dir, Tests: true, Patterns: []string{"./..."}})
	if err != nil {
		t.Fatal(err)
	}
	return result, dir
}

func has(t *testing.T, gaps []driver.Gap, text string) {
	t.Helper()
	for _, gap := range gaps {
		if strings.Contains(gap.String(), text) {
			return
		}
	}
	t.Errorf("nothing is said of %q; said is %v", text, gaps)
}

const leak = `package m

// #include <stdlib.h>
// static int use(const char *s) { return 0; }
import "C"

func Use(s string) { C.use(C.CString(s)) }
`

func TestFindingsAcrossPackages(t *testing.T) {
	result, _ := module(t, map[string]string{
		"m.go": leak,
		"low/low.go": `package low

// #include <stdlib.h>
import "C"

import "unsafe"

type Text struct{ p unsafe.Pointer }

func New(s string) unsafe.Pointer { return unsafe.Pointer(C.CString(s)) }

func Free(p unsafe.Pointer) { C.free(p) }
`,
		"high/high.go": `package high

import (
	"errors"

	"example.com/m/low"
)

func Bad(fail bool) error {
	p := low.New("x")
	if fail {
		return errors.New("p is lost")
	}
	low.Free(p)
	return nil
}

func Good() {
	p := low.New("x")
	defer low.Free(p)
}
`,
	})
	if len(result.Findings) != 2 || result.Failed || len(result.Gaps) != 0 {
		t.Fatalf("findings %v, not analysed %v", result.Findings, result.Gaps)
	}
	if f := result.Findings[0]; f.Rule != "cstring" || filepath.Base(f.File) != "high.go" || f.Line != 10 {
		t.Errorf("through facts: %+v", f)
	}
	if f := result.Findings[0]; f.Function != "Bad" {
		t.Errorf("the function is %q", f.Function)
	}
	if f := result.Findings[1]; f.Line != 7 || f.Package != "example.com/m" {
		t.Errorf("in the package itself: %+v", f)
	}
}

func TestWhatIsNotAnalysedIsSaid(t *testing.T) {
	result, _ := module(t, map[string]string{
		"header/h.go": "package header\n\n// #include <no/such/header.h>\nimport \"C\"\n\nfunc F() { C.f(); C.g() }\n",
		"config/c.go": "package config\n\n// #cgo pkg-config: no-such-library\nimport \"C\"\n\nfunc F() { C.f() }\n",
		"needs/n.go":  "package needs\n\nimport (\n\t\"example.com/m/config\"\n\t\"example.com/m/header\"\n)\n\nvar _ = config.G + header.H\n",
		"once/o.go":   "package once\n\nvar x = y\nvar a = b\n",
		"types/t.go":  "package types\n\n// static int f(void) { return 0; }\nimport \"C\"\n\nvar x string = C.f()\n\nfunc g() { undefined() }\n\nfunc h() { undefined() }\n",
		"tags/t.go":   "package tags\n",
		"tags/l.go":   "//go:build never\n\npackage tags\n\n// #cgo LDFLAGS: -lm\nimport \"C\"\n",
		"tags/u.go":   "//go:build never\n\npackage tags\n\n// static int f(void) { return 0; }\nimport \"C\"\n\nfunc F() { C.f() }\n",
		"syntax/s.go": "package syntax\n\nfunc {\n",
	})
	// One line for each package, with the cause: what follows from it, here or in those that import it, is not told.
	for i, want := range []string{
		"^example.com/m/config: not analysed: .*pkg-config",
		`^example.com/m/header: not analysed: /.*/header/h.go:3:1\d: fatal error: [^|\n]*no/such/header.h[^|\n]*$`,
		"^example.com/m/needs: not analysed: it needs example.com/m/config, example.com/m/header$",
		`^example.com/m/once: not analysed: does not type-check: /.*/once/o.go:3:9: undefined: y \(and 1 more error\)$`,
		"^example.com/m/syntax: not analysed: /.*/syntax/s.go:3:6: expected",
		`^example.com/m/tags: not analysed: files with import "C" that build tags, GOOS, GOARCH or CGO_ENABLED leave out: u.go$`,
		`^example.com/m/types: not analysed: does not type-check: /.*/types/t.go:6:16: cannot use C.f\(\) \(value of int32 type C.int\) as string value .* \(and 2 more errors\)$`,
	} {
		if len(result.Gaps) != 7 || !regexp.MustCompile(want).MatchString(result.Gaps[i].String()) {
			t.Errorf("gap %d is not %q; said is %q", i, want, result.Gaps)
		}
		if whole := i != 5; result.Gaps[i].Whole != whole {
			t.Errorf("of the whole package: %t, not %t: %s", !whole, whole, result.Gaps[i])
		}
	}
	if !result.Failed {
		t.Error("packages that were not analysed do not turn the run red")
	}
	if summary := result.Summary(); !strings.HasSuffix(summary, "; 6 packages not analysed; 1 package analysed in part") {
		t.Errorf("the summary is %q", summary)
	}
}

func TestWithoutTypes(t *testing.T) {
	result, _ := module(t, map[string]string{"m.go": `package m

// #include <no/such/header.h>
// static void wipe(char *a, int n) { free(a); }
import "C"

import "sync"

func Bad(s string, b []byte) {
	C.lib_use(C.CString(s), 1)
	C.lib_use(nil, (C.CBytes(b)))
	C.lib_each(C.CString(s), (*[0]byte)(C.lib_print))
}

type T struct{}

func (T) init(s string) { C.lib_use(C.CString(s), 1) }

func init() { C.lib_use(C.CString("once"), 1) }

var (
	once    sync.Once
	version = C.lib_use(C.CString("once"), 1)
	load    = sync.OnceValue(func() int { return int(C.lib_use(C.CString("once"), 1)) })
)

//cgolab:owner lib_keep it says so
func Good(s string) {
	once.Do(func() { C.lib_use(C.CString("once"), 1) })
	C.wipe(C.CString(s), 1)
	C.lib_release(nil, C.CString(s))
	C.lib_bind(C.CString(s), -1, (*[0]byte)(C.free))
	C.lib_bind(C.CString(s), -1, C.lib_destructor(unsafe.Pointer(C.free)))
	C.lib_take_ownership(C.CString(s), 1)
	C.lib_keep(C.CString(s), 1)
	_ = C.lib_string(C.CString(s))
	cs := C.CString(s)
	C.lib_use(cs, 1)
	C.free(cs)
}
`})
	var said []string
	for _, f := range result.Findings {
		said = append(said, fmt.Sprint(f.Line, f.Function, f.Message))
	}
	want := []string{
		"10Badmemory of C.CString is never freed",
		"11Badmemory of C.CBytes is never freed",
		"12Badmemory of C.CString is never freed",
		"17(T).initmemory of C.CString is never freed",
	}
	if !slices.Equal(said, want) || !result.Failed {
		t.Errorf("found %q, not %q; not analysed %v", said, want, result.Gaps)
	}
}

// TestDirectivesOfWhatIsNotAnalysed has a comment that may have something to do, had its package types.
func TestDirectivesOfWhatIsNotAnalysed(t *testing.T) {
	result, _ := module(t, map[string]string{"m.go": strings.Replace(leak, "C.CString", "undefined + C.CString", 1) + "\n//cgolab:ignore cstring the library frees it\nvar x = 1\n"})
	if len(result.Findings) > 0 || len(result.Gaps) != 1 {
		t.Errorf("found %+v, not analysed %v", result.Findings, result.Gaps)
	}
}

func TestWithoutCgo(t *testing.T) {
	t.Setenv("CGO_ENABLED", "0")
	result, _ := module(t, map[string]string{"m.go": leak, "n.go": "package m\n"})
	has(t, result.Gaps, "CGO_ENABLED leave out: m.go")
	if summary := result.Summary(); !strings.HasSuffix(summary, "; 1 package analysed in part") {
		t.Errorf("the summary is %q", summary)
	}
}

// TestNoPackages: with nothing in it that can be built, a module is not one without mistakes.
func TestNoPackages(t *testing.T) {
	t.Setenv("CGO_ENABLED", "0")
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.21\n", "m.go": leak} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, err := driver.Run(chosen(), driver.Load{Dir: dir, Patterns: []string{"./..."}})
	if err == nil || !strings.Contains(err.Error(), "matched no packages") {
		t.Errorf("the error is %v", err)
	}
}

func TestLineDirectivesAndOddFiles(t *testing.T) {
	result, _ := module(t, map[string]string{
		"m.go": "//line made.y:1\n" + leak,
		// C alone, without anything called; a preamble of some size; cgo's names are the author's own too.
		"empty/e.go": "package empty\n\n/*\n" + strings.Repeat("// a long preamble\n", 20000) + "*/\nimport \"C\"\n\ntype _Cgo struct{}\n",
	})
	if len(result.Findings) != 1 || filepath.Base(result.Findings[0].File) != "made.y" || result.Findings[0].Line != 7 {
		t.Errorf("findings %+v, not analysed %v", result.Findings, result.Gaps)
	}
	if result.Failed {
		t.Errorf("not analysed %v", result.Gaps)
	}
	var asSARIF, findings, gaps bytes.Buffer
	result.Text(&findings, &gaps, filepath.Dir(result.Findings[0].File))
	if !strings.HasPrefix(findings.String(), "made.y:7: cstring: ") {
		t.Errorf("a column that nobody knows: %s", findings.String())
	}
	if err := result.SARIF(&asSARIF, vet.Rules(), ""); err != nil || strings.Contains(asSARIF.String(), "startColumn") {
		t.Errorf("a column that nobody knows: %v %s", err, asSARIF.String())
	}
}

// TestVendoredPureGoAndGenerated: a module that is read in its vendor folder, calls that go through purego, and code
// that a program wrote.
func TestVendoredPureGoAndGenerated(t *testing.T) {
	result, _ := module(t, map[string]string{
		"go.mod":             "module example.com/m\n\ngo 1.21\n\nrequire github.com/ebitengine/purego v0.9.1\n",
		"vendor/modules.txt": "# github.com/ebitengine/purego v0.9.1\n## explicit; go 1.18\ngithub.com/ebitengine/purego\n",
		"vendor/github.com/ebitengine/purego/p.go": "package purego\n\nfunc RegisterLibFunc(fptr any, handle uintptr, name string) {}\n",
		"m.go": `package m

import "github.com/ebitengine/purego"

var (
	open      func(string) int32
	lastError func() string
)

func init() {
	purego.RegisterLibFunc(&open, 0, "lib_open")
	purego.RegisterLibFunc(&lastError, 0, "lib_last_error")
}

func Open(name string) string {
	if open(name) != 0 {
		return lastError()
	}
	return ""
}
`,
		"made/made.go": "// Code generated by a program. DO NOT EDIT.\n\n" + strings.Replace(leak, "package m", "package made", 1),
	})
	var said []string
	for _, f := range result.Findings {
		said = append(said, fmt.Sprintf("%s:%d: %s", filepath.Base(f.File), f.Line, f.Rule))
	}
	want := []string{"m.go:17: lasterror", "made.go:9: cstring"}
	if !slices.Equal(said, want) || result.Failed || len(result.Gaps) > 0 {
		t.Errorf("found %q, not %q; not analysed %v", said, want, result.Gaps)
	}
}

func TestDirectives(t *testing.T) {
	result, _ := module(t, map[string]string{"m.go": `package m

// #include <stdlib.h>
// static int use(const char *s) { return 0; }
// static int keep(const char *s) { return 0; }
import "C"

func ignored(s string) { C.use(C.CString(s)) } //cgolab:ignore cstring the name is needed until the end

func ignoredBelow(s string) {
	//cgolab:ignore cstring the same, in a line of its own
	C.use(C.CString(s))
}

//cgolab:ignore cstring nothing here
func unused() {}

//cgolab:ignore cstring
func noReason(s string) { C.use(C.CString(s)) }

//cgolab:ignore nonsense because
func unknownRule() {}

//cgolab:nonsense because
func unknownDirective() {}

//cgolab:raw
//cgolab:raw nothing exported mentions a type of C
func notRaw() {}

//cgolab:owner C.keep it frees the name when the library is closed
func owned(s string) { C.keep(C.CString(s)) }
`}, "ctypes")
	var said []string
	for _, f := range result.Findings {
		said = append(said, f.Rule+": "+f.Message)
	}
	want := []string{
		"directive: nothing to ignore here for [cstring]",
		"directive: //cgolab:ignore without a reason",
		"cstring: memory of C.CString is never freed",
		"directive: no rule is named nonsense",
		"directive: unknown directive //cgolab:nonsense",
		"directive: //cgolab:raw without a reason",
		"directive: //cgolab:raw had no effect",
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("said:\n%s\nwant:\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	if summary := result.Summary(); !strings.Contains(summary, "; 7 findings; 2 silenced by //cgolab:ignore") {
		t.Errorf("silenced findings are not in %q", summary)
	}
	for _, run := range result.Rules {
		accepted := 0
		if run.Name == "cstring" {
			accepted = 2
		}
		if run.Accepted != accepted {
			t.Errorf("%s: %d findings are ignored, not %d", run.Name, run.Accepted, accepted)
		}
	}
}

func TestFixesAreApplied(t *testing.T) {
	result, dir := module(t, map[string]string{"m.go": `package m

// #include <stddef.h>
// static int sum(const void *p, size_t n) { return 0; }
import "C"

import "unsafe"

func Sum(b []byte) { C.sum(unsafe.Pointer(&b[0]), C.size_t(len(b))) }
`})
	if applied, err := result.Fix(); err != nil || applied != 1 {
		t.Fatal(applied, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "m.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "C.sum(unsafe.Pointer(unsafe.SliceData(b)), C.size_t(len(b)))") {
		t.Errorf("after the fix:\n%s", text)
	}
	driver.Know(vet.Rules())
	again, err := driver.Run(chosen(), driver.Load{Dir: dir, Patterns: []string{"."}})
	if err != nil || len(again.Findings) != 0 || again.Failed {
		t.Errorf("after the fix: %v %v %v", again.Findings, again.Gaps, err)
	}
}

func TestFormats(t *testing.T) {
	result, dir := module(t, map[string]string{"m.go": leak, "bad/b.go": "package bad\n\nvar x int = \"\"\n"})
	var asJSON, asSARIF, findings, gaps bytes.Buffer
	if err := result.JSON(&asJSON); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Findings    []driver.Finding
		NotAnalysed []driver.Gap
	}
	if err := json.Unmarshal(asJSON.Bytes(), &back); err != nil || len(back.Findings) != 1 || len(back.NotAnalysed) == 0 {
		t.Errorf("%v\n%s", err, asJSON.Bytes())
	}
	if err := result.SARIF(&asSARIF, vet.Rules(), dir); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"version": "2.1.0"`, `"ruleId": "cstring"`, `"uri": "m.go"`, `"startLine": 7`, `"toolExecutionNotifications"`, "bad: not analysed"} {
		if !strings.Contains(asSARIF.String(), want) {
			t.Errorf("the SARIF log lacks %s", want)
		}
	}
	result.Text(&findings, &gaps, dir)
	if !strings.HasPrefix(findings.String(), "m.go:7:28: cstring: ") || !strings.Contains(gaps.String(), "bad: not analysed: does not type-check") {
		t.Errorf("%s%s", findings.String(), gaps.String())
	}
	want := fmt.Sprintf("\n2 packages, 1 with C or native memory; %d rules; 1 finding; 1 package not analysed\n", len(result.Rules))
	if !strings.HasSuffix(gaps.String(), want) {
		t.Errorf("%s\ndoes not end with%s", gaps.String(), want)
	}
}

// A package that is asked for is compiled again for the external tests of another one: as a dependency.
func TestPackagesThatTestsOfOthersImportKeepTheirBodies(t *testing.T) {
	result, _ := module(t, map[string]string{
		"a/a.go":       "package a\n\nimport \"example.com/m/b\"\n\nfunc F() int { return b.F() }\n",
		"b/b.go":       "package b\n\nimport \"strings\"\n\nfunc F() int { return strings.Count(\"a\", \"a\") }\n",
		"b/in_test.go": "package b\n\nfunc G() int { return 1 }\n",
		"b/ex_test.go": "package b_test\n\nimport \"example.com/m/a\"\n\nvar _ = a.F()\n",
		"c/c.go":       leak,
	})
	if len(result.Gaps) > 0 {
		t.Errorf("said is %v", result.Gaps)
	}
}

// TestBrokenImport has a package whose constant is one of a package without sound types: it is not built, and the note
// names the import, and no failure of the tool.
func TestBrokenImport(t *testing.T) {
	result, _ := module(t, map[string]string{
		"low/low.go": "package low\n\n// #include \"is_nowhere.h\"\nimport \"C\"\n\ntype Kind C.kind\n\nconst First Kind = C.FIRST\n",
		"m.go":       "package m\n\nimport (\n\t\"runtime\"\n\n\t\"example.com/m/low\"\n)\n\nconst First = low.First\n\nfunc F() low.Kind {\n\truntime.KeepAlive(nil)\n\treturn First\n}\n",
	})
	has(t, result.Gaps, "example.com/m: not analysed: it needs example.com/m/low")
	for _, gap := range result.Gaps {
		if strings.Contains(gap.String(), "itself failed") {
			t.Error(gap)
		}
	}
	// One whose types are wrong has a note of its own already.
	result, _ = module(t, map[string]string{
		"low/low.go": "package low\n\n// static int f(void) { return 0; }\nimport \"C\"\n\ntype Kind nowhere\n\nconst First Kind = 1\n\nfunc F() { C.f() }\n",
		"m.go":       "package m\n\nimport (\n\t\"runtime\"\n\n\t\"example.com/m/low\"\n)\n\nconst First = low.First\n\nfunc F() low.Kind {\n\truntime.KeepAlive(nil)\n\treturn First\n}\n",
	})
	has(t, result.Gaps, "example.com/m: not analysed: it needs example.com/m/low")
}

// TestOnlyTheImporterIsAsked: what it needs is told, too, and a note that has another cause keeps its own.
func TestOnlyTheImporterIsAsked(t *testing.T) {
	_, dir := module(t, map[string]string{
		"low/low.go": "package low\n\n// #include \"is_nowhere.h\"\nimport \"C\"\n\nconst First = C.FIRST\n",
		"m.go":       "package m\n\nimport \"example.com/m/low\"\n\nvar _ = low.Nothing\n",
		"l.go":       "//go:build never\n\npackage m\n\n// static int f(void) { return 0; }\nimport \"C\"\n\nfunc F() { C.f() }\n",
	})
	result, err := driver.Run(chosen(), driver.Load{Dir: dir, Patterns: []string{"."}})
	if err != nil {
		t.Fatal(err)
	}
	has(t, result.Gaps, "example.com/m/low: not analysed: "+filepath.Join(dir, "low", "low.go"))
	has(t, result.Gaps, "example.com/m: not analysed: it needs example.com/m/low")
	has(t, result.Gaps, "leave out: l.go")
}

// TestPkgConfigOptions has options among the names of packages, which the go command moves to the front.
func TestPkgConfigOptions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("pkg-config is a script of the shell here")
	}
	tool := filepath.Join(t.TempDir(), "pkg-config")
	script := "#!/bin/sh\ntest \"$*\" = '--cflags --static -- here' || { echo no package $* >&2; exit 1; }\n"
	if err := os.WriteFile(tool, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PKG_CONFIG", tool)
	result, _ := module(t, map[string]string{
		"m.go": "package m\n\n// #cgo pkg-config: --static here\n// #include <stdlib.h>\nimport \"C\"\n\nfunc F() { C.abort() }\n",
	})
	if len(result.Gaps) > 0 || result.Failed {
		t.Error(result.Gaps)
	}
	// A tool that says much is cut off.
	script = "#!/bin/sh\nprintf 'one\\n\\ttwo\\n  3 | three\\nthree | 3\\nfour\\nfive\\n' >&2\nexit 1\n"
	if err := os.WriteFile(tool, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	result, _ = module(t, map[string]string{"m.go": "package m\n\n// #cgo pkg-config: here\nimport \"C\"\n"})
	if len(result.Gaps) != 1 || !strings.HasSuffix(result.Gaps[0].Reason, "one; two; three | 3; four") {
		t.Error(result.Gaps)
	}
}
