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

type session struct{ busy sync.Mutex }

// once undoes the lock in a function that runs once, whoever calls it first.
func (s *session) once(work func() error) error {
	done := sync.OnceFunc(func() { s.busy.Unlock() })
	s.busy.Lock()
	defer done()
	if err := work(); err != nil {
		return err
	}
	done()
	return nil
}
