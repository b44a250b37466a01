// Package cnul is the rule about Go strings that C sees cut short.
package cnul

import (
	"go/constant"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "cnul",
	Title: "C sees a Go string of unknown origin only up to its first NUL byte",
	Text: `
A Go string may hold NUL bytes. C.CString copies them, and C takes the first for the end: it opens another file,
compares another name, or is asked something else than what was checked in Go before.

The rule finds C.CString of a string that comes from the caller of an exported function, also through private
functions, as an element of a slice, as a field of an argument, and converted from bytes, where nothing on the way
looks for a NUL.

Silent: strings that the function makes itself; those that are given to a function with NUL as a constant, such as
strings.IndexByte(s, 0), or to a function of the package that does so with them; calls of C, and structs, that are
given the length beside the text; exported functions of internal packages, whose callers are other packages of the
module. Some text cannot hold a NUL for reasons that code does not show, so the rule runs on request.`,
	Before: `
func Open(path string) *File {
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	return &File{C.lib_open(text)} // opens /etc for "/etc\x00.txt"
}`,
	After: `
func Open(path string) (*File, error) {
	if strings.IndexByte(path, 0) >= 0 {
		return nil, syscall.EINVAL
	}
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	return &File{C.lib_open(text)}, nil
}`,
	Since:     "v0.1.0",
	Severity:  rule.Note,
	MergeIf:   rule.IfAny,
	OnRequest: true,
	Contracts: []string{"STA-08"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(*ssa.Call)
			if !ok || p.Know.C(call.Common()) != "CString" || p.InTest(call.Pos()) || lengthBeside(p, call) {
				return
			}
			if from := foreign(p, call.Call.Args[0], 0); from != nil {
				p.ReportAt(call, "C sees %s of %s only up to its first NUL byte, and nothing looks for one", from.Name(), from.Parent().Name())
			}
		})
	}
}

// foreign is the parameter of an exported function that a string comes from without having been looked at, or nil.
func foreign(p *rule.Pass, text ssa.Value, depth int) *ssa.Parameter {
	param, ok := origin(text).(*ssa.Parameter)
	if !ok || depth > 5 || checked(p, param, depth) {
		return nil
	}
	fn := param.Parent()
	if p.Public(fn) {
		return param
	}
	calls, _ := p.Know.Callers(fn)
	for _, call := range calls {
		if from := foreign(p, call.Common().Args[slices.Index(fn.Params, param)], depth+1); from != nil {
			return from
		}
	}
	return nil
}

// origin is the value that a string is, or is a part of.
func origin(v ssa.Value) ssa.Value {
	for {
		switch x := flow.Root(v).(type) {
		case *ssa.UnOp:
			v = x.X
		case *ssa.FieldAddr:
			v = x.X
		case *ssa.Field:
			v = x.X
		case *ssa.IndexAddr:
			v = x.X
		case *ssa.Slice:
			v = x.X
		case *ssa.Extract:
			next, ok := x.Tuple.(*ssa.Next)
			if !ok {
				return x
			}
			v = next.Iter.(*ssa.Range).X
		case *ssa.Alloc:
			// A parameter whose address is taken lives in a variable.
			spilled := flow.Content(x)
			if spilled == nil {
				return x
			}
			v = spilled
		default:
			return x
		}
	}
}

// checked reports whether a function looks for a NUL in what one of its parameters holds.
func checked(p *rule.Pass, param *ssa.Parameter, depth int) bool {
	found := false
	for _, fn := range append([]*ssa.Function{param.Parent()}, param.Parent().AnonFuncs...) {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			switch instr := instr.(type) {
			case *ssa.BinOp: // for i := range s { if s[i] == 0
				found = found || isNUL(instr.Y) && isByte(instr.X.Type()) && origin(indexed(instr.X)) == ssa.Value(param)
			case ssa.CallInstruction:
				call := instr.Common()
				for i, arg := range call.Args {
					if origin(arg) != ssa.Value(param) {
						continue
					}
					callee := call.StaticCallee()
					found = found || slices.ContainsFunc(call.Args, isNUL) || refusesNUL(callee) ||
						callee != nil && depth < 5 && callee.Blocks != nil && callee != fn && i < len(callee.Params) && checked(p, callee.Params[i], depth+1)
				}
			}
		})
	}
	return found
}

// indexed is the string or slice that a byte is taken from.
func indexed(v ssa.Value) ssa.Value {
	switch v := v.(type) {
	case *ssa.Lookup:
		return v.X
	case *ssa.Index:
		return v.X
	}
	return v
}

func isByte(typ types.Type) bool {
	basic, ok := typ.Underlying().(*types.Basic)
	return ok && (basic.Kind() == types.Uint8 || basic.Kind() == types.Int32)
}

// isNUL recognises the NUL of a search: 0 as a byte or a rune, or a string with one.
func isNUL(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	if !ok || c.Value == nil {
		return false
	}
	if c.Value.Kind() == constant.String {
		return strings.Contains(constant.StringVal(c.Value), "\x00")
	}
	return isByte(c.Type()) && constant.Sign(c.Value) == 0
}

// refusesNUL reports whether a function of the standard library refuses strings with a NUL.
func refusesNUL(fn *ssa.Function) bool {
	if fn == nil || fn.Pkg == nil {
		return false
	}
	switch fn.Pkg.Pkg.Path() {
	case "syscall", "golang.org/x/sys/unix":
		return fn.Name() == "BytePtrFromString" || fn.Name() == "ByteSliceFromString"
	}
	return false
}

// lengthBeside reports whether all calls of C that are given a copy, and structs of C that hold it, have the string's
// length, too.
func lengthBeside(p *rule.Pass, made *ssa.Call) bool {
	text := flow.Root(made.Call.Args[0])
	with, without := 0, 0
	for _, use := range flow.Track(made).Uses {
		if store, ok := use.Instr.(*ssa.Store); ok && use.Kind == flow.Stored && storedBeside(store, text) {
			with++
		}
		if use.Kind != flow.Argument {
			continue
		}
		if name := p.Know.C(use.Call()); name == "" || p.Know.EffectOf(use).Frees {
			continue
		}
		if slices.ContainsFunc(use.Call().Args, func(arg ssa.Value) bool { return isLength(arg, text) }) {
			with++
		} else {
			without++
		}
	}
	return with > 0 && without == 0
}

// storedBeside reports whether another field of the struct, into which a copy is stored, is set to the string's length.
func storedBeside(store *ssa.Store, text ssa.Value) bool {
	field, owner := flow.Field(store.Addr)
	if field == nil {
		return false
	}
	found := false
	flow.Instructions(store.Parent(), func(instr ssa.Instruction) {
		other, ok := instr.(*ssa.Store)
		if !ok || found || !isLength(other.Val, text) {
			return
		}
		_, holder := flow.Field(other.Addr)
		found = holder != nil && flow.Root(holder) == flow.Root(owner)
	})
	return found
}

func isLength(v, text ssa.Value) bool {
	call, ok := flow.Root(v).(*ssa.Call)
	if !ok {
		return false
	}
	b, ok := call.Call.Value.(*ssa.Builtin)
	return ok && b.Name() == "len" && flow.Root(call.Call.Args[0]) == text
}
