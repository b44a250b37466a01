package a

/*
void worker_join(void *w);
void worker_wait_all(void *w);
void worker_free(void *w);
void glDeleteTextures(int n, void *w);
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

type Worker struct {
	p    unsafe.Pointer
	done chan struct{}
	wg   sync.WaitGroup
}

func (w *Worker) close() {
	C.worker_free(w.p)
	<-w.done
}

func (w *Worker) free() { C.worker_free(w.p) }

func Join(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) { C.worker_join(w.p) }) // want `the finalizer waits in C.worker_join, in line 31`
}

func Channel(w *Worker) {
	runtime.SetFinalizer(w, (*Worker).close) // want `the finalizer waits for a channel, in line 25`
}

func Group(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) { w.wg.Wait() }) // want `the finalizer waits in Wait`
}

func Texture(w *Worker) {
	runtime.AddCleanup(w, func(p unsafe.Pointer) { C.glDeleteTextures(1, p) }, w.p) // want `the cleanup calls C.glDeleteTextures, which belongs to the thread of a context`
}

func Good(w *Worker) { runtime.SetFinalizer(w, (*Worker).free) }

// What a goroutine of its own waits for holds up nobody.
func Started(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) {
		go C.worker_join(w.p)
		go w.close()
	})
}

// A receive that does not wait.
func Polls(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) {
		select {
		case <-w.done:
		default:
		}
	})
}

//cgolab:release C.worker_wait_all it waits for nothing once the pool is gone
func Marked(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) { C.worker_wait_all(w.p) })
}
