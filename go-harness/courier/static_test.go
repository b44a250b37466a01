//go:build !race && !asan && !goexperiment.cgocheck2

package courier

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Builds that look at a program while it runs. What reads source, or looks at types, passes or fails whatever
// they do: it is not in them, and they get no credit for it.
var dynamic = []string{"race", "asan", "goexperiment.cgocheck2"}

// inspects says what a test file looks at instead of running the binding, if it does.
func inspects(file *ast.File) string {
	for _, spec := range file.Imports {
		if path := strings.Trim(spec.Path.Value, `"`); strings.HasPrefix(path, "go/") {
			return path
		}
	}
	found := ""
	called := false
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		of, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		called = called || of.Sel.Name == "Call"
		from, ok := of.X.(*ast.Ident)
		if ok && from.Name == "os" && of.Sel.Name == "ReadFile" {
			found = "os.ReadFile"
		}
		return true
	})
	if found == "" && imports(file, "reflect") && !called {
		found = "reflect"
	}
	return found
}

// built says whether a file is in a build with this tag.
func built(file *ast.File, tag string) bool {
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if !constraint.IsGoBuild(comment.Text) || comment.Pos() > file.Package {
				continue
			}
			if line, err := constraint.Parse(comment.Text); err == nil {
				return line.Eval(func(other string) bool { return other == tag })
			}
		}
	}
	return true
}

// dynamicInspections are the tests in a file that read source and are in a build that gets no say in that.
func dynamicInspections(file *ast.File) []string {
	var wrong []string
	what := inspects(file)
	for _, tag := range dynamic {
		if what != "" && built(file, tag) {
			wrong = append(wrong, what+" in a build with "+tag)
		}
	}
	return wrong
}

func TestWhatReadsSourceIsInNoDynamicBuild(t *testing.T) {
	static := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		if inspects(file) != "" {
			static++
		}
		for _, wrong := range dynamicInspections(file) {
			t.Errorf("%s: %s; move the test to a file with the build line of this one", path, wrong)
		}
		return nil
	})
	if err != nil || static < 3 {
		t.Errorf("%d files read source, %v", static, err)
	}
}

func TestAFileThatReadsSourceIsRecognised(t *testing.T) {
	const line = "//go:build !race && !asan && !goexperiment.cgocheck2\n\n"
	for _, row := range []struct {
		text  string
		wrong int
	}{
		{"package p\nimport \"go/ast\"\nvar _ ast.Node", 3},
		{line + "package p\nimport \"go/ast\"\nvar _ ast.Node", 0},
		{"//go:build !race\n\npackage p\nimport \"go/parser\"\nvar _ = parser.ParseFile", 2},
		{"package p\nimport \"os\"\nfunc f() { os.ReadFile(name) }", 3},
		{"package p\nimport \"reflect\"\nvar _ = reflect.TypeOf(0)", 3},
		{"package p\nimport \"reflect\"\nvar _ = reflect.ValueOf(f).Call(nil)", 0},
		{"package p\nimport \"testing\"\nfunc f(t *testing.T) {}", 0},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x_test.go", row.text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := dynamicInspections(file); len(wrong) != row.wrong {
			t.Errorf("%q: %v", row.text, wrong)
		}
	}
}
