#include "helpers.h"
#include "_cgo_export.h"

/* The callback that C knows. It reads the token here, so that Go never holds user_data as a pointer. */
courier_decision capi_provide(void *user_data, courier_request request, courier_string_view url) {
  return courierGoProvide(*(uintptr_t *)user_data, request, (char *)capi_data(url), url.len);
}
