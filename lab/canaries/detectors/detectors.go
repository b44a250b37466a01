// Package detectors has one planted mistake for each thing that an engine must see.
//
// cgolab builds it with the flags of an engine before it believes the engine: one that misses its mistakes
// is off, and finds nothing elsewhere either.
//
//	go test -asan -run TestPasses ./detectors
//	go test -asan -run TestReadsBehindASlice ./detectors
package detectors

/*
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern int cxx_reads_too_far(int);
extern void goPanics(void);

__attribute__((noinline)) static int read_at(volatile char *memory, int at) { return memory[at]; }
__attribute__((noinline)) static int empty_call(void) { return 1; }
__attribute__((noinline)) static int reads_behind_its_stack(int at) {
	volatile int elements[4] = {1, 2, 3, 4};
	return elements[at];
}

// Locals that an unwound frame leaves behind: what AddressSanitizer has marked stays marked.
__attribute__((noinline)) static int calls_back(void) {
	volatile char first[40], second[24], third[72];
	memset((void *)first, 0, sizeof first);
	memset((void *)second, 0, sizeof second);
	memset((void *)third, 0, sizeof third);
	goPanics();
	return first[0] + second[1] + third[2];
}
__attribute__((noinline)) static int uses_the_stack(int value) {
	volatile char pad[8], large[440], small[33];
	memset((void *)large, value, sizeof large);
	memset((void *)small, value, sizeof small);
	pad[0] = 0;
	return large[5] + small[3] + pad[0];
}

typedef struct { unsigned char bytes[256]; } object;
static object *object_new(void) {
	object *made = malloc(sizeof *made);
	memset(made->bytes, 1, sizeof made->bytes);
	return made;
}
// It leaves a mark: without a sanitizer, what is freed reads as something else.
static void object_free(object *freed) {
	memset(freed->bytes, 0xef, sizeof freed->bytes);
	free(freed);
}
__attribute__((noinline)) static int object_sum(object *used) {
	// A call that waits, as calls for a file or a lock do: others run meanwhile.
	usleep(1000);
	int sum = 0;
	for (int i = 0; i < 256; i++) sum += ((volatile unsigned char *)used->bytes)[i];
	return sum;
}
*/
import "C"

import (
	"runtime"
	"unsafe"
)

//export goPanics
func goPanics() { panic("from a callback") }

// panicsOverC panics in a callback and recovers above the frames of C.
func panicsOverC() (recovered any) {
	defer func() { recovered = recover() }()
	C.calls_back()
	return nil
}

// waits calls C, which lets other threads run.
func waits() { C.usleep(1000) }

func usesTheStack() int { return int(C.uses_the_stack(3)) }

func emptyCall() int { return int(C.empty_call()) }

func cxxReadsTooFar() int { return int(C.cxx_reads_too_far(4)) }

// readsBehindASlice lets C read one byte behind a Go slice.
//
//go:noinline
func readsBehindASlice() int {
	slice := make([]byte, 4096)
	read := int(C.read_at((*C.char)(unsafe.Pointer(&slice[0])), 4100))
	runtime.KeepAlive(slice)
	return read
}

func readsBehindItsStack() int { return int(C.reads_behind_its_stack(4)) }

//go:noinline
func usesFreedMemory() int {
	memory := C.malloc(24)
	C.memset(memory, 0, 24)
	C.free(memory)
	return int(C.read_at((*C.char)(memory), 3))
}

// goReadsFreedMemory keeps a Go value that refers to memory of C longer than that is there.
//
//go:noinline
func goReadsFreedMemory() byte {
	memory := (*[33]byte)(C.malloc(33))
	C.free(unsafe.Pointer(memory))
	return memory[0]
}

// readsCollectedMemory reads what the collector has taken, by addresses that are no pointers for it, and tells
// how much of it was overwritten. One object alone may live on, or its place be taken again.
func readsCollectedMemory() int {
	places := hides()
	runtime.GC()
	runtime.GC()
	overwritten := 0
	for i := range places {
		if **(**uint32)(unsafe.Pointer(&places[i])) == 0xdeadbeef {
			overwritten++
		}
	}
	return overwritten
}

//go:noinline
func hides() (places [64]uintptr) {
	for i := range places {
		hidden = new([64]uint32)
		hidden[0] = 1
		places[i] = uintptr(unsafe.Pointer(hidden))
	}
	hidden = nil
	return places
}

// hidden keeps objects from living on the stack.
var hidden *[64]uint32

//go:noinline
func losesMemory() { C.memset(C.malloc(1000), 0, 1000) }

type holder struct{ memory unsafe.Pointer }

// held keeps the last holder alive until it is replaced: by then nothing but the collector knows of it.
var held *holder

//go:noinline
func losesMemoryInGo() {
	held = &holder{C.malloc(3000)}
	held = nil
}

// storesGoPointer stores an unpinned Go pointer in memory of C.
//
//go:noinline
func storesGoPointer() {
	memory := (**int)(C.calloc(1, 8))
	stored := new(int)
	*memory = stored
	emptyCall()
	runtime.KeepAlive(stored)
	C.free(unsafe.Pointer(memory))
}

// branchesOnNothing decides by memory that nobody has written.
//
//go:noinline
func branchesOnNothing() int {
	memory := C.malloc(64)
	defer C.free(memory)
	if *(*int32)(unsafe.Add(memory, 12)) > 7 {
		return 1
	}
	return 0
}

type object struct{ c *C.object }

func newObject() *object {
	made := &object{C.object_new()}
	runtime.SetFinalizer(made, func(it *object) { C.object_free(it.c) })
	return made
}

// sum lacks a runtime.KeepAlive: the finalizer may run while C works.
func (o *object) sum() int { return int(C.object_sum(o.c)) }
