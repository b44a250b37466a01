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
