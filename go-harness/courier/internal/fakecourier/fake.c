//go:build courier_nolink && courier_fake

#include "fake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS 4096
#define EVENTS 64
#define TEXT 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t version;
static uint64_t fingerprint;
static uint64_t last_id;
static uint64_t last_load;
static courier_session last_session;
static int keeps; // loads do not end
static courier_event_kind next_kind;
static courier_failure next_failure;

static const char *calls[CALLS];
static int call_count;

static struct {
  char function[TEXT];
  int skip;
  courier_status status;
  char message[TEXT];
} fault;

static struct {
  char function[TEXT];
  int skip;
  uint64_t value;
} gift;

static _Thread_local char last_error[TEXT];

/* What is lent in the place of a message, if anything. */
static int lends;
static courier_string_view lent;

static courier_event events[EVENTS];
static uint32_t event_count;

static struct {
  courier_blob blob;
  char bytes[TEXT];
  size_t length;
} blobs[EVENTS];
static int blob_count;

/* The last of each that was installed, and never forgotten: the binding frees the word of the token. */
static courier_provider_fn provider;
static courier_wake_fn waker;
static courier_log_fn logger;
static uint64_t provider_token, waker_token, logger_token;

void fake_give(const char *function, int skip, uint64_t value) {
  pthread_mutex_lock(&lock);
  snprintf(gift.function, TEXT, "%s", function);
  gift.skip = skip < 0 ? -2 : skip; /* below -1: for ever */
  gift.value = value;
  pthread_mutex_unlock(&lock);
}

/* The value that a function returns, or a field of an event has: honest, unless it is to be another. */
static uint64_t given(const char *function, uint64_t honest) {
  pthread_mutex_lock(&lock);
  if (strcmp(gift.function, function) == 0 && (gift.skip < 0 || gift.skip-- == 0)) {
    honest = gift.value;
    if (gift.skip == -1) gift.function[0] = 0;
  }
  pthread_mutex_unlock(&lock);
  return honest;
}

void fake_lend(uintptr_t data, size_t len) {
  lends = 1;
  lent = (courier_string_view){(const char *)data, len};
}

void fake_reset(void) {
  pthread_mutex_lock(&lock);
  memset(&fault, 0, sizeof fault);
  memset(&gift, 0, sizeof gift);
  lends = 0;
  keeps = 0;
  next_kind = COURIER_EVENT_COMPLETED;
  next_failure = COURIER_FAILURE_NONE;
  call_count = 0;
  event_count = 0;
  waker = NULL;
  blob_count = 0;
  last_load = 0;
  pthread_mutex_unlock(&lock);
}

void fake_pretend(uint32_t v, uint64_t f) {
  version = v;
  fingerprint = f;
}

void fake_return(const char *function, int skip, courier_status status, const char *message) {
  pthread_mutex_lock(&lock);
  snprintf(fault.function, TEXT, "%s", function);
  snprintf(fault.message, TEXT, "%s", message);
  fault.skip = skip;
  fault.status = status;
  pthread_mutex_unlock(&lock);
}

int fake_calls(const char *function) {
  int found = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < call_count; i++) found += strcmp(calls[i], function) == 0;
  pthread_mutex_unlock(&lock);
  return found;
}

/* Notes a call, and injects the fault that is planned for it. */
static courier_status called(const char *function) {
  courier_status status = COURIER_OK;
  last_error[0] = 0;
  pthread_mutex_lock(&lock);
  if (call_count < CALLS) calls[call_count++] = function;
  if (strcmp(fault.function, function) == 0 && fault.skip-- == 0) {
    status = fault.status;
    memcpy(last_error, fault.message, TEXT);
    fault.function[0] = 0;
  }
  pthread_mutex_unlock(&lock);
  return status;
}

#define CALLED                                   \
  do {                                           \
    courier_status status = called(__func__);    \
    if (status != COURIER_OK) return status;     \
  } while (0)

static uint64_t new_id(void) {
  pthread_mutex_lock(&lock);
  uint64_t id = ++last_id;
  pthread_mutex_unlock(&lock);
  return id;
}

