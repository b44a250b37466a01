// The parts that the C tests share: checks that say what went wrong, and the steps that every host takes.

#ifndef CHECK_H
#define CHECK_H

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "courier.h"

// Ends a host that hangs, so that the hang has a name. No machine needs this long, under valgrind either.
static inline void hangs(int signal) {
    static const char why[] = "this host hangs\n";
    ssize_t written = write(2, why, sizeof why - 1);
    (void)written;
    _Exit(signal);
}

__attribute__((constructor)) static void watch(void) {
    signal(SIGALRM, hangs);
    alarm(180);
}

// Stops with the line, the expression and the library's diagnostic.
#define CHECK(CONDITION)                                                                      \
    do {                                                                                      \
        if (!(CONDITION)) {                                                                   \
            struct courier_string_view why = courier_last_error();                            \
            fprintf(stderr, "%s:%d: %s: %.*s\n", __FILE__, __LINE__, #CONDITION,              \
                    (int)why.len, why.len ? why.data : "");                                   \
            exit(1);                                                                          \
        }                                                                                     \
    } while (0)

// The call succeeds, and leaves no diagnostic.
#define OK(CALL)                                                                              \
    do {                                                                                      \
        CHECK((CALL) == COURIER_OK);                                                          \
        CHECK(courier_last_error().len == 0);                                                 \
    } while (0)

// The call is refused with this status, and with a diagnostic that begins with this word.
#define REFUSED(CALL, STATUS, WORD)                                                           \
    do {                                                                                      \
        CHECK((CALL) == (STATUS));                                                            \
        CHECK(last_error_is(WORD));                                                           \
    } while (0)

#define INVALID(CALL, WORD) REFUSED(CALL, COURIER_INVALID_ARGUMENT, WORD)

// True if the last error begins with the word, brackets included.
static inline int last_error_is(const char *word) {
    struct courier_string_view why = courier_last_error();
    return why.len > strlen(word) && memcmp(why.data, word, strlen(word)) == 0;
}

static inline struct courier_string_view text(const char *literal) {
    struct courier_string_view view = {literal, strlen(literal)};
    return view;
}

static inline int text_is(struct courier_string_view view, const char *literal) {
    return view.len == strlen(literal) && memcmp(view.data, literal, view.len) == 0;
}

// Calls `work` on another thread and waits for it.
static inline void on_another_thread(void *(*work)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, argument) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

// A runtime that runs its loads when it is told to, on this thread: everything happens in a known order.
static inline courier_runtime stepped_runtime(void) {
    struct courier_runtime_options options;
    courier_runtime runtime = 0;
    OK(courier_runtime_options_init(&options, sizeof options));
    options.workers = COURIER_WORKERS_STEPPED;
    OK(courier_runtime_create(&options, &runtime));
    CHECK(runtime != 0);
    return runtime;
}

static inline courier_session open_session(courier_runtime runtime) {
    courier_session session = 0;
    OK(courier_session_create(runtime, &session));
    CHECK(session != 0);
    return session;
}

static inline uint64_t start_load(courier_session session, const char *url) {
    uint64_t load = 0;
    OK(courier_session_load(session, text(url), NULL, &load));
    return load;
}

// Runs one load of a stepped runtime.
static inline void step(courier_runtime runtime) {
    uint32_t ran = 0;
    OK(courier_runtime_step(runtime, &ran));
    CHECK(ran == 1);
}

// Pumps until one event is there, and takes it out.
static inline struct courier_event next_event(courier_runtime runtime) {
    struct courier_event event;
    uint32_t unread = 0, count = 0;
    while (unread == 0) {
        OK(courier_runtime_pump(runtime, -1, UINT32_MAX, &unread));
    }
    OK(courier_runtime_drain_events(runtime, &event, sizeof event, 1, &count));
    CHECK(count == 1);
    return event;
}

// A response of this kind that carries the text.
static inline struct courier_response response_of(courier_response_kind kind, const char *literal) {
    struct courier_response response;
    memset(&response, 0, sizeof response);
    response.size = sizeof response;
    response.kind = kind;
    response.message = text(literal);
    response.bytes.data = (const uint8_t *)literal;
    response.bytes.len = strlen(literal);
    return response;
}

// Checks a blob's text and releases it.
static inline void take_blob(courier_blob blob, const char *expected) {
    uint8_t buffer[256];
    size_t required = 0;
    OK(courier_blob_copy(blob, buffer, sizeof buffer, &required));
    CHECK(required == strlen(expected) && memcmp(buffer, expected, required) == 0);
    courier_blob_release(blob);
}

// The next event tells of this failure.
static inline void expect_failure(courier_runtime runtime, courier_failure failure) {
    struct courier_event event = next_event(runtime);
    CHECK(event.kind == COURIER_EVENT_FAILED && event.failure == failure);
    CHECK(event.payload != 0);
    courier_blob_release(event.payload);
}

#endif // CHECK_H
