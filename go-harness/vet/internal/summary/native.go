package summary

import (
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// CName is the name of the C function that a Go function of cmd/cgo calls, or "".
func CName(fn *ssa.Function) string {
	if fn == nil {
		return ""
	}
	for _, prefix := range []string{"_Cfunc_", "_C2func_"} {
		if name, ok := strings.CutPrefix(fn.Name(), prefix); ok {
			return strings.TrimPrefix(name, "_C") // malloc is _CMalloc
		}
	}
	return ""
}

// C is the name of the C function that a call reaches, through cgo or through purego, or "".
func (t *Table) C(call *ssa.CallCommon) string {
	if call.IsInvoke() {
		return ""
	}
	if fn := call.StaticCallee(); fn != nil {
		if name := CName(fn); name != "" {
			if name == "Malloc" {
				return "malloc"
			}
			return name
		}
		if pkg := fn.Pkg; pkg != nil && pkg.Pkg.Path() == "github.com/ebitengine/purego" && fn.Name() == "SyscallN" {
			return "SyscallN"
		}
		return ""
	}
	if load, ok := call.Value.(*ssa.UnOp); ok {
		if global, ok := load.X.(*ssa.Global); ok {
			return t.registered[global]
		}
	}
	return ""
}

// FromC reports whether a value is what a C function returned.
func (t *Table) FromC(v ssa.Value) bool {
	if extract, ok := v.(*ssa.Extract); ok {
		v = extract.Tuple
	}
	call, ok := v.(*ssa.Call)
	return ok && t.C(call.Common()) != ""
}

// Callee is the name by which a reader knows what a call of a function of Go or of C reaches.
func (t *Table) Callee(call *ssa.CallCommon) string {
	if name := t.C(call); name != "" {
		return "C." + name
	}
	if fn := call.StaticCallee(); fn != nil {
		return fn.Name()
	}
	if variable := Variable(call.Value); variable != nil {
		return variable.Name()
	}
	return "a function"
}

// GivenTo is a C function that is given a struct, itself or its address, in the function that makes it, or "": also
// for a global variable.
func (t *Table) GivenTo(object ssa.Value) string {
	if object.Referrers() == nil {
		return ""
	}
	values := []ssa.Value{object}
	for _, instr := range *object.Referrers() {
		if load, ok := instr.(*ssa.UnOp); ok {
			values = append(values, load)
		}
	}
	for _, v := range values {
		for _, use := range flow.Track(v).Uses {
			if use.Kind == flow.Argument {
				if name := t.C(use.Call()); name != "" {
					return name
				}
			}
		}
	}
	return ""
}

// Arguments are the arguments of a call, each of a variadic one by itself where the call lists them.
func Arguments(call *ssa.CallCommon) (args []ssa.Value) {
	for _, arg := range call.Args {
		args = append(args, listed(arg)...)
	}
	return args
}

// findRegistered names the function variables that purego binds to C functions.
func (t *Table) findRegistered() {
	t.registered = make(map[*ssa.Global]string)
	t.eachCall(func(call ssa.CallInstruction) {
		fn := call.Common().StaticCallee()
		if fn == nil || fn.Pkg == nil || fn.Pkg.Pkg.Path() != "github.com/ebitengine/purego" {
			return
		}
		if fn.Name() != "RegisterLibFunc" && fn.Name() != "RegisterFunc" {
			return
		}
		args := call.Common().Args
		boxed, ok := args[0].(*ssa.MakeInterface)
		if !ok {
			return
		}
		global, ok := boxed.X.(*ssa.Global)
		if !ok {
			return
		}
		t.registered[global] = global.Name()
		if name, ok := args[len(args)-1].(*ssa.Const); ok && fn.Name() == "RegisterLibFunc" {
			t.registered[global] = strings.Trim(name.Value.ExactString(), `"`)
		}
	})
}

// goHelpers are the functions that cgo adds to every library; they read C memory and keep none of it.
var goHelpers = map[string]bool{"GoString": true, "GoStringN": true, "GoBytes": true}

// allocators are the C functions whose result the caller frees with free.
var allocators = map[string]bool{"CString": true, "CBytes": true, "malloc": true, "calloc": true, "strdup": true, "strndup": true}

var (
	wordPattern = regexp.MustCompile(`[A-Z]+[a-z0-9]*|[a-z0-9]+`)
	freeWords   = words("free frees destroy delete release dealloc deallocate dispose unref close finalize deinit uninit drop fini del destructor " +
		"decref cleanup shutdown term xfree freeall unreference decrement")
)

func words(list string) map[string]bool {
	set := make(map[string]bool)
	for _, word := range strings.Fields(list) {
		set[word] = true
	}
	return set
}

// hasWord reports whether an identifier has one of some words.
func hasWord(identifier string, words map[string]bool) bool {
	return slices.ContainsFunc(Words(identifier), func(word string) bool { return words[word] })
}

// Words are the words of an identifier in lower case, however it is written.
func Words(identifier string) []string {
	found := wordPattern.FindAllString(identifier, -1)
	for i, word := range found {
		found[i] = strings.ToLower(word)
	}
	return found
}

// Frees reports whether a C function ends the life of what it is given, by its name.
func Frees(name string) bool { return FreeVerb(name) != "" }

// FreesArgument reports whether a C function ends, by its name, the life of one of its arguments. Of several pointers
// it does so to what its name mentions, as the page of lib_drop_page(context, page). Next come a void* and structs that
// have no name, and may be what is mentioned by that of a typedef; then any.
func FreesArgument(name string, call *ssa.CallCommon, index int) bool {
	if !Frees(name) {
		return false
	}
	mentioned := Words(name)[1:] // the first is that of the library, or the verb
	const other, nameless, named = 0, 1, 2
	rank := func(arg ssa.Value) int {
		if flow.IsUnsafePointer(arg.Type()) {
			return nameless
		}
		pointer, ok := arg.Type().Underlying().(*types.Pointer)
		if !ok {
			return other
		}
		to := Named(pointer)
		switch {
		case to == nil:
			return other
		case strings.HasPrefix(to.Obj().Name(), "_Ctype_struct___"):
			return nameless
		}
		if words := Words(strings.TrimSuffix(to.Obj().Name(), "_t")); slices.Contains(mentioned, words[len(words)-1]) {
			return named
		}
		return other
	}
	own := rank(call.Args[index])
	return !slices.ContainsFunc(call.Args, func(arg ssa.Value) bool { return rank(arg) > own })
}

// FreeVerb is the verb in the name of a C function that ends the life of what it is given, or "". A word that only
// says what a function asks or installs, as in should_close and set_close_callback, is none.
func FreeVerb(name string) string {
	words := Words(name)
	for i, word := range words {
		if frees(word) && !asked(words[:i], i == len(words)-1) {
			return word
		}
	}
	if len(words) == 1 && (strings.HasPrefix(words[0], "free") || strings.HasSuffix(words[0], "close")) {
		return words[0]
	}
	return ""
}

func frees(word string) bool {
	return freeWords[word] || strings.HasSuffix(word, "free") || strings.HasSuffix(word, "destroy")
}

// asked reports whether the words before a verb take it away: hash_set_destroy destroys, set_destroy_hook installs.
func asked(before []string, last bool) bool {
	if last {
		before = before[max(0, len(before)-1):]
	}
	return slices.ContainsFunc(before, func(word string) bool {
		switch word {
		case "should", "is", "has", "can", "will", "was", "on":
			return true
		case "get", "set", "register", "install":
			return !last
		}
		return false
	})
}