void fake_queue(courier_session session, courier_event_kind kind, courier_failure failure,
                const char *payload, size_t length) {
  uint64_t blob = given("courier_event.payload", new_id());
  pthread_mutex_lock(&lock);
  if (event_count < EVENTS && blob_count < EVENTS && length <= TEXT) {
    blobs[blob_count].blob = blob;
    blobs[blob_count].length = length;
    memcpy(blobs[blob_count].bytes, payload, length);
    blob_count++;
    courier_event event = {kind, failure, session, ++last_load, blob};
    events[event_count++] = event;
  }
  pthread_mutex_unlock(&lock);
}

void fake_next_kind(courier_event_kind kind, courier_failure failure) {
  pthread_mutex_lock(&lock);
  next_kind = kind;
  next_failure = failure;
  pthread_mutex_unlock(&lock);
}

void fake_keep(void) {
  pthread_mutex_lock(&lock);
  keeps = 1;
  pthread_mutex_unlock(&lock);
}

courier_session fake_last_session(void) { return last_session; }

uint64_t fake_installed(int wake) { return wake ? waker_token : provider_token; }

courier_decision fake_offer(uint64_t token, courier_request request, const char *url) {
  courier_string_view view = {url, strlen(url)};
  return provider(&token, request, view);
}

courier_decision fake_offer_view(uint64_t token, courier_request request, uintptr_t data, size_t len) {
  courier_string_view view = {(const char *)data, len};
  return provider(&token, request, view);
}

void fake_log(int32_t level, uintptr_t data, size_t len) {
  courier_string_view view = {(const char *)data, len};
  logger(&logger_token, level, view);
}

void fake_wake(uint64_t token) { waker(&token); }

uint32_t courier_abi_version(void) { return called(__func__), version; }
uint64_t courier_layout_fingerprint(void) { return called(__func__), fingerprint; }

courier_string_view courier_last_error(void) {
  courier_string_view view = {last_error, strlen(last_error)};
  return lends ? lent : view;
}

courier_status courier_runtime_options_init(courier_runtime_options *options, uint32_t size) {
  CALLED;
  memset(options, 0, size);
  options->size = size;
  return COURIER_OK;
}

courier_status courier_runtime_create(const courier_runtime_options *options, courier_runtime *runtime) {
  CALLED;
  (void)options;
  *runtime = given(__func__, new_id());
  return COURIER_OK;
}

courier_status courier_runtime_destroy(courier_runtime runtime) {
  CALLED;
  (void)runtime;
  return COURIER_OK;
}

courier_status courier_runtime_pump(courier_runtime runtime, int64_t timeout_ms, uint32_t budget, uint32_t *unread) {
  CALLED;
  (void)runtime, (void)timeout_ms, (void)budget;
  pthread_mutex_lock(&lock);
  uint32_t honest = event_count;
  pthread_mutex_unlock(&lock);
  *unread = (uint32_t)given(__func__, honest);
  return COURIER_OK;
}

courier_status courier_runtime_next_timeout(courier_runtime runtime, int64_t *timeout_ms) {
  CALLED;
  (void)runtime;
  *timeout_ms = (int64_t)given(__func__, (uint64_t)-1);
  return COURIER_OK;
}

courier_status courier_runtime_step(courier_runtime runtime, uint32_t *ran) {
  CALLED;
  (void)runtime;
  *ran = (uint32_t)given(__func__, 0);
  return COURIER_OK;
}

courier_status courier_runtime_drain_events(courier_runtime runtime, courier_event *out, uint32_t stride,
                                            uint32_t capacity, uint32_t *count) {
  CALLED;
  (void)runtime, (void)stride;
  pthread_mutex_lock(&lock);
  *count = event_count < capacity ? event_count : capacity;
  memcpy(out, events, *count * sizeof *out);
  memmove(events, events + *count, (event_count - *count) * sizeof *events);
  event_count -= *count;
  pthread_mutex_unlock(&lock);
  *count = (uint32_t)given(__func__, *count);
  return COURIER_OK;
}

courier_status courier_runtime_set_provider(courier_runtime runtime, const courier_provider *p) {
  CALLED;
  (void)runtime;
  provider = p->provide;
  provider_token = *(uint64_t *)p->user_data;
  return COURIER_OK;
}

courier_status courier_runtime_clear_provider(courier_runtime runtime) {
  CALLED;
  (void)runtime;
  return COURIER_OK;
}

courier_status courier_runtime_set_wake_callback(courier_runtime runtime, const courier_wake_callback *callback) {
  CALLED;
  (void)runtime;
  waker = callback->wake;
  waker_token = *(uint64_t *)callback->user_data;
  return COURIER_OK;
}

