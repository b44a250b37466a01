package a

// #include <stdint.h>
import "C"

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

type stream struct{ id uintptr }

type streams struct {
	counter uintptr
	byID    map[uintptr]*stream
}

var open = streams{byID: make(map[uintptr]*stream)}

func (s *streams) next() uintptr          { return atomic.AddUintptr(&s.counter, 1) }
func (s *streams) get(id uintptr) *stream { return s.byID[id] }
func (s *streams) save(stream *stream)    { s.byID[stream.id] = stream }
func newStream() *stream                  { return &stream{id: open.next()} }
func (s *stream) read() int               { open.save(s); return int(s.id) }
func (s *streams) drop(stream *stream)    { delete(s.byID, stream.id) }

//export goRead
func goRead(userData unsafe.Pointer) C.int { // want `userData of goRead has pointer type and holds the number of a handle`
	id := uintptr(userData)
	return C.int(open.get(id).read())
}

var (
	last    uint64
	numbers = make(map[uint64]func())
)

func register(f func()) uint64 {
	last++
	numbers[last] = f
	return last
}

//export goNumber
func goNumber(userData *C.char) { // want `userData of goNumber has pointer type`
	numbers[uint64(uintptr(unsafe.Pointer(userData)))]()
}

var (
	count  uint64
	shared sync.Map
)

func share(f func()) uint64 {
	id := atomic.AddUint64(&count, 1)
	shared.Store(id, f)
	return id
}

//export goShared
func goShared(userData unsafe.Pointer) { // want `userData of goShared has pointer type and holds the number of a handle`
	f, _ := shared.Load(uint64(uintptr(userData)))
	f.(func())()
}

// A registry by address: the field is set by C, and cleared in Go.
type remote struct{ p *C.char }

type remotes struct{ byAddress map[*C.char]*remote }

var tracked = remotes{byAddress: make(map[*C.char]*remote)}

func (r *remotes) track(remote *remote)  { r.byAddress[remote.p] = remote }
func (r *remotes) get(p *C.char) *remote { return r.byAddress[p] }
func (r *remote) clear()                 { r.p = nil }

//export goRemote
func goRemote(p *C.char) { tracked.get(p).clear() }
