//go:build bench

package bench

import (
	"context"
	"runtime"
	"sync"
	"testing"

	faiface "github.com/faiface/mainthread"
	gopxl "github.com/gopxl/mainthread/v2"
	design "golang.design/x/mainthread"

	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/internal/compare"
)

// A dispatcher runs functions on one goroutine, one at a time. Those here are empty, and of the type that
// the dispatcher takes: none pays for another's.
type dispatcher struct {
	name string
	do   func() // waits
	post func() // does not wait
}

// dispatchers are all of them, started. They run until the process ends: three of them cannot be stopped
// and started again. The locked channel comes first, because the others are compared with it.
var dispatchers = sync.OnceValue(func() []dispatcher {
	return []dispatcher{
		channel("locked-channel", runtime.LockOSThread),
		owner(),
		mainthread("golang.design", design.Init, design.Call, design.Go),
		mainthread("faiface", faiface.Run, faiface.Call, faiface.CallNonBlock),
		mainthread("gopxl", gopxl.Run, gopxl.Call, gopxl.CallNonBlock),
		channel("unlocked-channel", func() {}),
	}
})

// backlog is how many jobs are posted before somebody waits for them.
const backlog = 512

func channel(name string, lock func()) dispatcher {
	jobs := make(chan func(), backlog)
	go func() {
		lock()
		for job := range jobs {
			job()
		}
	}()
	return dispatcher{
		name: name,
		do: func() {
			done := make(chan struct{})
			jobs <- func() { close(done) }
			<-done
		},
		post: func() { jobs <- nothing },
	}
}

func owner() dispatcher {
	o, err := courier.NewOwner(nil)
	if err != nil {
		panic(err)
	}
	return dispatcher{
		name: "ours",
		do:   func() { _ = o.Do(context.Background(), func(*courier.Runtime) error { return nil }) },
		post: func() { _ = o.Post(func(*courier.Runtime) {}) },
	}
}

// mainthread is a package for the main thread, on another one: there is one main thread and there are
// three packages.
func mainthread(name string, run func(func()), do, post func(func())) dispatcher {
	started := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		run(func() {
			close(started)
			select {}
		})
	}()
	<-started
	return dispatcher{name, func() { do(nothing) }, func() { post(nothing) }}
}

func nothing() {}

// callers has this many goroutines call each dispatcher, one call after the other. The owner is asked for more
// than the others: its Do can be cancelled by a context, runs inline on the owner's thread, which C is asked for,
// and takes over the job's panic. That is some 0.3 µs, and seen where many callers keep the thread awake.
func callers(b *testing.B, count int) {
	var cases []compare.Case
	for _, d := range dispatchers() {
		d := d
		cases = append(cases, compare.Case{Name: d.name, Run: func(b *testing.B) {
			var all sync.WaitGroup
			for caller := 0; caller < count; caller++ {
				calls := (b.N + caller) / count
				all.Add(1)
				go func() {
					defer all.Done()
					for i := 0; i < calls; i++ {
						d.do()
					}
				}()
			}
			all.Wait()
		}})
	}
	compare.Cases(b, cases...)
}

func BenchmarkOwnerDo1(b *testing.B)  { callers(b, 1) }
func BenchmarkOwnerDo4(b *testing.B)  { callers(b, 4) }
func BenchmarkOwnerDo64(b *testing.B) { callers(b, 64) }

func BenchmarkOwnerDoOneCPU(b *testing.B) {
	if runtime.NumCPU() > 1 {
		b.Skip("wants one processor: taskset -c 0")
	}
	callers(b, 1)
}

func BenchmarkOwnerPost(b *testing.B) {
	var cases []compare.Case
	for _, d := range dispatchers() {
		d := d
		cases = append(cases, compare.Case{Name: d.name, Run: func(b *testing.B) {
			for i := 1; i <= b.N; i++ {
				d.post()
				if i%backlog == 0 {
					b.StopTimer()
					d.do()
					b.StartTimer()
				}
			}
		}})
	}
	compare.Cases(b, cases...)
}
