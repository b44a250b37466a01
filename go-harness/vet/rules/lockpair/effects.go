package lockpair

import (
	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// effects are the kinds of locks that functions take and undo, themselves or by what they call.
type effects struct {
	pass          *rule.Pass
	takes, undoes map[*ssa.Function]map[kind]bool
	// protocols are the kinds that a function undoes which has not taken them, called by nobody knows whom.
	protocols map[kind]bool
}

func newEffects(p *rule.Pass) *effects {
	e := &effects{
		pass:      p,
		takes:     make(map[*ssa.Function]map[kind]bool),
		undoes:    make(map[*ssa.Function]map[kind]bool),
		protocols: make(map[kind]bool),
	}
	for _, fn := range p.Funcs {
		e.takes[fn], e.undoes[fn] = make(map[kind]bool), make(map[kind]bool)
		flow.Instructions(fn, func(instr ssa.Instruction) {
			if lock, does := event(p, instr); lock != nil && does == undoes {
				e.undoes[fn][lock.kind()] = true
			} else if lock != nil {
				e.takes[fn][lock.kind()] = true
			}
		})
	}
	for changed := true; changed; {
		changed = false
		for _, fn := range p.Funcs {
			flow.Instructions(fn, func(instr ssa.Instruction) {
				if call, ok := instr.(ssa.CallInstruction); ok {
					changed = e.include(fn, call.Common().StaticCallee()) || changed
				}
			})
			for _, literal := range fn.AnonFuncs {
				changed = e.include(fn, literal) || changed
			}
		}
	}
	for _, fn := range p.Funcs {
		if _, all := p.Know.Callers(fn); all || fn.Parent() != nil {
			continue
		}
		for kind := range e.undoes[fn] {
			if !e.takes[fn][kind] {
				e.protocols[kind] = true
			}
		}
	}
	return e
}

// include adds what another function leaves taken, or undoes for its caller, and reports whether that is news.
func (e *effects) include(fn, other *ssa.Function) bool {
	news := false
	add := func(to, from, but map[kind]bool) {
		for kind := range from {
			if !but[kind] && !to[kind] {
				to[kind], news = true, true
			}
		}
	}
	add(e.takes[fn], e.takes[other], e.undoes[other])
	add(e.undoes[fn], e.undoes[other], e.takes[other])
	return news
}
