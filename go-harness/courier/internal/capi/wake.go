package capi

/*
#include "helpers.h"

static capi_result capi_runtime_wake_source(courier_runtime runtime) {
	capi_result result = {0, 0};
	result.status = courier_runtime_wake_source(runtime, &result.value);
	return result;
}

static courier_status capi_wake_source_signal(courier_wake_source source) {
	struct capi_use use;
	capi_begin_use(&use, source);
	courier_status status = courier_wake_source_signal(source);
	capi_end_use(&use);
	return status;
}
*/
import "C"

func RuntimeWakeSource(runtime uint64) (source uint64, err error) {
	err = check("courier_runtime_wake_source", func() C.courier_status {
		r := C.capi_runtime_wake_source(C.courier_runtime(runtime))
		source = uint64(r.value)
		return r.status
	})
	return made(source, err)
}

func WakeSourceSignal(source uint64) error {
	return check("courier_wake_source_signal", func() C.courier_status {
		return C.capi_wake_source_signal(C.courier_wake_source(source))
	})
}

func WakeSourceRelease(source uint64) {
	point("courier_wake_source_release")
	C.courier_wake_source_release(C.courier_wake_source(source))
}
