package a

// static int work(int n) { return n; }
import "C"

import "sync"

// Mutexes that are not fields.

var (
	global sync.Mutex
	shared = &sync.Mutex{}
)

func globalPath(n int) error {
	global.Lock() // want `global is not undone on the way to the return in line 18`
	if C.work(C.int(n)) != 0 {
		return errWork
	}
	global.Unlock()
	return nil
}

func sharedPath(n int) error {
	shared.Lock() // want `shared is not undone on the way to the return in line 27`
	if C.work(C.int(n)) != 0 {
		return errWork
	}
	shared.Unlock()
	return nil
}

func localPath(n int) error {
	var local sync.RWMutex
	done := make(chan bool)
	go func() {
		local.Lock()
		C.work(1)
		local.Unlock()
		close(done)
	}()
	local.RLock() // want `local is not undone on the way to the return in line 44`
	if C.work(C.int(n)) != 0 {
		return errWork
	}
	local.RUnlock()
	<-done
	return nil
}

func parameterPath(mu *sync.Mutex) error {
	mu.Lock() // want `mu is not undone on the way to the return in line 54`
	if C.work(1) != 0 {
		return errWork
	}
	mu.Unlock()
	return nil
}

// Good.

func globalDeferred() error {
	global.Lock()
	defer global.Unlock()
	if C.work(1) != 0 {
		return errWork
	}
	return nil
}

func release(mu *sync.Mutex) { mu.Unlock() }

func handedOn(mu *sync.Mutex) error {
	mu.Lock()
	if C.work(1) != 0 {
		release(mu)
		return errWork
	}
	mu.Unlock()
	return nil
}

func byKey(locks map[string]*sync.Mutex, a, b string) {
	locks[a].Lock()
	locks[b].Lock()
	C.work(1)
	locks[b].Unlock()
	locks[a].Unlock()
}

func literals() error {
	var local sync.Mutex
	enter := func() error {
		local.Lock()
		if C.work(1) != 0 {
			local.Unlock()
			return errWork
		}
		return nil
	}
	leave := func() { local.Unlock() }
	if err := enter(); err != nil {
		return err
	}
	defer leave()
	return nil
}

func pair() (enter func() error, leave func()) {
	var local sync.Mutex
	enter = func() error {
		local.Lock()
		if C.work(1) != 0 {
			local.Unlock()
			return errWork
		}
		return nil
	}
	return enter, func() { local.Unlock() }
}
