//go:build bench

package capi

// The code that benchmarks compare the binding with: calls as they would be without its care. Here, because cgo
// is not for _test.go files; with a build tag, because nobody else needs it.

/*
#include <stdlib.h>
#include "bench.h"
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// BenchEmpty is a call of a C function that does nothing.
func BenchEmpty() { C.capi_bench_empty() }

// BenchIsCancelled is RequestIsCancelled without a window.
func BenchIsCancelled(request uint64) (cancelled bool, status int32) {
	r := C.capi_bench_is_cancelled(C.courier_request(request))
	return r.value != 0, int32(r.status)
}

// benchTake hands C a pointer and a length.
func benchTake(data unsafe.Pointer, length int) {
	C.capi_bench_take((*C.uint8_t)(data), C.size_t(length))
}

// benchSignal is WakeSourceSignal without a window and a message.
func benchSignal(source uint64) int32 {
	return int32(C.courier_wake_source_signal(C.courier_wake_source(source)))
}

// benchSignalWithMessage is WakeSourceSignal in one crossing: C copies the message before it returns.
func benchSignalWithMessage(source uint64, buffer []byte) error {
	data := (*C.char)(unsafe.Pointer(unsafe.SliceData(buffer)))
	r := C.capi_bench_signal(C.courier_wake_source(source), data, C.size_t(len(buffer)))
	if r.status == OK {
		return nil
	}
	return &Error{int32(r.status), string(buffer[:r.value])}
}

// benchMemory is C memory.
func benchMemory(length int) unsafe.Pointer { return C.calloc(1, C.size_t(length)) }

func benchFree(memory unsafe.Pointer) { C.free(memory) }

//export courierGoBenchEmpty
func courierGoBenchEmpty() {}

//export courierGoBenchHandle
func courierGoBenchHandle(token C.uintptr_t) {
	defer func() { _ = recover() }()
	cgo.Handle(token).Value().(Notify)()
}

// The functions that follow have C call back count times.

func benchCallEmpty(count int) { C.capi_bench_call_empty(C.int(count)) }

func benchCallHandle(token cgo.Handle, count int) {
	C.capi_bench_call_handle(C.uintptr_t(token), C.int(count))
}

func benchCallWake(cell *Cell, count int) { C.capi_bench_call_wake(cell.word, C.int(count)) }
