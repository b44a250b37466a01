// Package finalizerc is the rule about finalizers that block, or that are on the wrong thread.
package finalizerc

import (
	"go/token"
	"go/types"
	"regexp"
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// Rule is the rule.
var Rule = &rule.Rule{
	Name:  "finalizerc",
	Title: "A finalizer blocks, or calls what is bound to a thread",
	Text: `
All finalizers and cleanups of a process share few goroutines. One that waits holds up all others, and if it
waits for something that only a later finalizer does, for ever. It also runs on any thread: what belongs to the
thread of a graphics context must not be released there.

The rule finds finalizers and cleanups that, themselves or through functions of the package, receive from or
send to a channel, wait for a sync.WaitGroup or sync.Cond, sleep, call a C function that joins, waits or drains
by its name, or one of OpenGL or EGL. C functions whose code belongs to the package are looked into: those that wait
in pthread_join and its like, and those that call back a function of Go that does one of these things.

Silent: what the finalizer starts with a go statement; selects with a default; C functions that
//cgolab:release names.`,
	Before: `
runtime.SetFinalizer(w, func(w *Worker) {
	C.worker_join(w.p) // all other finalizers wait too
})`,
	After: `
runtime.SetFinalizer(w, func(w *Worker) {
	go C.worker_join(w.p)
})`,
	Since:      "v0.1.0",
	Severity:   rule.Error,
	MergeIf:    rule.IfAny,
	Contracts:  []string{"HDL-17", "HDL-16", "HDL-15"},
	Directives: []string{"release"},
	Run:        run,
}

// finalizers looks at what finalizers call.
type finalizers struct {
	*rule.Pass
	exports map[string]*ssa.Function // by their names in C
}

func run(pass *rule.Pass) {
	p := &finalizers{pass, make(map[string]*ssa.Function)}
	for fn, decl := range p.Exports() {
		p.exports[source.ExportName(decl)] = fn
	}
	for _, fn := range p.Funcs {
		flow.Instructions(fn, func(instr ssa.Instruction) {
			call, ok := instr.(ssa.CallInstruction)
			if !ok {
				return
			}
			kind := map[string]string{"SetFinalizer": "finalizer", "AddCleanup": "cleanup"}[summary.RuntimeFunc(call.Common())]
			if kind == "" || len(call.Common().Args) < 2 {
				return
			}
			freeing := summary.Function(call.Common().Args[1])
			if freeing == nil {
				return
			}
			if at, what := p.harm(freeing, make(map[*ssa.Function]bool)); at != nil {
				p.ReportAt(call, "the %s %s, in %s", kind, what, p.Place(p.Pos(at), p.Pos(call)))
			}
		})
	}
}

var graphics = regexp.MustCompile("^(gl|egl|glX|wgl)[A-Z]")

// harm is what a finalizer should not do, and where it does it.
func (p *finalizers) harm(fn *ssa.Function, seen map[*ssa.Function]bool) (at ssa.Instruction, what string) {
	if seen[fn] || len(seen) > 30 {
		return nil, ""
	}
	seen[fn] = true
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if at != nil {
			return
		}
		switch instr := instr.(type) {
		case *ssa.UnOp:
			if instr.Op == token.ARROW {
				at, what = instr, "waits for a channel"
			}
		case *ssa.Send:
			if !buffered(instr.Chan) {
				at, what = instr, "waits for a channel"
			}
		case *ssa.Select:
			if instr.Blocking {
				at, what = instr, "waits for a channel"
			}
		case *ssa.Go:
		case ssa.CallInstruction:
			common := instr.Common()
			if name := p.Know.C(common); name != "" {
				if what = p.native(name, seen); what != "" && !p.Marked("release", name) {
					at = instr
				}
				return
			}
			callee := common.StaticCallee()
			if callee == nil {
				return
			}
			if waits(callee) {
				at, what = instr, "waits in "+callee.Name()
				return
			}
			if callee.String() == "(*sync.Once).Do" {
				callee = summary.Function(common.Args[1])
			}
			if callee == nil {
				return
			}
			if _, inner := p.harm(callee, seen); inner != "" {
				at, what = instr, inner
			}
		}
	})
	return at, what
}

func buffered(channel ssa.Value) bool {
	made, ok := flow.Root(channel).(*ssa.MakeChan)
	if !ok {
		return true // not known
	}
	size, ok := made.Size.(*ssa.Const)
	return !ok || size.Int64() > 0
}

// native is the harm that a C function does, by its name, or by its code if that belongs to the package.
func (p *finalizers) native(name string, seen map[*ssa.Function]bool) string {
	if graphics.MatchString(name) {
		return "calls C." + name + ", which belongs to the thread of a context"
	}
	if words := summary.Words(name); slices.Contains(words, "join") || slices.Contains(words, "wait") || slices.Contains(words, "drain") {
		return "waits in C." + name
	}
	for _, called := range p.Know.CCalls(name) {
		if waitsInC[called] {
			return "calls C." + name + ", which waits in " + called
		}
		if fn := p.exports[called]; fn != nil {
			if _, what := p.harm(fn, seen); what != "" {
				return "calls C." + name + ", which calls " + called + ", which " + what
			}
		}
	}
	return ""
}

// waitsInC are the functions of the C library that wait.
var waitsInC = map[string]bool{
	"pthread_join": true, "pthread_cond_wait": true, "thrd_join": true, "cnd_wait": true, "sem_wait": true, "waitpid": true,
	"sleep": true, "usleep": true, "nanosleep": true,
}

func waits(fn *ssa.Function) bool {
	object, ok := fn.Object().(*types.Func)
	if !ok || object.Pkg() == nil {
		return false
	}
	switch object.FullName() {
	case "(*sync.WaitGroup).Wait", "(*sync.Cond).Wait", "time.Sleep":
		return true
	}
	return false
}