courier_status courier_runtime_clear_wake_callback(courier_runtime runtime) {
  CALLED;
  (void)runtime;
  return COURIER_OK;
}

courier_status courier_runtime_wake_source(courier_runtime runtime, courier_wake_source *source) {
  CALLED;
  (void)runtime;
  *source = given(__func__, new_id());
  return COURIER_OK;
}

courier_status courier_wake_source_signal(courier_wake_source source) {
  CALLED;
  (void)source;
  return COURIER_OK;
}

void courier_wake_source_release(courier_wake_source source) {
  (void)source;
  called(__func__);
}

courier_status courier_session_create(courier_runtime runtime, courier_session *session) {
  CALLED;
  (void)runtime;
  *session = last_session = given(__func__, new_id());
  return COURIER_OK;
}

courier_status courier_session_destroy(courier_session session) {
  CALLED;
  (void)session;
  return COURIER_OK;
}

courier_status courier_load_options_init(courier_load_options *options, uint32_t size) {
  CALLED;
  memset(options, 0, size);
  options->size = size;
  return COURIER_OK;
}

courier_status courier_session_load(courier_session session, courier_string_view url,
                                    const courier_load_options *options, uint64_t *load) {
  CALLED;
  (void)options;
  if (keeps) {
    *load = given(__func__, new_id());
    return COURIER_OK;
  }
  fake_queue(session, next_kind, next_failure, url.data, url.len);
  *load = given(__func__, last_load);
  if (waker) waker(&waker_token);
  return COURIER_OK;
}

courier_status courier_session_cancel(courier_session session, uint64_t load) {
  CALLED;
  (void)session, (void)load;
  return COURIER_OK;
}

courier_status courier_session_attach_buffer(courier_session session, uint8_t *data, size_t capacity) {
  CALLED;
  (void)session, (void)data, (void)capacity;
  return COURIER_OK;
}

courier_status courier_session_detach_buffer(courier_session session) {
  CALLED;
  (void)session;
  return COURIER_OK;
}

courier_status courier_session_snapshot(courier_session session, courier_blob *blob) {
  CALLED;
  (void)session;
  *blob = given(__func__, new_id());
  return COURIER_OK;
}

courier_status courier_session_set_surface(courier_session session, void *surface) {
  CALLED;
  (void)session, (void)surface;
  return COURIER_OK;
}

courier_status courier_request_complete(courier_request request, const courier_response *response) {
  CALLED;
  (void)request, (void)response;
  return COURIER_OK;
}

courier_status courier_request_is_cancelled(courier_request request, uint32_t *cancelled) {
  CALLED;
  (void)request;
  *cancelled = (uint32_t)given(__func__, 0);
  return COURIER_OK;
}

courier_status courier_request_on_cancel(courier_request request, const courier_cancel_callback *callback,
                                         uint32_t *cancelled) {
  CALLED;
  (void)request, (void)callback;
  *cancelled = (uint32_t)given(__func__, 0);
  return COURIER_OK;
}

courier_status courier_request_clear_on_cancel(courier_request request) {
  CALLED;
  (void)request;
  return COURIER_OK;
}

courier_status courier_request_surface(courier_request request, void **surface) {
  CALLED;
  (void)request;
  *surface = (void *)(uintptr_t)given(__func__, 0);
  return COURIER_OK;
}

void courier_request_release(courier_request request) {
  (void)request;
  called(__func__);
}

courier_status courier_blob_copy(courier_blob blob, uint8_t *buffer, size_t capacity, size_t *required) {
  CALLED;
  pthread_mutex_lock(&lock);
  *required = 0;
  for (int i = 0; i < blob_count; i++) {
    if (blobs[i].blob != blob) continue;
    *required = blobs[i].length;
    if (capacity >= blobs[i].length) memcpy(buffer, blobs[i].bytes, blobs[i].length);
  }
  pthread_mutex_unlock(&lock);
  *required = (size_t)given(__func__, *required);
  return COURIER_OK;
}

void courier_blob_release(courier_blob blob) {
  (void)blob;
  called(__func__);
}

courier_status courier_set_log_callback(const courier_log_callback *callback) {
  CALLED;
  logger = callback->log;
  logger_token = *(uint64_t *)callback->user_data;
  return COURIER_OK;
}

courier_status courier_clear_log_callback(void) {
  CALLED;
  return COURIER_OK;
}
