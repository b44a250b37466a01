#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "courier.h"

// Objects, by the order in which they came to be; null where there is none.
#define MANY 1024
static courier_runtime runtimes[MANY];
static courier_session sessions[MANY];
static courier_request requests[MANY];
static courier_blob blobs[MANY];
static courier_wake_source sources[MANY];
static int runtime_count, session_count, request_count, blob_count, source_count;
static unsigned char *buffers[MANY];
static size_t sizes[MANY];

// Texts are never freed: the program is short.
static char *text(const char *format, ...) {
  va_list arguments;
  char *made = NULL;
  va_start(arguments, format);
  if (vasprintf(&made, format, arguments) < 0) abort();
  va_end(arguments);
  return made;
}

static char *hex(const unsigned char *bytes, size_t size) {
  char *digits = text("");
  for (size_t i = 0; i < size; i++) digits = text("%s%02x", digits, bytes[i]);
  return digits;
}

static int add(uint64_t *all, int *count, uint64_t id) {
  for (int i = 0; i < *count; i++) {
    if (all[i] == id) return i;
  }
  all[*count] = id;
  return (*count)++;
}

// The word of a refusal, which is in brackets; NULL after a success.
static char *refused(courier_status status) {
  if (status == COURIER_OK) return NULL;
  courier_string_view message = courier_last_error();
  const char *end = message.len ? memchr(message.data, ']', message.len) : NULL;
  if (!end) return text("status %d without a word", (int)status);
  return text("refused %.*s", (int)(end - message.data - 1), message.data + 1);
}

static char *done(courier_status status) {
  char *word = refused(status);
  return word ? word : text("ok");
}

static char *made(courier_status status, uint64_t *all, int *count, uint64_t id) {
  char *word = refused(status);
  return word ? word : text("made %d", add(all, count, id));
}

// Calls that a callback makes, of its own request; what came of them, and of the callbacks since the last step.
typedef char *(*calls)(int own);
static char *upcalls = "";

struct callback {
  calls calls;
  int own;
  courier_decision decision;
};

static struct callback *callback(calls made_inside, int own, courier_decision decision) {
  struct callback *kept = malloc(sizeof *kept);
  if (!kept) abort();
  *kept = (struct callback){made_inside, own, decision};
  return kept;
}

static char *both(char *one, char *other) { return text("%s%s%s", one, *one ? "; " : "", other); }

static void called(struct callback *it, int own, char *kind) {
  char *inside = it->calls(own);
  upcalls = text("%s / %s {%s}", upcalls, kind, inside);
}

static courier_decision on_provide(void *user_data, courier_request request, courier_string_view url) {
  struct callback *it = user_data;
  int own = add(requests, &request_count, request);
  called(it, own, text("provide %d %.*s", own, (int)url.len, url.data));
  return it->decision;
}

static void on_wake(void *user_data) { called(user_data, ((struct callback *)user_data)->own, "wake"); }
static void on_cancelled(void *user_data) { called(user_data, ((struct callback *)user_data)->own, "cancel"); }
static void on_log(void *user_data, courier_log_level level, courier_string_view line) {
  (void)line;
  called(user_data, ((struct callback *)user_data)->own, text("log %d", (int)level));
}

// A folder with the files that scenarios load.
static char *fixture(void) {
  static char outer[] = "/tmp/courier-XXXXXX";
  static char *root;
  if (root) return root;
  if (!mkdtemp(outer)) abort();
  root = text("%s/root", outer);
  const char *names[] = {"root/hello.txt", "root/empty", "root/dir/na\xc3\xafve name", "secret"};
  const char *contents[] = {"hello, world\n", "", "\0\xff\n", "secret"};
  const size_t lengths[] = {13, 0, 3, 6};
  mkdir(root, 0700);
  mkdir(text("%s/dir", root), 0700);
  for (int i = 0; i < 4; i++) {
    FILE *file = fopen(text("%s/%s", outer, names[i]), "w");
    if (!file || fwrite(contents[i], 1, lengths[i], file) != lengths[i]) abort();
    fclose(file);
  }
  if (symlink("hello.txt", text("%s/link-inside", root)) || symlink("../secret", text("%s/link-outside", root)) ||
      symlink("..", text("%s/up", root)))
    abort();
  return root;
}

static char *runtime_create(const char *root, uint32_t max_loads) {
  courier_runtime_options options = {.size = sizeof options};
  courier_runtime id = 0;
  options.workers = COURIER_WORKERS_STEPPED;
  options.max_loads = max_loads;
  options.root = root;
  courier_status status = courier_runtime_create(&options, &id);
  return made(status, runtimes, &runtime_count, id);
}

