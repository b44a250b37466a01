// Package deep waits in C, and in Go that C calls.
package deep

/*
#include <stddef.h>
void pthread_join(long thread, void **result);
void goStopped(void *w);
void goForget(void *w);
void free(void *p);
static void worker_free(void *w) { pthread_join((long)w, NULL); free(w); }
static void worker_stop(void *w) { goStopped(w); }
static void worker_drop(void *w) { goForget(w); free(w); }
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

type Worker struct {
	p    unsafe.Pointer
	once sync.Once
	done chan struct{}
}

var stopped = make(chan unsafe.Pointer, 1)

//export goStopped
func goStopped(p unsafe.Pointer) { <-stopped }

//export goForget
func goForget(p unsafe.Pointer) { delete(workers, p) }

var workers = make(map[unsafe.Pointer]int)

func Join(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) { C.worker_free(w.p) }) // want `the finalizer calls C.worker_free, which waits in pthread_join, in line 39`
}

func Upcall(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) { C.worker_stop(w.p) }) // want `the finalizer calls C.worker_stop, which calls goStopped, which waits for a channel, in line 43`
}

func Once(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) { // want `the finalizer waits for a channel, in line 48`
		w.once.Do(func() { <-w.done })
	})
}

// A callback that only forgets.
func Drop(w *Worker) {
	runtime.SetFinalizer(w, func(w *Worker) { C.worker_drop(w.p) })
}
