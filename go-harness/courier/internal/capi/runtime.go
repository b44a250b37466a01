package capi

/*
#include <stdlib.h>
#include "helpers.h"

static capi_result capi_runtime_create(const char *root, const courier_workers *workers, const uint32_t *threads, const uint32_t *max_loads) {
	courier_runtime_options options;
	capi_result result = {courier_runtime_options_init(&options, sizeof options), 0};
	if (result.status != COURIER_OK) return result;
	if (root) options.root = root;
	if (workers) options.workers = *workers;
	if (threads) options.worker_threads = *threads;
	if (max_loads) options.max_loads = *max_loads;
	result.status = courier_runtime_create(&options, &result.value);
	return result;
}

static capi_result capi_runtime_pump(courier_runtime runtime, int64_t timeout_ms, uint32_t budget) {
	uint32_t unread = 0;
	capi_result result = {courier_runtime_pump(runtime, timeout_ms, budget, &unread), 0};
	result.value = unread;
	return result;
}

static capi_result capi_runtime_next_timeout(courier_runtime runtime) {
	int64_t timeout_ms = 0;
	capi_result result = {courier_runtime_next_timeout(runtime, &timeout_ms), 0};
	result.value = (uint64_t)timeout_ms;
	return result;
}

static capi_result capi_runtime_step(courier_runtime runtime) {
	uint32_t ran = 0;
	capi_result result = {courier_runtime_step(runtime, &ran), 0};
	result.value = ran;
	return result;
}

static capi_result capi_runtime_drain_events(courier_runtime runtime, courier_event *events, uint32_t capacity) {
	uint32_t count = 0;
	capi_result result = {courier_runtime_drain_events(runtime, events, sizeof *events, capacity, &count), 0};
	result.value = count;
	return result;
}
*/
import "C"

import "unsafe"

// RuntimeOptions holds what a new runtime is told; nil is the library's default. Root must not hold
// a NUL byte: C would end it there.
type RuntimeOptions struct {
	Root          *string
	Workers       *int32
	WorkerThreads *uint32
	MaxLoads      *uint32
}

func RuntimeCreate(o RuntimeOptions) (runtime uint64, err error) {
	var root *C.char
	if o.Root != nil {
		root = C.CString(*o.Root)
		defer C.free(unsafe.Pointer(root))
	}
	err = check("courier_runtime_create", func() C.courier_status {
		r := C.capi_runtime_create(root, (*C.courier_workers)(o.Workers), (*C.uint32_t)(o.WorkerThreads), (*C.uint32_t)(o.MaxLoads))
		runtime = uint64(r.value)
		return r.status
	})
	return made(runtime, err)
}

func RuntimeDestroy(runtime uint64) error {
	return check("courier_runtime_destroy", func() C.courier_status {
		return C.courier_runtime_destroy(C.courier_runtime(runtime))
	})
}

func RuntimePump(runtime uint64, timeoutMS int64, budget uint32) (unread int, err error) {
	var count uint64
	err = check("courier_runtime_pump", func() C.courier_status {
		r := C.capi_runtime_pump(C.courier_runtime(runtime), C.int64_t(timeoutMS), C.uint32_t(budget))
		count = uint64(r.value)
		return r.status
	})
	if err != nil {
		return 0, err
	}
	if count > maxSize {
		return 0, broken("too-many", "the library counts %d unread events", count)
	}
	return int(count), nil
}

func RuntimeNextTimeout(runtime uint64) (timeoutMS int64, err error) {
	err = check("courier_runtime_next_timeout", func() C.courier_status {
		r := C.capi_runtime_next_timeout(C.courier_runtime(runtime))
		timeoutMS = int64(r.value)
		return r.status
	})
	return timeoutMS, err
}

func RuntimeStep(runtime uint64) (ran bool, err error) {
	err = check("courier_runtime_step", func() C.courier_status {
		r := C.capi_runtime_step(C.courier_runtime(runtime))
		ran = r.value != 0
		return r.status
	})
	return ran, err
}

// Event is a courier_event.
type Event struct {
	Kind, Failure          int32
	Session, Load, Payload uint64
}

// RuntimeDrainEvents takes at most limit events out of the queue.
func RuntimeDrainEvents(runtime uint64, limit uint32) ([]Event, error) {
	drained := make([]C.courier_event, limit)
	var count uint64
	err := check("courier_runtime_drain_events", func() C.courier_status {
		r := C.capi_runtime_drain_events(C.courier_runtime(runtime), unsafe.SliceData(drained), C.uint32_t(limit))
		count = uint64(r.value)
		return r.status
	})
	if err != nil {
		return nil, err
	}
	if count > uint64(limit) {
		return nil, broken("too-many", "the library counts %d events where %d fit", count, limit)
	}
	events := make([]Event, count)
	for i, e := range drained[:count] {
		events[i] = Event{int32(e.kind), int32(e.failure), uint64(e.session), uint64(e.load), uint64(e.payload)}
	}
	return events, nil
}
