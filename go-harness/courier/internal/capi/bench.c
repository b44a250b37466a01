//go:build bench

#include "bench.h"
#include "_cgo_export.h"

void capi_wake(void *user_data);

void capi_bench_empty(void) {}

void capi_bench_take(const uint8_t *data, size_t len) {
  (void)data;
  (void)len;
}

capi_result capi_bench_is_cancelled(courier_request request) {
  uint32_t cancelled = 0;
  capi_result result = {courier_request_is_cancelled(request, &cancelled), 0};
  result.value = cancelled;
  return result;
}

capi_result capi_bench_signal(courier_wake_source source, char *text, size_t capacity) {
  capi_result result = {courier_wake_source_signal(source), 0};
  if (result.status == COURIER_OK) return result;
  courier_string_view message = courier_last_error();
  result.value = message.len < capacity ? message.len : capacity;
  memcpy(text, message.data, result.value);
  return result;
}

void capi_bench_call_empty(int count) {
  while (count-- > 0) courierGoBenchEmpty();
}

void capi_bench_call_handle(uintptr_t token, int count) {
  while (count-- > 0) courierGoBenchHandle(token);
}

void capi_bench_call_wake(uint64_t *cell, int count) {
  while (count-- > 0) capi_wake(cell);
}
