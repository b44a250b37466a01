package a

// static int work(int n) { return n; }
import "C"

import (
	"errors"
	"runtime"
)

// A helper that unlocks is no protocol where all its callers have locked.

func unlockThread() { runtime.UnlockOSThread() }

func byHelper() {
	runtime.LockOSThread()
	defer unlockThread()
	C.work(1)
}

func (c *client) unlock() { c.mu.Unlock() }

func (c *client) set(n int) error {
	c.mu.Lock()
	if n == 0 {
		c.unlock()
		return errWork
	}
	c.n = n
	c.mu.Unlock()
	return nil
}

// begin and end are a pair, and balanced by their callers.

func (c *client) begin() { c.mu.Lock() }

func (c *client) end() { c.mu.Unlock() }

func (c *client) Both() {
	c.begin()
	C.work(1)
	c.end()
}

// A lock that was tried for is one.

func (c *client) try() error {
	if !c.rw.TryLock() {
		return errWork
	}
	C.work(1)
	c.rw.Unlock()
	return nil
}

func (c *client) tryAndForget() error {
	if c.rw.TryLock() { // want `rw of c is not undone on the way to the return in line 60`
		if c.n == 0 {
			return errWork
		}
		c.rw.Unlock()
	}
	return nil
}

func (c *client) tryAndRemember(patient bool) {
	locked := false
	if patient {
		c.rw.Lock()
		locked = true
	} else {
		locked = c.rw.TryLock()
	}
	C.work(1)
	if locked {
		c.rw.Unlock()
	}
}

// A loop.

func loop(n int) {
	for range n {
		runtime.LockOSThread() // want `runtime.LockOSThread is locked again by the loop, and not undone in between`
		C.work(1)
	}
	runtime.UnlockOSThread()
}

func loopWithContinue(n int) {
	for i := range n {
		runtime.LockOSThread() // want `runtime.LockOSThread is not undone on the way to the return in line 99`
		if C.work(C.int(i)) != 0 {
			continue
		}
		runtime.UnlockOSThread()
	}
}

func (c *client) loop(n int) {
	for range n {
		c.mu.Lock()
		C.work(1)
		c.mu.Unlock()
	}
}

func lockAll(all []*client) {
	for _, c := range all {
		c.mu.Lock()
	}
	C.work(1)
	for _, c := range all {
		c.mu.Unlock()
	}
}

func lockUntilEmpty(next func() *client) {
	for {
		c := next()
		c.mu.Lock()
		if c.n == 0 {
			c.mu.Unlock()
			return
		}
	}
}

func (c *client) lockOnce(n int) {
	locked := false
	for range n {
		if !locked {
			c.mu.Lock()
			locked = true
		}
		C.work(1)
	}
	if locked {
		c.mu.Unlock()
	}
}

// The wrong method.

func (c *client) readAndUnlock() {
	c.rw.RLock()
	defer c.rw.Unlock() // want `rw of c was locked by RLock in line 147: Unlock ends the process`
	C.work(1)
}

func (c *client) writeAndUnlock() {
	c.rw.Lock()
	C.work(1)
	c.rw.RUnlock() // want `rw of c was locked by Lock in line 153: RUnlock ends the process`
}

func (c *client) upgrade(write bool) {
	if write {
		c.rw.Lock()
	} else {
		c.rw.RLock()
	}
	C.work(1)
	if write {
		c.rw.Unlock()
	} else {
		c.rw.RUnlock()
	}
}

// A handshake: the goroutine undoes what its parent has locked.

func (c *client) handOver() error {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return errors.New("closed")
	}
	go func() {
		defer c.mu.Unlock()
		C.work(1)
	}()
	return nil
}

// writeAndHold leaves the lock for readers.
func (c *client) writeAndHold(n int) {
	c.rw.Lock()
	c.n = n
	c.rw.Unlock()
	c.rw.RLock()
}

// unlocker gives the unlock to the caller.
func (c *client) unlocker() func() {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return func() {}
	}
	return c.mu.Unlock
}

func loopAndDefer(n int) {
	defer runtime.UnlockOSThread()
	for range n {
		runtime.LockOSThread() // want `runtime.LockOSThread is locked again by the loop`
		C.work(1)
	}
}

// yield gives the lock away now and then.
func (c *client) yield(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		c.mu.Unlock()
		C.work(1)
		c.mu.Lock()
	}
}

// downgrade is called with the lock for writers.
func (c *client) downgrade() {
	c.rw.Unlock()
	c.rw.RLock()
}
