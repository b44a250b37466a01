//go:build !race && !asan && !goexperiment.cgocheck2

package courier

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// parseBinding parses every Go file of the binding, by its path from the module's root. The binding is what
// programs link: not the harness beside it, nor the fault-injecting fake.
func parseBinding(t *testing.T, fset *token.FileSet) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "fakecourier" {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		files[filepath.ToSlash(filepath.Join("courier", path))] = file
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

func imports(file *ast.File, path string) bool {
	for _, spec := range file.Imports {
		if spec.Path.Value == `"`+path+`"` {
			return true
		}
	}
	return false
}

func TestGOA01CStaysInOnePackage(t *testing.T) {
	found := 0
	for path, file := range parseBinding(t, token.NewFileSet()) {
		if !imports(file, "C") {
			continue
		}
		found++
		if filepath.Dir(path) != "courier/internal/capi" {
			t.Errorf(`%s imports "C"`, path)
		}
	}
	if found == 0 {
		t.Error("no file was found that does: this test looks in the wrong place")
	}
}

// An exported function, method, field or type may be written with Go's types and the package's own, and
// with those of the standard library. The package with cgo in it stays out of sight.
func TestGOA01NoExportedNameMentionsC(t *testing.T) {
	fset := token.NewFileSet()
	seen := 0
	for path, file := range parseBinding(t, fset) {
		if filepath.Dir(path) != "courier" || strings.HasSuffix(path, "_test.go") {
			continue
		}
		ast.FileExports(file) // leaves what others see, and bodies
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.BlockStmt:
				return false
			case *ast.ValueSpec:
				node.Values = nil // a constant's value may come from the header
			case *ast.FuncDecl:
				seen++
			case *ast.SelectorExpr:
				if from, ok := node.X.(*ast.Ident); ok && (from.Name == "capi" || from.Name == "C" || from.Name == "unsafe") {
					t.Errorf("%v: %s.%s is exported", fset.Position(node.Pos()), from.Name, node.Sel.Name)
				}
			}
			return true
		})
	}
	if seen < 30 {
		t.Errorf("%d exported functions were looked at: too few", seen)
	}
}

// NativePointer becomes a pointer in C, and nothing in Go makes one of it.
func TestVAL12NoNumberBecomesAPointerInGo(t *testing.T) {
	fset := token.NewFileSet()
	for path, file := range parseBinding(t, fset) {
		if strings.HasSuffix(path, "_test.go") || !imports(file, "unsafe") {
			continue
		}
		capi := filepath.Dir(path) == "courier/internal/capi"
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			if of, ok := call.Fun.(*ast.SelectorExpr); !ok || of.Sel.Name != "Pointer" {
				return true
			} else if from, ok := of.X.(*ast.Ident); !ok || from.Name != "unsafe" {
				return true
			}
			number := false
			ast.Inspect(call.Args[0], func(node ast.Node) bool {
				if name, ok := node.(*ast.Ident); ok && (name.Name == "uintptr" || name.Name == "uintptr_t" || name.Name == "surface") {
					number = true
				}
				return true
			})
			if number || !capi {
				t.Errorf("%v: unsafe.Pointer of a number, or outside the cgo boundary", fset.Position(call.Pos()))
			}
			return true
		})
	}
}

// C gets a number from Go: a pointer would have to be pinned for as long as C has it.
func TestVAL14ExportedFunctionsReturnNoPointer(t *testing.T) {
	exported := 0
	for path, file := range parseBinding(t, token.NewFileSet()) {
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || f.Doc == nil || !strings.Contains(comments(f.Doc), "//export ") {
				continue
			}
			exported++
			if f.Type.Results == nil {
				continue
			}
			for _, result := range f.Type.Results.List {
				of, ok := result.Type.(*ast.SelectorExpr)
				if !ok || of.Sel.Name != "courier_decision" {
					t.Errorf("%s: %s returns something else than a decision", path, f.Name)
				}
			}
		}
	}
	if exported < 4 {
		t.Errorf("%d exported functions were found: too few", exported)
	}
}

func TestHDL24PublicHandlesHaveClose(t *testing.T) {
	for _, handle := range publicHandles() {
		public := reflect.TypeOf(handle).Elem()
		if public.Kind() != reflect.Struct {
			t.Errorf("%v is a %v", public, public.Kind())
		}
		for i := 0; i < public.NumField(); i++ {
			if field := public.Field(i); field.IsExported() {
				t.Errorf("%v exports its field %s", public, field.Name)
			}
		}
	}
}

// The list on which other tests rest is that of the source.
func TestHDL24EveryTypeWithACloseIsAPublicHandle(t *testing.T) {
	listed := map[string]bool{}
	for _, handle := range publicHandles() {
		listed[reflect.TypeOf(handle).Elem().Name()] = true
	}
	found := 0
	for path, file := range parseBinding(t, token.NewFileSet()) {
		if filepath.Dir(path) != "courier" || strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, declaration := range file.Decls {
			method, ok := declaration.(*ast.FuncDecl)
			if !ok || method.Recv == nil || method.Name.Name != "Close" {
				continue
			}
			of := strings.TrimPrefix(types.ExprString(method.Recv.List[0].Type), "*")
			if !ast.IsExported(of) {
				continue
			}
			found++
			if !listed[of] {
				t.Errorf("%s has a Close and is not among publicHandles", of)
			}
		}
	}
	if found != len(listed) {
		t.Errorf("%d types have a Close, %d are listed", found, len(listed))
	}
}

