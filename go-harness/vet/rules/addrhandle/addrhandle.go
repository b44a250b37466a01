// Package addrhandle is the rule about addresses of handles that C keeps.
package addrhandle

import (
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "addrhandle",
	Title: "C keeps the address of a Go variable that holds a handle",
	Text: `
The address of a variable of type cgo.Handle, or of an integer type with its methods, is an address of Go memory. C may use it until the call returns.
As user_data that is kept for later callbacks it dangles: the variable is gone with its function, and the
callback reads whatever lies there now.

The rule finds such addresses given to C functions that register something, by their name, themselves or in a
field of a C struct, if the handle is not deleted in the same function. An address of a field of an object counts if
the package stores no object of its type anywhere.

Silent: synchronous calls, after which the function deletes the handle; what is pinned; a handle that is copied into
memory of C.`,
	Before: `
func (b *Bus) Subscribe(f func()) {
	h := cgo.NewHandle(f)
	b.handles = append(b.handles, h)
	C.bus_subscribe(b.p, unsafe.Pointer(&h)) // h is gone when the callback comes
}`,
	After: `
// static void subscribe(bus *b, uintptr_t h) { bus_subscribe(b, (void *)h); }
func (b *Bus) Subscribe(f func()) {
	h := cgo.NewHandle(f)
	b.handles = append(b.handles, h)
	C.subscribe(b.p, C.uintptr_t(h))
}`,
	Since:     "v0.1.0",
	Severity:  rule.Error,
	MergeIf:   rule.IfAny,
	Contracts: []string{"CBK-12"},
	Run:       run,
}

func run(p *rule.Pass) {
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			switch instr := instr.(type) {
			case ssa.CallInstruction:
				if name := p.Know.C(instr.Common()); name != "" && keeps(name) {
					for _, arg := range instr.Common().Args {
						check(p, instr, arg, name)
					}
				}
			case *ssa.Store:
				if _, owner := flow.Field(instr.Addr); owner != nil && summary.OfC(owner.Type()) {
					if name := p.Know.GivenTo(owner); keeps(name) || makes(name) {
						check(p, instr, instr.Val, name)
					}
				}
			}
		})
	}
}

// check looks at an address that a C function is given and keeps.
func check(p *rule.Pass, at ssa.Instruction, address ssa.Value, name string) {
	fn := at.Parent()
	switch variable := flow.Root(address).(type) {
	case *ssa.Alloc:
		if holdsHandle(variable) && !deleted(variable) && !p.Know.Pinned(fn, variable, nil) {
			p.ReportAt(at, "C.%s keeps the address of a Go variable: it dangles when %s has returned", name, fn.Name())
		}
	case *ssa.FieldAddr:
		if holdsHandle(variable) && !deleted(variable) && !held(p, variable.X) && !p.Know.Pinned(fn, variable, nil) {
			p.ReportAt(at, "C.%s keeps the address of a field of a Go object that nothing pins: it dangles when the object is collected", name)
		}
	}
}

// held reports whether an object, one that a function makes or is given, may also be held elsewhere: it is stored, is
// the value of a handle, or the package stores others of its type. A literal that captures it may be kept, too.
func held(p *rule.Pass, object ssa.Value) bool {
	switch object.(type) {
	case *ssa.Alloc, *ssa.Parameter:
	default:
		return true
	}
	for _, use := range flow.Track(object).Uses {
		if use.Kind == flow.Stored || use.Kind == flow.Captured || use.Kind == flow.Argument && summary.NewToken(use.Call()) {
			return true
		}
	}
	return p.Know.Stores(object.Type())
}

// makes reports whether a C function makes, by its name, something that keeps what its options hold.
func makes(name string) bool {
	return slices.ContainsFunc(summary.Words(name), func(word string) bool {
		return slices.Contains([]string{"open", "init", "new", "create", "make"}, word)
	})
}

// keeps reports whether a C function keeps what it is given, by its name.
func keeps(name string) bool {
	words := summary.Words(name)
	if slices.Contains(words, "get") || slices.Contains(words, "unset") {
		return false
	}
	return slices.ContainsFunc(words, func(word string) bool {
		switch word {
		case "set", "register", "subscribe", "install", "add", "attach", "connect", "hook", "watch", "listen", "on", "callback", "handler", "listener", "observer", "start", "async":
			return true
		}
		return false
	})
}

// deleted reports whether something in the function, or a literal in it, deletes the handle of a variable or a field.
func deleted(variable ssa.Value) bool {
	found := false
	var visit func(fn *ssa.Function)
	visit = func(fn *ssa.Function) {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if call, ok := instr.(ssa.CallInstruction); ok && summary.Deletes(call.Common()) {
				load, ok := call.Common().Args[0].(*ssa.UnOp)
				if !ok {
					return
				}
				free, captured := load.X.(*ssa.FreeVar)
				field, _ := flow.Field(variable)
				other, _ := flow.Field(load)
				found = found || load.X == variable || captured && flow.Binding(free) == variable || field != nil && field == other
			}
		})
		for _, literal := range fn.AnonFuncs {
			visit(literal)
		}
	}
	visit(variable.Parent())
	return found
}

// holdsHandle reports whether an address is that of a handle.
func holdsHandle(address ssa.Value) bool {
	return summary.IsHandle(address.Type().Underlying().(*types.Pointer).Elem())
}
