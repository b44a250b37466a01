//go:build lab && linux

package process

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/internal/process/native"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// signals is all that the system says about signals, of the process and of the calling thread.
func signals() string {
	var said strings.Builder
	for number := 1; number < 65; number++ {
		fmt.Fprintf(&said, "%d %+v\n", number, native.ActionOf(number))
	}
	address, size, flags := native.AltStack()
	fmt.Fprintf(&said, "alternate stack %#x %d %d\n", address, size, flags)
	fmt.Fprintf(&said, "blocked %s\n", status(strconv.Itoa(native.ThreadID()), "SigBlk"))
	return said.String()
}

// useAll makes every call and every callback, with workers and without.
func useAll(root string) {
	everyExport(root)
	eachCallback(func(_ string, trigger func(func())) { trigger(func() {}) })
	rt, session := newRuntime(courier.Threads(2), courier.Root(root))
	must(rt.SetProvider(answer))
	wantLoad(rt, session, "app:a", "app:a")
	must(session.Close())
	must(rt.Close())
}

func TestSIG01NoHandlerMaskOrAlternateStackIsChanged(t *testing.T) {
	if child.Variant() != "" {
		runtime.LockOSThread()
		before := signals()
		root := testRoot()
		useAll(root)
		after := signals()
		_ = os.RemoveAll(root)
		if before != after {
			was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
			for i := range was {
				if was[i] != is[i] {
					fmt.Printf("was %s, is %s\n", was[i], is[i])
				}
			}
			os.Exit(1)
		}
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "use").WantCode(t, 7)
}

// workers makes sure that a runtime's worker threads exist, and lists them.
func workers(count int) []int {
	var ids []int
	until(func() bool { ids = nativeThreads(); return len(ids) == count })
	return ids
}

// A thread of the library blocks no signal, and nothing but Go's handler is there to take it: one that Go
// passes on arrives. The two that Go's runtime uses itself it ignores on threads that are not its own; they
// are taken there, and change nothing.
func TestSIG02ThreadsOfTheLibraryPassGosSignalsOn(t *testing.T) {
	if child.Variant() != "" {
		notified := make(chan os.Signal, 1)
		signal.Notify(notified, syscall.SIGUSR1, syscall.SIGPROF)
		runtime.LockOSThread()
		before := signals()
		rt, session := newRuntime(courier.Threads(2))
		for _, thread := range workers(2) {
			id := strconv.Itoa(thread)
			if blocked := status(id, "SigBlk"); strings.Trim(blocked, "0") != "" {
				die("a worker blocks signals %s", blocked)
			}
			for _, number := range []syscall.Signal{syscall.SIGURG, syscall.SIGPROF, syscall.SIGUSR1} {
				must(native.SendToThread(thread, int(number)))
			}
			<-notified
			until(func() bool { return strings.Trim(status(id, "SigPnd"), "0") == "" })
		}
		if signals() != before {
			die("something else takes the signals:\nbefore:\n%safter:\n%s", before, signals())
		}
		must(rt.SetProvider(answer))
		wantLoad(rt, session, "app:a", "app:a")
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "signal").WantCode(t, 7)
}

// storm sends both signals to every thread of the process until it is stopped.
func storm() (stop func() (sent int64)) {
	var stopped atomic.Bool
	var sent int64
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		defer done.Done()
		for !stopped.Load() {
			for _, thread := range threads() {
				for _, number := range []syscall.Signal{syscall.SIGURG, syscall.SIGPROF} {
					if native.SendToThread(thread, int(number)) == nil { // else it has just ended
						sent++
					}
				}
			}
		}
	}()
	return func() int64 {
		stopped.Store(true)
		done.Wait()
		return sent
	}
}