// A token is a number like any other: as a pointer it would point nowhere, and the collector stops the
// program over that. What C lends is text, and text alone comes as a pointer.
func TestCBK11TokensAreNumbersInGo(t *testing.T) {
	exported := 0
	for path, file := range parseBinding(t, token.NewFileSet()) {
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || f.Doc == nil || !strings.Contains(comments(f.Doc), "//export ") || strings.HasSuffix(path, "/bench.go") {
				continue
			}
			exported++
			for i, parameter := range f.Type.Params.List {
				written := types.ExprString(parameter.Type)
				switch {
				case i == 0 && written != "C.uint64_t":
					t.Errorf("%s: %s takes its token as a %s", path, f.Name, written)
				case strings.ContainsAny(written, "*") && written != "*C.char" || strings.Contains(written, "Pointer"):
					t.Errorf("%s: %s takes a %s", path, f.Name, written)
				}
			}
		}
	}
	if exported != 4 {
		t.Errorf("%d exported functions were found", exported)
	}
}

// comments is the text of a comment with its directives, which Text leaves out.
func comments(group *ast.CommentGroup) string {
	var text strings.Builder
	for _, comment := range group.List {
		text.WriteString(comment.Text + "\n")
	}
	return text.String()
}

func TestModuleAsksForGo121AndNothingElse(t *testing.T) {
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^go 1\.21(\.0)?$`).Match(module) {
		t.Errorf("go.mod names another version:\n%s", module)
	}
	for _, word := range []string{"require", "toolchain", "replace"} {
		if strings.Contains(string(module), word) {
			t.Errorf("go.mod has a %s:\n%s", word, module)
		}
	}
}

func TestGOA03TheDocumentationTeachesThreads(t *testing.T) {
	fset := token.NewFileSet()
	var tests []*ast.File
	text := ""
	for path, file := range parseBinding(t, fset) {
		switch {
		case path == "courier/doc.go":
			text = file.Doc.Text()
		case filepath.Dir(path) == "courier" && strings.HasSuffix(path, "_test.go"):
			tests = append(tests, file)
		}
	}
	for _, sentence := range []string{"A goroutine is not a thread.", "runtime.LockOSThread()", "# Threads", "# The owner helper", "# Handles", "# Leaks", "# Memory", "# Errors", "# Callbacks"} {
		if !strings.Contains(text, sentence) {
			t.Errorf("the package documentation lacks %q", sentence)
		}
	}
	runs := map[string]bool{} // those with an output are run by go test
	locks := false
	for _, example := range doc.Examples(tests...) {
		runs[example.Name] = example.Output != ""
		ast.Inspect(example.Code, func(node ast.Node) bool {
			if name, ok := node.(*ast.Ident); ok && name.Name == "LockOSThread" {
				locks = true
			}
			return true
		})
	}
	for _, name := range []string{
		"", "Deadline", "NativePointer", "Loader_Load", "Loader_Load_context", "Owner_Do", "Provider",
		"Request_OnCancel", "Runtime_SetProvider", "Runtime_SetWake", "Runtime_wrongThread", "Session_Attach",
		"SetLeakHandler", "SetLogger", "WakeSource",
	} {
		if !runs[name] {
			t.Errorf("no example %q that runs", name)
		}
	}
	if !locks {
		t.Error("no example shows LockOSThread")
	}
}

// docs/conventions.md names the code that keeps each rule and the tests that guard it. They exist.
func TestConventionsNameWhatExists(t *testing.T) {
	text, err := os.ReadFile("../../docs/conventions.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for path, file := range parseBinding(t, token.NewFileSet()) {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && strings.HasSuffix(path, "_test.go") {
				tests[f.Name.Name] = true
			}
		}
	}
	span := regexp.MustCompile("`([^`]+)`")
	place := regexp.MustCompile("`([^`]+)` \\(((?:`[^`]+`(?:, )?)+)\\)")
	sections := regexp.MustCompile(`(?m)^## (S\d+): `).Split(string(text), -1)[1:]
	if len(sections) != 10 {
		t.Fatalf("%d rules, want 10", len(sections))
	}
	for i, section := range sections {
		_, kept, _ := strings.Cut(section, "- Kept by: ")
		kept, guards, found := strings.Cut(kept, "- Red without: ")
		if !found {
			t.Fatalf("S%d does not say what keeps it, or what is red without", i+1)
		}
		places := place.FindAllStringSubmatch(kept, -1)
		for _, place := range places {
			code, err := os.ReadFile(filepath.FromSlash(place[1]))
			if err != nil {
				t.Errorf("S%d: %v", i+1, err)
			}
			for _, symbol := range span.FindAllStringSubmatch(place[2], -1) {
				if !regexp.MustCompile(`\b` + regexp.QuoteMeta(symbol[1]) + `\b`).Match(code) {
					t.Errorf("S%d: %s has no %s", i+1, place[1], symbol[1])
				}
			}
		}
		names := span.FindAllStringSubmatch(guards, -1)
		for _, name := range names {
			if !tests[name[1]] {
				t.Errorf("S%d: there is no test %s", i+1, name[1])
			}
		}
		if len(places) == 0 || len(names) == 0 {
			t.Errorf("S%d names %d places and %d tests", i+1, len(places), len(names))
		}
	}
}
