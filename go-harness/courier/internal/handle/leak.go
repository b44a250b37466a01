package handle

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// Leak is a handle that became unreachable without a Close.
type Leak struct {
	Kind     string // what it stood for
	Released bool   // the native object has been released for it
	Stack    []byte // where it was made; nil unless traced
}

// sentinel is watched in the place of a handle. The garbage collector does not finalize objects that
// refer to each other, as a parent and its children may. So the finalizer sits on an object outside the
// graph, which the handle alone refers to, and which refers to nothing.
type sentinel struct {
	kind    string
	stack   []byte
	id      uint64
	release func(id uint64) // nil unless a finalizer may release
}

var (
	reporter atomic.Pointer[func(Leak)]
	traced   atomic.Bool
)

// SetReporter makes report see the leaks, one after the other, on goroutines of their own. Nil ends it.
func SetReporter(report func(Leak)) {
	if report == nil {
		reporter.Store(nil)
		return
	}
	reporter.Store(&report)
}

// Trace makes handles remember where they were made, from now on.
func Trace(on bool) { traced.Store(on) }

// watch begins to watch a handle.
func watch(kind string, id uint64, release func(id uint64)) *sentinel {
	s := &sentinel{kind: kind, id: id, release: release}
	if traced.Load() {
		s.stack = debug.Stack()
	}
	//cgolab:ignore finalizerc it waits for a report alone, so that reports come one by one
	runtime.SetFinalizer(s, (*sentinel).leaked)
	return s
}

// rest ends the watch: the handle was closed.
func (s *sentinel) rest() {
	if s != nil {
		runtime.SetFinalizer(s, nil)
	}
}

// leaked runs on the finalizer goroutine, which is on no particular thread and must not be blocked.
func (s *sentinel) leaked() {
	if s.release != nil {
		s.release(s.id)
	}
	report := reporter.Load()
	if report == nil {
		return
	}
	// On another goroutine, because a report may end its own with a Goexit: no finalizer of the program
	// would run any more.
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		(*report)(Leak{s.kind, s.release != nil, s.stack})
	}()
	<-reported
}