func TestSIG03ResultsAreTheSameInAStormOfSignals(t *testing.T) {
	for _, variant := range []string{"signals", "signals and profiler"} {
		variant := variant
		t.Run(strings.ReplaceAll(variant, " ", "_"), func(t *testing.T) {
			if child.Variant() != "" {
				if child.Variant() == "signals and profiler" {
					must(pprof.StartCPUProfile(io.Discard))
				} else {
					signal.Notify(make(chan os.Signal, 1), syscall.SIGPROF) // else it ends the process
				}
				root := testRoot()
				stop := storm()
				for i := 0; i < 10; i++ {
					rt, session := newRuntime(courier.Threads(2), courier.Root(root))
					must(rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
						if !strings.HasPrefix(url, "app:") {
							return courier.Pass
						}
						return answer(request, url)
					}))
					for j := 0; j < 10; j++ {
						wantLoad(rt, session, "app:a", "app:a")
						wantLoad(rt, session, "file:///dir/a%20file", "content")
						wantLoad(rt, session, "data:,content", "content")
					}
					_, err := rt.Pump(20 * time.Millisecond)
					must(err)
					must(session.Close())
					must(rt.Close())
				}
				fmt.Println("signals sent:", stop())
				_ = os.RemoveAll(root)
				os.Exit(7)
			}
			watchdog.Guard(t)
			ended := child.Run(t, variant)
			ended.WantCode(t, 7)
			t.Log(strings.TrimSpace(ended.Output))
		})
	}
}

func TestSIG04ANilDereferenceIsStillAPanic(t *testing.T) {
	if child.Variant() != "" {
		caught := 0
		dereference := func() {
			defer func() {
				if err, ok := recover().(runtime.Error); ok && strings.Contains(err.Error(), "nil pointer dereference") {
					caught++
				}
			}()
			var nothing *int
			*nothing = 1
		}
		root := testRoot()
		useAll(root)
		_ = os.RemoveAll(root)
		dereference()
		eachCallback(func(_ string, trigger func(func())) { trigger(dereference) })
		rt, session := newRuntime(courier.Threads(1))
		must(rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
			dereference() // on a thread of the library
			return answer(request, url)
		}))
		wantLoad(rt, session, "app:a", "app:a")
		if caught != 6 {
			die("%d of 6 caught", caught)
		}
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "dereference").WantCode(t, 7)
}

func TestSIG04CtrlCStillReachesNotify(t *testing.T) {
	if child.Variant() != "" {
		notified := make(chan os.Signal, 1)
		signal.Notify(notified, syscall.SIGINT) // before the library could change anything
		rt, session := newRuntime(courier.Threads(2))
		must(rt.SetProvider(answer))
		wantLoad(rt, session, "app:a", "app:a")
		// To the process, and to a thread of the library, as the system may choose.
		must(syscall.Kill(os.Getpid(), syscall.SIGINT))
		<-notified
		for _, thread := range workers(2) {
			must(native.SendToThread(thread, int(syscall.SIGINT)))
			<-notified
		}
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "interrupt").WantCode(t, 7)
}

// descriptors lists the open descriptors that lead into a directory, and whether each is close-on-exec.
func descriptors(root string) map[string]bool {
	found := map[string]bool{}
	entries, err := os.ReadDir("/proc/self/fd")
	must(err)
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err != nil || !strings.HasPrefix(target, root) {
			continue
		}
		info, err := os.ReadFile("/proc/self/fdinfo/" + entry.Name())
		if err != nil {
			continue // closed meanwhile
		}
		for _, line := range strings.Split(string(info), "\n") {
			if name, value, _ := strings.Cut(line, ":"); name == "flags" {
				flags, err := strconv.ParseInt(strings.TrimSpace(value), 8, 64)
				must(err)
				found[target] = flags&syscall.O_CLOEXEC != 0
			}
		}
	}
	return found
}

// The library opens the files that it reads, and keeps nothing else open that is not close-on-exec either.
func TestSIG05DescriptorsAreCloseOnExec(t *testing.T) {
	if child.Variant() != "" {
		root := testRoot()
		must(os.Truncate(root+"/dir/a file", 16<<20)) // takes a while to read
		before := len(descriptors("/"))
		rt, session := newRuntime(courier.Threads(2), courier.Root(root))
		for seen := false; !seen; {
			load(session, "file:///dir/a%20file")
			finished := make(chan struct{})
			watched := make(chan struct{})
			go func() {
				defer close(watched)
				for {
					for target, closes := range descriptors(root) {
						if !closes {
							die("%s would be inherited", target)
						}
						seen = seen || target == root+"/dir/a file"
					}
					select {
					case <-finished:
						return
					default:
					}
				}
			}()
			text(next(rt))
			close(finished)
			<-watched
		}
		must(session.Close())
		must(rt.Close())
		if after := len(descriptors("/")); after != before {
			die("%d descriptors before, %d after", before, after)
		}
		_ = os.RemoveAll(root)
		os.Exit(7)
	}
	watchdog.Guard(t)
	child.Run(t, "read").WantCode(t, 7)
}
