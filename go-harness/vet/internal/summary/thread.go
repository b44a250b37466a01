package summary

import (
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
)

// Depths says how often the thread is locked at least, at each place of a function.
type Depths struct {
	// Delta is what the function leaves behind.
	Delta int
	entry map[*ssa.BasicBlock]int
	step  func(ssa.Instruction) int
}

// At is the depth before an instruction.
func (d *Depths) At(instr ssa.Instruction) int {
	depth := d.entry[instr.Block()]
	for _, other := range instr.Block().Instrs {
		if other == instr {
			break
		}
		depth += d.step(other)
	}
	return depth
}

// unreached is more than any function locks.
const unreached = 1 << 20

// Depths computes the depths of a function. They count from the function's beginning.
func (t *Table) Depths(fn *ssa.Function) *Depths {
	d := &Depths{entry: make(map[*ssa.BasicBlock]int), step: t.lockStep}
	for _, block := range fn.Blocks {
		d.entry[block] = unreached
	}
	d.entry[fn.Blocks[0]] = 0
	for changed, round := true, 0; changed && round < len(fn.Blocks)+2; round++ {
		changed = false
		for _, block := range fn.Blocks {
			depth := d.entry[block]
			if depth == unreached {
				continue
			}
			for _, instr := range block.Instrs {
				depth += d.step(instr)
			}
			for _, next := range block.Succs {
				if depth < d.entry[next] {
					d.entry[next], changed = depth, true
				}
			}
		}
	}
	d.Delta = unreached
	flow.Instructions(fn, func(instr ssa.Instruction) {
		if ret, ok := instr.(*ssa.Return); ok {
			d.Delta = min(d.Delta, d.At(ret)-t.deferredUnlocks(ret))
		}
	})
	if d.Delta == unreached {
		d.Delta = 0
	}
	return d
}

func (t *Table) lockStep(instr ssa.Instruction) int {
	call, ok := instr.(*ssa.Call)
	if !ok {
		return 0
	}
	return t.LockOf(call.Common())
}

// LockOf is by how much a call changes the count of LockOSThread.
func (t *Table) LockOf(call *ssa.CallCommon) int {
	fn := call.StaticCallee()
	if fn == nil {
		return 0
	}
	if fn.Pkg != nil && fn.Pkg.Pkg.Path() == "runtime" {
		switch fn.Name() {
		case "LockOSThread":
			return 1
		case "UnlockOSThread":
			return -1
		}
		return 0
	}
	if f := t.OfFunc(fn); f != nil {
		return f.Lock
	}
	return 0
}

func (t *Table) deferredUnlocks(ret *ssa.Return) int {
	unlocks := 0
	flow.Instructions(ret.Parent(), func(instr ssa.Instruction) {
		if deferred, ok := instr.(*ssa.Defer); ok && flow.Before(deferred, ret) {
			unlocks -= t.LockOf(deferred.Common())
		}
	})
	return unlocks
}

// UnlockedAfter reports whether a call that was deferred later than another, and so runs before it, may unlock the
// thread.
func (t *Table) UnlockedAfter(deferred *ssa.Defer) bool {
	found := false
	flow.Instructions(deferred.Parent(), func(instr ssa.Instruction) {
		later, ok := instr.(*ssa.Defer)
		found = found || ok && t.LockOf(later.Common()) < 0 && flow.Reaches(deferred, later, nil)
	})
	return found
}

// ErrorGetter is the C function that a call reaches if it gives the error of the thread's last call, else "".
// A function that is given the object, or the code, that it explains is none.
func (t *Table) ErrorGetter(call ssa.CallInstruction) string {
	name := t.C(call.Common())
	if name == "" || !errorGetter(name) && !t.readsErrno(name) {
		return ""
	}
	last := slices.Contains(Words(name), "last")
	for i, arg := range call.Common().Args {
		switch {
		case outParameter(arg, call):
		case last && (pointsToInteger(arg.Type()) || i > 0 && (flow.IsInteger(arg.Type()) || isNil(arg))): // a buffer and its size
		default:
			return ""
		}
	}
	return name
}

func pointsToInteger(typ types.Type) bool {
	pointer, ok := typ.Underlying().(*types.Pointer)
	return ok && flow.IsInteger(pointer.Elem())
}

// outParameter reports whether an argument of a call is the address of a variable in which nothing is yet.
func outParameter(arg ssa.Value, call ssa.CallInstruction) bool {
	cell, ok := flow.Root(arg).(*ssa.Alloc)
	return ok && !usedBefore(cell, call)
}

// usedBefore reports whether a variable, whose address is given, may have been set, or given away, before a call.
func usedBefore(addr ssa.Value, call ssa.CallInstruction) bool {
	return slices.ContainsFunc(*addr.Referrers(), func(instr ssa.Instruction) bool {
		switch instr := instr.(type) {
		case *ssa.DebugRef, *ssa.UnOp:
			return false
		case *ssa.Store:
			return !(instr.Addr == addr && isZero(instr.Val)) && flow.Reaches(instr, call, nil)
		case *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Convert, *ssa.ChangeType:
			return usedBefore(instr.(ssa.Value), call)
		}
		return instr != ssa.Instruction(call) && flow.Reaches(instr, call, nil)
	})
}

// ClearsError reports whether a C function takes the error away that was there before, and makes none.
func ClearsError(name string) bool {
	words := Words(name)
	return slices.ContainsFunc(words, func(word string) bool { return word == "clear" || word == "reset" }) &&
		slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(word, "err") })
}

// Dropped reports whether a call of a getter of errors takes the error away, and nobody sees it.
func Dropped(call ssa.CallInstruction) bool {
	value := call.Value()
	return len(call.Common().Args) == 0 && (value == nil || len(*value.Referrers()) == 0)
}

// MayFail reports whether a call of a C function may leave an error that somebody asks for.
func MayFail(name string, call ssa.CallInstruction) bool {
	if value := call.Value(); Frees(name) && (value == nil || len(*value.Referrers()) == 0) {
		return false
	}
	return !goHelpers[name] && !allocators[name] && !ClearsError(name)
}

// readsErrno reports whether a C function whose code belongs to the package does nothing but read an error of the
// thread.
func (t *Table) readsErrno(name string) bool {
	found := errnoReader.FindStringSubmatch(t.Definition(name))
	return found != nil && (found[1] == "errno" || errorGetter(found[1]))
}

var errnoReader = regexp.MustCompile(`^\w+\s*\(\s*(?:void)?\s*\)\s*\{\s*return\s+(errno|\w+)\s*(?:\(\s*\)\s*)?;\s*$`)

// notOfThreads are functions whose error is that of a context, or of the process, whatever the thread.
var notOfThreads = regexp.MustCompile(`^(?:(?:gl|al|alc|egl)[A-Z]|Pa_GetLast)`)

// otherWords are words of functions that do something else with an error, or make what its message is put into.
var otherWords = words("set clear print free reset callback handler new create alloc make size sizeof")

func errorGetter(name string) bool {
	if notOfThreads.MatchString(name) {
		return false
	}
	if hasWord(name, otherWords) {
		return false
	}
	words := Words(name)
	has := func(word string) bool { return slices.Contains(words, word) }
	lower := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	isError := has("error") || has("err") || has("errors")
	switch {
	case has("errno"), has("dlerror"), has("lasterror"), has("geterror"), strings.HasSuffix(lower, "lasterror"), strings.HasSuffix(lower, "errorlast"):
		return true
	case isError && (has("last") || has("peek")), has("get") && has("error"), isError && (has("message") || has("msg") || has("code")), has("errmsg"), has("errstr"):
		return true
	}
	return false
}
