#include "helpers.h"
#include "_cgo_export.h"

/*
 * The callbacks that C knows. Each reads the token here, so that Go never holds user_data as a pointer,
 * and marks the thread while it is inside.
 */

static _Thread_local int inside;
static _Thread_local uint64_t owner;
static _Thread_local const struct capi_use *uses;

static uint64_t enter(void *user_data) {
  inside++;
  return *(uint64_t *)user_data;
}

courier_decision capi_provide(void *user_data, courier_request request, courier_string_view url) {
  courier_decision decision = courierGoProvide(enter(user_data), request, (char *)capi_data(url), url.len);
  inside--;
  return decision;
}

void capi_cancel(void *user_data) {
  courierGoCancel(enter(user_data));
  inside--;
}

void capi_wake(void *user_data) {
  courierGoWake(enter(user_data));
  inside--;
}

void capi_log(void *user_data, courier_log_level level, courier_string_view text) {
  courierGoLog(enter(user_data), level, (char *)capi_data(text), text.len);
  inside--;
}

void capi_set_owner(uint64_t id) { owner = id; }

uint64_t capi_owner(void) { return inside > 0 ? CAPI_INSIDE : owner; }

void capi_begin_use(struct capi_use *use, uint64_t id) {
  use->id = id;
  use->outer = uses;
  uses = use;
}

void capi_end_use(const struct capi_use *use) { uses = use->outer; }

int capi_in_use(uint64_t id) {
  for (const struct capi_use *use = uses; use; use = use->outer) {
    if (use->id == id) return 1;
  }
  return 0;
}
