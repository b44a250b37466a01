// Package token gives Go values numbers for C to keep, as [runtime/cgo.Handle] does. What it does
// differently: a number that stands for nothing, because it was deleted or never made, is an answer of
// [Token.Value] and no panic. And a lookup takes no lock and hashes nothing.
package token

import (
	"math"
	"sync"
	"sync/atomic"
)

// A Token stands for one value, from [New] until [Token.Delete], and for no other ever. It is the number
// of a place, in the low 32 bits, and above them how often the place was taken. No token is 0.
type Token uint64

// place holds one value at a time.
type place struct {
	entry atomic.Pointer[entry] // nil if the place is free
	taken uint32                // how often; guarded by mu
}

// entry does not change: whoever has found one sees the value that belongs to its token.
type entry struct {
	token Token
	value any
}

var (
	places atomic.Pointer[[]*place] // it never shrinks; who has a shorter one does not look behind its end

	mu   sync.Mutex // held by who changes anything
	free []uint32   // numbers of places
)

func init() { places.Store(new([]*place)) }

// New makes a token for value, which stays reachable until the token is deleted.
func New(value any) Token {
	mu.Lock()
	defer mu.Unlock()
	all := *places.Load()
	if len(free) == 0 {
		free = append(free, uint32(len(all)))
		grown := append(all, new(place))
		places.Store(&grown)
		all = grown
	}
	number := free[len(free)-1]
	free = free[:len(free)-1]
	p := all[number]
	p.taken++
	t := Token(p.taken)<<32 | Token(number)
	p.entry.Store(&entry{t, value})
	return t
}

// Value is what the token stands for, if anything.
func (t Token) Value() (value any, ok bool) {
	all := *places.Load()
	if number := uint32(t); uint64(number) < uint64(len(all)) {
		if e := all[number].entry.Load(); e != nil && e.token == t {
			return e.value, true
		}
	}
	return nil, false
}

// Delete ends the token. A second Delete is a bug, and panics.
func (t Token) Delete() {
	mu.Lock()
	defer mu.Unlock()
	if _, ok := t.Value(); !ok {
		panic("token: deleted, but stands for nothing")
	}
	number := uint32(t)
	p := (*places.Load())[number]
	p.entry.Store(nil)
	if p.taken < math.MaxUint32 { // else its next token would be one that was before
		free = append(free, number)
	}
}
