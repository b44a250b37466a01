// Package held keeps objects alive by others that have them.
package held

/*
typedef struct store store;
typedef struct part part;
store *store_new(void);
void store_free(store *s);
int store_open(part **out, store *s);
int store_size(store *s, char *buffer, int n);
int store_hook(store *s, int token);
int part_use(part *p);
void part_free(part *p);
*/
import "C"

import (
	"errors"
	"runtime"
	"strings"
	"sync"
)

var errOpen = errors.New("open")

type Store struct{ p *C.store }

func New() *Store {
	s := &Store{C.store_new()}
	runtime.SetFinalizer(s, func(s *Store) { C.store_free(s.p) })
	return s
}

// Part has its store in a field.
type Part struct {
	p     *C.part
	store *Store
}

// Open returns what has the store.
func (s *Store) Open() (*Part, error) {
	part := &Part{store: s}
	if C.store_open(&part.p, s.p) != 0 {
		return nil, errOpen
	}
	return part, nil
}

// OpenLate puts the store into the part when C has returned.
func (s *Store) OpenLate() (*Part, error) {
	part := &Part{}
	rc := C.store_open(&part.p, s.p)
	part.store = s
	if rc != 0 {
		return nil, errOpen
	}
	return part, nil
}

// Attach returns what has the store, and C has not seen.
func (s *Store) Attach() *Part {
	part := &Part{store: s}
	C.store_hook(s.p, 0)
	return part
}

// Probe gives C a pointer into what has the store.
func (s *Store) Probe() bool {
	part := &Part{store: s}
	return C.store_open(&part.p, s.p) == 0
}

// Size has no use for the part while C is called.
func (s *Store) Size() int {
	part := &Part{store: s}
	if part.store == nil {
		return 0
	}
	return int(C.store_size(s.p, nil, 0)) // want `s may be finalized`
}

// OpenEither puts the store into the part on the other way only.
func (s *Store) OpenEither(empty bool) (*Part, int) {
	part := &Part{}
	if empty {
		part.store = s
		return part, 0
	}
	n := C.store_size(s.p, nil, 0) // want `s may be finalized`
	return part, int(n)
}

// SizeTwice has the store in a variable of its own, whose fields are variables to the compiler.
func (s *Store) SizeTwice() int {
	own := struct {
		store *Store
		times int
	}{s, 2}
	if own.store == nil {
		return 0
	}
	n := C.store_size(s.p, nil, 0) // want `s may be finalized`
	return int(n) * own.times
}

// OpenOther returns a part of another store.
func (s *Store) OpenOther(other *Store) (*Part, error) {
	part := &Part{store: other}
	if C.store_open(&part.p, s.p) != 0 { // want `s may be finalized`
		return nil, errOpen
	}
	return part, nil
}

// Name asks with more room until the answer fits: the literal may be called again, and has the store.
func (s *Store) Name() (name string) {
	grow(16, func(n int) bool {
		buffer := make([]C.char, n)
		rc := C.store_size(s.p, &buffer[0], C.int(n))
		name = C.GoString(&buffer[0])
		return rc == 0
	})
	return name
}

func grow(n int, try func(int) bool) {
	for !try(n) {
		n *= 2
	}
}

// Index is run by a function that is not known here, as often as that likes.
func (s *Store) Index(text string) int {
	return strings.IndexFunc(text, func(r rune) bool { return C.store_hook(s.p, C.int(r)) != 0 })
}

func (s *Store) NameOnce() (name string) {
	once(16, func(n int) bool {
		buffer := make([]C.char, n)
		rc := C.store_size(s.p, &buffer[0], C.int(n)) // want `s may be finalized`
		name = C.GoString(&buffer[0])
		return rc == 0
	})
	return name
}

func once(n int, try func(int) bool) { try(n) }

// A registry in a variable, to which a method adds.
type hook struct {
	store *Store
	f     func()
}

type hooks struct {
	sync.Mutex
	all map[int]*hook
}

var registered = hooks{all: make(map[int]*hook)}

func (h *hooks) add(hook *hook) int {
	h.Lock()
	defer h.Unlock()
	h.all[len(h.all)] = hook
	return len(h.all)
}

func (s *Store) Hook(f func()) int {
	token := registered.add(&hook{store: s, f: f})
	return int(C.store_hook(s.p, C.int(token)))
}

// HookOther registers another store.
func (s *Store) HookOther(other *Store, f func()) int {
	token := registered.add(&hook{store: other, f: f})
	return int(C.store_hook(s.p, C.int(token))) // want `s may be finalized`
}

// A registry that only this function has.
func (s *Store) HookHere(f func()) int {
	here := &others{all: make(map[int]*hook)}
	token := here.add(&hook{store: s, f: f})
	return int(C.store_hook(s.p, C.int(token))) // want `s may be finalized`
}

type others struct{ all map[int]*hook }

func (o *others) add(hook *hook) int {
	o.all[len(o.all)] = hook
	return len(o.all)
}

// Peer is always in the list of all peers, to which a method adds.
type Peer struct{ p *C.part }

type peers struct{ all map[*C.part]*Peer }

var tracked = &peers{all: make(map[*C.part]*Peer)}

func (l *peers) track(peer *Peer) {
	l.all[peer.p] = peer
	runtime.SetFinalizer(peer, func(peer *Peer) { C.part_free(peer.p) })
}

func NewPeer(p *C.part) *Peer {
	peer := &Peer{p}
	tracked.track(peer)
	return peer
}

func (p *Peer) Use() int { return int(C.part_use(p.p)) }
