package capi

/*
#include "helpers.h"

static capi_result capi_session_create(courier_runtime runtime) {
	capi_result result = {0, 0};
	result.status = courier_session_create(runtime, &result.value);
	return result;
}

static capi_result capi_session_load(courier_session session, const char *url, size_t len, const uint64_t *deadline_ms) {
	courier_load_options options;
	capi_result result = {courier_load_options_init(&options, sizeof options), 0};
	if (result.status != COURIER_OK) return result;
	if (deadline_ms) {
		options.has_deadline = 1;
		options.deadline_ms = *deadline_ms;
	}
	result.status = courier_session_load(session, capi_text(url, len), &options, &result.value);
	return result;
}

static capi_result capi_session_snapshot(courier_session session) {
	capi_result result = {0, 0};
	result.status = courier_session_snapshot(session, &result.value);
	return result;
}

// The address comes as a number and becomes a pointer here: Go never has it as one.
static courier_status capi_session_set_surface(courier_session session, uintptr_t surface) {
	return courier_session_set_surface(session, (void *)surface);
}
*/
import "C"

import "unsafe"

func SessionCreate(runtime uint64) (session uint64, err error) {
	err = check("courier_session_create", func() C.courier_status {
		r := C.capi_session_create(C.courier_runtime(runtime))
		session = uint64(r.value)
		return r.status
	})
	return made(session, err)
}

func SessionDestroy(session uint64) error {
	return check("courier_session_destroy", func() C.courier_status {
		return C.courier_session_destroy(C.courier_session(session))
	})
}

// LoadOptions holds what a load is told; nil is the library's default.
type LoadOptions struct {
	DeadlineMS *uint64
}

func SessionLoad(session uint64, url string, o LoadOptions) (load uint64, err error) {
	data, length := textData(url)
	err = check("courier_session_load", func() C.courier_status {
		r := C.capi_session_load(C.courier_session(session), data, length, (*C.uint64_t)(o.DeadlineMS))
		load = uint64(r.value)
		return r.status
	})
	return load, err
}

func SessionCancel(session, load uint64) error {
	return check("courier_session_cancel", func() C.courier_status {
		return C.courier_session_cancel(C.courier_session(session), C.uint64_t(load))
	})
}

// SessionAttachBuffer lends C memory that it keeps and writes to from any thread, until the buffer is
// detached or the session destroyed. The memory is pinned, by the caller, for all that time.
func SessionAttachBuffer(session uint64, memory []byte) error {
	return check("courier_session_attach_buffer", func() C.courier_status {
		var data *C.uint8_t // of no bytes, the address is not kept either
		if len(memory) > 0 {
			data = (*C.uint8_t)(unsafe.SliceData(memory))
		}
		return C.courier_session_attach_buffer(C.courier_session(session), data, C.size_t(len(memory)))
	})
}

func SessionDetachBuffer(session uint64) error {
	return check("courier_session_detach_buffer", func() C.courier_status {
		return C.courier_session_detach_buffer(C.courier_session(session))
	})
}

func SessionSnapshot(session uint64) (blob uint64, err error) {
	err = check("courier_session_snapshot", func() C.courier_status {
		r := C.capi_session_snapshot(C.courier_session(session))
		blob = uint64(r.value)
		return r.status
	})
	return made(blob, err)
}

func SessionSetSurface(session uint64, surface uintptr) error {
	return check("courier_session_set_surface", func() C.courier_status {
		return C.capi_session_set_surface(C.courier_session(session), C.uintptr_t(surface))
	})
}
