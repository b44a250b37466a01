package a

import "sync"

// gate is a protocol: enter locks, unless it fails, and leave unlocks.
type gate struct {
	door sync.Mutex
	shut bool
}

func (g *gate) enter() error {
	g.door.Lock()
	if g.shut {
		g.door.Unlock()
		return errWork
	}
	return nil
}

func (g *gate) leave() { g.door.Unlock() }

// full returns an error with the door locked, whatever protocol there is.
func (g *gate) full(n int) error {
	g.door.Lock() // want `door of g is not undone on the way to the return in line 30`
	if g.shut {
		g.door.Unlock()
		return nil
	}
	if n > 3 {
		return errWork
	}
	return nil
}