static char *runtime_destroy(int runtime) { return done(courier_runtime_destroy(runtimes[runtime])); }

static char *pump(int runtime, int64_t milliseconds, uint32_t budget) {
  uint32_t unread = 0;
  char *word = refused(courier_runtime_pump(runtimes[runtime], milliseconds, budget, &unread));
  return word ? word : text("unread %u", unread);
}

static char *step(int runtime) {
  uint32_t ran = 0;
  char *word = refused(courier_runtime_step(runtimes[runtime], &ran));
  return word ? word : text(ran ? "ran" : "idle");
}

static char *content(courier_blob blob) {
  size_t size = 0;
  char *word = refused(courier_blob_copy(blob, NULL, 0, &size));
  if (word) return word;
  unsigned char *bytes = malloc(size + 1);
  word = refused(courier_blob_copy(blob, bytes, size, &size));
  return word ? word : text("content %s", hex(bytes, size));
}

static char *drain(int runtime, uint32_t limit) {
  courier_event events[256];
  uint32_t count = 0;
  char *word = refused(courier_runtime_drain_events(runtimes[runtime], events, sizeof *events, limit, &count));
  if (word) return word;
  char *drained = text("drained");
  for (uint32_t i = 0; i < count; i++) {
    int session = add(sessions, &session_count, events[i].session);
    drained = text("%s [%d %d %d %d", drained, session, (int)events[i].load, (int)events[i].kind, (int)events[i].failure);
    if (events[i].payload) {
      int blob = add(blobs, &blob_count, events[i].payload);
      drained = text("%s made %d %s", drained, blob, content(blobs[blob]));
    }
    drained = text("%s]", drained);
  }
  return drained;
}

static char *set_provider(int runtime, calls made_inside, courier_decision decision) {
  courier_provider provider = {.size = sizeof provider};
  provider.provide = on_provide;
  provider.user_data = callback(made_inside, 0, decision);
  return done(courier_runtime_set_provider(runtimes[runtime], &provider));
}

static char *clear_provider(int runtime) { return done(courier_runtime_clear_provider(runtimes[runtime])); }

static char *set_wake(int runtime, calls made_inside) {
  courier_wake_callback wake = {.size = sizeof wake};
  wake.wake = on_wake;
  wake.user_data = callback(made_inside, 0, 0);
  return done(courier_runtime_set_wake_callback(runtimes[runtime], &wake));
}

static char *clear_wake(int runtime) { return done(courier_runtime_clear_wake_callback(runtimes[runtime])); }

static char *set_log(int level, calls made_inside) {
  courier_log_callback log = {.size = sizeof log};
  log.limit = level;
  log.log = on_log;
  log.user_data = callback(made_inside, 0, 0);
  return done(courier_set_log_callback(&log));
}

static char *clear_log(void) { return done(courier_clear_log_callback()); }

static char *wake_source_create(int runtime) {
  courier_wake_source id = 0;
  courier_status status = courier_runtime_wake_source(runtimes[runtime], &id);
  return made(status, sources, &source_count, id);
}

static char *signal_source(int source) { return done(courier_wake_source_signal(sources[source])); }

static char *wake_source_release(int source) {
  courier_wake_source_release(sources[source]);
  return text("ok");
}

static char *session_create(int runtime) {
  courier_session id = 0;
  courier_status status = courier_session_create(runtimes[runtime], &id);
  return made(status, sessions, &session_count, id);
}

static char *session_destroy(int session) {
  char *word = refused(courier_session_destroy(sessions[session]));
  if (word) return word;
  free(buffers[session]);
  buffers[session] = NULL;
  return text("ok");
}

// A deadline below 0 is none.
static char *load(int session, const char *url, int64_t milliseconds) {
  courier_load_options options = {.size = sizeof options, .has_deadline = 1, .deadline_ms = milliseconds};
  uint64_t number = 0;
  courier_string_view view = {url, strlen(url)};
  char *word = refused(courier_session_load(sessions[session], view, milliseconds < 0 ? NULL : &options, &number));
  return word ? word : text("load %d", (int)number);
}

static char *cancel(int session, uint64_t number) { return done(courier_session_cancel(sessions[session], number)); }

static char *attach(int session, size_t size) {
  unsigned char *memory = malloc(size + 1);
  memset(memory, 0xee, size);
  char *word = refused(courier_session_attach_buffer(sessions[session], memory, size));
  if (word) return word;
  buffers[session] = memory;
  sizes[session] = size;
  return text("ok");
}

