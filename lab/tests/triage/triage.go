// Package triage has one function for each way in which a Go program with native code dies or hangs.
package triage

/*
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

extern void goCall(uintptr_t);
extern void cxx_throws(void);

__attribute__((noinline)) static int read_at(int *at) { return *at; }
__attribute__((noinline)) static int c_segfault(void) { return read_at((int *)8) + 1; }
static void *segfault_thread(void *arg) { return (void *)(intptr_t)(c_segfault() + (arg != 0)); }
static void c_segfault_on_a_thread(void) {
	pthread_t thread;
	pthread_create(&thread, 0, segfault_thread, 0);
	pthread_join(thread, 0);
}
__attribute__((noinline)) static int c_recurses(volatile char *above) {
	volatile char here[4096];
	here[0] = above[0];
	return c_recurses(here) + here[0];
}
__attribute__((noinline)) static int c_overflows_its_stack(void) {
	volatile char first = 1;
	return c_recurses(&first);
}
__attribute__((noinline)) static void c_aborts(void) { abort(); }
__attribute__((noinline)) static int c_uses_freed_memory(void) {
	volatile int *memory = malloc(sizeof(int));
	free((void *)memory);
	return *memory;
}
__attribute__((noinline)) static void c_calls_go(uintptr_t call) { goCall(call); }

static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
__attribute__((noinline)) static void c_calls_go_with_the_lock(uintptr_t call) {
	pthread_mutex_lock(&door);
	goCall(call);
	pthread_mutex_unlock(&door);
}
__attribute__((noinline)) static void c_takes_the_lock(void) {
	pthread_mutex_lock(&door);
	pthread_mutex_unlock(&door);
}
*/
import "C"

import "runtime/cgo"

//export goCall
func goCall(call C.uintptr_t) { cgo.Handle(call).Value().(func())() }

func segfault() int          { return int(C.c_segfault()) }
func segfaultOnAThread()     { C.c_segfault_on_a_thread() }
func overflowsTheStack() int { return int(C.c_overflows_its_stack()) }
func usesFreedMemory() int   { return int(C.c_uses_freed_memory()) }
func aborts()                { C.c_aborts() }
func throws()                { C.cxx_throws() }
func takesTheLock()          { C.c_takes_the_lock() }

func callsBack(call func()) {
	handle := cgo.NewHandle(call)
	defer handle.Delete()
	C.c_calls_go(C.uintptr_t(handle))
}

func callsBackWithTheLock(call func()) {
	handle := cgo.NewHandle(call)
	defer handle.Delete()
	C.c_calls_go_with_the_lock(C.uintptr_t(handle))
}
