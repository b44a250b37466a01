#ifndef CAPI_BENCH_H
#define CAPI_BENCH_H

#include <string.h>

#include "helpers.h"

void capi_bench_empty(void);
void capi_bench_take(const uint8_t *data, size_t len);
capi_result capi_bench_is_cancelled(courier_request request);
capi_result capi_bench_signal(courier_wake_source source, char *text, size_t capacity);
void capi_bench_call_empty(int count);
void capi_bench_call_handle(uintptr_t token, int count);
void capi_bench_call_wake(uint64_t *cell, int count);

#endif