static char *detach(int session) {
  char *word = refused(courier_session_detach_buffer(sessions[session]));
  if (word) return word;
  char *digits = hex(buffers[session], sizes[session]);
  free(buffers[session]);
  buffers[session] = NULL;
  return text("buffer %s", digits);
}

static char *snapshot(int session) {
  courier_blob id = 0;
  char *word = refused(courier_session_snapshot(sessions[session], &id));
  if (word) return word;
  int blob = add(blobs, &blob_count, id);
  return text("made %d %s", blob, content(id));
}

static char *set_surface(int session, uintptr_t surface) {
  return done(courier_session_set_surface(sessions[session], (void *)surface));
}

static char *surface(int request) {
  void *address = NULL;
  char *word = refused(courier_request_surface(requests[request], &address));
  return word ? word : text("surface %u", (unsigned)(uintptr_t)address);
}

static char *next_wait(int runtime) {
  int64_t milliseconds = 0;
  char *word = refused(courier_runtime_next_timeout(runtimes[runtime], &milliseconds));
  if (word) return word;
  return text("wait %s", milliseconds < 0 ? "never" : milliseconds == 0 ? "now" : milliseconds <= 1 ? "soon" : "later");
}

static char *on_cancel(int request, calls made_inside) {
  courier_cancel_callback hook = {.size = sizeof hook};
  uint32_t cancelled = 0;
  hook.cancel = on_cancelled;
  hook.user_data = callback(made_inside, request, 0);
  char *word = refused(courier_request_on_cancel(requests[request], &hook, &cancelled));
  return word ? word : text(cancelled ? "cancelled" : "not cancelled");
}

static char *clear_on_cancel(int request) { return done(courier_request_clear_on_cancel(requests[request])); }

// Bytes without a place, though not none.
#define NOWHERE -1

static char *complete(int request, int kind, const char *body) {
  courier_response response = {.size = sizeof response};
  size_t length = strlen(body);
  if (kind == NOWHERE) {
    response.kind = COURIER_RESPONSE_BYTES;
    response.bytes.len = 1;
    return done(courier_request_complete(requests[request], &response));
  }
  response.kind = kind;
  response.bytes.data = (const uint8_t *)body;
  response.message.data = body;
  response.bytes.len = kind == COURIER_RESPONSE_BYTES ? length : 0;
  response.message.len = kind == COURIER_RESPONSE_ERROR ? length : 0;
  return done(courier_request_complete(requests[request], &response));
}

static char *is_cancelled(int request) {
  uint32_t cancelled = 0;
  char *word = refused(courier_request_is_cancelled(requests[request], &cancelled));
  return word ? word : text(cancelled ? "cancelled" : "not cancelled");
}

static char *request_release(int request) {
  courier_request_release(requests[request]);
  return text("ok");
}

static char *blob_read(int blob) { return content(blobs[blob]); }

static char *blob_release(int blob) {
  courier_blob_release(blobs[blob]);
  return text("ok");
}

// `*` stands for any text.
static int like(const char *expected, const char *seen) {
  if (*expected == '*') return like(expected + 1, seen) || (*seen && like(expected, seen + 1));
  return *expected == *seen && (!*expected || like(expected + 1, seen + 1));
}

// Lanes: lane 0 is the main thread.
static struct lane {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t turn;
  int started;
  char *(*task)(void);
  char *result;
} lanes[4];

static void *serve(void *argument) {
  struct lane *lane = argument;
  pthread_mutex_lock(&lane->mutex);
  for (;;) {
    while (!lane->task) pthread_cond_wait(&lane->turn, &lane->mutex);
    lane->result = lane->task();
    lane->task = NULL;
    pthread_cond_broadcast(&lane->turn);
  }
  return NULL;
}

static char *on_lane(struct lane *lane, char *(*task)(void)) {
  if (!lane->started) {
    lane->started = 1;
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_cond_init(&lane->turn, NULL);
    if (pthread_create(&lane->thread, NULL, serve, lane)) abort();
  }
  pthread_mutex_lock(&lane->mutex);
  lane->task = task;
  pthread_cond_broadcast(&lane->turn);
  while (lane->task) pthread_cond_wait(&lane->turn, &lane->mutex);
  pthread_mutex_unlock(&lane->mutex);
  return lane->result;
}

static void run(int lane, const char *line, const char *expected, char *(*task)(void)) {
  upcalls = "";
  char *outcome = lane ? on_lane(&lanes[lane], task) : task();
  char *seen = text("%s%s", outcome, upcalls);
  if (like(expected, seen)) return;
  printf("%s\n  expected: %s\n  seen:     %s\n", line, expected, seen);
  exit(1);
}

static char *nothing(int own) {
  (void)own;
  return "";
}
