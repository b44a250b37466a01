package a

// static int work(int n) { return n; }
import "C"

import (
	"errors"
	"runtime"
	"sync"
)

var errWork = errors.New("work")

func onePath() error {
	runtime.LockOSThread() // want `runtime.LockOSThread is not undone on the way to the return in line 18`
	if C.work(1) != 0 {
		// Still locked.
		return errWork
	}
	runtime.UnlockOSThread()
	return nil
}

type client struct {
	mu sync.Mutex
	rw sync.RWMutex
	n  int
}

func (c *client) get() (int, error) {
	c.mu.Lock() // want `mu of c is not undone on the way to the return in line 33`
	if c.n == 0 {
		return 0, errWork
	}
	n := c.n
	c.mu.Unlock()
	return n, nil
}

func (c *client) read() error {
	c.rw.RLock() // want `rw of c is not undone`
	for range c.n {
		if C.work(2) != 0 {
			return errWork
		}
	}
	c.rw.RUnlock()
	return nil
}

// Good.

func deferred() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if C.work(1) != 0 {
		return errWork
	}
	return nil
}

// ownerThread never gives its thread back.
func ownerThread() {
	runtime.LockOSThread()
	C.work(3)
}

func (c *client) condition(own bool) {
	if own {
		c.rw.Lock()
	}
	C.work(1)
	if own {
		c.rw.Unlock()
	}
}

func inClosure() {
	runtime.LockOSThread()
	defer func() {
		C.work(1)
		runtime.UnlockOSThread()
	}()
	if C.work(1) != 0 {
		return
	}
}

func panics() {
	runtime.LockOSThread()
	if C.work(1) != 0 {
		panic("the thread ends with the goroutine")
	}
	runtime.UnlockOSThread()
}
