package capi

/*
#include "helpers.h"

static courier_status complete(courier_request request, const courier_response *response) {
	struct capi_use use;
	capi_begin_use(&use, request);
	courier_status status = courier_request_complete(request, response);
	capi_end_use(&use);
	return status;
}

static courier_status capi_request_complete(courier_request request, const uint8_t *data, size_t len) {
	courier_response response = {.size = sizeof response, .kind = COURIER_RESPONSE_BYTES, .bytes = {data, len}};
	return complete(request, &response);
}

static courier_status capi_request_fail(courier_request request, const char *data, size_t len) {
	courier_response response = {.size = sizeof response, .kind = COURIER_RESPONSE_ERROR, .message = {data, len}};
	return complete(request, &response);
}

static void capi_request_release(courier_request request) {
	struct capi_use use;
	capi_begin_use(&use, request);
	courier_request_release(request);
	capi_end_use(&use);
}

static capi_result capi_request_surface(courier_request request) {
	void *surface = NULL;
	capi_result result = {courier_request_surface(request, &surface), 0};
	result.value = (uintptr_t)surface;
	return result;
}

static capi_result capi_request_is_cancelled(courier_request request) {
	uint32_t cancelled = 0;
	capi_result result = {courier_request_is_cancelled(request, &cancelled), 0};
	result.value = cancelled;
	return result;
}
*/
import "C"

import "unsafe"

// RequestComplete answers with bytes, which are copied before it returns.
func RequestComplete(request uint64, body []byte) error {
	return check("courier_request_complete", func() C.courier_status {
		data := (*C.uint8_t)(unsafe.SliceData(body))
		return C.capi_request_complete(C.courier_request(request), data, C.size_t(len(body)))
	})
}

// RequestFail answers with an error, whose text is copied before it returns.
func RequestFail(request uint64, message string) error {
	data, length := textData(message)
	return check("courier_request_complete", func() C.courier_status {
		return C.capi_request_fail(C.courier_request(request), data, length)
	})
}

func RequestIsCancelled(request uint64) (cancelled bool, err error) {
	err = check("courier_request_is_cancelled", func() C.courier_status {
		r := C.capi_request_is_cancelled(C.courier_request(request))
		cancelled = r.value != 0
		return r.status
	})
	return cancelled, err
}

func RequestRelease(request uint64) {
	point("courier_request_release")
	C.capi_request_release(C.courier_request(request))
}

func RequestSurface(request uint64) (surface uintptr, err error) {
	err = check("courier_request_surface", func() C.courier_status {
		r := C.capi_request_surface(C.courier_request(request))
		surface = uintptr(r.value)
		return r.status
	})
	return surface, err
}
