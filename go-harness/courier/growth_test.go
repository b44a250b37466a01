package courier

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// threads is how many OS threads the process has; 0 where that is not told.
func threads() int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0
	}
	return len(tasks)
}

// settled waits for goroutines that are on their way out.
func settled(t *testing.T, goroutines int) {
	t.Helper()
	tooLate := time.After(10 * time.Second)
	for runtime.NumGoroutine() > goroutines {
		select {
		case <-tooLate:
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), goroutines, stacks[:runtime.Stack(stacks, true)])
		default:
			runtime.Gosched()
		}
	}
}

// oneOfEverything makes, uses and closes what there is, in a short life of an owner.
func oneOfEverything(t *testing.T) {
	l, err := NewLoader(nil, Threads(2), MaxLoads(4))
	if err != nil {
		t.Error(err)
		return
	}
	o := l.Owner()
	var session *Session
	var source *WakeSource
	var completers sync.WaitGroup
	do(t, o, func(rt *Runtime) {
		ok(t, rt.SetProvider(func(request *Request, url string) Decision {
			switch url {
			case "app:pass":
				_, err := request.OnCancel(func() {})
				ok(t, err)
				return Pass
			case "app:panic":
				panic(url)
			case "app:never":
				cancelled, err := request.OnCancel(func() { ok(t, request.Close()) })
				ok(t, err)
				if cancelled {
					return Pass
				}
				return Handle
			}
			completers.Add(1)
			go func() {
				defer completers.Done()
				defer request.Close()
				_, _ = request.OnCancel(func() {})
				_ = request.Complete([]byte(url))
			}()
			return Handle
		}))
		session, err = rt.NewSession()
		ok(t, err)
		ok(t, session.Attach(make([]byte, 16)))
		source, err = rt.NewWakeSource()
		ok(t, err)
	})
	ok(t, source.Signal())
	var loads sync.WaitGroup
	for _, url := range []string{"app:a", "app:b", "app:pass", "app:panic", "app:never", "data:,a", "no URL"} {
		for _, cancelled := range []bool{false, true} {
			loads.Add(1)
			go func(url string, cancelled bool) {
				defer loads.Done()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if cancelled || url == "app:never" {
					time.AfterFunc(time.Millisecond, cancel)
				}
				_, err := l.Load(ctx, url)
				var failed *LoadError
				if err != nil && err != context.Canceled && !errors.As(err, &failed) && !errors.Is(err, ErrInvalidArgument) {
					t.Errorf("%s: %v", url, err)
				}
			}(url, cancelled)
		}
	}
	loads.Wait()
	do(t, o, func(*Runtime) {
		blob, err := session.Snapshot()
		ok(t, err)
		ok(t, blob.Close())
		ok(t, session.Close())
	})
	ok(t, l.Close())
	ok(t, source.Close())
	completers.Wait() // some have lost against a cancel, and close after that
}

// Nothing is left of a life: no goroutine, no thread, no handle, no cell.
func TestHDL01NothingGrowsOverManyLives(t *testing.T) {
	ownThread(t)
	leaks := catchLeaks(t)
	SetPanicHandler(func(CallbackPanic) {})
	defer SetPanicHandler(nil)
	for i := 0; i < 5; i++ {
		oneOfEverything(t) // what grows once
	}
	goroutinesBefore, threadsBefore := runtime.NumGoroutine(), threads()
	calls := countCalls(t)
	const lives = 40
	for i := 0; i < lives; i++ {
		oneOfEverything(t)
	}
	settled(t, goroutinesBefore)
	if grown := threads() - threadsBefore; grown > lives/4 {
		t.Errorf("%d more threads after %d lives", grown, lives)
	}
	for made, ended := range map[string]string{
		"cell.new":                    "cell.free",
		"courier_runtime_create":      "courier_runtime_destroy",
		"courier_session_create":      "courier_session_destroy",
		"courier_runtime_wake_source": "courier_wake_source_release",
	} {
		if m, e := calls.of(made), calls.of(ended); m != e || m == 0 {
			t.Errorf("%s %d times, %s %d times", made, m, ended, e)
		}
	}
	collect(3)
	leaks.want(t, map[string]int{})
}
