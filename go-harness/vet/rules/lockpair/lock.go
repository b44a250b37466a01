package lockpair

import (
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// lock is what is locked: the thread, or a mutex.
type lock struct {
	// root is the variable of the mutex, or what its fields start from; nil for the thread.
	root ssa.Value
	path []*types.Var
	// read is set for RLock and RUnlock.
	read bool
}

func (l *lock) is(other *lock) bool {
	return l.root == other.root && slices.Equal(l.path, other.path) && l.read == other.read
}

// among reports whether one of some values is the address of the mutex.
func (l *lock) among(values []ssa.Value) bool {
	return l.root != nil && slices.ContainsFunc(values, func(v ssa.Value) bool {
		other := variable(v)
		return other != nil && other.root == l.root && slices.Equal(other.path, l.path)
	})
}

func (l *lock) String() string {
	if l.root == nil {
		return "runtime.LockOSThread"
	}
	var path []string
	switch root := l.root.(type) {
	case *ssa.Parameter, *ssa.Global:
		path = append(path, root.Name())
	case *ssa.Alloc:
		path = append(path, root.Comment)
	}
	for _, field := range l.path {
		path = append(path, field.Name())
	}
	last := len(path) - 1
	if last == 0 {
		return path[0]
	}
	return path[last] + " of " + strings.Join(path[:last], ".")
}

// kind is what locks of other functions have in common with a lock: the field, or the variable.
type kind struct {
	field    *types.Var
	variable ssa.Value
	read     bool
}

func (l *lock) kind() kind {
	if len(l.path) > 0 {
		return kind{field: l.path[len(l.path)-1], read: l.read}
	}
	return kind{variable: l.root, read: l.read}
}

// action is what an instruction does to a lock.
type action int

const (
	undoes action = iota
	takes
	tries
)

// event is the lock that an instruction takes, tries to take, or undoes; nil if there is none.
func event(p *rule.Pass, instr ssa.Instruction) (*lock, action) {
	call, ok := instr.(ssa.CallInstruction)
	if !ok {
		return nil, 0
	}
	switch p.Know.LockOf(call.Common()) {
	case 1:
		return &lock{}, takes
	case -1:
		return &lock{}, undoes
	}
	method, mutex := summary.MutexCall(call.Common())
	if mutex == nil {
		return nil, 0
	}
	l := variable(mutex)
	if l == nil {
		return nil, 0
	}
	method, l.read = strings.CutPrefix(method, "R")
	if rest, ok := strings.CutPrefix(method, "TryR"); ok {
		method, l.read = "Try"+rest, true
	}
	switch method {
	case "Lock":
		return l, takes
	case "TryLock":
		return l, tries
	case "Unlock":
		return l, undoes
	}
	return nil, 0
}

// variable is the mutex at an address, or nil if nothing says which one of many it is.
func variable(mutex ssa.Value) *lock {
	root, path := summary.Path(mutex)
	for {
		free, ok := root.(*ssa.FreeVar)
		if !ok {
			break
		}
		root = flow.Binding(free)
	}
	if load, ok := root.(*ssa.UnOp); ok && len(path) == 0 {
		root = load.X
	}
	switch root.(type) {
	case nil:
		return nil
	case *ssa.Alloc, *ssa.Global, *ssa.Parameter:
	default:
		if len(path) == 0 {
			return nil
		}
	}
	return &lock{root: root, path: path}
}
