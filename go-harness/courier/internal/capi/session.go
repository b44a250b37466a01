package capi

/*
#include "helpers.h"

static capi_result capi_session_create(courier_runtime runtime) {
	capi_result result = {0, 0};
	result.status = courier_session_create(runtime, &result.value);
	return result;
}

static capi_result capi_session_load(courier_session session, const char *url, size_t len) {
	capi_result result = {0, 0};
	result.status = courier_session_load(session, capi_text(url, len), NULL, &result.value);
	return result;
}
*/
import "C"

func SessionCreate(runtime uint64) (session uint64, err error) {
	err = check("courier_session_create", func() C.courier_status {
		r := C.capi_session_create(C.courier_runtime(runtime))
		session = uint64(r.value)
		return r.status
	})
	return session, err
}

func SessionDestroy(session uint64) error {
	return check("courier_session_destroy", func() C.courier_status {
		return C.courier_session_destroy(C.courier_session(session))
	})
}

func SessionLoad(session uint64, url string) (load uint64, err error) {
	data, length := textData(url)
	err = check("courier_session_load", func() C.courier_status {
		r := C.capi_session_load(C.courier_session(session), data, length)
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
