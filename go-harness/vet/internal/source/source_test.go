package source_test

import (
	"go/ast"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
)

// probe hands on the result: facts of an analyzer under test would have to be expected one by one.
var probe = &analysis.Analyzer{
	Name:       "probe",
	Doc:        "the result of cgosource",
	Requires:   []*analysis.Analyzer{source.Analyzer},
	ResultType: reflect.TypeFor[*source.Package](),
	Run:        func(pass *analysis.Pass) (any, error) { return pass.ResultOf[source.Analyzer], nil },
}

func load(t *testing.T, name string) *source.Package {
	t.Helper()
	return analysistest.Run(t, analysistest.TestData(), probe, name)[0].Result.(*source.Package)
}

// TestAllFormsOfC: every use of C that cgo accepts has sound types and SSA, in the original file.
func TestAllFormsOfC(t *testing.T) {
	pkg := load(t, "forms")
	if len(pkg.Notes) > 0 || pkg.Program == nil || !pkg.UsesCgo {
		t.Fatalf("notes %v", pkg.Notes)
	}
	if len(pkg.Files) != 1 || len(pkg.Preambles) != 1 || !strings.Contains(pkg.Preambles[0], "#define NUMBER 7") {
		t.Errorf("%d files, preambles %q", len(pkg.Files), pkg.Preambles)
	}
	ast.Inspect(pkg.Files[0], func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "C" {
				t.Errorf("%s: C.%s is left", pkg.Fset().Position(sel.Pos()), sel.Sel.Name)
			}
		}
		return true
	})
	calls := make(map[string][]string)
	for _, fn := range pkg.Funcs {
		for _, block := range fn.Blocks {
			for _, instr := range block.Instrs {
				if call, ok := instr.(ssa.CallInstruction); ok && call.Common().StaticCallee() != nil {
					at := pkg.Fset().Position(pkg.Pos(call))
					name := call.Common().StaticCallee().Name()
					if strings.HasPrefix(name, "_C") {
						if filepath.Base(at.Filename) != "forms.go" {
							t.Errorf("%s is at %s", name, at)
						}
						calls[name] = append(calls[name], at.String()[strings.LastIndex(at.String(), "forms.go"):])
					}
				}
			}
		}
	}
	for name, want := range map[string]string{
		"_Cfunc_apply":    "forms.go:50:7",
		"_C2func_fails":   "forms.go:51:12",
		"_C2func_nothing": "forms.go:52:15",
		"_C2func_twice":   "forms.go:55:17",
		"_Cfunc__CMalloc": "forms.go:58:11",
		"_Cfunc_nothing":  "forms.go:60:5",
	} {
		if len(calls[name]) != 1 || calls[name][0] != want {
			t.Errorf("%s at %v, want %s", name, calls[name], want)
		}
	}
}

func TestSpelled(t *testing.T) {
	for _, kind := range []string{"_Cfunc_", "_C2func_", "_Ctype_", "_Ciconst_", "_Cfconst_", "_Csconst_", "_Cvar_", "_Cmacro_", "_Cfpvar_fp_"} {
		if text := source.Spelled("a " + kind + "name, [" + kind + "struct_s]"); text != "a C.name, [C.struct_s]" {
			t.Errorf("%s: %q", kind, text)
		}
	}
	if text := source.Spelled("own_Cfunc_name _Cgo_ptr"); text != "own_Cfunc_name _Cgo_ptr" {
		t.Errorf("names of others: %q", text)
	}
}

func TestWithoutCgoAndWithoutInterestThereIsNoSSA(t *testing.T) {
	pkg := load(t, "plain")
	if pkg.Program != nil || pkg.UsesCgo || len(pkg.Notes) > 0 {
		t.Errorf("%+v", pkg)
	}
}
